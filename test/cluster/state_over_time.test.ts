import { describe, expect, it } from 'vitest';
import { nextInterval } from '../../src/agent/ctmap/gc.ts';
import type { Pod } from '../../src/k8s/objects.ts';
import { CT_PROXY_REDIRECT, type CtEntry, type Ipv4CtTuple, TUPLE_F_IN } from '../../src/maps/ctmap.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import type { HttpClient } from '../../src/workloads/http_client.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const pod = (name: string, image = 'registry.k8s.io/echoserver'): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {containers: [{name: c, image: ${image}, ports: [{containerPort: 8080}]}]}
`;
const policy = (ingress: string): string => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p}
spec: {endpointSelector: {matchLabels: {app: server}}, ingress: [${ingress}]}
`;
const L3 = '{fromEndpoints: [{matchLabels: {app: client}}]}';
const L7 =
  '{fromEndpoints: [{matchLabels: {app: client}}], toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [{method: GET}]}}]}';
const PINS = { pins: { pods: { 'default/server': { ip: '10.0.0.30' }, 'default/client': { ip: '10.0.0.20' } } } };

function pods(): TestCluster {
  return newTestCluster([pod('client'), pod('server')], PINS);
}

function connect(test: TestCluster): HttpClient {
  const client = test.cluster.httpClient('default', 'client') as HttpClient;
  let error: string | null = 'pending';
  client.connect('10.0.0.30', 8080, (result) => {
    error = result;
  });
  test.cluster.advance(0);
  expect(error).toBeNull();
  return client;
}

/** What comes back within a time, `timeout` if nothing does. */
function ask(test: TestCluster, client: HttpClient, nanos = 3e9): string {
  let answer = 'timeout';
  client.send({ method: 'GET', path: '/', headers: { Host: 'server' }, body: '' }, (result) => {
    answer = result.error ?? String(result.status);
  });
  test.cluster.advance(nanos);
  return answer;
}

function entries(test: TestCluster, flags: number): (readonly [Ipv4CtTuple, CtEntry])[] {
  return [...test.node.agent.maps.ct4.entries()].filter(([key]) => key.flags === flags);
}

describe('a policy that changes in mid-connection', () => {
  it('drops what the client sends once it is no longer allowed, and lets it again', () => {
    const test = pods();
    test.apply(policy(L3));
    const client = connect(test);
    expect(ask(test, client)).toBe('200');
    test.apply(policy('{fromEndpoints: [{matchLabels: {app: other}}]}'));
    expect(ask(test, client)).toBe('timeout');
    test.apply(policy(L3));
    test.cluster.advance(10e9);
    expect(ask(test, connect(test))).toBe('200');
  });

  it('breaks a connection that an L7 policy takes over: the proxy has no socket for it', () => {
    const test = pods();
    const client = connect(test);
    expect(ask(test, client)).toBe('200');
    test.apply(policy(L7));
    expect(['ECONNRESET', 'timeout']).toContain(ask(test, client));
    expect(entries(test, TUPLE_F_IN).every(([, entry]) => (entry.flags & CT_PROXY_REDIRECT) === 0)).toBe(true);
    expect(ask(test, connect(test))).toBe('200');
  });

  it('keeps sending replies of a proxied connection to the proxy after the policy is gone', () => {
    const test = pods();
    test.apply(policy(L7));
    const client = connect(test);
    expect(ask(test, client)).toBe('200');
    test.cluster.api.delete('CiliumNetworkPolicy', 'default', 'p');
    test.cluster.settle();
    // The client's packets go straight to the server now, which has no such connection and refuses.
    expect(['ECONNRESET', 'timeout']).toContain(ask(test, client));
    expect(ask(test, connect(test))).toBe('200');
  });
});

describe('a live pod that gets other labels', () => {
  it('has another identity after the grace period, and loses what the old one was allowed', () => {
    const test = pods();
    test.apply(policy(L3));
    const client = connect(test);
    const before = test.node.agent.endpoints.ofPod('default', 'client')?.identity?.id;
    const object = test.cluster.api.get<Pod>('Pod', 'default', 'client') as Pod;
    test.cluster.api.update({ ...object, metadata: { ...object.metadata, labels: { app: 'stranger' } } });
    expect(ask(test, client)).toBe('200');
    test.cluster.advance(6e9);
    test.cluster.settle();
    expect(test.node.agent.endpoints.ofPod('default', 'client')?.identity?.id).not.toBe(before);
    expect(ask(test, client)).toBe('timeout');
  });
});

describe('an address that another pod gets', () => {
  it('begins without the connections of the pod that had it', () => {
    const test = pods();
    ask(test, connect(test));
    const address = parseIpv4('10.0.0.30');
    const ofAddress = (): number =>
      [...test.node.agent.maps.ct4.entries()].filter(([key]) => key.saddr === address || key.daddr === address).length;
    expect(ofAddress()).toBeGreaterThan(0);
    test.cluster.api.delete('Pod', 'default', 'server');
    test.cluster.settle();
    expect(ofAddress()).toBeGreaterThan(0);
    test.apply(pod('server'));
    expect(test.ip('default', 'server')).toBe('10.0.0.30');
    expect(ofAddress()).toBe(0);
    expect(ask(test, connect(test))).toBe('200');
  });
});

describe('connection entries', () => {
  it('outlive their time until the collector comes, and are used meanwhile', () => {
    const test = newTestCluster([pod('client'), pod('server')], { ...PINS, options: { 'bpf-ct-timeout-regular-tcp': 30 } });
    const client = connect(test);
    expect(ask(test, client)).toBe('200');
    test.cluster.advance(60e9);
    const now = test.cluster.clock.seconds();
    const mine = (): CtEntry[] => entries(test, TUPLE_F_IN).map(([, entry]) => entry);
    expect(mine().some((entry) => entry.lifetime < now)).toBe(true);
    expect(ask(test, client)).toBe('200');
    test.cluster.advance(400e9);
    expect(mine()).toEqual([]);
  });

  it('of a full LRU map make room for new ones', () => {
    const test = newTestCluster([pod('client'), pod('server')], { ...PINS, options: { 'bpf-ct-global-tcp-max': 8 } });
    for (let i = 0; i < 20; i++) {
      expect(ask(test, connect(test), 0)).toBe('200');
      expect(test.node.agent.maps.ct4.size).toBeLessThanOrEqual(8);
    }
    expect(test.node.agent.maps.ct4.evictions).toBeGreaterThan(0);
  });
});

describe('the interval of the collector', () => {
  it('shrinks with much to delete, grows with little, and stays with nothing', () => {
    expect(nextInterval(300, 0)).toBe(300);
    expect(nextInterval(300, 0.01)).toBe(450);
    expect(nextInterval(300, 0.1)).toBe(300);
    expect(nextInterval(300, 0.5)).toBe(150);
    expect(nextInterval(300, 1)).toBe(30);
    expect(nextInterval(30, 1)).toBe(10);
    expect(nextInterval(40000, 0.01)).toBe(43200);
  });
});

describe('a policy map that is full', () => {
  it('keeps what fits, says why the endpoint fails, and is whole after the policy shrinks', () => {
    const test = newTestCluster([pod('client'), pod('server')], { ...PINS, options: { 'bpf-policy-map-max': 256 } });
    const ports = (from: number): string => Array.from({ length: 40 }, (_, i) => `{port: "${from + i}", protocol: TCP}`).join(', ');
    const rules = Array.from({ length: 8 }, (_, i) => `{toPorts: [{ports: [${ports(1000 + i * 40)}]}]}`).join(', ');
    test.apply(policy(rules));
    const endpoint = test.node.agent.endpoints.ofPod('default', 'server');
    // The key that allowed everything went after the new ones had been tried; its place is taken by the retry that follows at once.
    expect(endpoint?.policyMap.size).toBe(256);
    expect(endpoint?.lastError).toContain('PolicyMap synchronization failed');
    test.apply(policy(L3));
    test.cluster.advance(10e9);
    expect(endpoint?.lastError).toBeNull();
    expect(ask(test, connect(test))).toBe('200');
  });
});

describe('a policy map that somebody else writes', () => {
  const MINUTE = 60e9;

  it('is put right within a minute, each time, and the counters of what stays go on', () => {
    const test = pods();
    test.apply(policy(`${L3}, {toPorts: [{ports: [{port: "9090", protocol: TCP}]}]}`));
    expect(ask(test, connect(test))).toBe('200');
    const map = test.node.agent.endpoints.ofPod('default', 'server')?.policyMap;
    const client = test.node.agent.endpoints.ofPod('default', 'client')?.identity?.id ?? 0;
    const key = { secLabel: client, dport: 0, protocol: 0, egress: 0 as const };
    const nine = { ...key, secLabel: 0, dport: 9090, protocol: 6 };
    const size = map?.size ?? 0;
    const packets = map?.lookup(key)?.packets ?? 0;
    expect(packets).toBeGreaterThan(0);
    for (let round = 0; round < 3; round++) {
      test.cluster.advance(2 * MINUTE);
      map?.delete(nine);
      map?.update({ ...key, dport: 7 + round, protocol: 17 }, { proxyPort: 0, deny: false, authType: 0, packets: 0, bytes: 0 });
      test.cluster.advance(MINUTE);
      expect([map?.lookup(nine) !== undefined, map?.size, map?.lookup(key)?.packets]).toEqual([true, size, packets]);
    }
  });

  it('gets its verdict back', () => {
    const test = pods();
    test.apply(policy(L3));
    test.cluster.advance(3 * MINUTE);
    const map = test.node.agent.endpoints.ofPod('default', 'server')?.policyMap;
    for (const [key, entry] of [...(map?.entries() ?? [])]) {
      map?.update(key, { ...entry, deny: true });
    }
    expect([...(map?.entries() ?? [])].every(([, { deny }]) => deny)).toBe(true);
    test.cluster.advance(MINUTE);
    expect([...(map?.entries() ?? [])].some(([key, { deny }]) => deny && key.egress === 0)).toBe(false);
  });
});
