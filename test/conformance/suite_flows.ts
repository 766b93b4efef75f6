/**
 * Hubble flows of one probe, as EMIT.md wants them: what the source's or the destination's pod saw, in time order.
 */
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { Node } from '../../src/cluster/node.ts';
import type { EventFollower } from '../../src/monitor/event_ring.ts';
import type { Flow } from '../../src/monitor/hubble/flow.ts';
import { observe } from '../../src/monitor/hubble/observer.ts';
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.ts';

/** One flow. */
export interface ProbeFlow {
  readonly at: 'source' | 'destination';
  /** `to-endpoint`, `drop`, `policy-verdict`, `L7` and so on. */
  readonly type: string;
  readonly verdict: string;
  readonly tcpFlags?: string;
  readonly l7?: object;
  readonly dropReason?: string;
}

/** Follows the events of all nodes until `flows` is asked. */
export class FlowRecorder {
  readonly #followers: readonly { readonly node: Node; readonly follower: EventFollower }[];

  constructor(cluster: Cluster) {
    this.#followers = cluster.nodes.map((node) => ({ node, follower: node.events.follow() }));
  }

  /** The flows between two ends, by their addresses; further ones belong to the source if it takes part in them (its DNS requests). */
  flows(source: string, destination: string): ProbeFlow[] {
    const found = this.#followers.flatMap(({ node, follower }) => {
      follower.stop();
      return observe(follower.events, flowNames(node)).map((flow) => ({ flow, node }));
    });
    return found
      .sort((a, b) => a.flow.time - b.flow.time)
      .filter(({ flow }) => flow.source.ip === source || flow.destination.ip === source)
      .map(({ flow, node }) => probeFlow(flow, sideOf(flow, node, destination)));
  }
}

/** Whose program or proxy reported it: the endpoint at which the datapath stood decides. */
function sideOf(flow: Flow, node: Node, destination: string): 'source' | 'destination' {
  const involvesDestination = flow.source.ip === destination || flow.destination.ip === destination;
  const here = node.agent.endpoints.ofAddress(parseIpv4(destination) ?? 0);
  if (!involvesDestination || here === undefined) {
    return 'source';
  }
  return flow.direction === 'INGRESS' ? 'destination' : 'source';
}

function probeFlow(flow: Flow, at: ProbeFlow['at']): ProbeFlow {
  const { event } = flow;
  const tcpFlags = flow.summary.startsWith('TCP Flags: ') ? { tcpFlags: flow.summary.slice('TCP Flags: '.length) } : {};
  switch (event.kind) {
    case 'drop':
      return { at, type: 'drop', verdict: flow.verdict, ...tcpFlags, dropReason: dropReasonName(event.reason) };
    case 'trace':
      return { at, type: event.point, verdict: flow.verdict, ...tcpFlags };
    case 'policy-verdict':
      return { at, type: 'policy-verdict', verdict: flow.verdict, ...tcpFlags };
    case 'l7':
      return { at, type: 'L7', verdict: flow.verdict, l7: l7Of(event.record) };
  }
}

function l7Of(record: Extract<Flow['event'], { kind: 'l7' }>['record']): object {
  const { http, dns } = record;
  const type = record.type.toUpperCase();
  if (http !== undefined) {
    return { type, http: { method: http.method, url: http.url, ...(record.type === 'Response' ? { code: http.code } : {}) } };
  }
  if (dns !== undefined) {
    return { type, dns: { query: dns.query, rcode: dns.rcode, source: dns.observationSource } };
  }
  return { type };
}

/** Names of Hubble's DropReason for the texts that occur. @see cilium:api/v1/flow/flow.proto#DropReason */
const DROP_REASON_NAMES: Readonly<Record<string, string>> = {
  'Policy denied': 'POLICY_DENIED',
  'Policy denied by denylist': 'POLICY_DENY',
  'Invalid source ip': 'INVALID_SOURCE_IP',
  'Stale or unroutable IP': 'STALE_OR_UNROUTABLE_IP',
  'Unsupported L3 protocol': 'UNSUPPORTED_L3_PROTOCOL',
  'CT: Unknown L4 protocol': 'CT_UNKNOWN_L4_PROTOCOL',
  'Service backend not found': 'SERVICE_BACKEND_NOT_FOUND',
};

/** The name of a drop reason. */
export function dropReasonName(text: string): string {
  return DROP_REASON_NAMES[text] ?? text.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}

function flowNames(node: Node): Parameters<typeof observe>[1] {
  const { agent } = node;
  const labels = (identity: number): readonly string[] => agent.identityViews().find(({ id }) => id === identity)?.labels ?? [];
  return {
    nodeName: node.name,
    endpointByIp(ip) {
      const endpoint = agent.endpoints.ofAddress(parseIpv4(ip) ?? 0);
      return endpoint === undefined
        ? null
        : { id: endpoint.id, identity: endpoint.identity?.id ?? 0, namespace: endpoint.namespace, podName: endpoint.podName, labels: [] };
    },
    identityByIp: (ip) => agent.ipcache.lookup(ip)?.identity ?? 2,
    identityLabels: labels,
    // Names do not matter to a probe's flows.
    ...({ formatIpv4 } as object),
  };
}
