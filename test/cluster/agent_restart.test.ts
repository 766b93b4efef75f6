import { describe, expect, it } from 'vitest';
import { proxyPortOfRules } from '../../src/agent/datapath/iptables.ts';
import type { KubeObject, Pod } from '../../src/k8s/objects.ts';
import { formatIpv4 } from '../../src/net/ipv4.ts';
import type { HttpClient } from '../../src/workloads/http_client.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const pod = (name: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
`;
const L3 = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: l3}
spec:
  endpointSelector: {matchLabels: {app: server}}
  ingress: [{fromEndpoints: [{matchLabels: {app: client}}]}]
`;
const L7 = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: l7}
spec:
  endpointSelector: {matchLabels: {app: web}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: client}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [{method: GET}]}}]
`;
const CIDR = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cidr}
spec:
  endpointSelector: {matchLabels: {app: client}}
  egress: [{toCIDR: [198.51.100.0/24, 203.0.113.0/24]}, {toEndpoints: [{}]}]
`;
const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: server}
spec: {selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}
`;

function everything(): TestCluster {
  return newTestCluster([`${pod('client')}---${pod('server')}---${pod('web')}---${pod('other')}`, L3, L7, CIDR, SERVICE]);
}

function connect(test: TestCluster, from: string, to: string): HttpClient {
  const client = test.cluster.httpClient('default', from) as HttpClient;
  let error: string | null = 'pending';
  client.connect(test.ip('default', to), 8080, (result) => {
    error = result;
  });
  test.cluster.advance(0);
  expect(error).toBeNull();
  return client;
}

function ask(test: TestCluster, client: HttpClient, nanos = 3e9): string {
  let answer = 'timeout';
  client.send({ method: 'GET', path: '/', headers: { Host: 'server' }, body: '' }, (result) => {
    answer = result.error ?? String(result.status);
  });
  test.cluster.advance(nanos);
  return answer;
}

const curl = (test: TestCluster, from: string, url: string): string =>
  test.run('default', from, 'curl', '-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}', url).stdout;

function facts(test: TestCluster): object {
  const { agent } = test.node;
  const pods = agent.endpoints.list().filter(({ namespace }) => namespace !== '');
  return {
    endpoints: pods.map((one) => ({ id: one.id, name: one.name, ip: one.ipv4, identity: one.identity?.id, state: one.state })),
    host: agent.hostEndpointId,
    router: agent.routerIp,
    services: agent.services.frontends(),
    cidrs: agent.cidrIdentities.list().map(({ prefix, identity }) => [prefix, identity.id]),
    policies: pods.map(({ policyMap }) =>
      [...policyMap.entries()].map(([key, value]) => JSON.stringify([key, value.deny, value.proxyPort !== 0])).sort(),
    ),
    identities: test.cluster.identities
      .list()
      .map(({ id }) => id)
      .sort(),
    lxc: [...agent.maps.lxc.entries()].filter(([, { lxcId }]) => pods.some(({ id }) => id === lxcId)).map(([key]) => key.address),
    ipcache: [...agent.maps.ipcache.entries()]
      .filter(([, { secLabel }]) => secLabel !== 4)
      .map(([key, { secLabel }]) => `${key.address}/${key.length} ${secLabel}`)
      .sort(),
  };
}

describe('the agent restarts', () => {
  it('and everything has the numbers it had', () => {
    const test = everything();
    const before = facts(test);
    test.node.stopAgent();
    test.cluster.advance(30e9);
    test.node.startAgent();
    test.cluster.settle();
    expect(facts(test)).toEqual(before);
    expect(test.node.agent.endpoints.list().every(({ state }) => state === 'ready')).toBe(true);
    expect(test.node.bpffs.names().filter((name) => /^cilium_(policy|calls)_\d{5}$/.test(name)).length).toBe(
      2 * test.node.agent.endpoints.list().length,
    );
  });

  it('and cuts no connection that L3 allows, neither while it is down nor when it comes', () => {
    const test = everything();
    const client = connect(test, 'client', 'server');
    expect(ask(test, client)).toBe('200');
    test.node.stopAgent();
    expect(ask(test, client)).toBe('200');
    expect(curl(test, 'client', `${test.ip('default', 'server')}:8080`)).toBe('200');
    expect(curl(test, 'other', `${test.ip('default', 'server')}:8080`)).toBe('000');
    test.node.startAgent();
    expect(ask(test, client)).toBe('200');
    test.cluster.settle();
    expect(ask(test, client)).toBe('200');
    expect(curl(test, 'client', `${test.ip('default', 'server')}:8080`)).toBe('200');
    expect(curl(test, 'other', `${test.ip('default', 'server')}:8080`)).toBe('000');
  });

  it('and what goes through the proxy is cut, fails while it is down, and goes on after', () => {
    const test = everything();
    const client = connect(test, 'client', 'web');
    expect(ask(test, client)).toBe('200');
    const web = `${test.ip('default', 'web')}:8080`;
    const port = test.node.agent.proxy.ports().find(({ name }) => name === 'cilium-http-ingress')?.port ?? 0;
    test.node.stopAgent();
    expect(ask(test, client)).not.toBe('200');
    expect(curl(test, 'client', web)).toBe('000');
    expect(curl(test, 'other', web)).toBe('000');
    test.node.startAgent();
    test.cluster.settle();
    const now = test.node.agent.proxy.ports().find(({ name }) => name === 'cilium-http-ingress')?.port ?? 0;
    expect(now).not.toBe(port);
    expect(proxyPortOfRules(test.node.hostNetns.netfilter, 'cilium-http-ingress')).toBe(now);
    expect(test.node.hostNetns.netfilter.save().filter((line) => line.includes('TPROXY')).length).toBe(4);
    expect(curl(test, 'client', web)).toBe('200');
    expect(test.run('default', 'client', 'curl', '-s', '-m', '2', '-XPOST', web).stdout).toContain('Access denied');
    expect(curl(test, 'other', web)).toBe('000');
  });

  it('and pods that came and went meanwhile are taken care of', () => {
    const test = everything();
    const gone = test.node.agent.endpoints.ofPod('default', 'other');
    test.node.stopAgent();
    test.apply(pod('late'));
    test.cluster.api.delete('Pod', 'default', 'other');
    test.cluster.advance(10e9);
    const status = (name: string): string => JSON.stringify(test.cluster.api.get<Pod>('Pod', 'default', name)?.status);
    expect(status('late')).toContain('ContainerCreating');
    expect(test.cluster.processEnv('default', 'late')).toBeUndefined();
    expect(test.cluster.processEnv('default', 'other')).toBeUndefined();
    test.node.startAgent();
    test.cluster.settle();
    expect(status('late')).toContain('Running');
    expect(curl(test, 'late', `${test.ip('default', 'server')}:8080`)).toBe('000');
    expect(test.node.agent.endpoints.ofPod('default', 'other')).toBeUndefined();
    expect(test.node.agent.maps.lxc.lookup({ address: gone?.ipv4 ?? 0 })).toBeUndefined();
    expect(test.node.kernel.device(gone?.device.ifindex ?? 0)).toBeUndefined();
    expect(test.cluster.api.get('CiliumEndpoint', 'default', 'other')).toBeUndefined();
    expect(test.cluster.identities.list().some(({ id }) => id === gone?.identity?.id)).toBe(false);
  });

  it('and policies, labels and services that changed meanwhile count once it is back', () => {
    const test = everything();
    const server = `${test.ip('default', 'server')}:8080`;
    test.node.stopAgent();
    test.apply(L3.replace('app: client', 'app: other'));
    test.cluster.api.delete('Service', 'default', 'server');
    const other = test.cluster.api.get('Pod', 'default', 'web') as KubeObject;
    test.cluster.api.update({ ...other, metadata: { ...other.metadata, labels: { app: 'renamed' } } });
    test.cluster.advance(5e9);
    expect(curl(test, 'client', server)).toBe('200');
    expect(curl(test, 'other', server)).toBe('000');
    test.node.startAgent();
    test.cluster.settle();
    expect(curl(test, 'client', server)).toBe('000');
    expect(curl(test, 'other', server)).toBe('200');
    expect(test.node.agent.services.frontends().some(({ name }) => name === 'server')).toBe(false);
    expect([...test.node.agent.maps.backends.entries()].some(([, { address }]) => formatIpv4(address) === server.split(':')[0])).toBe(
      false,
    );
    expect(test.node.agent.endpoints.ofPod('default', 'web')?.identityLabels.some(({ value }) => value === 'renamed')).toBe(true);
  });

  it('when its pod is deleted, or its DaemonSet restarted', () => {
    const test = everything();
    const agents = (): Pod[] =>
      test.cluster.api.list<Pod>('Pod', { namespace: 'kube-system' }).filter((one) => one.metadata.name.startsWith('cilium-'));
    const [first] = agents();
    test.cluster.api.delete('Pod', 'kube-system', first?.metadata.name ?? '');
    test.cluster.advance(1e9);
    expect(test.node.agentRunning).toBe(false);
    expect(agents().map(({ metadata }) => metadata.name)).not.toEqual([first?.metadata.name]);
    test.cluster.settle();
    expect(test.node.agentRunning).toBe(true);
    expect(curl(test, 'client', `${test.ip('default', 'web')}:8080`)).toBe('200');
  });
});
