/** What must hold between nodes, whatever the policies. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClusterOptions } from '../../src/cluster/options.ts';
import type { KubeObject } from '../../src/k8s/objects.ts';
import type { NetDevice } from '../../src/kernel/netdev.ts';
import type { TcProgram } from '../../src/kernel/skb.ts';
import { IDENTITY_HOST, IDENTITY_REMOTE_NODE } from '../../src/maps/identity.ts';
import { ipcacheKey4 } from '../../src/maps/ipcache.ts';
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.ts';
import type { Packet } from '../../src/net/packet.ts';
import { PODS, randomCluster, requestArgv, type World, world } from '../support/random_world.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const NODES = [
  { name: 'node1', ip: '192.168.1.10', podCIDR: '10.0.0.0/24' },
  { name: 'node2', ip: '192.168.1.11', podCIDR: '10.0.1.0/24' },
];
const DIRECT = { tunnel: 'disabled', 'auto-direct-node-routes': true, 'ipv4-native-routing-cidr': '10.0.0.0/8' };
const OPTIONS = [
  {},
  { tunnel: 'geneve' },
  DIRECT,
  { 'enable-host-firewall': true },
  { 'enable-endpoint-routes': true },
  { 'enable-endpoint-routes': true, 'enable-host-firewall': true },
  { ...DIRECT, 'enable-endpoint-routes': true },
];

/** How each request ends. Which backend of a service answers is left to chance, so only that one does. */
function ends(cluster: TestCluster, given: World): string[] {
  return given.requests.map((request) => {
    const { exitCode, stdout } = cluster.run('default', PODS[request.from] as string, ...requestArgv(cluster, request));
    const answer = PODS.includes(stdout) ? ('pod' in request.to ? stdout : 'a pod') : stdout.slice(0, 6);
    return `${exitCode} ${request.how === 'ping' ? '' : answer}`;
  });
}

interface Sent {
  readonly node: string;
  readonly vni: number;
  readonly inner: Packet;
  readonly from: string;
  readonly to: string;
}

/** Notes what the nodes' cards send in tunnels. */
function wire(cluster: TestCluster): { readonly sent: Sent[]; readonly received: number[] } {
  const sent: Sent[] = [];
  const received: number[] = [];
  for (const node of cluster.cluster.nodes) {
    const card = node.hostNetns.devices.get('eth0') as NetDevice;
    const transmit = card.uplink;
    card.uplink = (packet) => {
      if (packet.l4.kind === 'udp' && packet.l4.tunnel !== undefined) {
        const { vni, packet: inner } = packet.l4.tunnel;
        sent.push({ node: node.name, vni, inner, from: formatIpv4(packet.ip.src), to: formatIpv4(packet.ip.dst) });
        expect(packet.length).toBe(inner.length + 50);
        expect(packet.length - 14).toBeLessThanOrEqual(1500);
      }
      transmit?.(packet);
    };
    const device = node.hostNetns.devices.get('cilium_vxlan') as NetDevice;
    const program = device.ingress as TcProgram;
    device.ingress = (skb) => {
      received.push(skb.packet.id);
      return program(skb);
    };
  }
  return { sent, received };
}

/** Requests of which it does not matter which backend answers: policies see pods, and those of a service may differ in nothing. */
const withoutChance = world
  .map((given) => ({ ...given, requests: given.requests.filter(({ to }) => 'pod' in to) }))
  .filter(({ requests }) => requests.length > 0);

describe('pods of two nodes', () => {
  test('reach each other exactly as on one node, however packets travel', () => {
    fc.assert(
      fc.property(withoutChance, fc.constantFrom(...OPTIONS), (given, options) => {
        const alone = ends(randomCluster(given, {}), given);
        expect(ends(randomCluster(given, options, NODES), given)).toEqual(alone);
        expect(ends(randomCluster(given, options), given), 'on one node').toEqual(alone);
      }),
      { numRuns: 12 },
    );
  });

  test('with a proxy at either end, of which the first keeps the address of its client where no tunnel tells who sent', () => {
    const rule = (name: string, side: object): KubeObject => ({
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumNetworkPolicy',
      metadata: { name, namespace: 'default' },
      spec: { endpointSelector: {}, ...side },
    });
    const toPorts = [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ path: '/ok' }] } }];
    const given: World = {
      apps: ['a', 'a', 'a', 'a'],
      policies: [
        rule('out', { egress: [{ toEntities: ['all'], toPorts }] }),
        rule('in', { ingress: [{ fromEndpoints: [{ matchLabels: { app: 'a' } }], toPorts }] }),
      ],
      requests: ['/ok', '/no'].map((path) => ({ from: 0, to: { pod: 1 }, how: 'get', path })),
      replacement: 'disabled',
    };
    for (const options of OPTIONS) {
      expect(ends(randomCluster(given, options, NODES), given), JSON.stringify(options)).toEqual(['0 p1', '0 Access']);
    }
  });

  test('send the identity of the pod in the tunnel, to the node of the destination, and nothing gets lost', () => {
    fc.assert(
      fc.property(world, (given) => {
        const cluster = randomCluster(given, {}, NODES);
        const { sent, received } = wire(cluster);
        ends(cluster, given);
        const identities = new Map(
          cluster.cluster.nodes.flatMap((node) =>
            node.agent.endpoints.list().map((endpoint) => [formatIpv4(endpoint.ipv4), endpoint.identity?.id ?? 0] as const),
          ),
        );
        const nodeOf = (ip: number): string =>
          NODES.find(({ podCIDR }) => (parseIpv4(podCIDR.split('/')[0] as string) as number) >>> 8 === ip >>> 8)?.name ?? '';
        for (const { node, vni, inner, from, to } of sent) {
          expect(nodeOf(inner.ip.dst)).not.toBe(node);
          expect([from, to]).toEqual([
            NODES.find(({ name }) => name === node)?.ip,
            NODES.find(({ name }) => name === nodeOf(inner.ip.dst))?.ip,
          ]);
          expect(vni).not.toBe(IDENTITY_HOST);
          const identity = identities.get(formatIpv4(inner.ip.src));
          // What a proxy sends comes from the router's address, and bears the identity of its client.
          expect(identity === undefined ? [...identities.values(), IDENTITY_REMOTE_NODE] : [identity]).toContain(vni);
        }
        expect(received.toSorted((a, b) => a - b)).toEqual(sent.map(({ inner }) => inner.id).toSorted((a, b) => a - b));
      }),
      { numRuns: 8 },
    );
  });
});

describe('what a node is to another', () => {
  const SERVER = `
apiVersion: v1
kind: Pod
metadata: {name: server, labels: {app: server}}
spec: {nodeName: node1, containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p}
spec: {endpointSelector: {matchLabels: {app: server}}, ingress: [{fromEntities: [PEER]}]}
`;
  const reaches = (node: string, peer: string, options: ClusterOptions['options']): boolean => {
    const cluster = newTestCluster([SERVER.replace('PEER', peer)], { nodes: NODES, options });
    return cluster.run('node', node, 'curl', '-s', '-m', '2', `http://${cluster.ip('default', 'server')}:8080/`).stdout === 'server';
  };

  test('remote-node by default, and host without enable-remote-node-identity', () => {
    for (const [peer, by, without] of [
      ['remote-node', true, true],
      ['host', false, true],
      ['cluster', true, true],
      ['world', false, true],
    ] as const) {
      expect([peer, reaches('node2', peer, {})]).toEqual([peer, by]);
      // The host's identity is always let in, as allow-localhost has it.
      expect([peer, reaches('node2', peer, { 'enable-remote-node-identity': false })]).toEqual([peer, without]);
      expect(reaches('node1', peer, {})).toBe(true);
    }
    const known = (options: ClusterOptions['options']): (number | undefined)[] => {
      const { cluster, node } = newTestCluster([], { nodes: NODES, options });
      const other = cluster.nodes[1]?.agent.routerIp ?? 0;
      return ['192.168.1.11', formatIpv4(other)].map((ip) => node.agent.maps.ipcache.exact(ipcacheKey4(parseIpv4(ip) as number))?.secLabel);
    };
    expect(known({})).toEqual([IDENTITY_REMOTE_NODE, IDENTITY_REMOTE_NODE]);
    expect(known({ 'enable-remote-node-identity': false })).toEqual([undefined, IDENTITY_HOST]);
  });
});
