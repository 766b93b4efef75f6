/**
 * Hubble flows of one probe, as EMIT.md wants them: those in which the source's address takes part, and those of the destination's.
 * A flow between the two is told for both, as a look at either pod would show it.
 */
import type { Cluster } from '../../src/cluster/cluster.ts';
import { DROP_REASON_NAMES } from '../../src/monitor/hubble/drop_reason_names.ts';
import type { Flow } from '../../src/monitor/hubble/flow.ts';
import { observe } from '../../src/monitor/hubble/observer.ts';
import { clusterHost } from '../../src/scenario/cluster_host.ts';
import { flowNames } from '../../src/shell/hubble/flow_names.ts';

/** One flow. */
export interface ProbeFlow {
  readonly at: 'source' | 'destination';
  /** `drop`, `policy-verdict`, `L7`, or the trace point. */
  readonly type: string;
  readonly verdict: string;
  readonly tcpFlags?: string;
  readonly l7?: object;
  readonly dropReason?: string;
  /** What the flow says in words: also protocol and ICMP type. */
  readonly summary: string;
  readonly source: string;
  readonly destination: string;
}

/** Follows the events of all nodes until they are taken. */
export class FlowRecorder {
  readonly #cluster: Cluster;
  readonly #followers: readonly ReturnType<Cluster['nodes'][number]['events']['follow']>[];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#followers = cluster.nodes.map((node) => node.events.follow());
  }

  /** All flows since the beginning, in time order. */
  take(): Flow[] {
    const host = clusterHost(this.#cluster);
    const flows = this.#followers.flatMap((follower, index) => {
      follower.stop();
      const node = host.nodes[index];
      return node === undefined ? [] : observe(follower.events, flowNames(host, node));
    });
    return flows.sort((a, b) => a.time - b.time);
  }
}

/** The flows of a probe between two addresses. */
export function probeFlows(flows: readonly Flow[], source: string, destination: string): ProbeFlow[] {
  const concerns = (flow: Flow, ip: string): boolean => flow.source.ip === ip || flow.destination.ip === ip;
  return flows.flatMap((flow) => [
    ...(concerns(flow, source) ? [probeFlow(flow, 'source')] : []),
    ...(concerns(flow, destination) ? [probeFlow(flow, 'destination')] : []),
  ]);
}

function probeFlow(flow: Flow, at: ProbeFlow['at']): ProbeFlow {
  const { event, verdict, summary, l4 } = flow;
  const flags = l4?.kind === 'TCP' && l4.flags !== null ? { tcpFlags: l4.flags.join(', ') } : {};
  const ends = { summary, source: `${flow.source.ip}:${flow.source.port}`, destination: `${flow.destination.ip}:${flow.destination.port}` };
  switch (event.kind) {
    case 'drop':
      return { at, type: 'drop', verdict, ...flags, dropReason: dropReasonName(event.code), ...ends };
    case 'trace':
    case 'trace-sock':
      return { at, type: event.point, verdict, ...flags, ...ends };
    case 'policy-verdict':
      return {
        at,
        type: 'policy-verdict',
        verdict,
        ...flags,
        ...(flow.dropReason === 0 ? {} : { dropReason: dropReasonName(flow.dropReason) }),
        ...ends,
      };
    case 'l7':
      return { at, type: 'L7', verdict, l7: l7Of(event.record), ...ends };
  }
}

function l7Of(record: Extract<Flow['event'], { kind: 'l7' }>['record']): object {
  const { http, dns } = record;
  const type = record.type.toUpperCase();
  if (http !== undefined) {
    return { type, http: { method: http.method, url: http.url, ...(record.type === 'Response' ? { code: http.code } : {}) } };
  }
  if (dns !== undefined) {
    return { type, dns: { query: dns.query, rcode: dns.rcode, observationSource: dns.observationSource } };
  }
  return { type };
}

/** Hubble's name of a drop reason code. */
export function dropReasonName(code: number): string {
  return DROP_REASON_NAMES[code] ?? 'DROP_REASON_UNKNOWN';
}
