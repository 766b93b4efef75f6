/**
 * What a scenario does with a cluster. The runner knows only this; `cluster_host.ts` makes it from a {@link Cluster}.
 */
import type { ClusterView } from '../shell/cluster_view.ts';
import type { Step } from '../sim/journey.ts';
import type { ConnectTarget, OpenResult } from './connection.ts';
import type { OriginSource } from './fate_origins.ts';
import type { ObjectResult, PolicyReference } from './result.ts';
import type { ManifestText, ObjectName } from './scenario.ts';
import type { FaultSection } from './schema/fault.ts';

/** A pod by namespace and name. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  /** The address of what is no pod: a node, or a host outside. */
  readonly ip?: string;
}

/** A fault or repair of a scenario. */
export type Fault =
  | { readonly kind: 'hold' | 'release'; readonly what: 'xds'; readonly node: string | null }
  | { readonly kind: 'proxy' | 'agent'; readonly what: 'stop' | 'start' | 'restart'; readonly node: string | null }
  | { readonly kind: 'fault'; readonly fault: FaultSection }
  | { readonly kind: 'stop' | 'start'; readonly pod: PodName };

/** The policy elements that concern one direction of an endpoint. */
export interface EnforcedPolicy {
  /** The rules that select the endpoint and thereby close the direction. */
  readonly selecting: readonly PolicyReference[];
  /** The HTTP rules of the direction. */
  readonly http: readonly PolicyReference[];
}

/** A cluster as a scenario uses it. */
export interface ScenarioHost extends ClusterView, OriginSource {
  /** The journey so far. */
  journey(): readonly Step[];
  /** Applies manifests; objects without a namespace go to the given one. */
  apply(manifests: readonly ManifestText[], namespace: string): ObjectResult[];
  delete(manifests: readonly ManifestText[], objects: readonly ObjectName[], namespace: string): ObjectResult[];
  /** The pod a scenario means by `pod`, `namespace/pod` or `deployment/name`; `null` if there is none. */
  findPod(reference: string): PodName | null;
  /** Opens a TCP connection from a pod. */
  connect(pod: PodName, target: ConnectTarget): OpenResult;
  /** Does a fault or repair; an error message if it cannot be done. */
  fault(fault: Fault): string | null;
  /** What the policies say about an endpoint; `null` if it is unknown. */
  enforced(endpointId: number, direction: 'ingress' | 'egress'): EnforcedPolicy | null;
}
