/**
 * `cilium_metrics`: packets and bytes by reason and direction.
 * @see cilium:pkg/maps/metricsmap/metricsmap.go
 * @see cilium:bpf/lib/metrics.h#update_metrics
 * @remarks Simplified: one CPU.
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { dropReasonText } from './drop_reasons.ts';

/** Its pinned name and size. */
export const METRICS_MAP_NAME = 'cilium_metrics';
export const METRICS_MAP_MAX_ENTRIES = 1024;

/** Directions. @see cilium:bpf/lib/common.h#METRIC_INGRESS */
export const METRIC_INGRESS = 1;
export const METRIC_EGRESS = 2;
export const METRIC_SERVICE = 3;
export type MetricDirection = typeof METRIC_INGRESS | typeof METRIC_EGRESS | typeof METRIC_SERVICE;

/** Key of 8 bytes. */
export interface MetricsKey {
  /** Positive reason code. */
  reason: number;
  dir: MetricDirection;
}

/** Value of 16 bytes. */
export interface MetricsValue {
  count: number;
  bytes: number;
}

/** The map. */
export type MetricsMap = HashMap<MetricsKey, MetricsValue>;

/** Creates an empty `cilium_metrics`. */
export function newMetricsMap(): MetricsMap {
  const spec: HashMapSpec<MetricsKey, MetricsValue> = {
    name: METRICS_MAP_NAME,
    type: 'percpu_hash',
    keySize: 8,
    valueSize: 16,
    maxEntries: METRICS_MAP_MAX_ENTRIES,
    key: {
      pack: (key, words, at) => {
        words[at] = (key.reason << 2) | key.dir;
      },
      unpack: (words, at) => {
        const word = words[at] as number;
        return { reason: word >> 2, dir: (word & 3) as MetricDirection };
      },
      toJson: (key) => ({ reason: dropReasonText(key.reason), direction: metricDirectionName(key.dir) }),
    },
    valueToJson: (value) => ({ ...value }),
  };
  return new HashMap(spec);
}

/** @see cilium:pkg/maps/metricsmap/metricsmap.go#MetricDirection */
export function metricDirectionName(direction: number): string {
  return ['UNKNOWN', 'INGRESS', 'EGRESS', 'SERVICE'][direction] ?? 'UNKNOWN';
}
