/** A cluster on which lint tries things: the manifests' policies and services, and pods that stand for the workloads. */
import { Cluster } from '../cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS, type PodPins, type WorldHost } from '../cluster/options.ts';
import type { KubeObject } from '../k8s/objects.ts';
import { type LoadedObject, POLICY_KINDS } from './load.ts';
import type { Workload } from './workloads.ts';

/** Room for a pod of each workload. */
const POD_CIDR = '10.0.0.0/16';
/** Answers on the first port it declares. */
const SERVER_IMAGE = 'hashicorp/http-echo';
const CLIENT_IMAGE = 'curlimages/curl';

/** What a bench is made of. */
export interface BenchParts {
  readonly objects: readonly LoadedObject[];
  readonly workloads: readonly Workload[];
  /** Further ports that servers listen on, by `namespace/name`. */
  readonly extraPorts?: ReadonlyMap<string, readonly number[]>;
  readonly world?: readonly WorldHost[];
}

/** A bench with the address of each pod. */
export interface Bench {
  readonly cluster: Cluster;
  readonly addresses: ReadonlyMap<string, string>;
}

/** Makes a bench and lets it come to rest. */
export function newBench({ objects, workloads, extraPorts = new Map(), world = [] }: BenchParts): Bench {
  const addresses = new Map(workloads.map((one, i) => [keyOf(one), `10.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`]));
  const pods: Record<string, PodPins> = Object.fromEntries([...addresses].map(([name, ip]) => [name, { ip }]));
  const cluster = Cluster.create({
    ...DEFAULT_CLUSTER_OPTIONS,
    nodes: [{ name: 'node1', ip: '192.168.1.10', podCIDR: POD_CIDR }],
    pins: { pods, router: { ip: '10.0.0.1' }, health: { ip: '10.0.0.2' } },
    world,
  });
  cluster.settle();
  const needed = [...objects.map(({ object }) => object.metadata.namespace), ...workloads.map(({ namespace }) => namespace)];
  for (const { object, origin } of objects.filter(({ object: { kind } }) => kind === 'Namespace')) {
    cluster.api.apply(object, origin);
  }
  for (const name of new Set(needed)) {
    if (name !== undefined && name !== '' && cluster.api.get('Namespace', '', name) === undefined) {
      cluster.api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
  }
  const others = objects.filter(({ object: { kind } }) => kind !== 'Namespace' && !POLICY_KINDS.includes(kind));
  for (const { object, origin } of others) {
    cluster.api.apply(object, origin);
  }
  for (const workload of workloads) {
    cluster.api.apply(podOf(workload, extraPorts.get(keyOf(workload)) ?? []));
  }
  cluster.settle();
  for (const { object, origin } of objects.filter(({ object: { kind } }) => POLICY_KINDS.includes(kind))) {
    cluster.api.apply(object, origin);
  }
  cluster.settle();
  return { cluster, addresses };
}

function keyOf({ namespace, name }: Workload): string {
  return `${namespace}/${name}`;
}

/** A container for each port, so that a server answers on each. */
function podOf({ namespace, name, labels, ports, serviceAccount }: Workload, extra: readonly number[]): KubeObject {
  const declared = ports.map((one) => ({
    containerPort: one.port,
    protocol: one.protocol,
    ...(one.name === null ? {} : { name: one.name }),
  }));
  const added = extra.map((containerPort) => ({ containerPort, protocol: 'TCP' }));
  const served = new Set<number>();
  const containers = [...declared, ...added].flatMap((port, i) => {
    const isNew = port.protocol === 'TCP' && !served.has(port.containerPort);
    served.add(isNew ? port.containerPort : 0);
    return isNew || i < declared.length ? [{ name: `c${i}`, image: isNew ? SERVER_IMAGE : CLIENT_IMAGE, ports: [port] }] : [];
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      ...(serviceAccount === null ? {} : { serviceAccountName: serviceAccount }),
      containers: containers.length === 0 ? [{ name: 'c0', image: CLIENT_IMAGE }] : containers,
    },
  };
}
