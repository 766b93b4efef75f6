/** An endpoint from its request and from what the API server knows of the pod. @see cilium:pkg/endpoint/endpoint.go#NewEndpointFromChangeModel */
import type { Pod } from '../../k8s/objects.ts';
import { newPolicyMap, policyMapName } from '../../maps/policymap.ts';
import { Endpoint } from '../endpoint/endpoint.ts';
import { podNamedPorts } from '../k8s/pod_labels.ts';
import type { DaemonOptions } from '../option/config.ts';
import { visibilityPolicy } from '../policy/visibility.ts';
import type { DaemonDeps } from './daemon_deps.ts';
import type { EndpointRequest } from './endpoint_request.ts';
import { EventQueue } from './event_queue.ts';

/** Makes it, with its policy map: that of the agent before, if there is one. */
export function newEndpoint(
  { scheduler, journey, api, bpffs }: Pick<DaemonDeps, 'scheduler' | 'journey' | 'api' | 'bpffs'>,
  options: DaemonOptions,
  id: number,
  request: EndpointRequest,
): Endpoint {
  const pod = api.get<Pod>('Pod', request.namespace, request.podName);
  return new Endpoint({
    ...request,
    id,
    policyMap: bpffs.open(policyMapName(id), () => newPolicyMap(id, options['bpf-policy-map-max'])),
    queue: new EventQueue(scheduler, `endpoint ${id} queue`),
    journey,
    namedPorts: pod === undefined ? [] : podNamedPorts(pod),
    policyAuditMode: options['policy-audit-mode'],
    visibility: visibilityPolicy(pod?.metadata.annotations),
    now: () => scheduler.clock.now(),
  });
}
