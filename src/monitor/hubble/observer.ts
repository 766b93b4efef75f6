/**
 * Turns what the monitor saw into flows.
 * @see cilium:pkg/hubble/observer/local_observer.go#LocalObserverServer
 * @remarks Simplified: flows get their names when they are read, upstream when they happen: a pod that is gone shows as its address.
 */
import type { MonitorEvent } from '../event.ts';
import type { Flow, FlowNames } from './flow.ts';
import { requestId, sevenFlow } from './seven.ts';
import { sockFlow } from './sock.ts';
import { threefourFlow } from './threefour.ts';

/** The flows, in order; agent events are none. */
export function observe(events: readonly MonitorEvent[], names: FlowNames): Flow[] {
  const requests = new Map<string, number>();
  const flows: Flow[] = [];
  for (const event of events) {
    if (event.kind === 'perf') {
      flows.push(threefourFlow(event.record, event.wallMillis, names));
    } else if (event.kind === 'sock') {
      const flow = sockFlow(event.record, event.wallMillis, names);
      if (flow !== null) {
        flows.push(flow);
      }
    } else if (event.kind === 'l7') {
      flows.push(sevenFlow(event.record, event.wallMillis, latencyOf(requests, event), names));
    }
  }
  return flows;
}

/** Nanoseconds since the request of a response. @see cilium:pkg/hubble/parser/seven/parser.go#Parser.computeResponseTime */
function latencyOf(requests: Map<string, number>, { record, at }: Extract<MonitorEvent, { kind: 'l7' }>): number {
  const id = requestId(record);
  if (id === null) {
    return 0;
  }
  if (record.type === 'Request') {
    requests.set(id, at);
    return 0;
  }
  const start = requests.get(id);
  requests.delete(id);
  return start === undefined ? 0 : at - start;
}
