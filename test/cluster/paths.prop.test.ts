/** The invariants of whole paths, over random requests in the Star Wars cluster. Numbers are those of the list they come from. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CT_MAP_TCP4_GLOBAL,
  CT_PROXY_REDIRECT,
  type CtEntry,
  type CtMap,
  type Ipv4CtTuple,
  TUPLE_F_IN,
  TUPLE_F_SERVICE,
} from '../../src/maps/ctmap.ts';
import { METRICS_MAP_NAME, type MetricsMap } from '../../src/maps/metricsmap.ts';
import type { MonitorEvent } from '../../src/monitor/event.ts';
import { packetSummary } from '../../src/net/packet.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const MANIFESTS = ['app.yaml', 'rule1.yaml'].map((name) =>
  readFileSync(new URL(`../../scenarios/star-wars/manifests/${name}`, import.meta.url), 'utf8'),
);

interface Request {
  readonly from: 'tiefighter' | 'xwing';
  readonly method: 'POST' | 'PUT' | 'GET';
  readonly path: string;
  /** Seconds until the next. */
  readonly wait: number;
}

const request: fc.Arbitrary<Request> = fc.record({
  from: fc.constantFrom('tiefighter', 'tiefighter', 'tiefighter', 'xwing'),
  method: fc.constantFrom('POST', 'POST', 'PUT', 'GET'),
  path: fc.constantFrom('/v1/request-landing', '/v1/request-landing', '/v1/exhaust-port', '/v1'),
  wait: fc.constantFrom(0, 0, 1, 12),
});

const allowed = ({ from, method, path }: Request): boolean => from === 'tiefighter' && method === 'POST' && path === '/v1/request-landing';

interface Ran {
  readonly test: TestCluster;
  readonly events: readonly MonitorEvent[];
  readonly entries: readonly (readonly [Ipv4CtTuple, CtEntry])[];
}

function run(requests: readonly Request[], options: Readonly<Record<string, string>> = {}): Ran {
  const cluster = newTestCluster(MANIFESTS, { options });
  const service = cluster.cluster.api.get('Service', 'default', 'deathstar') as unknown as {
    readonly spec: { readonly clusterIP: string };
  };
  const follower = cluster.node.events.follow();
  for (const { from, method, path, wait } of requests) {
    cluster.run('default', from, 'curl', '-s', '-m', '5', `-X${method}`, `${service.spec.clusterIP}${path}`);
    cluster.cluster.advance(wait * SECOND);
  }
  // The proxy's upstream connections close after its next clean-up.
  cluster.cluster.advance(5 * SECOND);
  follower.stop();
  const map = cluster.node.bpffs.get<CtMap>(CT_MAP_TCP4_GLOBAL);
  return { test: cluster, events: follower.events, entries: [...(map?.entries() ?? [])] };
}

const each = (check: (requests: readonly Request[], ran: Ran) => void): void => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 5 }), (requests) => check(requests, run(requests))),
    { numRuns: 12 },
  );
};

/** One line a datapath event, without the flow hash. */
function perfLines(events: readonly MonitorEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.kind !== 'perf') {
      return [];
    }
    const { hash, packet, at, lenCap, ...rest } = event.record;
    return [`${event.at === at} ${packetSummary(packet)} ${JSON.stringify(rest)}`];
  });
}

function metrics(test: TestCluster): string[] {
  return [...(test.node.bpffs.get<MetricsMap>(METRICS_MAP_NAME)?.entries() ?? [])]
    .map(([key, value]) => `${key.reason} ${key.dir} ${value.count} ${value.bytes}`)
    .sort();
}

describe('invariants of paths', () => {
  test('13, 33: a proxied connection: one service entry, the same packets out of the client as into the server, none back', () => {
    each((_requests, { entries, test: cluster }) => {
      const service = cluster.node.agent.services.frontends().find(({ name }) => name === 'deathstar');
      const proxied = entries.filter(([key, entry]) => key.flags === TUPLE_F_IN && (entry.flags & CT_PROXY_REDIRECT) !== 0);
      for (const [key, into] of proxied) {
        expect([into.txPackets, into.txBytes, into.txFlagsSeen]).toEqual([0, 0, 0]);
        const out = entries.find(([other]) => other.flags === 0 && other.daddr === key.daddr && other.sport === key.sport)?.[1];
        expect([out?.txPackets, out?.txBytes, out?.revNatIndex]).toEqual([into.rxPackets, into.rxBytes, service?.id]);
        const services = entries.filter(
          ([other]) => other.flags === TUPLE_F_SERVICE && other.saddr === key.daddr && other.dport === key.sport,
        );
        expect(services.length).toBe(1);
      }
    });
  });

  test('29, 31: the proxy connects as the client, and for a denied request without a byte of it', () => {
    each((requests, { entries, test: cluster }) => {
      const router = cluster.node.agent.routerIp;
      const legs = entries.filter(([key]) => key.flags === TUPLE_F_IN && key.daddr === router).map(([, entry]) => entry);
      const tiefighter = cluster.node.agent.endpoints.ofPod('default', 'tiefighter')?.identity?.id;
      expect(legs.every((leg) => leg.srcSecId === tiefighter)).toBe(true);
      const reached = requests.filter(({ from }) => from === 'tiefighter');
      if (!reached.some(allowed)) {
        // A SYN of 74 bytes, and acknowledgements and ends of 66.
        expect(legs.map((leg) => leg.rxBytes - 74 - 66 * (leg.rxPackets - 1))).toEqual(reached.map(() => 0));
      }
    });
  });

  test('32: each request that reaches the proxy has one request record and one response record', () => {
    each((requests, { events }) => {
      const records = events.flatMap((event) => (event.kind === 'l7' ? [event.record] : []));
      const seen = records.map(({ type, verdict, http }) => `${type} ${verdict} ${http?.method} ${http?.code}`);
      const expected = requests
        .filter(({ from }) => from === 'tiefighter')
        .flatMap((one) =>
          allowed(one)
            ? [`Request Forwarded ${one.method} 0`, `Response Forwarded ${one.method} 200`]
            : [`Request Denied ${one.method} 0`, `Response Forwarded ${one.method} 403`],
        );
      // The entry of a denied request is refilled from its response before it is logged, so the code of a denied record may be either.
      const plain = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/(Request Denied \S+) \d+/, '$1')).sort();
      expect(plain(seen)).toEqual(plain(expected));
    });
  });

  test('38: each SYN of xwing has one denied verdict and one drop, one entry out and none in', () => {
    each((requests, { events, entries, test: cluster }) => {
      const xwing = cluster.node.agent.endpoints.ofPod('default', 'xwing');
      const perf = events.flatMap((event) => (event.kind === 'perf' ? [event.record] : []));
      const drops = perf.filter((record) => record.type === 1);
      const denied = perf.filter((record) => record.type === 5 && record.verdict < 0);
      const asked = requests.filter(({ from }) => from === 'xwing').length;
      // Five seconds: the SYN and its repetitions after 1 and 3.
      expect([drops.length, denied.length]).toEqual([asked * 3, asked * 3]);
      const own = entries.filter(([key]) => key.daddr === xwing?.ipv4);
      expect(own.filter(([key]) => (key.flags & TUPLE_F_IN) !== 0)).toEqual([]);
      expect(own.filter(([key]) => key.flags === 0).length).toBe(asked);
    });
  });

  test('37: aggregation leaves events out and changes nothing else', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 3 }), (requests) => {
        const all = run(requests, { 'monitor-aggregation': 'none' });
        const some = run(requests, { 'monitor-aggregation': 'medium' });
        const lines = perfLines(all.events);
        for (const line of perfLines(some.events)) {
          const at = lines.indexOf(line);
          expect([line, at >= 0]).toEqual([line, true]);
          lines.splice(at, 1);
        }
        expect(metrics(some.test)).toEqual(metrics(all.test));
        expect(some.entries).toEqual(all.entries);
      }),
      { numRuns: 6 },
    );
  });
});
