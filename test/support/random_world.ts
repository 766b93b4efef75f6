/** Random clusters of one shape: four pods of two apps, a service each, policies among them, requests of one to another. */
import fc from 'fast-check';
import type { ClusterOptions } from '../../src/cluster/options.ts';
import type { KubeObject } from '../../src/k8s/objects.ts';
import { newTestCluster, type TestCluster } from './test_cluster.ts';

/** The pods, and the addresses of the services. */
export const PODS = ['p0', 'p1', 'p2', 'p3'];
export const SERVICE_IPS = ['10.43.0.60', '10.43.0.61'];
const APPS = ['a', 'b'];

type Options = ClusterOptions['options'];

/** A cluster of four pods, policies among them, and what they ask each other. */
export interface World {
  /** The app of each pod. */
  readonly apps: readonly string[];
  readonly policies: readonly KubeObject[];
  readonly requests: readonly Request[];
  readonly replacement: 'disabled' | 'strict';
}

/** One request. */
export interface Request {
  readonly from: number;
  readonly to: { readonly pod: number } | { readonly service: number };
  readonly how: 'get' | 'ping';
  readonly path: string;
}

const app = fc.constantFrom(...APPS);
const element = fc.record({
  peer: fc.oneof(
    app.map((value) => ({ endpoints: [{ matchLabels: { app: value } }] })),
    fc.constantFrom({ entities: ['all'] }, { entities: ['host'] }, { entities: ['cluster'] }),
  ),
  ports: fc.option(fc.constantFrom('8080', '8080', '80', '53'), { freq: 2 }),
  path: fc.option(fc.constantFrom('/ok', '/o.*', '/no'), { freq: 2 }),
});
const policy = fc.record({
  subject: fc.option(app, { freq: 4 }),
  ingress: fc.boolean(),
  deny: fc.constantFrom(false, false, false, true),
  elements: fc.array(element, { maxLength: 2 }),
});

const policies = fc.array(policy, { maxLength: 4 }).map((list) =>
  list.map(({ subject, ingress, deny, elements }, i): KubeObject => {
    const side = ingress ? 'from' : 'to';
    const rules = elements.map(({ peer, ports, path }) => ({
      ...('endpoints' in peer ? { [`${side}Endpoints`]: peer.endpoints } : { [`${side}Entities`]: peer.entities }),
      ...(ports === null
        ? {}
        : { toPorts: [{ ports: [{ port: ports, protocol: 'TCP' }], ...(path === null || deny ? {} : { rules: { http: [{ path }] } }) }] }),
    }));
    const member = `${ingress ? 'ingress' : 'egress'}${deny ? 'Deny' : ''}`;
    return {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumNetworkPolicy',
      metadata: { name: `n${i}`, namespace: 'default' },
      spec: { endpointSelector: { matchLabels: subject === null ? {} : { app: subject } }, [member]: rules.length === 0 ? [{}] : rules },
    };
  }),
);

const index = fc.nat(PODS.length - 1);
const base: fc.Arbitrary<World> = fc.record({
  apps: fc.tuple(app, app, app, app),
  policies,
  requests: fc.array(
    fc.record({
      from: index,
      to: fc.oneof(
        index.map((pod) => ({ pod })),
        fc.nat(1).map((service) => ({ service })),
      ),
      how: fc.constantFrom('get' as const, 'get' as const, 'get' as const, 'ping' as const),
      path: fc.constantFrom('/ok', '/no'),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  replacement: fc.constantFrom('disabled' as const, 'disabled' as const, 'strict' as const),
});

/** A rule of the proxy for the way that one of the requests takes. */
interface OnTheWay {
  readonly request: number;
  readonly side: 'ingress' | 'egress';
  readonly path: string;
}

const onTheWay: fc.Arbitrary<OnTheWay> = fc.record({
  request: fc.nat(4),
  side: fc.constantFrom('ingress' as const, 'egress' as const),
  path: fc.constantFrom('/ok', '/ok', '/o.*', '/no'),
});

/** Any such cluster. Policies drawn at random seldom meet a request, so some are drawn for the requests. */
export const world: fc.Arbitrary<World> = fc
  .tuple(base, fc.array(onTheWay, { maxLength: 3 }))
  .map(([given, rules]) => ({ ...given, policies: [...given.policies, ...rules.map((rule, i) => proxied(given, rule, i))] }));

function proxied({ apps, requests }: World, { request, side, path }: OnTheWay, i: number): KubeObject {
  const { from, to } = requests[request % requests.length] as Request;
  const client = { matchLabels: { app: apps[from] } };
  const server = { matchLabels: { app: 'pod' in to ? apps[to.pod] : APPS[to.service] } };
  const toPorts = [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ path }] } }];
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: `l7-${i}`, namespace: 'default' },
    spec:
      side === 'ingress'
        ? { endpointSelector: server, ingress: [{ fromEndpoints: [client], toPorts }] }
        : { endpointSelector: client, egress: [{ toEndpoints: [server], toPorts }] },
  };
}

/** The cluster, at rest. With two nodes every second pod is on the second. */
export function randomCluster(
  { apps, policies: objects, replacement }: World,
  options: Options,
  nodes?: ClusterOptions['nodes'],
): TestCluster {
  const pods = PODS.map(
    (name, i) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${apps[i]}}}
spec: {${nodes === undefined ? '' : `nodeName: ${nodes[i % nodes.length]?.name}, `}containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
`,
  );
  const services = APPS.map(
    (name, i) => `
apiVersion: v1
kind: Service
metadata: {name: s-${name}}
spec: {clusterIP: ${SERVICE_IPS[i]}, selector: {app: ${name}}, ports: [{port: 80, targetPort: 8080}]}
`,
  );
  const cluster = newTestCluster([...pods, ...services], {
    options: { 'kube-proxy-replacement': replacement, ...options },
    ...(nodes === undefined ? {} : { nodes }),
  });
  for (const object of objects) {
    cluster.cluster.api.apply(object);
  }
  cluster.cluster.settle();
  return cluster;
}

/** The program that a request is. */
export function requestArgv(cluster: TestCluster, { to, how, path }: Request): string[] {
  const target = 'pod' in to ? cluster.ip('default', PODS[to.pod] as string) : (SERVICE_IPS[to.service] as string);
  const url = `http://${target}:${'pod' in to ? 8080 : 80}${path}`;
  return how === 'ping' ? ['ping', '-c', '1', '-W', '1', '-w', '2', target] : ['curl', '-s', '-m', '2', url];
}
