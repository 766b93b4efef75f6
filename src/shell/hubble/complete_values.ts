/** What may stand behind a filter flag of `hubble observe`: names of the cluster as it is now. */
import { TRACE_POINT_NAMES } from '../../maps/eventsmap.ts';
import type { ClusterView } from '../cluster_view.ts';
import { RESERVED, TYPE_NUMBERS, VERDICTS } from './filter_flags.ts';
import { L4_PROTOCOLS, L7_PROTOCOLS } from './flow_filter.ts';

const FIXED: Readonly<Record<string, readonly string[]>> = {
  verdict: VERDICTS,
  protocol: [...L4_PROTOCOLS, ...L7_PROTOCOLS],
  'http-method': ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'],
  'http-status': ['200', '403', '404', '4+', '5+', '503'],
  'tcp-flags': ['SYN', 'ACK', 'FIN', 'RST', 'PSH'],
  'ip-version': ['v4', 'v6'],
  'traffic-direction': ['ingress', 'egress'],
};

/** The words to offer; none for flags whose values are not names. */
export function filterValues(flag: string, cluster: ClusterView): readonly string[] {
  const fixed = FIXED[flag];
  if (fixed !== undefined) {
    return fixed;
  }
  const endpoints = (): readonly ReturnType<ClusterView['nodes'][number]['endpoints']>[number][] =>
    cluster.nodes.flatMap((node) => node.endpoints());
  switch (flag.replace(/^(?:from|to)-/, '')) {
    case 'type':
      return [...Object.keys(TYPE_NUMBERS), ...TRACE_POINT_NAMES.map((name) => `trace:${name}`)];
    case 'pod':
      return named(cluster, 'Pod');
    case 'service':
      return named(cluster, 'Service');
    case 'namespace':
      return cluster.list('Namespace', null).map(({ metadata }) => metadata.name);
    case 'ip':
      return endpoints()
        .map(({ ipv4 }) => ipv4)
        .filter((ip) => ip !== '');
    case 'identity':
      return [...RESERVED, ...endpoints().map(({ identity }) => String(identity ?? ''))];
    case 'label':
      return endpoints().flatMap(({ labels }) => labels);
    case 'node-name':
      return cluster.nodes.map(({ name }) => name);
    case 'cluster':
      return cluster.nodes.map(({ clusterName }) => clusterName);
    default:
      return [];
  }
}

/** Names without their namespace if it is the default one. */
function named(cluster: ClusterView, kind: string): readonly string[] {
  return cluster
    .list(kind, null)
    .map(({ metadata: { namespace = 'default', name } }) => (namespace === 'default' ? name : `${namespace}/${name}`));
}
