/**
 * Packets per second of each main path of a node: the programs that one packet of an open connection meets, with its ratio to bare look-ups.
 *
 * A connection is opened for real; the packets that the programs see are kept, and then given to the same programs over and over.
 */
import { Cluster } from '../../src/cluster/cluster.ts';
import type { Node } from '../../src/cluster/node.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';
import type { KubeObject } from '../../src/k8s/objects.ts';
import type { NetDevice } from '../../src/kernel/netdev.ts';
import { Skb, type TcProgram } from '../../src/kernel/skb.ts';
import { isErrno } from '../../src/kernel/socket.ts';
import { fromLatin1, latin1 } from '../../src/net/bytes.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import type { Packet } from '../../src/net/packet.ts';
import { IPPROTO_TCP } from '../../src/net/protocol.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { type Figure, median, seconds } from './measure.ts';
import { bareLookups, countLookups, PACKETS } from './packets.ts';

const NODE_IP = '192.168.1.10';
const WORLD_IP = '198.51.100.7';
const SERVICE_IP = '10.43.0.90';

/** A program and a packet it saw. */
interface Leg {
  readonly program: TcProgram;
  readonly packet: Packet;
  readonly mark: number;
  readonly tcIndex: number;
}

/** A path: who connects to what, and which programs its packets meet. */
interface Path {
  readonly name: string;
  readonly options: Readonly<Record<string, string | boolean>>;
  readonly policy: KubeObject | null;
  readonly from: readonly [namespace: string, name: string];
  readonly to: (address: string) => { readonly ip: string; readonly port: number };
  /** Devices and hooks in order. */
  readonly hooks: readonly ('client' | 'cilium_host' | 'eth0 in' | 'eth0 out')[];
}

const STRICT = { 'kube-proxy-replacement': 'strict' };
const pod = (ip: string) => ({ ip, port: 8080 });
const l7 = (subject: string, side: 'ingress' | 'egress'): KubeObject => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name: 'l7', namespace: 'default' },
  spec: {
    endpointSelector: { matchLabels: { app: subject } },
    [side]: [{ toPorts: [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{}] } }] }],
  },
});

const PATHS: readonly Path[] = [
  { name: 'pod to pod', options: {}, policy: null, from: ['default', 'client'], to: pod, hooks: ['client'] },
  {
    name: 'pod to service',
    options: {},
    policy: null,
    from: ['default', 'client'],
    to: () => ({ ip: SERVICE_IP, port: 80 }),
    hooks: ['client'],
  },
  {
    name: 'egress L7, into the proxy',
    options: {},
    policy: l7('client', 'egress'),
    from: ['default', 'client'],
    to: pod,
    hooks: ['client'],
  },
  {
    name: 'ingress L7, into the proxy',
    options: {},
    policy: l7('server', 'ingress'),
    from: ['default', 'client'],
    to: pod,
    hooks: ['client'],
  },
  {
    name: 'pod to world, masqueraded by BPF',
    options: { ...STRICT, 'enable-bpf-masquerade': true },
    policy: null,
    from: ['default', 'client'],
    to: () => ({ ip: WORLD_IP, port: 80 }),
    hooks: ['client', 'eth0 out'],
  },
  { name: 'host to pod', options: {}, policy: null, from: ['node', 'node1'], to: pod, hooks: ['cilium_host'] },
  {
    name: 'BPF NodePort from the world',
    options: STRICT,
    policy: null,
    from: ['world', 'www.example.com'],
    to: () => ({ ip: NODE_IP, port: 30090 }),
    hooks: ['eth0 in', 'cilium_host'],
  },
];

/** The figures. */
export function benchPaths(): Figure[] {
  return [...PATHS.map(benchPath), benchSocketLb()];
}

function benchPath(path: Path): Figure {
  const legs = legsOf(path);
  const once = (): void => {
    for (const { program, packet, mark, tcIndex } of legs) {
      const skb = new Skb(packet);
      skb.mark = mark;
      skb.tcIndex = tcIndex;
      program(skb);
    }
  };
  return figure(path.name, once);
}

/** Socket LB: what a connect() costs; the packets after it are those of a pod to a pod. */
function benchSocketLb(): Figure {
  const { node } = newCluster(STRICT, null);
  const programs = node.kernel.cgroup;
  if (programs === null) {
    throw new Error('no programs at the root control group');
  }
  const address = { address: parseIpv4(SERVICE_IP) as number, port: 80 };
  let cookie = 1000;
  return figure('socket LB, a connect() to a service', () => {
    cookie += 1;
    programs.connect4({ address, protocol: IPPROTO_TCP, cookie, cgroupId: 2, netnsCookie: 7 });
  });
}

function figure(name: string, once: () => void): Figure {
  const lookups = countLookups(once);
  const perPacket =
    median(() =>
      seconds(() => {
        for (let i = 0; i < PACKETS; i++) {
          once();
        }
      }),
    ) / PACKETS;
  const bare = median(() => bareLookups(lookups)) / PACKETS;
  return {
    name,
    value: 1 / perPacket,
    unit: 'packets/s',
    note: `${(perPacket * 1e9).toFixed(0)} ns, ${lookups} map look-ups, ${(perPacket / bare).toFixed(1)} times the bare look-ups`,
  };
}

function newCluster(options: Path['options'], policy: KubeObject | null): { readonly cluster: Cluster; readonly node: Node } {
  const servers = [{ port: 80, protocol: 'TCP', text: 'out\n' }] as const;
  const cluster = Cluster.create({
    ...DEFAULT_CLUSTER_OPTIONS,
    options,
    world: [{ name: 'www.example.com', names: [], ips: [WORLD_IP], servers, podRoutes: false }],
  });
  for (const name of ['client', 'server']) {
    cluster.api.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: { containers: [{ name: 'c', image: 'registry.k8s.io/echoserver', ports: [{ containerPort: 8080 }] }] },
    });
  }
  const ports = [{ port: 80, targetPort: 8080, nodePort: 30090 }];
  cluster.api.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'server', namespace: 'default' },
    spec: { type: 'NodePort', clusterIP: SERVICE_IP, selector: { app: 'server' }, ports },
  });
  if (policy !== null) {
    cluster.api.create(policy);
  }
  cluster.settle();
  return { cluster, node: cluster.nodes[0] as Node };
}

/** Opens the path's connection and keeps, for each hook, the last packet with data on its way to the server. */
function legsOf({ name, options, policy, from, to, hooks }: Path): Leg[] {
  const { cluster, node } = newCluster(options, policy);
  const client = node.agent.endpoints.ofPod('default', 'client');
  const eth0 = node.hostNetns.devices.get('eth0');
  const server = node.kubelet.sandbox('default', 'server')?.ip ?? '';
  const target = to(server);
  const places: Record<Path['hooks'][number], [NetDevice | undefined, 'ingress' | 'egress']> = {
    client: [client?.device, 'ingress'],
    cilium_host: [node.agent.host.ciliumHost, 'egress'],
    'eth0 in': [eth0, 'ingress'],
    'eth0 out': [eth0, 'egress'],
  };
  const seen = hooks.map((hook) => {
    const [device, side] = places[hook];
    const program = device?.[side];
    if (device === undefined || program === null || program === undefined) {
      throw new Error(`${name}: no program at ${hook}`);
    }
    const legs: Leg[] = [];
    device[side] = (skb) => {
      if (fromLatin1(skb.packet.payload).startsWith('GET ')) {
        legs.push({ program, packet: skb.packet, mark: skb.mark, tcIndex: skb.tcIndex });
      }
      return program(skb);
    };
    return { hook, legs };
  });
  const attempt = cluster.processEnv(...from)?.sockets.connect({
    remote: { address: parseIpv4(target.ip) as number, port: target.port },
    handlers: { onConnected: (socket) => void socket.write(latin1('GET /ok HTTP/1.1\r\nHost: server\r\n\r\n')) },
  });
  if (attempt === undefined || isErrno(attempt)) {
    throw new Error(`${name}: no connection`);
  }
  cluster.advance(SECOND);
  return seen.map(({ hook, legs }) => {
    const leg = legs[0];
    if (leg === undefined) {
      throw new Error(`${name}: no packet came by ${hook}`);
    }
    return leg;
  });
}
