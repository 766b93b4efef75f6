/** The built-in properties: each holds where it should, and can fail. */
import { describe, expect, it } from 'vitest';
import { faultSearch } from '../../../src/check/faults/search.ts';
import { DENY_WINS, WHATEVER_FAILS } from '../../../src/check/properties/builtin.ts';
import { checkScenario } from '../../../src/check/run/check.ts';
import { type CheckSubject, subjectOf } from '../../../src/check/run/subject.ts';
import { Cluster } from '../../../src/cluster/cluster.ts';
import { parseScenario } from '../../../src/scenario/parse.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';

const PODS = ['server', 'client'].map((app) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: app, labels: { app } },
  spec: { containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] }] },
}));
const CLIENT = { fromEndpoints: [{ matchLabels: { app: 'client' } }] };
const PORT = { ports: [{ port: '80', protocol: 'TCP' }] };

function scenario(spec: object): Scenario {
  const policy = {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'one' },
    spec: { endpointSelector: { matchLabels: { app: 'server' } }, ...spec },
  };
  const text = JSON.stringify({ name: 'x', steps: [{ apply: [...PODS, policy].map((one) => JSON.stringify(one)).join('\n---\n') }] });
  const parsed = parseScenario(text, { file: 'x.yaml', readFile: () => ({ error: 'no files' }) });
  if (!parsed.ok) {
    throw new Error(JSON.stringify(parsed.issues));
  }
  return parsed.scenario;
}

const verdictOf = (spec: object, name: string): string | undefined =>
  checkScenario(scenario(spec), { seed: 1, runs: 300, builtins: true, faultRuns: 5, replay: null }).properties.find(
    (one) => one.name === name,
  )?.verdict;

describe(DENY_WINS.name, () => {
  it('holds', () => {
    expect(verdictOf({ ingress: [{ fromEntities: ['all'], toPorts: [PORT] }], ingressDeny: [CLIENT] }, DENY_WINS.name)).toBe('holds');
  });

  it('can fail', () => {
    const restricted = { ...CLIENT, toPorts: [{ ...PORT, rules: { http: [{ method: 'GET' }] } }] };
    expect(verdictOf({ ingress: [restricted], ingressDeny: [CLIENT] }, DENY_WINS.name)).toBe('broken');
  });
});

describe(WHATEVER_FAILS.name, () => {
  const search = (subject: CheckSubject): string => faultSearch(subject).run({ seed: 1, count: 40, path: '', number: 1 }).verdict;
  const open = { ingress: [{ ...CLIENT, toPorts: [PORT] }] };

  it('holds', () => {
    expect(search(subjectOf(scenario(open)))).toBe('holds');
  });

  it('can fail', () => {
    const create = Cluster.create;
    try {
      // An API server that forgets policies.
      Cluster.create = (options) => {
        const cluster = create.call(Cluster, options);
        const apply = cluster.api.apply.bind(cluster.api);
        cluster.api.apply = (object, ...rest) => (object.kind === 'CiliumNetworkPolicy' ? 'unchanged' : apply(object, ...rest));
        return cluster;
      };
      expect(search(subjectOf(scenario(open)))).toBe('broken');
    } finally {
      Cluster.create = create;
    }
  });
});
