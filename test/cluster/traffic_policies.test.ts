import { describe, expect, it } from 'vitest';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const NODES = [
  { name: 'node1', ip: '192.168.1.10', podCIDR: '10.0.0.0/24' },
  { name: 'node2', ip: '192.168.1.11', podCIDR: '10.0.1.0/24' },
];
const WORLD = ['198.51.100.7', '203.0.113.7'].map((ip, i) => ({ name: `out${i}`, names: [], ips: [ip], servers: [], podRoutes: false }));

const pod = (name: string, node: string, labels: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: ${labels}}
spec: {nodeName: ${node}, containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
`;
const service = (name: string, nodePort: number, spec: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {clusterIP: 10.43.0.${nodePort - 30000}, ${spec}, ports: [{port: 80, targetPort: 8080, nodePort: ${nodePort}}]}
`;
const OBJECTS = [
  pod('near', 'node1', '{app: client}'),
  pod('far', 'node2', '{app: client}'),
  pod('server', 'node2', '{app: server}'),
  ...['s1', 's2', 's3', 's4'].map((name, i) => pod(name, `node${(i % 2) + 1}`, '{app: many}')),
  service('inside', 30050, 'type: NodePort, internalTrafficPolicy: Local, selector: {app: server}'),
  service('outside', 30051, 'type: NodePort, externalTrafficPolicy: Local, selector: {app: server}'),
  service('both', 30052, 'type: NodePort, internalTrafficPolicy: Local, externalTrafficPolicy: Local, selector: {app: server}'),
  service(
    'sticky',
    30053,
    'type: NodePort, sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}, selector: {app: many}',
  ),
  service('nobody', 30054, 'type: NodePort, externalTrafficPolicy: Local, internalTrafficPolicy: Local, selector: {app: nobody}'),
  service('ranges', 30055, 'type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24, 192.168.1.0/24], selector: {app: server}'),
];

const ask = (test: TestCluster, namespace: string, name: string, url: string): string =>
  test.run(namespace, name, 'curl', '-s', '-m', '2', `http://${url}/`).stdout || 'nothing';

const HOW = [
  ['kube-proxy, tunnel', {}],
  ['kube-proxy, direct', { tunnel: 'disabled', 'auto-direct-node-routes': true, 'ipv4-native-routing-cidr': '10.0.0.0/16' }],
  ['strict, tunnel', { 'kube-proxy-replacement': 'strict' }],
  ['strict, geneve', { 'kube-proxy-replacement': 'strict', tunnel: 'geneve', 'tunnel-port': 7777 }],
  [
    'strict, direct',
    { 'kube-proxy-replacement': 'strict', tunnel: 'disabled', 'auto-direct-node-routes': true, 'ipv4-native-routing-cidr': '10.0.0.0/16' },
  ],
  ['kube-proxy, endpoint routes', { 'enable-endpoint-routes': true }],
] as const;

describe.each(HOW)('services whose backends are not everywhere: %s', (_name, options) => {
  const made = (): TestCluster => newTestCluster(OBJECTS, { nodes: NODES, options, world: WORLD });

  it('keep connections from inside on the node, connections from outside on the node, or both', () => {
    const test = made();
    const table = (of: number): string[] =>
      [
        ['default', 'near', `10.43.0.${of}`],
        ['default', 'far', `10.43.0.${of}`],
        ['node', 'node1', `10.43.0.${of}`],
        ['node', 'node2', `10.43.0.${of}`],
        ['world', 'out0', `192.168.1.10:300${of}`],
        ['world', 'out0', `192.168.1.11:300${of}`],
      ].map(([namespace = '', name = '', url = '']) => `${name}: ${ask(test, namespace, name, url)}`);
    const yes = (...who: boolean[]): string[] =>
      ['near', 'far', 'node1', 'node2', 'out0', 'out0'].map((name, i) => `${name}: ${who[i] === true ? 'server' : 'nothing'}`);
    expect(table(50)).toEqual(yes(false, true, false, true, true, true));
    expect(table(51)).toEqual(yes(true, true, true, true, false, true));
    expect(table(52)).toEqual(yes(false, true, false, true, false, true));
    expect(table(54)).toEqual(yes(false, false, false, false, false, false));
  });

  it('let in from outside keep the address of who asks, where they stay on the node', () => {
    const test = made();
    const seen = (url: string): boolean => {
      ask(test, 'world', 'out0', url);
      return [...(test.cluster.nodes[1] as (typeof test.cluster.nodes)[number]).agent.maps.ct4.entries()].some(
        ([key]) => key.daddr === 0xc6336407 && key.dport === 8080,
      );
    };
    expect(seen('192.168.1.11:30051')).toBe(true);
  });

  it('send a client to the backend it had, for a time', () => {
    const test = made();
    const answers = (namespace: string, name: string, url: string): Set<string> =>
      new Set(Array.from({ length: 6 }, () => ask(test, namespace, name, url)));
    for (const [namespace, name, url] of [
      ['world', 'out0', '192.168.1.10:30053'],
      ['world', 'out1', '192.168.1.10:30053'],
      ['node', 'node1', '10.43.0.53'],
    ] as const) {
      const found = answers(namespace, name, url);
      expect([...found]).toHaveLength(1);
      expect(found).not.toContain('nothing');
    }
  });

  it('let only those in who are in the ranges of a load balancer', () => {
    const test = made();
    test.cluster.api.updateStatus('Service', 'default', 'ranges', { loadBalancer: { ingress: [{ ip: '192.168.1.10' }] } });
    test.cluster.settle();
    expect([ask(test, 'world', 'out0', '192.168.1.10:80'), ask(test, 'world', 'out1', '192.168.1.10:80')]).toEqual(['server', 'nothing']);
    // A node port asks nobody who they are.
    expect(ask(test, 'world', 'out1', '192.168.1.10:30055')).toBe('server');
  });
});
