import { describe, expect, it } from 'vitest';
import type { Endpoints } from '../../src/k8s/objects.ts';
import { BE_STATE_TERMINATING } from '../../src/maps/lbmap.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const pod = (name: string, app: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${app}}}
spec: {containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
---`;
const PODS = `${pod('client', 'client')}${pod('s1', 's')}${pod('s2', 's')}`.replace(/---$/, '');
const service = (more = ''): string => `
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {clusterIP: 10.43.0.50, ${more} ports: [{port: 80, targetPort: 8080}]}
`;

/** Endpoints by hand: which pods serve, and which serve to the end only. */
function setEndpoints({ cluster, ip }: TestCluster, ready: readonly string[], terminating: readonly string[] = []): void {
  const addresses = (names: readonly string[]) => names.map((name) => ({ ip: ip('default', name) }));
  const subset = { addresses: addresses(ready), terminatingAddresses: addresses(terminating), ports: [{ port: 8080, protocol: 'TCP' }] };
  const endpoints: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 's', namespace: 'default' }, subsets: [subset] };
  cluster.api.apply(endpoints as never, null as never);
  cluster.settle();
}

const answer = (test: TestCluster): string => test.run('default', 'client', 'curl', '-s', '-m', '2', 'http://10.43.0.50/').stdout;

describe('a service with several backends', () => {
  it('uses all of them, and a client with affinity only one until its time is over', () => {
    const spread = newTestCluster([PODS, service()]);
    setEndpoints(spread, ['s1', 's2']);
    expect(new Set(Array.from({ length: 16 }, () => answer(spread)))).toEqual(new Set(['s1', 's2']));

    const sticky = newTestCluster([PODS, service('sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 30}},')], {
      options: { 'enable-session-affinity': true },
    });
    setEndpoints(sticky, ['s1', 's2']);
    expect(new Set(Array.from({ length: 16 }, () => answer(sticky))).size).toBe(1);
    const first = answer(sticky);
    const other = first === 's1' ? 's2' : 's1';
    setEndpoints(sticky, [other]);
    expect(answer(sticky)).toBe(other);
    setEndpoints(sticky, ['s1', 's2']);
    expect(answer(sticky)).toBe(other);
    const seen = new Set<string>();
    for (let i = 0; i < 16; i++) {
      sticky.cluster.advance(31e9);
      seen.add(answer(sticky));
    }
    expect(seen.size).toBe(2);
  });

  it('sends nothing new to a backend that ends, but lets what is open go on', () => {
    const test = newTestCluster([PODS, service()]);
    setEndpoints(test, ['s1']);
    const client = test.cluster.httpClient('default', 'client');
    let error: string | null = 'pending';
    client?.connect('10.43.0.50', 80, (result) => {
      error = result;
    });
    test.cluster.advance(0);
    expect(error).toBeNull();
    setEndpoints(test, ['s2'], ['s1']);
    expect([...test.node.agent.maps.backends.entries()].filter(([, { state }]) => state === BE_STATE_TERMINATING)).toHaveLength(1);
    const bodies: string[] = [];
    client?.send({ method: 'GET', path: '/', headers: { Host: 's' }, body: '' }, (result) => bodies.push(result.body));
    test.cluster.advance(0);
    expect(bodies).toEqual(['s1']);
    expect(new Set(Array.from({ length: 8 }, () => answer(test)))).toEqual(new Set(['s2']));
    // Where nobody stays, those that end serve.
    setEndpoints(test, [], ['s1']);
    expect(answer(test)).toBe('s1');
    setEndpoints(test, [], []);
    expect(answer(test)).toBe('');
  });
});
