/**
 * Turns what the monitor saw into flows.
 * @see cilium:pkg/hubble/observer/local_observer.go#LocalObserverServer
 */
import type { MonitorEvent } from '../event.ts';
import type { Flow, FlowNames } from './flow.ts';
import { requestId, sevenFlow } from './seven.ts';
import { threefourFlow } from './threefour.ts';

/** The flows, in order; agent events are none. */
export function observe(events: readonly MonitorEvent[], names: FlowNames): Flow[] {
  const requests = new Map<string, number>();
  const flows: Flow[] = [];
  for (const event of events) {
    if (event.kind === 'perf') {
      flows.push(threefourFlow(event.record, event.wallMillis, names));
    } else if (event.kind === 'l7') {
      const id = requestId(event.record);
      let latency = 0;
      if (id !== null && event.record.type === 'Request') {
        requests.set(id, event.at);
      } else if (id !== null) {
        latency = Math.floor((event.at - (requests.get(id) ?? event.at)) / 1_000_000);
      }
      flows.push(sevenFlow(event.record, event.wallMillis, latency, names));
    }
  }
  return flows;
}
