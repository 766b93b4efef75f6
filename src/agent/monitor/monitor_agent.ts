/**
 * The monitor's fan-out: records of the datapath, of the proxy, and of the agent itself, in one order for all listeners.
 * @see cilium:pkg/monitor/agent/agent.go#Agent
 */
import type { EventsMap, PerfRecord } from '../../maps/eventsmap.ts';
import type { LogEntry } from '../../xds/access_log.ts';

/** One end of a DNS exchange. */
export interface DnsLogEnd {
  /** Dotted quad. */
  readonly address: string;
  readonly port: number;
  readonly identity: number;
}

/** A message that passed the DNS proxy. @see cilium:pkg/proxy/accesslog/record.go#LogRecordDNS */
export interface DnsLogRecord {
  readonly type: 'Request' | 'Response';
  readonly verdict: 'Forwarded' | 'Denied' | 'Error';
  readonly protocol: 'udp' | 'tcp';
  readonly source: DnsLogEnd;
  readonly destination: DnsLogEnd;
  /** With the final dot. */
  readonly query: string;
  readonly qTypes: readonly string[];
  readonly ips: readonly string[];
  readonly cnames: readonly string[];
  readonly ttl: number;
  readonly rcode: number;
  readonly answerTypes: readonly string[];
}

/** Something the monitor tells. */
export type MonitorPayload =
  | { readonly kind: 'datapath'; readonly record: PerfRecord }
  | { readonly kind: 'l7'; readonly entry: LogEntry }
  | { readonly kind: 'dns'; readonly record: DnsLogRecord }
  | { readonly kind: 'agent'; readonly name: string; readonly text: string };

/** The agent's monitor. */
export class MonitorAgent {
  readonly #listeners: ((payload: MonitorPayload) => void)[] = [];

  /** Stops reading the datapath's records. */
  readonly detach: () => void;

  constructor(events: EventsMap) {
    this.detach = events.subscribe((record) => this.send({ kind: 'datapath', record }));
  }

  /** Adds a listener; returns the function that removes it. */
  subscribe(listener: (payload: MonitorPayload) => void): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners.splice(this.#listeners.indexOf(listener), 1);
    };
  }

  /** Tells all listeners. @see cilium:pkg/monitor/agent/agent.go#Agent.SendEvent */
  send(payload: MonitorPayload): void {
    for (const listener of this.#listeners) {
      listener(payload);
    }
  }
}
