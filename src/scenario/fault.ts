/** Faults of a scenario on a cluster. */
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterFault, Link } from '../cluster/faults.ts';
import { SECOND } from '../sim/clock.ts';
import { durationText } from './duration.ts';
import type { FaultSection } from './schema/fault.ts';

/** How long a step is waited for, unless the fault says otherwise. */
export const CRASH_WITHIN = 10 * SECOND;

/** Begins a fault; an error text if it cannot be. */
export function beginFault(cluster: Cluster, section: FaultSection): string | null {
  const fault = clusterFault(cluster, section);
  return typeof fault === 'string' ? fault : cluster.faults.begin(fault, 'for' in section ? (section.for ?? null) : null);
}

/** `packets of default/client are lost (30 %) for 5s` */
export function faultText(section: FaultSection): string {
  const lasts = 'for' in section && section.for !== undefined ? ` for ${durationText(section.for)}` : '';
  const some = 'share' in section && section.share < 1 ? `${Number((section.share * 100).toFixed(2))} % of the packets` : 'packets';
  switch (section.kind) {
    case 'loss':
      return `${some} of ${section.on} are lost${lasts}`;
    case 'duplicate':
      return `${some} of ${section.on} arrive twice${lasts}`;
    case 'delay':
      return `${some} of ${section.on} are ${durationText(section.delay)} late${lasts}`;
    case 'proxy-crash':
      return `the proxy is down${lasts}`;
    case 'agent-crash':
      return crashText(section, lasts);
    case 'nack':
      return `the proxy refuses updates${lasts}`;
    case 'slow-ack':
      return `the proxy's answers are ${durationText(section.delay)} late${lasts}`;
    case 'hold-xds':
      return `the agent sends the proxy nothing${lasts}`;
    case 'map-full':
      return `${section.entries} entries fit into ${section.map ?? `the policy map of ${section.pod ?? ''}`}${lasts}`;
    case 'evict':
      return `${section.entries} entries of ${section.map ?? `the policy map of ${section.pod ?? ''}`} are lost`;
    case 'dns':
      return `${section.name} has the addresses ${section.ips.join(', ')}`;
    case 'clock':
      return `the wall clock jumps ${section.back === true ? 'back' : 'forward'} by ${durationText(section.by)}`;
    case 'late-events':
      return `news of the API server is up to ${durationText(section.delay)} late${lasts}`;
    case 'repeated-events':
      return 'watchers hear of every object again';
  }
}

function crashText({ at, pod, within = CRASH_WITHIN }: Extract<FaultSection, { readonly kind: 'agent-crash' }>, lasts: string): string {
  const whose = pod === undefined ? 'a regeneration' : `the regeneration of ${pod}`;
  return at === undefined
    ? `the agent dies, and is down${lasts}`
    : `the agent dies in ${at} of ${whose} (within ${durationText(within)}), and is down${lasts}`;
}

function clusterFault(cluster: Cluster, section: FaultSection): ClusterFault | string {
  switch (section.kind) {
    case 'loss':
    case 'duplicate':
    case 'delay':
      return { ...section, on: linkOf(section.on) };
    case 'proxy-crash':
    case 'nack':
    case 'slow-ack':
    case 'hold-xds':
      return { ...section, node: section.node ?? null };
    case 'agent-crash': {
      const { at = null, pod, within = CRASH_WITHIN } = section;
      if (at === null && (pod !== undefined || section.within !== undefined)) {
        return 'pod and within belong to a step (at)';
      }
      const [namespace = '', name = ''] = pod?.split('/') ?? [];
      const node = section.node ?? (pod === undefined ? null : (cluster.nodeOf(namespace, name)?.name ?? null));
      return { kind: 'agent-crash', at, pod: pod === undefined ? null : { namespace, name }, within, node };
    }
    case 'map-full':
    case 'evict': {
      if ((section.map === undefined) === (section.pod === undefined)) {
        return 'a fault of a map names either a map or a pod';
      }
      const place = section.pod === undefined ? null : policyMapOf(cluster, section.pod);
      const map = place === null ? section.map : place?.map;
      return map === undefined
        ? `pod ${section.pod ?? ''} does not run`
        : { kind: section.kind, entries: section.entries, map, node: place?.node ?? section.node ?? null };
    }
    case 'clock':
      return { kind: 'clock', by: section.back === true ? -section.by : section.by };
    default:
      return section;
  }
}

function linkOf(on: string): Link {
  const [namespace = '', name = ''] = on.split('/');
  return on === 'fabric' ? 'fabric' : { namespace, name };
}

/** `undefined` if there is no such pod. */
function policyMapOf(cluster: Cluster, pod: string): { readonly map: string; readonly node: string } | undefined {
  const [namespace = '', name = ''] = pod.split('/');
  const node = cluster.nodeOf(namespace, name);
  const endpoint = node?.agent.endpoints.ofPod(namespace, name);
  return node === undefined || endpoint === undefined ? undefined : { map: endpoint.policyMap.spec.name, node: node.name };
}
