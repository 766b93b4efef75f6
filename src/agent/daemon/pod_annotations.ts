/**
 * Annotations of pods that an endpoint goes by.
 * @see cilium:pkg/k8s/watchers/pod.go#K8sWatcher.updateK8sPodV1
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { Pod } from '../../k8s/objects.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { REGENERATE_WITHOUT_DATAPATH, type RegenerationLevel } from '../endpoint/state.ts';
import type { EndpointManager } from '../endpointmanager/manager.ts';
import { visibilityPolicy } from '../policy/visibility.ts';

/** What following the annotations needs. */
export interface PodAnnotationsDeps {
  readonly api: ApiServer;
  readonly endpoints: EndpointManager;
  readonly regenerate: (endpoint: Endpoint, level: RegenerationLevel, reason: string) => void;
}

/**
 * Starts to follow them.
 * @remarks Not modelled: the annotations for bandwidth and for ports without connection tracking.
 */
export function watchPodAnnotations({ api, endpoints, regenerate }: PodAnnotationsDeps): void {
  api.watch<Pod>('Pod', {
    onUpdate: (old, pod) => {
      const before = visibilityPolicy(old.metadata.annotations);
      const after = visibilityPolicy(pod.metadata.annotations);
      const endpoint = endpoints.ofPod(pod.metadata.namespace ?? 'default', pod.metadata.name);
      if (endpoint !== undefined && JSON.stringify(before) !== JSON.stringify(after)) {
        endpoint.visibility = after;
        endpoint.forcePolicyComputation = true;
        regenerate(endpoint, REGENERATE_WITHOUT_DATAPATH, 'annotations updated');
      }
    },
  });
}
