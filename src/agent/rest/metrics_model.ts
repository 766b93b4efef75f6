/**
 * Metrics of the agent that count something the model has.
 * @see cilium:pkg/metrics/metrics.go
 * @remarks Not modelled: metrics of the Go runtime, of API calls, of durations and of triggers.
 */
import { dropReasonText, REASON_FORWARDED } from '../../maps/drop_reasons.ts';
import { IDENTITY_HOST, LOCAL_IDENTITY_FLAG } from '../../maps/identity.ts';
import { metricDirectionName } from '../../maps/metricsmap.ts';
import type { Daemon } from '../daemon/daemon.ts';

/** One value of a metric. @see cilium:api/v1/models/metric.go#Metric */
export interface Metric {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The metrics by name, then by labels. */
export function metricsModel(daemon: Daemon): Metric[] {
  const metrics: Metric[] = [];
  const add = (name: string, value: number, labels: Readonly<Record<string, string>> = {}): void => {
    metrics.push({ name: `cilium_${name}`, labels, value });
  };
  const endpoints = daemon.endpointViews();
  for (const [state, count] of counted(endpoints.map((endpoint) => endpoint.state))) {
    add('endpoint_state', count, { endpoint_state: state });
  }
  add('endpoint', endpoints.length);
  for (const [word, count] of counted(endpoints.map(({ enforcement }) => enforcementWord(enforcement)))) {
    add('policy_endpoint_enforcement_status', count, { enforcement: word });
  }
  for (const [type, count] of counted([...daemon.selectorCache.allIdentities()].map(({ id }) => identityType(id)))) {
    add('identity', count, { type });
  }
  add('ip_addresses', daemon.ipam.owners().size, { family: 'ipv4' });
  add('policy', daemon.repository.size);
  add('policy_max_revision', daemon.repository.revision);
  for (const [parser, count] of counted(daemon.proxy.redirects().map(({ listener }) => listener.name.split('-')[1] ?? ''))) {
    add('proxy_redirects', count, { protocol: parser });
  }
  for (const [key, { count, bytes }] of daemon.maps.metrics.entries()) {
    const direction = metricDirectionName(key.dir);
    const forwarded = key.reason === REASON_FORWARDED;
    const labels = forwarded ? { direction } : { direction, reason: dropReasonText(key.reason) };
    add(forwarded ? 'forward_count_total' : 'drop_count_total', count, labels);
    add(forwarded ? 'forward_bytes_total' : 'drop_bytes_total', bytes, labels);
  }
  const order = (metric: Metric): string => `${metric.name} ${JSON.stringify(metric.labels)}`;
  return metrics.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** @see cilium:pkg/metrics/metrics.go#PolicyEndpointStatus */
function enforcementWord(enforcement: { readonly ingress: boolean; readonly egress: boolean; readonly audit: boolean } | null): string {
  if (enforcement === null || (!enforcement.ingress && !enforcement.egress)) {
    return 'none';
  }
  const word = enforcement.ingress && enforcement.egress ? 'both' : enforcement.ingress ? 'ingress' : 'egress';
  return enforcement.audit ? `audit-${word}` : word;
}

/** @see cilium:pkg/identity/identity.go#ClusterLocalIdentityType */
function identityType(id: number): string {
  if (id >= IDENTITY_HOST && id < 100) {
    return 'reserved';
  }
  return (id & LOCAL_IDENTITY_FLAG) === 0 ? 'cluster_local' : 'node_local';
}

function counted(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}
