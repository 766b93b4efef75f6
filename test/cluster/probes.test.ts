/** agnhost in pods, SCTP through the datapath, labels that change, audit mode of one endpoint. */
import { describe, expect, it } from 'vitest';
import { Cluster } from '../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';
import type { KubeObject, Pod } from '../../src/k8s/objects.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import { SECOND } from '../../src/sim/clock.ts';

const IMAGE = 'registry.k8s.io/e2e-test-images/agnhost:2.43';
const PINS = { pods: { 'default/a': { ip: '10.0.0.11' }, 'default/b': { ip: '10.0.0.12' } } };

function pod(name: string, containers: Pod['spec']['containers']): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels: { app: name } }, spec: { containers } };
}

function serving(): Pod['spec']['containers'] {
  return [
    { name: 'tcp', image: IMAGE, args: ['serve-hostname', '--tcp', '--http=false', '--port', '80'] },
    { name: 'udp', image: IMAGE, args: ['serve-hostname', '--udp', '--http=false', '--port=80'] },
    { name: 'sctp', image: IMAGE, args: ['porter'], env: [{ name: 'SERVE_SCTP_PORT_80', value: 'foo' }] },
    { name: 'net', image: IMAGE, args: ['netexec', '--http-port=8080', '--sctp-port=8082'] },
  ];
}

function twoPods(options: Readonly<Record<string, boolean | string>> = {}): Cluster {
  const cluster = Cluster.create({ ...DEFAULT_CLUSTER_OPTIONS, options, pins: PINS });
  cluster.api.create(pod('a', [{ name: 'a', image: IMAGE }]));
  cluster.api.create(pod('b', serving()));
  cluster.settle();
  return cluster;
}

function connect(cluster: Cluster, target: string, protocol: string): string {
  const run = cluster.exec('default', 'a', ['/agnhost', 'connect', target, '--timeout=1s', `--protocol=${protocol}`]);
  cluster.runUntil(() => run?.done === true, 5 * SECOND);
  return run?.result?.exitCode === 0 ? 'ok' : (run?.result?.stderr.trim() ?? 'never ended');
}

function apply(cluster: Cluster, object: KubeObject): void {
  cluster.api.apply(object);
  cluster.settle();
}

function onlyFrom(selector: object): KubeObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'only', namespace: 'default' },
    spec: { podSelector: { matchLabels: { app: 'b' } }, ingress: [{ from: [selector] }] },
  };
}

describe('agnhost', () => {
  it('serves and probes TCP, UDP and SCTP', () => {
    const cluster = twoPods({ 'enable-sctp': true });
    expect(['tcp', 'udp', 'sctp'].map((protocol) => connect(cluster, '10.0.0.12:80', protocol))).toEqual(['ok', 'ok', 'ok']);
    expect(['tcp', 'sctp'].map((protocol) => connect(cluster, '10.0.0.12:99', protocol))).toEqual(['REFUSED', 'REFUSED']);
    expect(connect(cluster, '10.0.0.12:99', 'udp')).toBe('REFUSED');
    expect([connect(cluster, '10.0.0.12:8080', 'tcp'), connect(cluster, '10.0.0.12:8081', 'udp')]).toEqual(['ok', 'ok']);
    expect(connect(cluster, '10.0.0.12:8082', 'sctp')).toBe('ok');
    expect(connect(cluster, 'nobody:80', 'tcp')).toBe('DNS: not-found');
    expect(connect(cluster, '10.0.0.12:80', 'dccp')).toBe('OTHER: unknown protocol dccp');
  });

  it.each([
    // The sender's program ends with the bare error, which is no verdict of tc: the packet goes on to the receiver's.
    ['a tail call', {}, 2043],
    ['inlined, where socket LB leaves packets alone', { 'kube-proxy-replacement': 'strict' }, 1264],
  ])('cannot use SCTP unless the agent enables it: look-up in %s', (_, options, line) => {
    const cluster = twoPods(options);
    expect(connect(cluster, '10.0.0.12:80', 'sctp')).toBe('TIMEOUT');
    const drops = cluster.nodes[0]?.events
      .since(0)
      .flatMap((event) => (event.kind === 'perf' && event.record.type === 1 ? [[event.record.reason, event.record.line]] : []));
    expect(drops).toEqual([[137, line]]);
  });
});

describe('labels of a live pod', () => {
  it('follow its namespace after the grace period', () => {
    const cluster = twoPods();
    apply(cluster, onlyFrom({ namespaceSelector: { matchLabels: { stage: 'new' } } }));
    expect(connect(cluster, '10.0.0.12:80', 'tcp')).toBe('TIMEOUT');
    apply(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', labels: { stage: 'new' } } });
    expect(connect(cluster, '10.0.0.12:80', 'tcp')).toBe('TIMEOUT');
    cluster.advance(5 * SECOND);
    cluster.settle();
    expect(connect(cluster, '10.0.0.12:80', 'tcp')).toBe('ok');
  });

  it('leave no identity behind when they come back', () => {
    const cluster = twoPods();
    const known = cluster.identities.list().length;
    for (const stage of ['new', 'new', 'old']) {
      const labels = stage === 'new' ? { app: 'a', stage } : { app: 'a' };
      const a = cluster.api.get<Pod>('Pod', 'default', 'a') as Pod;
      cluster.api.update({ ...a, metadata: { ...a.metadata, labels, annotations: { stage } } });
      cluster.advance(6 * SECOND);
      cluster.settle();
    }
    expect(cluster.identities.list()).toHaveLength(known);
  });
});

describe('PolicyAuditMode of one endpoint', () => {
  it('reports what its policy denies and lets it through', () => {
    const cluster = twoPods();
    apply(cluster, onlyFrom({ podSelector: { matchLabels: { app: 'nobody' } } }));
    expect(connect(cluster, '10.0.0.12:80', 'tcp')).toBe('TIMEOUT');
    const agent = cluster.nodes[0]?.agent;
    const b = agent?.endpoints.ofAddress(parseIpv4('10.0.0.12') as number);
    if (agent === undefined || b === undefined) {
      throw new Error('b has no endpoint');
    }
    agent.setPolicyAuditMode(b, true);
    cluster.settle();
    expect(connect(cluster, '10.0.0.12:80', 'tcp')).toBe('ok');
    const audited = cluster.nodes[0]?.events
      .since(0)
      .some((event) => event.kind === 'perf' && event.record.type === 5 && event.record.audited);
    expect(audited).toBe(true);
    expect(agent.endpointViews().find(({ id }) => id === b.id)?.enforcement).toEqual({ ingress: true, egress: false, audit: true });
    agent.setPolicyAuditMode(b, false);
    cluster.settle();
    expect(connect(cluster, '10.0.0.12:80', 'tcp')).toBe('TIMEOUT');
  });
});
