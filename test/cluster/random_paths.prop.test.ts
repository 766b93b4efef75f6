/** The invariants of paths over random clusters, policies and traffic. Numbers are those of the list they come from. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PACKET_HOST, type Skb, type TcProgram } from '../../src/kernel/skb.ts';
import {
  CT_LB_LOOPBACK,
  CT_MAP_ANY4_GLOBAL,
  CT_MAP_TCP4_GLOBAL,
  CT_PROXY_REDIRECT,
  type CtEntry,
  type CtMap,
  type Ipv4CtTuple,
  TUPLE_F_IN,
  TUPLE_F_OUT,
} from '../../src/maps/ctmap.ts';
import { DROP_POLICY, DROP_POLICY_DENY } from '../../src/maps/drop_reasons.ts';
import {
  CILIUM_NOTIFY_TRACE_SOCK,
  type PacketRecord,
  TRACE_FROM_LXC,
  TRACE_REASON_CT_REPLY,
  TRACE_TO_LXC,
  TRACE_TO_PROXY,
} from '../../src/maps/eventsmap.ts';
import { MARK_MAGIC_HOST_MASK, MARK_MAGIC_PROXY_EGRESS, MARK_MAGIC_PROXY_INGRESS, MARK_MAGIC_TO_PROXY } from '../../src/maps/marks.ts';
import { METRICS_MAP_NAME, type MetricsMap } from '../../src/maps/metricsmap.ts';
import { formatIpv4 } from '../../src/net/ipv4.ts';
import type { Packet } from '../../src/net/packet.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { PODS, randomCluster, requestArgv, SERVICE_IPS, type World, world } from '../support/random_world.ts';
import type { TestCluster } from '../support/test_cluster.ts';

const DROP = 1;
const TRACE = 4;
const VERDICT = 5;

/** One run of a program of a pod. */
interface Run {
  readonly packet: Packet;
  /** The mark it came with. */
  readonly mark: number;
  readonly redirected: boolean;
  readonly host: boolean;
}

interface Ran {
  readonly test: TestCluster;
  readonly records: readonly PacketRecord[];
  readonly runs: readonly Run[];
  readonly exits: readonly number[];
  readonly tcp: readonly (readonly [Ipv4CtTuple, CtEntry])[];
  /** Policy drops of packets that conntrack knows as replies. */
  readonly repliesDropped: readonly string[];
  /** Replies that were delivered as such, and whether the same question calls them that. */
  readonly repliesDelivered: readonly boolean[];
}

function run(given: World, aggregation = 'none'): Ran {
  const cluster = randomCluster(given, { 'monitor-aggregation': aggregation });
  const { node } = cluster;
  const records: PacketRecord[] = [];
  const repliesDropped: string[] = [];
  const repliesDelivered: boolean[] = [];
  const stop = node.agent.maps.events.subscribe((record) => {
    if (record.type === CILIUM_NOTIFY_TRACE_SOCK) {
      return;
    }
    records.push(record);
    const translated = SERVICE_IPS.includes(formatIpv4(record.packet.ip.src));
    if (
      record.type === TRACE &&
      record.obsPoint === TRACE_TO_LXC &&
      record.reason === TRACE_REASON_CT_REPLY &&
      !translated &&
      record.packet.l4.kind === 'tcp'
    ) {
      repliesDelivered.push(isReply(cluster, record));
    }
    if (record.type === DROP && [DROP_POLICY, DROP_POLICY_DENY].includes(-record.reason) && isReply(cluster, record)) {
      repliesDropped.push(`${formatIpv4(record.packet.ip.src)} -> ${formatIpv4(record.packet.ip.dst)}`);
    }
  });
  const runs: Run[] = [];
  for (const name of PODS) {
    const device = node.agent.endpoints.ofPod('default', name)?.device;
    if (device !== undefined) {
      device.ingress = watched(device.ingress as TcProgram, runs);
    }
  }
  node.agent.host.ciliumHost.egress = watched(node.agent.host.ciliumHost.egress as TcProgram, runs);
  const exits = given.requests.map(
    (request) => cluster.run('default', PODS[request.from] as string, ...requestArgv(cluster, request)).exitCode,
  );
  cluster.cluster.advance(5 * SECOND);
  stop();
  const map = node.bpffs.get<CtMap>(CT_MAP_TCP4_GLOBAL);
  return { test: cluster, records, runs, exits, repliesDropped, repliesDelivered, tcp: [...(map?.entries() ?? [])] };
}

function watched(program: TcProgram, runs: Run[]): TcProgram {
  return (skb: Skb) => {
    const { packet, mark } = skb;
    const action = program(skb);
    runs.push({ packet, mark, redirected: (skb.mark & MARK_MAGIC_HOST_MASK) === MARK_MAGIC_TO_PROXY, host: skb.pktType === PACKET_HOST });
    return action;
  };
}

/** Whether the program that dropped a packet knows the other direction of its connection. */
function isReply({ node }: TestCluster, { packet, source }: PacketRecord): boolean {
  const { ip, l4 } = packet;
  if (l4.kind !== 'tcp') {
    return false;
  }
  const atSource = node.agent.endpoints.ofAddress(ip.src)?.id === source;
  const flags = atSource ? TUPLE_F_IN : TUPLE_F_OUT;
  // As in the maps, ports lie crosswise.
  const tuple: Ipv4CtTuple = { nexthdr: ip.protocol, saddr: ip.src, daddr: ip.dst, sport: l4.dport, dport: l4.sport, flags };
  return node.bpffs.get<CtMap>(CT_MAP_TCP4_GLOBAL)?.lookup(tuple) !== undefined;
}

const port = ({ l4 }: Packet, end: 'sport' | 'dport'): number => (l4.kind === 'tcp' || l4.kind === 'udp' ? l4[end] : 0);

const each = (check: (given: World, ran: Ran) => void, numRuns = 12): void => {
  fc.assert(
    fc.property(world, (given) => {
      check(given, run(given));
    }),
    { numRuns },
  );
};

describe('invariants over random clusters', () => {
  test('1: policy never drops a reply', () => {
    each((_given, { repliesDropped, repliesDelivered }) => {
      expect(repliesDropped).toEqual([]);
      expect(repliesDelivered.every((known) => known)).toBe(true);
    });
  });

  test('12: what leaves one end of a connection that nobody stands between enters the other', () => {
    each((_given, { tcp, records }) => {
      const dropped = new Set(
        records.filter(({ type }) => type === DROP).flatMap(({ packet }) => [port(packet, 'sport'), port(packet, 'dport')]),
      );
      for (const [key, out] of tcp.filter(
        ([{ flags }, { flags: bits }]) => flags === TUPLE_F_OUT && (bits & (CT_PROXY_REDIRECT | CT_LB_LOOPBACK)) === 0,
      )) {
        const same = ([other, { flags }]: readonly [Ipv4CtTuple, CtEntry]): boolean =>
          other.flags === TUPLE_F_IN &&
          (flags & (CT_PROXY_REDIRECT | CT_LB_LOOPBACK)) === 0 &&
          [other.daddr, other.saddr, other.dport, other.sport].join() === [key.daddr, key.saddr, key.dport, key.sport].join();
        const into = tcp.find(same)?.[1];
        if (into !== undefined && !dropped.has(key.sport)) {
          expect([into.rxPackets, into.rxBytes, into.txPackets, into.txBytes]).toEqual([
            out.txPackets,
            out.txBytes,
            out.rxPackets,
            out.rxBytes,
          ]);
        }
      }
    });
  });

  test('23: without policies every new connection is allowed', () => {
    each((given, { test: cluster }) => {
      for (const { metadata } of given.policies) {
        cluster.cluster.api.delete('CiliumNetworkPolicy', 'default', metadata.name);
      }
      cluster.cluster.settle();
      for (const from of PODS) {
        for (const to of PODS) {
          expect(cluster.run('default', from, 'curl', '-s', '-m', '2', `http://${cluster.ip('default', to)}:8080/no`).stdout).toBe(to);
        }
      }
    }, 5);
  });

  test('24, 25: what comes from the ingress proxy is not redirected at ingress again, and no packet twice', () => {
    each((_given, { runs }) => {
      const fromIngress = runs.filter(({ mark }) => (mark & MARK_MAGIC_HOST_MASK) === MARK_MAGIC_PROXY_INGRESS);
      expect(fromIngress.filter((one) => one.redirected)).toEqual([]);
      // The egress proxy's own connections may meet an ingress proxy; its answers, which bear no identity, may not.
      const answers = runs.filter(({ mark }) => mark === MARK_MAGIC_PROXY_EGRESS);
      expect(answers.filter((one) => one.redirected)).toEqual([]);
      const redirected = runs.filter((one) => one.redirected).map(({ packet }) => packet.id);
      expect(new Set(redirected).size).toBe(redirected.length);
    });
  });

  test('26: each packet of a pod ends in one way, and each drop is one event and one count', () => {
    each((_given, { records, test: cluster }) => {
      const ends = new Map<number, number>();
      for (const record of records) {
        if (record.type === TRACE && record.obsPoint === TRACE_FROM_LXC) {
          ends.set(record.packet.id, 0);
        } else if (record.type !== VERDICT && record.source !== cluster.node.agent.hostEndpointId && ends.has(record.packet.id)) {
          // What the host's programs say afterwards is their own affair.
          ends.set(record.packet.id, (ends.get(record.packet.id) ?? 0) + 1);
        }
      }
      // What goes back to a proxy at the source's own program says nothing: no event.
      expect([...ends.values()].filter((count) => count > 1)).toEqual([]);
      const drops = new Map<number, number>();
      for (const record of records) {
        if (record.type === DROP) {
          drops.set(record.reason, (drops.get(record.reason) ?? 0) + 1);
        }
      }
      const counted = new Map<number, number>();
      for (const [{ reason }, { count }] of cluster.node.bpffs.get<MetricsMap>(METRICS_MAP_NAME)?.entries() ?? []) {
        if (reason >= 130) {
          counted.set(reason, (counted.get(reason) ?? 0) + Number(count));
        }
      }
      expect(counted).toEqual(drops);
    });
  });

  test('27, 30: a mark for the proxy goes with a packet for the host, and with an event unless it is an answer', () => {
    each((_given, { runs, records, tcp }) => {
      const redirected = runs.filter((one) => one.redirected);
      expect(redirected.every(({ host }) => host)).toBe(true);
      const told = new Set(records.flatMap((one) => (one.type === TRACE && one.obsPoint === TRACE_TO_PROXY ? [one.packet.id] : [])));
      const answers = redirected.filter(({ packet }) => !told.has(packet.id));
      for (const { packet } of answers) {
        const known = tcp.some(
          ([key, { flags }]) => key.flags === TUPLE_F_IN && (flags & CT_PROXY_REDIRECT) !== 0 && key.sport === port(packet, 'dport'),
        );
        expect(known).toBe(true);
      }
      expect([...told].filter((id) => !redirected.some(({ packet }) => packet.id === id))).toEqual([]);
    });
    fc.assert(
      fc.property(world, (given) => {
        const points = (aggregation: string): number[] =>
          run(given, aggregation).records.flatMap((one) =>
            one.type === TRACE && one.obsPoint === TRACE_TO_PROXY && one.reason !== TRACE_REASON_CT_REPLY
              ? [port(one.packet, 'sport')]
              : [],
          );
        const [all, some] = [points('none'), points('medium')];
        expect(some.length).toBeLessThanOrEqual(all.length);
        expect(new Set(some)).toEqual(new Set(all));
      }),
      { numRuns: 4 },
    );
  });

  test('34: a client sees no other address than the one it has connected to', () => {
    each((given, { records, test: cluster }) => {
      if (given.replacement === 'strict') {
        return;
      }
      const asked = new Set(
        given.requests.flatMap(({ to }) =>
          'service' in to ? [SERVICE_IPS[to.service] as string] : [cluster.ip('default', PODS[to.pod] as string)],
        ),
      );
      const answers = records.filter((one) => one.type === TRACE && one.obsPoint === TRACE_TO_LXC && one.reason === TRACE_REASON_CT_REPLY);
      const router = cluster.node.agent.routerIp;
      for (const { packet } of answers.filter(({ packet: { ip } }) => ip.dst !== router)) {
        expect([...asked]).toContain(formatIpv4(packet.ip.src));
      }
    });
  });

  test('40: the same scenario and seed give the same maps, events and exits', () => {
    fc.assert(
      fc.property(world, (given) => {
        const [one, other] = [run(given), run(given)];
        expect(other.records).toEqual(one.records);
        expect(other.exits).toEqual(one.exits);
        for (const name of [CT_MAP_TCP4_GLOBAL, CT_MAP_ANY4_GLOBAL]) {
          const entries = ({ test: { node } }: Ran): unknown[] => [...(node.bpffs.get<CtMap>(name)?.entries() ?? [])];
          expect(entries(other)).toEqual(entries(one));
        }
      }),
      { numRuns: 4 },
    );
  });
});
