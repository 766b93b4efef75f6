/**
 * What the monitor of a node saw: datapath notifications, L7 records of the proxy, messages of the agent itself.
 * @see cilium:pkg/monitor/api/types.go
 */
import type { PacketRecord, TraceSockNotify } from '../maps/eventsmap.ts';
import type { LogRecord } from './log_record.ts';

/** Message types beyond those of the datapath. @see cilium:pkg/monitor/api/types.go#MessageTypeAccessLog */
export const MESSAGE_TYPE_ACCESS_LOG = 129;
export const MESSAGE_TYPE_AGENT = 130;

interface EventCommon {
  /** Nanoseconds since boot at which the monitor got it. */
  readonly at: number;
  /** The same instant in Unix milliseconds. */
  readonly wallMillis: number;
}

/** A record of `cilium_events` about a packet. */
export interface PerfEvent extends EventCommon {
  readonly kind: 'perf';
  readonly record: PacketRecord;
}

/** A record of `cilium_events` about a socket call. */
export interface SockEvent extends EventCommon {
  readonly kind: 'sock';
  readonly record: TraceSockNotify;
}

/** A record of the proxy's access log. */
export interface L7Event extends EventCommon {
  readonly kind: 'l7';
  readonly record: LogRecord;
}

/** A message of the agent: a name such as `Policy updated` and its JSON text. */
export interface AgentEvent extends EventCommon {
  readonly kind: 'agent';
  readonly name: string;
  readonly text: string;
}

/** One thing the monitor saw. */
export type MonitorEvent = PerfEvent | SockEvent | L7Event | AgentEvent;

/** What the formatter asks the node about. */
export interface MonitorNames {
  /** The name of a device, or `null` when the index is unknown. @see cilium:pkg/datapath/link/link.go#LinkCache.Name */
  deviceName(ifindex: number): string | null;
}
