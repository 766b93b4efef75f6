import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CLUSTER_OPTIONS, type WorldHost, type WorldName } from '../../src/cluster/options.ts';
import { type DnsMessage, encodeDns } from '../../src/net/dns.ts';
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const POD = `
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec: {containers: [{name: c, image: curlimages/curl}]}
`;
const DNS = `
    - toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system, k8s-app: kube-dns}}]
      toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]`;

function policy(egress: string, dns = DNS): string {
  return `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: names}
spec:
  endpointSelector: {matchLabels: {app: client}}
  egress:${dns}${egress}
`;
}

const QUERY: DnsMessage = {
  id: 1,
  response: false,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  rcode: 0,
  questions: [],
  answers: [],
  authorities: [],
};

const toName = (name: string): string => `\n    - toFQDNs: [{matchName: ${name}}]`;
const toPattern = (pattern: string): string => `\n    - toFQDNs: [{matchPattern: "${pattern}"}]`;
const host = (name: string, ...ips: string[]): WorldHost => ({
  name,
  names: [],
  ips,
  servers: [{ port: 80, protocol: 'TCP', text: `${name}\n` }],
  podRoutes: false,
});
const name = (text: string, ips: readonly string[], more: Partial<WorldName> = {}): WorldName => ({
  name: text,
  cname: null,
  ips,
  ttl: 30,
  answers: 0,
  rotate: 0,
  ...more,
});

function setUp(manifest: string, options: Partial<typeof DEFAULT_CLUSTER_OPTIONS> = {}): TestCluster {
  const world = [host('one.example', '203.0.113.1'), host('two.example', '203.0.113.2')];
  return newTestCluster([POD, manifest], { ...DEFAULT_CLUSTER_OPTIONS, world, ...options });
}

const get = (test: TestCluster, url: string): number => test.run('default', 'client', 'curl', '-s', '-m', '3', url).exitCode;
const allowed = (test: TestCluster): string[] =>
  test.node.agent.cidrIdentities
    .list()
    .map(({ prefix }) => prefix)
    .sort();

describe('toFQDNs', () => {
  it('opens a name and nothing else; the address alone works afterwards', () => {
    const test = setUp(policy(toName('one.example')));
    expect(get(test, 'http://203.0.113.1/')).toBe(28);
    expect([get(test, 'http://one.example/'), get(test, 'http://two.example/'), get(test, 'http://203.0.113.1/')]).toEqual([0, 28, 0]);
    expect(allowed(test)).toEqual(['203.0.113.1/32']);
  });

  it('knows names that were asked for before the policy came', () => {
    const test = setUp(policy(''));
    expect(get(test, 'http://one.example/')).toBe(28);
    test.apply(policy(toName('one.example')));
    expect(get(test, 'http://203.0.113.1/')).toBe(0);
  });

  it('gives identities back with the policy', () => {
    const test = setUp(policy(toPattern('*.example')));
    get(test, 'http://one.example/');
    get(test, 'http://two.example/');
    expect(allowed(test)).toEqual(['203.0.113.1/32', '203.0.113.2/32']);
    test.apply(policy(toName('two.example')));
    expect(allowed(test)).toEqual(['203.0.113.2/32']);
    test.apply(policy(''));
    expect(allowed(test)).toEqual([]);
    expect(test.node.agent.ipcache.lookup(parseIpv4('203.0.113.2') as number)?.identity).toBe(2);
  });

  it('shares an identity with a CIDR rule of the same address, until both are gone', () => {
    const test = setUp(policy(`${toName('one.example')}\n    - toCIDR: [203.0.113.1/32]`));
    get(test, 'http://one.example/');
    expect(allowed(test)).toEqual(['203.0.113.1/32']);
    test.apply(policy('\n    - toCIDR: [203.0.113.1/32]'));
    expect(get(test, 'http://203.0.113.1/')).toBe(0);
    test.apply(policy(toName('one.example')));
    expect([get(test, 'http://203.0.113.1/'), allowed(test)]).toEqual([0, ['203.0.113.1/32']]);
  });

  it('follows aliases by the name that was asked, not by the one it leads to', () => {
    const dns = [name('www.example', [], { cname: 'edge.example.net' }), name('edge.example.net', ['203.0.113.1'])];
    expect(get(setUp(policy(toName('www.example')), { dns }), 'http://www.example/')).toBe(0);
    expect(get(setUp(policy(toName('edge.example.net')), { dns }), 'http://www.example/')).toBe(28);
  });

  it('a name of the cluster never matches: a pod has its own identity', () => {
    const test = setUp(policy(toName('web.default.svc.cluster.local')));
    test.apply(`
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}
`);
    expect(get(test, 'http://web.default.svc.cluster.local/')).toBe(28);
  });

  it('keeps at most so many addresses of a name, the youngest', () => {
    const ips = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'];
    const dns = [name('many.example', ips, { answers: 1, rotate: 10 })];
    const test = setUp(policy(toName('many.example')), { dns, options: { 'tofqdns-endpoint-max-ip-per-hostname': 2 } });
    for (let i = 0; i < 4; i++) {
      get(test, 'http://many.example/');
      test.cluster.advance(10 * SECOND);
    }
    expect(allowed(test)).toHaveLength(4);
    test.cluster.advance(120 * SECOND);
    const endpoint = test.node.agent.endpoints.ofPod('default', 'client');
    expect(endpoint && test.node.agent.fqdn.memory(endpoint).history.lookup('many.example.')).toHaveLength(2);
    // The others wait for their own end, since nobody knows whether connections use them.
    expect(allowed(test)).toHaveLength(4);
    test.cluster.advance(40_000 * SECOND);
    expect(allowed(test)).toEqual([]);
  });

  it('an answer that is over stays while a connection to its address lives', () => {
    const dns = [name('old.example', ['203.0.113.1'], { ttl: 5 })];
    const test = setUp(policy(toName('old.example')), { dns, options: { 'tofqdns-min-ttl': 0 } });
    const env = test.env('default', 'client');
    get(test, 'http://old.example/');
    const socket = env.sockets.connect({ remote: { address: parseIpv4('203.0.113.1') as number, port: 80 }, handlers: {} });
    test.cluster.advance(3000 * SECOND);
    expect(allowed(test)).toEqual(['203.0.113.1/32']);
    expect(typeof socket === 'string').toBe(false);
    if (typeof socket !== 'string') {
      socket.abort();
    }
    test.cluster.advance(30_000 * SECOND);
    expect(allowed(test)).toEqual([]);
  });
});

describe('the DNS proxy', () => {
  it('refuses with the code it is told to', () => {
    const rules = DNS.replace('matchPattern: "*"', 'matchName: one.example');
    const seen = (['refused', 'nameError'] as const).map((option) => {
      const test = setUp(policy('', rules), { options: { 'tofqdns-dns-reject-response-code': option } });
      const codes: number[] = [];
      const socket = test.env('default', 'client').sockets.udp({
        local: { address: 0, port: 0 },
        onMessage: (bytes) => codes.push((bytes[3] ?? 0) & 15),
      });
      const question = { name: 'two.example', type: 1 };
      const message = encodeDns({ ...QUERY, questions: [question] });
      if (typeof socket !== 'string') {
        socket.send({ address: test.env('default', 'client').resolvConf.nameserver, port: 53 }, message);
      }
      test.cluster.advance(SECOND);
      return [codes, get(test, 'http://two.example./'), get(test, 'http://one.example./')];
    });
    expect(seen).toEqual([
      [[5], 6, 28],
      [[3], 6, 28],
    ]);
  });

  it('refuses everything when the rule names its port', () => {
    const test = setUp(policy('\n    - toEntities: [world]', DNS.replace('"53", protocol: ANY', 'dns, protocol: UDP')));
    expect(get(test, 'http://one.example./')).toBe(6);
  });

  it('asks over TCP what does not fit into a datagram', () => {
    const ips = Array.from({ length: 40 }, (_, i) => `203.0.113.${i + 1}`);
    const test = setUp(policy(toName('big.example')), { dns: [name('big.example', ips)] });
    expect(get(test, 'http://big.example/')).toBe(0);
    expect(allowed(test)).toHaveLength(40);
  });

  it('holds an answer until maps and ipcache know its addresses', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 1, maxLength: 12 }), (lasts) => {
        const ips = lasts.map((last) => formatIpv4(0xcb007100 + last));
        const test = setUp(policy(toPattern('*.example')), { world: [host('one.example', ...ips)] });
        const { agent } = test.node;
        const endpoint = agent.endpoints.ofPod('default', 'client');
        let checked = 0;
        // The answer's way to the pod ends in a to-endpoint notification: whoever sees it finds everything in place.
        agent.monitor.subscribe((payload) => {
          if (payload.kind !== 'datapath' || checked > 0) {
            return;
          }
          if (agent.fqdn.lookups().length === 0 || agent.ipcache.lookup(parseIpv4(ips[0] as string) as number)?.identity === 2) {
            return;
          }
          checked += 1;
          for (const ip of ips) {
            const identity = agent.ipcache.lookup(parseIpv4(ip) as number)?.identity ?? 0;
            expect(endpoint?.policyMap.lookup({ secLabel: identity, dport: 0, protocol: 0, egress: 1 })).toBeDefined();
          }
        });
        expect([get(test, 'http://one.example/'), checked]).toEqual([0, 1]);
      }),
      { numRuns: 8 },
    );
  });
});
