import { describe, expect, it } from 'vitest';
import { isErrno } from '../../src/kernel/socket.ts';
import { CILIUM_NOTIFY_DROP } from '../../src/maps/eventsmap.ts';
import { METRIC_INGRESS } from '../../src/maps/metricsmap.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const pod = (name: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
`;
const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: server}
spec: {selector: {app: server}, clusterIP: 10.43.0.200, ports: [{port: 70, targetPort: 7000, protocol: UDP}]}
`;
const policy = (rule: string): string => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p}
spec: {endpointSelector: {matchLabels: {app: server}}, ingress: [{fromEndpoints: [{matchLabels: {app: client}}], ${rule}}]}
`;

interface Talk {
  readonly heard: number[];
  readonly answered: number[];
  readonly drops: readonly number[];
}

/** The client sends datagrams of these sizes; the server answers each as it is. */
function talk(test: TestCluster, to: string, port: number, sizes: readonly number[]): Talk {
  const heard: number[] = [];
  const answered: number[] = [];
  const follower = test.node.events.follow();
  const server = test.env('default', 'server').sockets.udp({
    local: { address: 0, port: 7000 },
    onMessage: (bytes, from) => {
      heard.push(bytes.length);
      expect(bytes.every((byte, i) => byte === i % 251)).toBe(true);
      if (!isErrno(server)) {
        server.send(from, bytes);
      }
    },
  });
  const client = test.env('default', 'client').sockets.udp({
    local: { address: 0, port: 0 },
    onMessage: (bytes) => answered.push(bytes.length),
  });
  if (isErrno(client) || isErrno(server)) {
    throw new Error('no socket');
  }
  for (const size of sizes) {
    client.send(
      { address: parseIpv4(to) as number, port },
      Uint8Array.from({ length: size }, (_, i) => i % 251),
    );
    test.cluster.advance(1e9);
  }
  client.close();
  server.close();
  follower.stop();
  const drops = follower.events.flatMap((event) =>
    event.kind === 'perf' && event.record.type === CILIUM_NOTIFY_DROP ? [event.record.reason] : [],
  );
  return { heard, answered, drops };
}

const SIZES = [1422, 1423, 1472, 1473, 4000, 20000];

describe('datagrams larger than the MTU', () => {
  it('go in fragments, which the programs follow by the ports of the first', () => {
    const test = newTestCluster([pod('client'), pod('server'), policy('toPorts: [{ports: [{port: "7000", protocol: UDP}]}]')]);
    expect(talk(test, test.ip('default', 'server'), 7000, SIZES)).toEqual({ heard: SIZES, answered: SIZES, drops: [] });
    const { fragments, metrics } = test.node.agent.maps;
    expect(fragments.size).toBeGreaterThanOrEqual(6);
    expect(metrics.lookup({ reason: 9, dir: METRIC_INGRESS })?.count).toBeGreaterThan(10);
  });

  it('keep to the policy, every fragment of them', () => {
    const test = newTestCluster([pod('client'), pod('server'), policy('toPorts: [{ports: [{port: "7001", protocol: UDP}]}]')]);
    expect(talk(test, test.ip('default', 'server'), 7000, [4000])).toEqual({ heard: [], answered: [], drops: [133, 133, 133] });
  });

  it('reach a service whose port is another', () => {
    const test = newTestCluster([pod('client'), pod('server'), SERVICE]);
    expect(talk(test, '10.43.0.200', 70, SIZES)).toEqual({ heard: SIZES, answered: SIZES, drops: [] });
  });

  it('are dropped without fragment tracking', () => {
    const test = newTestCluster([pod('client'), pod('server')], { options: { 'enable-ipv4-fragment-tracking': false } });
    expect(talk(test, test.ip('default', 'server'), 7000, [1422, 1423])).toEqual({ heard: [1422], answered: [1422], drops: [157, 157] });
  });

  it('are larger without a tunnel: routes are not 50 bytes smaller then', () => {
    const test = newTestCluster([pod('client'), pod('server')], {
      options: { 'enable-ipv4-fragment-tracking': false, tunnel: 'disabled' },
    });
    expect(talk(test, test.ip('default', 'server'), 7000, [1472, 1473])).toEqual({ heard: [1472], answered: [1472], drops: [157, 157] });
  });

  it('leave the cluster and come back, put together where connections are tracked', () => {
    const test = newTestCluster([pod('client')], {
      world: [{ name: 'far.example', names: [], ips: ['198.51.100.7'], servers: [], podRoutes: false }],
    });
    const out = test.run('default', 'client', 'ping', '-c', '1', '-s', '3000', '198.51.100.7');
    expect(out.stdout).toContain('1 received');
  });
});

describe('ICMP in fragments', () => {
  it('works where policy asks for no type', () => {
    const test = newTestCluster([pod('client'), pod('server')]);
    expect(test.run('default', 'client', 'ping', '-c', '1', '-s', '2000', test.ip('default', 'server')).stdout).toContain('1 received');
  });

  it('does not where it does: what stands in the place of the type in the second fragment is payload', () => {
    const test = newTestCluster([pod('client'), pod('server'), policy('icmps: [{fields: [{type: 8, family: IPv4}]}]')]);
    const ping = (size: string): string =>
      test.run('default', 'client', 'ping', '-c', '1', '-s', size, test.ip('default', 'server')).stdout;
    expect(ping('56')).toContain('1 received');
    expect(ping('2000')).toContain('0 received');
  });
});
