/**
 * Turns what the monitor saw into flows, and keeps as many as Hubble's ring buffer holds.
 * @see cilium:pkg/hubble/observer/local_observer.go#LocalObserverServer
 */
import type { MonitorEvent } from '../event.ts';
import type { Flow, FlowNames } from './flow.ts';
import { requestId, sevenFlow } from './seven.ts';
import { threefourFlow } from './threefour.ts';

/** Flows the ring buffer holds. @see cilium:pkg/option/config.go#HubbleEventBufferCapacity */
export const RING_CAPACITY = 4095;

/** What a request reads. */
export interface ObservedFlows {
  /** The flows in the ring buffer, oldest first. */
  readonly flows: readonly Flow[];
  /** Flows seen since the start, including those the ring has lost. */
  readonly seen: number;
}

/** The flows, in order; agent events are none. `last` limits them to the youngest. */
export function observe(events: readonly MonitorEvent[], names: FlowNames, last: number = Number.POSITIVE_INFINITY): Flow[] {
  const requests = new Map<string, number>();
  const skipped = Math.max(0, events.reduce((count, event) => count + (event.kind === 'agent' ? 0 : 1), 0) - last);
  const flows: Flow[] = [];
  let index = 0;
  for (const event of events) {
    if (event.kind === 'agent') {
      continue;
    }
    const latency = event.kind === 'l7' ? latencyOf(requests, event) : 0;
    if (index++ < skipped) {
      continue;
    }
    flows.push(
      event.kind === 'perf'
        ? threefourFlow(event.record, event.wallMillis, names)
        : sevenFlow(event.record, event.wallMillis, latency, names),
    );
  }
  return flows;
}

/**
 * The ring buffer of a node.
 * @remarks Simplified: flows get their names when they are read, upstream when they happen: a pod that is gone shows as its address.
 */
export function ringBuffer(events: readonly MonitorEvent[], names: FlowNames): ObservedFlows {
  return {
    flows: observe(events, names, RING_CAPACITY),
    seen: events.reduce((count, event) => count + (event.kind === 'agent' ? 0 : 1), 0),
  };
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
