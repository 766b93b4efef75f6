/**
 * The `cilium monitor` listing: filters and formats what the monitor saw.
 * @see cilium:pkg/monitor/format/format.go#MonitorFormatter
 */
import {
  CILIUM_NOTIFY_DROP,
  CILIUM_NOTIFY_POLICY_VERDICT,
  CILIUM_NOTIFY_TRACE,
  type DropNotify,
  type TraceNotify,
} from '../maps/eventsmap.ts';
import { hexDump, packetBytes } from '../net/packet_bytes.ts';
import { dropInfo, dropVerbose } from './datapath_drop.ts';
import { policyVerdictInfo } from './datapath_policy.ts';
import { traceSockDebug } from './datapath_sock_trace.ts';
import { traceInfo, traceVerbose } from './datapath_trace.ts';
import { dissect } from './dissect.ts';
import type { MonitorEvent, MonitorNames, SockEvent } from './event.ts';
import { logRecordInfo } from './logrecord.ts';
import { dropJson, logRecordJson, traceJson } from './monitor_json.ts';

/** Names `-t` takes. @see cilium:pkg/monitor/api/types.go#MessageTypeNames */
export const MONITOR_TYPES = ['agent', 'capture', 'debug', 'drop', 'l7', 'policy-verdict', 'recorder', 'trace', 'trace-sock'] as const;
/** One of them. */
export type MonitorType = (typeof MONITOR_TYPES)[number];

/** What to print, and how. */
export interface MonitorOptions {
  /** Empty: all types. */
  readonly types: readonly MonitorType[];
  /** Endpoint ids; empty: all. */
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly relatedTo: readonly number[];
  readonly verbosity: 'info' | 'debug' | 'verbose' | 'json';
  readonly numeric: boolean;
  /** Packets as bytes in place of their layers. */
  readonly hex: boolean;
}

/** Everything, one line an event. */
export const DEFAULT_MONITOR_OPTIONS: MonitorOptions = {
  types: [],
  from: [],
  to: [],
  relatedTo: [],
  verbosity: 'info',
  numeric: false,
  hex: false,
};

const SEPARATOR = '-'.repeat(78);
/** @remarks Simplified: one CPU. */
const CPU_PREFIX = 'CPU 00:';

/** The lines of the events that pass the filter. */
export function formatMonitor(
  events: readonly MonitorEvent[],
  names: MonitorNames,
  options: MonitorOptions = DEFAULT_MONITOR_OPTIONS,
): string[] {
  return events.filter((event) => matches(event, options)).flatMap((event) => formatEvent(event, names, options));
}

/** The type of an event by its `-t` name. */
export function monitorType(event: MonitorEvent): MonitorType {
  if (event.kind === 'sock') {
    return 'trace-sock';
  }
  if (event.kind !== 'perf') {
    return event.kind;
  }
  switch (event.record.type) {
    case CILIUM_NOTIFY_DROP:
      return 'drop';
    case CILIUM_NOTIFY_TRACE:
      return 'trace';
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return 'policy-verdict';
  }
}

/** @see cilium:pkg/monitor/format/format.go#MonitorFormatter.match */
function matches(event: MonitorEvent, options: MonitorOptions): boolean {
  if (event.kind === 'sock') {
    // Upstream asks none of the filters about them, only whether everything is to be told.
    return options.verbosity === 'debug';
  }
  const { source, destination } = ends(event);
  const has = (ids: readonly number[], id: number): boolean => ids.length === 0 || ids.includes(id);
  return (
    (options.types.length === 0 || options.types.includes(monitorType(event))) &&
    has(options.from, source) &&
    has(options.to, destination) &&
    (has(options.relatedTo, source) || has(options.relatedTo, destination))
  );
}

/** The endpoint ids filters look at; for a policy verdict the destination is the remote identity cut to 16 bits, as upstream has it. */
function ends(event: Exclude<MonitorEvent, SockEvent>): { readonly source: number; readonly destination: number } {
  if (event.kind === 'agent') {
    return { source: 0, destination: 0 };
  }
  if (event.kind === 'l7') {
    return { source: event.record.source.id, destination: event.record.destination.id };
  }
  const { record } = event;
  const destination = record.type === CILIUM_NOTIFY_POLICY_VERDICT ? record.remoteLabel & 0xffff : record.dstId;
  return { source: record.source, destination };
}

function formatEvent(event: MonitorEvent, names: MonitorNames, options: MonitorOptions): string[] {
  const { verbosity, numeric } = options;
  if (event.kind === 'agent') {
    return [
      verbosity === 'json'
        ? JSON.stringify({ type: 'agent', subtype: event.name, message: parsed(event.text) })
        : `>> ${event.name}: ${event.text}`,
    ];
  }
  if (event.kind === 'l7') {
    return [verbosity === 'json' ? logRecordJson(event.record) : logRecordInfo(event.record)];
  }
  if (event.kind === 'sock') {
    return [traceSockDebug(event.record, CPU_PREFIX)];
  }
  const { record } = event;
  switch (record.type) {
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return [policyVerdictInfo(record, numeric)];
    case CILIUM_NOTIFY_DROP:
      if (verbosity === 'json') {
        return [dropJson(record, CPU_PREFIX)];
      }
      return verbosity === 'verbose'
        ? [SEPARATOR, dropVerbose(record, CPU_PREFIX, numeric), ...layers(record, options)]
        : [dropInfo(record, numeric)];
    case CILIUM_NOTIFY_TRACE:
      if (verbosity === 'json') {
        return [traceJson(record, CPU_PREFIX, names)];
      }
      return verbosity === 'verbose'
        ? [SEPARATOR, traceVerbose(record, CPU_PREFIX, names, numeric), ...layers(record, options)]
        : [traceInfo(record, names, numeric)];
  }
}

/** What was captured of the packet. @see cilium:pkg/monitor/dissect.go#Dissect */
function layers(record: DropNotify | TraceNotify, { hex }: MonitorOptions): string[] {
  return hex ? hexDump(packetBytes(record.packet).slice(0, record.lenCap)) : dissect(record.packet);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
