/** Ingresses and CiliumEnvoyConfigs on a whole cluster: what holds when things change, restart, or are wrong. */
import { describe, expect, it } from 'vitest';
import type { CiliumNode, KubeObject } from '../../src/k8s/objects.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const OPTIONS = { 'enable-ingress-controller': true, 'kube-proxy-replacement': 'strict' } as const;

const pod = (name: string, node = 'node1'): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {nodeName: ${node}, containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
`;
const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;
const ingress = (name: string, more = ''): string => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ${name}}
spec:
  ingressClassName: cilium
  defaultBackend: {service: {name: web, port: {number: 80}}}
${more}`;
const listener = (name: string, more = ''): string => `
    - "@type": type.googleapis.com/envoy.config.listener.v3.Listener
      name: ${name}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: ${name}
                route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 299, body: {inline_string: ${name}}}}]}]}
                http_filters: [{name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
${more}`;
const config = (name: string, services: string, resources: string): string => `
apiVersion: cilium.io/v2
kind: CiliumEnvoyConfig
metadata: {name: ${name}}
spec:
  services: ${services}
  resources: ${resources}
`;

function curl(test: TestCluster, url: string): string {
  return test.run('default', 'client', 'curl', '-s', '--max-time', '8', '-w', ' %{response_code}', url).stdout;
}

function issuesOf(test: TestCluster): string[] {
  const { envoyConfigs } = test.node.agent;
  return (envoyConfigs?.issues ?? []).map(({ origin, path, message }) => {
    const place = origin?.locate(path);
    return `${place?.line}:${place?.column} ${message}`;
  });
}

describe('an Ingress', () => {
  it('works on after the agent has started anew, from the same address', () => {
    const test = newTestCluster([pod('client'), pod('web'), SERVICE, ingress('i')], { options: OPTIONS });
    expect(curl(test, 'cilium-ingress-i/')).toBe('web 200');
    const before = test.node.agent.envoyConfigs?.ingressIp;
    test.node.stopAgent();
    test.cluster.advance(5 * SECOND);
    test.node.startAgent();
    test.cluster.settle();
    expect(test.node.agent.envoyConfigs?.ingressIp).toBe(before);
    expect(curl(test, 'cilium-ingress-i/')).toBe('web 200');
  });

  it('reaches backends of other nodes, who know its identity', () => {
    const nodes = [1, 2].map((n) => ({ name: `node${n}`, ip: `192.168.1.1${n}`, podCIDR: `10.0.${n}.0/24` }));
    const policy = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p}
spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{fromEntities: [ingress]}]}
`;
    for (const options of [
      OPTIONS,
      { ...OPTIONS, tunnel: 'disabled', 'auto-direct-node-routes': true, 'ipv4-native-routing-cidr': '10.0.0.0/16' },
    ]) {
      const test = newTestCluster([pod('client'), pod('web', 'node2'), SERVICE, ingress('i'), policy], { options, nodes });
      const known = test.cluster.api.list<CiliumNode>('CiliumNode').map(({ spec }) => spec.ingress.ipv4);
      expect(known.every((ip) => test.cluster.nodes.every(({ agent }) => agent.ipcache.get(`${ip}/32`)?.identity === 8))).toBe(true);
      expect(curl(test, 'cilium-ingress-i/')).toBe('web 200');
    }
  });

  it('follows changes and goes without a trace', () => {
    const test = newTestCluster([pod('client'), pod('web'), SERVICE, ingress('i')], { options: OPTIONS });
    test.apply(
      ingress(
        'i',
        '  rules: [{host: a.com, http: {paths: [{path: /, pathType: Exact, backend: {service: {name: gone, port: {number: 80}}}}]}}]',
      ),
    );
    expect(curl(test, 'cilium-ingress-i/')).toBe('web 200');
    test.cluster.api.delete('Ingress', 'default', 'i');
    test.cluster.settle();
    expect(
      ['CiliumEnvoyConfig', 'Service', 'Endpoints']
        .flatMap((kind) => test.cluster.api.list<KubeObject>(kind, { namespace: 'default' }))
        .filter(({ metadata }) => metadata.name.includes('ingress')),
    ).toEqual([]);
    expect(
      test.node.agent.services.frontends().filter(({ l7LbProxyPort, name }) => l7LbProxyPort !== 0 && name !== 'cilium-ingress'),
    ).toEqual([]);
  });

  it('has the address of its load balancer', () => {
    const test = newTestCluster([pod('web'), SERVICE, ingress('i')], { options: OPTIONS });
    const loadBalancer = { ingress: [{ ip: '203.0.113.80' }] };
    test.cluster.api.updateStatus('Service', 'default', 'cilium-ingress-i', { loadBalancer });
    test.cluster.settle();
    expect(test.cluster.api.get<KubeObject>('Ingress', 'default', 'i')?.['status']).toEqual({ loadBalancer });
  });

  it('waits some seconds for its secret, and no longer', () => {
    const secret = (name: string): string => `
apiVersion: v1
kind: Secret
metadata: {name: ${name}}
type: kubernetes.io/tls
data: {tls.crt: bmFtZXM6IGEuY29t, tls.key: eA==}
`;
    const tls = (name: string): string => `  tls: [{hosts: [a.com], secretName: ${name}}]`;
    const test = newTestCluster([pod('web'), SERVICE, ingress('soon', tls('soon')), ingress('late', tls('late'))], { options: OPTIONS });
    test.apply(secret('soon'));
    test.cluster.advance(6 * SECOND);
    test.apply(secret('late'));
    test.cluster.advance(60 * SECOND);
    expect(test.cluster.api.list<KubeObject>('Secret', { namespace: 'cilium-secrets' }).map(({ metadata }) => metadata.name)).toEqual([
      'default-soon',
    ]);
    test.apply(secret('soon').replace('eA==', 'eQ=='));
    expect(test.cluster.api.get<KubeObject>('Secret', 'cilium-secrets', 'default-soon')?.['data']).toMatchObject({ 'tls.key': 'eQ==' });
  });
});

describe('a CiliumEnvoyConfig', () => {
  const withConfigs = (...configs: string[]): TestCluster =>
    newTestCluster([pod('client'), pod('web'), SERVICE, ...configs], {
      options: { ...OPTIONS, 'enable-ingress-controller': false, 'enable-envoy-config': true },
    });

  it('takes the traffic of a service of its namespace', () => {
    const test = withConfigs(config('c', '[{name: web, namespace: elsewhere}]', listener('answers')));
    expect(curl(test, 'web/')).toBe('answers 299');
    test.cluster.api.delete('CiliumEnvoyConfig', 'default', 'c');
    test.cluster.settle();
    expect(curl(test, 'web/')).toBe('web 200');
  });

  it('without the name of a listener means the last, as in 1.13.3; a name must be the qualified one', () => {
    const two = `${listener('first')}${listener('last')}`;
    expect(curl(withConfigs(config('c', '[{name: web}]', two)), 'web/')).toBe('last 299');
    expect(curl(withConfigs(config('c', '[{name: web, listener: default/c/first}]', two)), 'web/')).toBe('first 299');
    const test = withConfigs(config('c', '[{name: web, listener: first}]', two));
    expect(issuesOf(test)).toEqual(['6:26 Listener "first" not found in resources (1.13.3 wants the qualified name "default/c/first")']);
    expect(curl(test, 'web/')).toBe('web 200');
  });

  it('has the service alone', () => {
    const test = withConfigs(config('c', '[{name: web}]', listener('one')), config('d', '[{name: web}]', listener('two')));
    expect(issuesOf(test)).toEqual([
      '6:14 Service "default/web" already registered for L7 LB redirection via CiliumEnvoyConfig "default/c"',
    ]);
    expect(curl(test, 'web/')).toBe('one 299');
  });

  it('says where a resource is wrong, and goes on with the rest', () => {
    const test = withConfigs(
      config(
        'c',
        '[{name: web}]',
        `${listener('one')}\n    - {"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: c, conect_timeout: 5s}`,
      ),
    );
    expect(issuesOf(test)).toHaveLength(1);
    expect(issuesOf(test)[0]).toMatch(
      /^\d+:\d+ unknown field "conect_timeout" of envoy\.config\.cluster\.v3\.Cluster.*did you mean connect_timeout\?/,
    );
    expect(curl(test, 'web/')).toBe('one 299');
  });

  it('is taken back when the proxy refuses it', () => {
    const broken = listener('one').replace('domains: ["*"]', 'domains: ["*", "*"]');
    const test = withConfigs(config('c', '[{name: web}]', broken));
    expect(issuesOf(test)).toHaveLength(1);
    expect(issuesOf(test)[0]).toMatch(/the proxy does not take the resources: NACK received/);
    expect(curl(test, 'web/')).toBe('web 200');
  });

  it('as in 1.13.3, put right by a change it takes traffic to a port nobody listens for; put right anew it works', () => {
    const broken = listener('one').replace('domains: ["*"]', 'domains: ["*", "*"]');
    const test = withConfigs(config('c', '[{name: web}]', broken));
    test.apply(config('c', '[{name: web}]', listener('one')));
    expect(curl(test, 'web/')).toBe(' 000');
    test.cluster.api.delete('CiliumEnvoyConfig', 'default', 'c');
    test.cluster.settle();
    test.apply(config('c', '[{name: web}]', listener('one')));
    expect(curl(test, 'web/')).toBe('one 299');
  });

  it('is of no account without enable-envoy-config', () => {
    const test = newTestCluster([pod('client'), pod('web'), SERVICE, config('c', '[{name: web}]', listener('one')), ingress('i')]);
    expect([test.node.agent.envoyConfigs, curl(test, 'web/')]).toEqual([null, 'web 200']);
    expect(test.cluster.api.list<KubeObject>('Service', { namespace: 'default' }).map(({ metadata }) => metadata.name)).toEqual([
      'kubernetes',
      'web',
    ]);
  });
});
