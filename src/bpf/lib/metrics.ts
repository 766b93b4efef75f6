/** Packet and byte counters by reason and direction. @see cilium:bpf/lib/metrics.h */
import type { MetricDirection } from '../../maps/metricsmap.ts';
import type { BpfEnv } from '../env.ts';

/** @see cilium:bpf/lib/metrics.h#update_metrics */
export function updateMetrics(env: BpfEnv, bytes: number, direction: MetricDirection, reason: number): void {
  const key = env.scratch.metricsKey;
  key.reason = reason;
  key.dir = direction;
  const value = env.maps.metrics.lookup(key);
  if (value === undefined) {
    env.maps.metrics.update(key, { count: 1, bytes });
  } else {
    value.count += 1;
    value.bytes += bytes;
  }
}
