/** Policies for nodes, where the host firewall is on: told, found broken, and confirmed by packets. */
import { describe, expect, it } from 'vitest';
import { checkScenario, type PropertyResult } from '../../src/check/run/check.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const PODS = ['a', 'b'].map((app) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: app, labels: { app } },
  spec: { containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] }] },
}));
const ALL = { matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] };
const policy = (from: object, node: object = {}) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumClusterwideNetworkPolicy',
  metadata: { name: 'node' },
  spec: {
    nodeSelector: node,
    ingress: [
      { fromEndpoints: [from], toPorts: [{ ports: [{ port: '8081', protocol: 'TCP' }] }] },
      { fromEntities: ['world', 'health', 'remote-node'] },
    ],
  },
});
const NEVER = { name: 'b stays out', never: { from: { pod: 'b' }, to: { entity: 'host' }, ports: ['8081'] } };
const ALWAYS = { name: 'a comes in', always: { from: { pod: 'a' }, to: { entity: 'host' }, ports: ['8081'] } };

function check(object: object, properties: readonly object[], options: object, cluster: object = {}): readonly PropertyResult[] {
  const text = JSON.stringify({
    name: 'nodes',
    cluster: { options, ...cluster },
    properties,
    steps: [{ apply: [...PODS, object].map((one) => JSON.stringify(one)).join('\n---\n') }],
  });
  const parsed = parseScenario(text, { file: 'x.yaml', readFile: () => ({ error: 'no files' }) });
  if (!parsed.ok) {
    throw new Error(JSON.stringify(parsed.issues));
  }
  return checkScenario(parsed.scenario, { seed: 1, runs: 100, builtins: false, replay: null }).properties;
}

const FIREWALL = { 'enable-host-firewall': true };
const A = { matchLabels: { app: 'a' }, ...ALL };

describe('policies for nodes', () => {
  it('hold with the host firewall', () => {
    expect(check(policy(A), [NEVER, ALWAYS], FIREWALL).map(({ verdict }) => verdict)).toEqual(['holds', 'holds']);
  });

  it.each([
    ['open to more', policy(ALL), FIREWALL, {}, 0],
    ['without the host firewall', policy(A), {}, {}, 0],
    ['for other nodes', policy(A, { matchLabels: { role: 'edge' } }), FIREWALL, {}, 0],
    ['closed to all', policy({ matchLabels: { app: 'c' }, ...ALL }), FIREWALL, {}, 1],
    [
      'for nodes by their labels',
      policy({ matchLabels: { app: 'c' }, ...ALL }, { matchLabels: { role: 'edge' } }),
      FIREWALL,
      { nodes: [{ name: 'node1', ip: '192.168.1.10', podCIDR: '10.0.0.0/24', labels: { role: 'edge' } }] },
      1,
    ],
  ] as const)('are broken, as packets confirm: %s', (_, object, options, cluster, which) => {
    const [result] = check(object, [which === 0 ? NEVER : ALWAYS], options, cluster);
    expect(result?.verdict).toBe('broken');
    expect(result?.counterexample?.unconfirmed).toBeNull();
  });
});
