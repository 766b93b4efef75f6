/** What cases with faults have in common: the policies, the oracle of every set of them, and how a cluster with the two parties is made. */
import { OUTSIDE } from '../../cluster/cluster.ts';
import { type ClusterOptions, DEFAULT_CLUSTER_OPTIONS } from '../../cluster/options.ts';
import { type K8sObject, type ModelPod, podName } from '../model/cluster.ts';
import type { Oracle } from '../oracle/oracle.ts';
import { type Attempt, type Reach, reach } from '../run/reach.ts';
import type { CheckSubject } from '../run/subject.ts';
import { oracleOf, pathOptionsOf } from '../run/told.ts';
import type { FaultCase } from './case.ts';

const CLIENT_IP = '10.0.0.100';
const SERVER_IP = '10.0.0.200';
/** An image that answers every request, and one with curl. */
const SERVER_IMAGE = 'hashicorp/http-echo';
const CLIENT_IMAGE = 'curlimages/curl';

/** The scene. */
export interface FaultScene {
  readonly policies: readonly K8sObject[];
  /** Address of the server. */
  readonly server: string;
  /** Where the client runs. */
  client(one: FaultCase): readonly [namespace: string, name: string];
  /** Every address is pinned, so that none that the node draws can be the server's. */
  pins(one: FaultCase): ClusterOptions['pins'];
  options(one: FaultCase): ClusterOptions;
  /** Namespaces and pods. */
  objects(one: FaultCase): readonly K8sObject[];
  /** What a set of policies, as `101`, means for a request. */
  reach(state: string, attempt: Omit<Attempt, 'protocol'>, withoutDenies?: boolean): Reach;
}

/** The scene of some policies of a subject. */
export function faultScene(subject: CheckSubject, policies: readonly K8sObject[] = subject.policies): FaultScene {
  const oracles = new Map<string, Oracle>();
  const path = pathOptionsOf(subject);
  const pins: FaultScene['pins'] = ({ from, to }) => ({
    router: { ip: '10.0.0.1' },
    health: { ip: '10.0.0.2' },
    podNames: { 'kube-system/coredns': ['coredns-0'] },
    pods: {
      'kube-system/coredns-0': { ip: '10.0.0.3' },
      ...(from.kind === 'pod' ? { [podName(from.pod)]: { ip: CLIENT_IP } } : {}),
      [podName(to.pod)]: { ip: SERVER_IP },
    },
  });
  return {
    policies,
    server: SERVER_IP,
    client: ({ from }) => (from.kind === 'pod' ? [from.pod.namespace, from.pod.name] : [OUTSIDE, 'outside']),
    pins,
    options: (one) => ({
      ...subject.options,
      nodes: DEFAULT_CLUSTER_OPTIONS.nodes,
      seed: one.seed,
      pins: pins(one),
      world: one.from.kind === 'address' ? [{ name: 'outside', names: [], ips: [one.from.ip], servers: [], podRoutes: true }] : [],
    }),
    objects: ({ from, to, port }) => [
      ...namespaces(subject, policies, from.kind === 'pod' ? [from.pod, to.pod] : [to.pod]),
      ...(from.kind === 'pod' ? [podObject(from.pod, subject, null)] : []),
      podObject(to.pod, subject, port),
      ...subject.external,
    ],
    reach: (state, attempt, withoutDenies = false) => {
      let oracle = oracles.get(state);
      if (oracle === undefined) {
        oracle = oracleOf(
          subject,
          policies.filter((_, i) => state[i] === '1'),
        );
        oracles.set(state, oracle);
      }
      return reach(oracle, { ...attempt, protocol: 'TCP' }, { ...path, withoutDenies });
    },
  };
}

function namespaces({ cluster }: CheckSubject, policies: readonly K8sObject[], pods: readonly ModelPod[]): K8sObject[] {
  const ofPolicies = policies.flatMap(({ metadata }) => (metadata as { readonly namespace?: string } | undefined)?.namespace ?? []);
  return [...new Set([...pods.map(({ namespace }) => namespace), ...ofPolicies])].flatMap((name) => {
    const labels = cluster.namespaces.find((one) => one.name === name)?.labels ?? {};
    const known = ['default', 'kube-system'].includes(name) && Object.keys(labels).length === 0;
    return known ? [] : [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }];
  });
}

/** A server (of a port), or a client. */
function podObject(pod: ModelPod, { specs }: CheckSubject, port: number | null): K8sObject {
  const account = specs.get(pod)?.serviceAccountName;
  const named = pod.ports.map(({ name, port: containerPort, protocol }) => ({ name, containerPort, protocol }));
  const own = named.find(({ containerPort }) => containerPort === port) ?? { containerPort: port };
  const ports = port === null ? named : [own, ...named.filter(({ containerPort }) => containerPort !== port)];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: pod.namespace, labels: pod.labels },
    spec: {
      ...(account === undefined ? {} : { serviceAccountName: account }),
      containers: [{ name: 'main', image: port === null ? CLIENT_IMAGE : SERVER_IMAGE, ports }],
    },
  };
}
