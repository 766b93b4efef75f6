/** The properties of the catalogue that speak of what goes wrong, or takes its time, between the agent and the proxy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDns, encodeDns } from '../../../src/net/dns.ts';
import { formatIpv4, parseIpv4 } from '../../../src/net/ipv4.ts';
import { SECOND } from '../../../src/sim/clock.ts';
import { LISTENER_TYPE_URL } from '../../../src/xds/stream.ts';
import { newTestCluster, type TestCluster } from '../../support/test_cluster.ts';

const FACTOR = Number(process.env['FACTOR'] ?? 1);
const pod = (name: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: ${name}}}, spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}}`;
const policy = (subject: string, rules: string): string => `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ${subject}}
spec: {endpointSelector: {matchLabels: {app: ${subject}}}, ${rules}}
`;

/** Policies of the server: an HTTP rule for some of the ports, and the others without one. */
interface Change {
  readonly path: string;
  readonly ports: readonly number[];
  readonly direction: 'ingress' | 'egress';
  readonly refused: boolean;
  readonly gone: boolean;
}

const change = fc.record<Change>({
  path: fc.constantFrom('/a', '/b', '/c'),
  ports: fc.subarray([80, 81, 82], { minLength: 1 }),
  direction: fc.constantFrom('ingress', 'egress'),
  refused: fc.boolean(),
  gone: fc.boolean(),
});

function serverPolicy({ path, ports, direction }: Omit<Change, 'refused' | 'gone'>): string {
  const toPorts = ports.map((port) => `{ports: [{port: "${port}", protocol: TCP}], rules: {http: [{path: ${path}}]}}`);
  return policy('server', `${direction}: [{toPorts: [${toPorts.join(', ')}]}]`);
}

describe('32. Failed regeneration', () => {
  /** Redirects of the server's endpoint, and of the keys in its map, that no listener of the proxy stands behind. */
  function dangling(test: TestCluster): { redirects: string[]; keys: string[] } {
    const { agent } = test.node;
    const endpoint = agent.endpoints.ofPod('default', 'server');
    const listens = (port: number): boolean =>
      agent.proxy.ports().some((one) => one.port === port && agent.xdsServer.get(LISTENER_TYPE_URL, `${one.name}:${port}`) !== undefined);
    return {
      redirects: [...(endpoint?.realizedRedirects ?? [])].filter(([, port]) => !listens(port)).map(([id]) => id),
      keys: [...(endpoint?.policyMap.entries() ?? [])]
        .filter(([, { proxyPort }]) => proxyPort !== 0 && !listens(proxyPort))
        .map(([{ dport }, { proxyPort }]) => `${dport} -> ${proxyPort}`),
    };
  }

  function holds(test: TestCluster, changes: readonly Change[]): void {
    const endpoint = test.node.agent.endpoints.ofPod('default', 'server');
    for (const one of changes) {
      test.node.xds.refuse = one.refused;
      if (one.gone) {
        test.cluster.api.delete('CiliumNetworkPolicy', 'default', 'server');
        test.cluster.settle(SECOND);
      } else {
        test.apply(serverPolicy(one));
      }
      if (endpoint?.state === 'ready') {
        expect(dangling(test).redirects).toEqual([]);
      }
    }
    test.node.xds.refuse = false;
    // Whoever waits for a version that was refused gives up at last.
    test.cluster.advance(800 * SECOND);
    test.apply(serverPolicy({ path: '/last', ports: [80], direction: 'ingress' }));
    test.cluster.advance(400 * SECOND);
    expect(endpoint?.lastError).toBeNull();
    expect(dangling(test)).toEqual({ redirects: [], keys: [] });
  }

  const start = (): TestCluster => newTestCluster([pod('server')]);
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });

  it('holds', () => {
    fc.assert(
      fc.property(changes, (list) => holds(start(), list)),
      { numRuns: 20 * FACTOR },
    );
  });

  it('can fail: a listener that is taken back while the redirect stays', () => {
    const result = fc.check(
      fc.property(changes, (list) => {
        const test = start();
        const { proxy, xdsServer } = test.node.agent;
        const create = proxy.createOrUpdateRedirect.bind(proxy);
        proxy.createOrUpdateRedirect = (request, group) => {
          const created = create(request, group);
          const name = `${request.listenerName}:${created.port}`;
          return { ...created, revert: () => void xdsServer.delete(LISTENER_TYPE_URL, name, null) };
        };
        holds(test, list);
      }),
      { numRuns: 100, seed: 5, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
  });

  it('in between 1.13.3 leaves keys behind whose listener is gone: the map is not rolled back', () => {
    const test = start();
    test.node.xds.refuse = true;
    test.apply(serverPolicy({ path: '/a', ports: [80], direction: 'ingress' }));
    test.cluster.settle(SECOND);
    expect(dangling(test)).toMatchObject({ redirects: [], keys: [expect.stringMatching(/^80 -> /)] });
  });
});

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'one.test': ['203.0.113.1', '203.0.113.2'],
  'two.test': ['203.0.113.2', '203.0.113.3'],
  'three.test': ['203.0.113.4'],
};

describe('34. DNS before data', () => {
  const EGRESS = policy(
    'client',
    `egress: [
      {toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system}}], toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]},
      {toFQDNs: [{matchPattern: "*.test"}]},
      {toEntities: [cluster], toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{path: /a}]}}]}]`,
  );
  const world = Object.entries(NAMES).map(([name, ips]) => ({ name, names: [], ips, servers: [], podRoutes: false }));
  const start = (): TestCluster => newTestCluster([pod('client'), EGRESS], { world });

  /** Asks for a name; what of the addresses in its answer the maps do not know in that moment. */
  function ask(test: TestCluster, name: string): { answered: boolean; unknown: string[] } {
    const { agent } = test.node;
    const { sockets, resolvConf } = test.env('default', 'client');
    const endpoint = agent.endpoints.ofPod('default', 'client');
    const seen: { answered: boolean; unknown: string[] } = { answered: false, unknown: [] };
    const isKnown = (ip: number): boolean => {
      const identity = agent.maps.ipcache.lookup4(1, ip)?.secLabel;
      const keys = [...(endpoint?.policyMap.entries() ?? [])];
      return (
        identity !== undefined && identity !== 2 && keys.some(([key, { deny }]) => key.egress === 1 && key.secLabel === identity && !deny)
      );
    };
    const socket = sockets.udp({
      local: { address: 0, port: 0 },
      onMessage: (bytes) => {
        seen.answered = true;
        for (const ip of NAMES[name] ?? []) {
          const address = parseIpv4(ip) as number;
          const told = decodeDns(bytes)?.answers.some(({ data }) => data.kind === 'a' && formatIpv4(data.address) === ip) === true;
          if (told && !isKnown(address)) {
            seen.unknown.push(ip);
          }
        }
      },
    });
    if (typeof socket !== 'string') {
      const flags = {
        response: false,
        authoritative: false,
        truncated: false,
        recursionDesired: true,
        recursionAvailable: false,
        rcode: 0,
      };
      const query = { id: 1, ...flags, questions: [{ name, type: 1 }], answers: [], authorities: [] };
      socket.send({ address: resolvConf.nameserver, port: 53 }, encodeDns(query));
    }
    test.cluster.runUntil(() => seen.answered, 5 * SECOND);
    return seen;
  }

  const asked = fc.array(
    fc.record({ name: fc.constantFrom(...Object.keys(NAMES)), late: fc.integer({ min: 0, max: 99 }), pause: fc.nat(90) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

  function holds(test: TestCluster, list: Asked): void {
    for (const { name, late, pause } of list) {
      test.node.xds.ackDelay = late * 1_000_000;
      expect(ask(test, name)).toEqual({ answered: true, unknown: [] });
      test.cluster.advance(pause * SECOND);
    }
  }

  it('holds', () => {
    fc.assert(
      fc.property(asked, (list) => holds(start(), list)),
      { numRuns: 15 * FACTOR },
    );
  });

  it.each(['the ipcache', 'the policy map'])('can fail: %s follows a second later', (which) => {
    const result = fc.check(
      fc.property(asked, (list) => {
        const test = start();
        const { scheduler } = test.cluster;
        const { ipcache, endpoints } = test.node.agent;
        const map = endpoints.ofPod('default', 'client')?.policyMap;
        if (which === 'the ipcache') {
          const upsert = ipcache.upsert.bind(ipcache);
          ipcache.upsert = (prefix, entry) => {
            scheduler.after(SECOND, 'mutant', () => upsert(prefix, entry));
            return true;
          };
        } else if (map !== undefined) {
          const update = map.update.bind(map);
          map.update = (key, value, flag) => {
            scheduler.after(SECOND, 'mutant', () => update(key, value, flag));
            return 0;
          };
        }
        holds(test, list);
      }),
      { numRuns: 20, seed: 5, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
  });
});
