import { describe, expect, it } from 'vitest';
import type { Endpoints } from '../../src/k8s/objects.ts';
import { DROP_CSUM_L4 } from '../../src/maps/drop_reasons.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const NODES = [
  { name: 'node1', ip: '192.168.1.10', podCIDR: '10.0.0.0/24', labels: { zone: 'a', 'kubernetes.io/role': 'x' } },
  { name: 'node2', ip: '192.168.1.11', podCIDR: '10.0.1.0/24' },
];
const OPTIONS = { tunnel: 'disabled', 'auto-direct-node-routes': true, 'ipv4-native-routing-cidr': '10.0.0.0/16' };
const WORLD = [
  { name: 'outside', names: [], ips: ['198.51.100.7'], servers: [{ port: 80, protocol: 'TCP', text: 'out\n' }], podRoutes: false },
  { name: 'other', names: [], ips: ['198.51.100.8'], servers: [{ port: 80, protocol: 'TCP', text: 'other\n' }], podRoutes: false },
] as const;

const pod = (name: string, node: string, ports = '[{containerPort: 8080}]'): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {nodeName: ${node}, containers: [{name: c, image: registry.k8s.io/echoserver, ports: ${ports}}]}
`;

const curl = (test: TestCluster, namespace: string, name: string, url: string): string =>
  test.run(namespace, name, 'curl', '-s', '-m', '3', url).stdout || 'nothing';

describe('host ports', () => {
  const objects = (hostIP = ''): string[] => [
    pod('client', 'node1'),
    pod('a', 'node1', `[{containerPort: 8080, hostPort: 4000${hostIP}}, {containerPort: 8080, hostPort: 30500}]`),
    pod('b', 'node2', '[{containerPort: 8080, hostPort: 4000}]'),
  ];
  const made = (options: object, hostIP?: string): TestCluster =>
    newTestCluster(objects(hostIP), { nodes: NODES, options: { ...OPTIONS, ...options }, world: WORLD });

  it('are services of the node with kube-proxy replacement', () => {
    const test = made({ 'kube-proxy-replacement': 'strict' });
    for (const [namespace, name] of [
      ['default', 'client'],
      ['node', 'node1'],
      ['node', 'node2'],
      ['world', 'outside'],
    ] as const) {
      expect([curl(test, namespace, name, 'http://192.168.1.10:4000/'), curl(test, namespace, name, 'http://192.168.1.11:4000/')]).toEqual([
        'a',
        'b',
      ]);
    }
    expect(curl(test, 'node', 'node1', 'http://127.0.0.1:4000/')).toBe('a');
    const types = test.node.agent.services.frontends().filter(({ type }) => type === 'HostPort');
    // A port in the range of node ports is left out.
    expect(types.map(({ name, port }) => `${name} ${port}`)).toEqual(['a/host-port/4000 4000', 'a/host-port/4000 4000']);
    test.cluster.api.delete('Pod', 'default', 'a');
    test.cluster.settle();
    expect(test.node.agent.services.frontends().some(({ type }) => type === 'HostPort')).toBe(false);
    expect(curl(test, 'world', 'outside', 'http://192.168.1.10:4000/')).toBe('nothing');
  });

  it('of the loopback address serve it alone', () => {
    const test = made({ 'kube-proxy-replacement': 'strict' }, ', hostIP: 127.0.0.1');
    expect(curl(test, 'node', 'node1', 'http://127.0.0.1:4000/')).toBe('a');
    expect(curl(test, 'node', 'node1', 'http://192.168.1.10:4000/')).toBe('nothing');
    expect(curl(test, 'world', 'outside', 'http://192.168.1.10:4000/')).toBe('nothing');
  });

  it('are nothing without it, or switched off', () => {
    expect(curl(made({}), 'world', 'outside', 'http://192.168.1.10:4000/')).toBe('nothing');
    const off = { 'kube-proxy-replacement': 'partial', 'enable-node-port': true, 'enable-host-port': false };
    expect(curl(made(off), 'world', 'outside', 'http://192.168.1.10:4000/')).toBe('nothing');
    expect(curl(made({ ...off, 'enable-host-port': true }), 'world', 'outside', 'http://192.168.1.10:4000/')).toBe('a');
  });
});

describe('a node port', () => {
  const service = `
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {type: NodePort, selector: {app: a}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}
`;
  const policy = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: l7}
spec:
  endpointSelector: {matchLabels: {app: a}}
  ingress: [{toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [{path: /ok}]}}]}]
`;

  it.each([
    ['without policy', []],
    ['in front of an L7 policy', [policy]],
  ])('reaches backends of every node by every node, %s', (_, policies) => {
    const options = { ...OPTIONS, 'kube-proxy-replacement': 'strict' };
    const test = newTestCluster([pod('a', 'node1'), service, ...policies], { nodes: NODES, options, world: WORLD });
    for (const node of NODES) {
      expect(curl(test, 'world', 'outside', `http://${node.ip}:30080/ok`)).toBe('a');
    }
    expect(curl(test, 'world', 'outside', 'http://192.168.1.10:30080/no')).toBe(policies.length === 0 ? 'a' : 'Access denied\r\n');
  });
});

describe('toServices', () => {
  const service = `
apiVersion: v1
kind: Service
metadata: {name: ext, labels: {kind: ext}}
spec: {clusterIP: None, ports: [{port: 80}]}
`;
  const policy = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ext}
spec:
  endpointSelector: {matchLabels: {app: client}}
  egress: [{toServices: [{k8sServiceSelector: {selector: {matchLabels: {kind: ext}}, namespace: default}}]}]
`;
  const setEndpoints = ({ cluster }: TestCluster, ...ips: string[]): void => {
    const subset = { addresses: ips.map((ip) => ({ ip })), ports: [{ port: 80, protocol: 'TCP' }] };
    const endpoints: Endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'ext', namespace: 'default' },
      subsets: [subset],
    };
    cluster.api.apply(endpoints as never, null as never);
    cluster.settle();
    cluster.advance(2e9);
  };
  const reached = (test: TestCluster): string[] =>
    ['198.51.100.7', '198.51.100.8'].map((ip) => curl(test, 'default', 'client', `http://${ip}/`).trim());

  it('follows the endpoints of a service without a selector, whichever came first', () => {
    const test = newTestCluster([pod('client', 'node1'), policy], { nodes: NODES, options: OPTIONS, world: WORLD });
    expect(reached(test)).toEqual(['nothing', 'nothing']);
    setEndpoints(test, '198.51.100.7');
    expect(reached(test)).toEqual(['nothing', 'nothing']);
    test.apply(service);
    test.cluster.advance(2e9);
    expect(reached(test)).toEqual(['out', 'nothing']);
    // What a backend leaves behind stays, as in the real agent.
    setEndpoints(test, '198.51.100.8');
    expect(reached(test)).toEqual(['out', 'other']);
    test.cluster.api.delete('Service', 'default', 'ext');
    test.cluster.settle();
    test.cluster.advance(2e9);
    expect(reached(test)).toEqual(['out', 'nothing']);
  });

  it('knows what is there when the policy comes, and nothing of services with a selector', () => {
    const test = newTestCluster([pod('client', 'node1'), service], { nodes: NODES, options: OPTIONS, world: WORLD });
    setEndpoints(test, '198.51.100.8');
    test.apply(policy);
    expect(reached(test)).toEqual(['nothing', 'other']);
    test.apply(service.replace('ports:', 'selector: {app: none}, ports:'));
    test.apply(policy.replace('name: ext}', 'name: ext2}'));
    test.cluster.api.delete('CiliumNetworkPolicy', 'default', 'ext');
    test.cluster.settle();
    test.cluster.advance(2e9);
    expect(reached(test)).toEqual(['nothing', 'nothing']);
  });
});

describe('the host endpoint', () => {
  it('has those labels of its node that count, and its policy follows them', () => {
    const policy = `
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: zone}
spec: {nodeSelector: {matchLabels: {zone: a}}, ingress: [{fromEntities: [cluster]}]}
`;
    const test = newTestCluster([policy], { nodes: NODES, options: { ...OPTIONS, 'enable-host-firewall': true }, world: WORLD });
    const ping = (ip: string): number => test.run('world', 'outside', 'ping', '-c', '1', '-W', '1', '-w', '2', ip).exitCode;
    expect(test.cluster.nodes.map(({ agent }) => agent.endpointViews().find(({ identity }) => identity === 1)?.labels)).toEqual([
      ['k8s:zone=a', 'reserved:host', 'reserved:kube-apiserver'],
      ['reserved:host'],
    ]);
    expect(['192.168.1.10', '192.168.1.11'].map(ping)).toEqual([1, 0]);
    const node = test.cluster.api.get('Node', '', 'node1');
    test.cluster.api.update({ ...node, metadata: { ...node?.metadata, labels: { zone: 'b' } } } as never);
    test.cluster.settle();
    expect(ping('192.168.1.10')).toBe(0);
  });
});

describe('SCTP', () => {
  it('through a service that changes the port is dropped: nobody can mend its checksum', () => {
    const server = (name: string, port: number): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  containers:
    - {name: c, image: registry.k8s.io/e2e-test-images/agnhost, args: [porter], env: [{name: SERVE_SCTP_PORT_${port}, value: foo}], ports: [{containerPort: ${port}, protocol: SCTP}]}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {clusterIP: 10.43.0.${port}, selector: {app: ${name}}, ports: [{port: 80, targetPort: ${port}, protocol: SCTP}]}
`;
    const test = newTestCluster([pod('client', 'node1'), server('same', 80), server('moved', 81)], { options: { 'enable-sctp': true } });
    const follower = test.node.events.follow();
    const connect = (to: string): number =>
      test.run('default', 'client', '/agnhost', 'connect', to, '--timeout=1s', '--protocol=sctp').exitCode;
    expect([connect('10.43.0.80:80'), connect('10.43.0.81:80')]).toEqual([0, 1]);
    const reasons = follower.events.flatMap((event) => (event.kind === 'perf' && event.record.type === 1 ? [event.record.reason] : []));
    follower.stop();
    expect(new Set(reasons)).toEqual(new Set([-DROP_CSUM_L4]));
  });
});
