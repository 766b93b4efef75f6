/**
 * What the agent follows in the API server.
 * @see cilium:pkg/k8s/watchers/watcher.go#K8sWatcher.enableK8sWatchers
 */
import type { ApiServer, Origin } from '../../k8s/api_server.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import { MILLISECOND, type Nanos } from '../../sim/clock.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { ciliumNetworkPoliciesInit } from '../k8s/watchers/cilium_network_policy.ts';
import { type HostPortDeps, hostPortsInit } from '../k8s/watchers/pod.ts';
import type { Remote } from '../k8s/watchers/remote.ts';
import { servicesInit } from '../k8s/watchers/service.ts';
import type { ParsedPolicy } from '../policy/api/rule.ts';
import type { PolicyConfig } from '../policy/config.ts';
import type { ServiceManager } from '../service/service.ts';
import type { EndpointLabels } from './endpoint_labels.ts';
import { type PodAnnotationsDeps, watchPodAnnotations } from './pod_annotations.ts';
import type { PolicyManager } from './policy.ts';

/** Who hears of objects. */
export interface WatcherDeps extends PodAnnotationsDeps {
  readonly journey: Journey;
  readonly services: ServiceManager;
  readonly labels: EndpointLabels;
  readonly remote: Remote;
  readonly policy: PolicyManager;
  readonly policyConfig: PolicyConfig;
  /** Whose host ports are served, and where; `null`: none. */
  readonly hostPorts: Pick<HostPortDeps, 'nodeName' | 'nodeAddresses'> | null;
  readonly onNode: (node: KubeObject) => void;
  readonly rejected: (object: KubeObject, origin: Origin | null, parsed: ParsedPolicy) => void;
}

/** Starts all watches. */
export function enableK8sWatchers({
  api,
  journey,
  services,
  labels,
  endpoints,
  regenerate,
  remote,
  policy,
  policyConfig,
  hostPorts,
  onNode,
  rejected,
}: WatcherDeps): void {
  const backends = servicesInit({ api, services, policy });
  if (hostPorts !== null) {
    hostPortsInit({ api, services, ...hostPorts });
  }
  labels.watch();
  watchPodAnnotations({ api, endpoints, regenerate });
  remote.watch();
  api.watch<KubeObject>('Node', { onAdd: onNode, onUpdate: (_old, node) => onNode(node) });
  ciliumNetworkPoliciesInit({ api, journey, policy, config: policyConfig, services: backends, rejected });
}

/** How often a start looks whether the objects are there. @see kubernetes:staging/src/k8s.io/client-go/tools/cache/shared_informer.go#syncedPollPeriod */
const SYNC_POLL: Nanos = 100 * MILLISECOND;

/**
 * Calls back when what existed at the start of the watches is known and all policies are in the repository.
 * @see cilium:pkg/k8s/watchers/watcher.go#K8sWatcher.InitK8sSubsystem
 */
export function whenCachesSynced(scheduler: Scheduler, api: ApiServer, policy: PolicyManager, synced: () => void): void {
  const look = (): void => {
    if (api.synced && policy.idle) {
      synced();
    } else {
      scheduler.after(api.synced ? 0 : SYNC_POLL, 'k8s caches synced', look);
    }
  };
  scheduler.after(0, 'k8s caches synced', look);
}
