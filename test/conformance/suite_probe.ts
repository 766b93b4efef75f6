/**
 * Connection attempts of a suite: real processes in pods, and what the datapath reported about their packets.
 */
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { Node } from '../../src/cluster/node.ts';
import { CILIUM_NOTIFY_DROP, CILIUM_NOTIFY_POLICY_VERDICT, VERDICT_INGRESS } from '../../src/maps/eventsmap.ts';
import type { EventFollower } from '../../src/monitor/event_ring.ts';
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.ts';
import { SECOND } from '../../src/sim/clock.ts';

/** One attempt. */
export interface Attempt {
  /** `namespace/pod`. */
  readonly from: string;
  readonly fromIp: string;
  readonly toIp: string;
  readonly port: number;
  /** TCP, UDP or SCTP. */
  readonly protocol: string;
}

/** What became of it. */
export interface AttemptOutcome {
  readonly connected: boolean;
  /** The packet arrived, but nobody listened. */
  readonly refused: boolean;
  /** The sender's program dropped its packet. */
  readonly egressDrop: boolean;
  /** The receiver's program did, or would have in the absence of audit mode. */
  readonly ingressDrop: boolean;
}

/** Longer than the client's own time-out of one second. */
const LIMIT = 3 * SECOND;
const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** Runs attempts side by side. No two may have the same ends, protocol and port. */
export function runAttempts(cluster: Cluster, attempts: readonly Attempt[]): AttemptOutcome[] {
  const followers = cluster.nodes.map((node) => ({ node, follower: node.events.follow() }));
  let open = attempts.length;
  const ends = attempts.map(() => ({ connected: false, refused: false }));
  attempts.forEach(({ from, toIp, port, protocol }, index) => {
    const [namespace, pod] = from.split('/') as [string, string];
    const argv = ['/agnhost', 'connect', `${toIp}:${port}`, '--timeout=1s', `--protocol=${protocol.toLowerCase()}`];
    const started = cluster.exec(namespace, pod, argv, (result) => {
      open -= 1;
      ends[index] = { connected: result.exitCode === 0, refused: result.stderr.startsWith('REFUSED') };
    });
    if (started === null) {
      throw new Error(`pod ${from} does not run`);
    }
  });
  if (!cluster.runUntil(() => open === 0, LIMIT)) {
    throw new Error('an attempt does not end');
  }
  const reported = droppedFlows(followers);
  return attempts.map((attempt, index) => ({
    ...(ends[index] as (typeof ends)[number]),
    ...(reported.get(flowKey(attempt)) ?? NOT_DROPPED),
  }));
}

const NOT_DROPPED = { egressDrop: false, ingressDrop: false };

function flowKey(attempt: Attempt): string {
  return `${attempt.fromIp} ${attempt.toIp} ${PROTOCOL_NUMBERS[attempt.protocol]} ${attempt.port}`;
}

/** Which side reported a denial, by flow: from drop notifications and audited verdicts. */
function droppedFlows(
  followers: readonly { readonly node: Node; readonly follower: EventFollower }[],
): Map<string, { egressDrop: boolean; ingressDrop: boolean }> {
  const flows = new Map<string, { egressDrop: boolean; ingressDrop: boolean }>();
  for (const { node, follower } of followers) {
    follower.stop();
    for (const event of follower.events) {
      if (event.kind !== 'perf') {
        continue;
      }
      const { record } = event;
      const audited = record.type === CILIUM_NOTIFY_POLICY_VERDICT && record.audited;
      if (record.type !== CILIUM_NOTIFY_DROP && !audited) {
        continue;
      }
      const { ip, l4 } = record.packet;
      const port = l4.kind === 'tcp' || l4.kind === 'udp' || l4.kind === 'sctp' ? l4.dport : 0;
      const key = `${formatIpv4(ip.src)} ${formatIpv4(ip.dst)} ${ip.protocol} ${port}`;
      const flow = flows.get(key) ?? { egressDrop: false, ingressDrop: false };
      flows.set(key, flow);
      const atSource = record.source === node.agent.endpoints.ofAddress(ip.src)?.id;
      if (record.type === CILIUM_NOTIFY_POLICY_VERDICT ? record.dir !== VERDICT_INGRESS : atSource) {
        flow.egressDrop = true;
      } else {
        flow.ingressDrop = true;
      }
    }
  }
  return flows;
}

/** Switches PolicyAuditMode of the nodes' own endpoints. */
export function setHostAuditMode(cluster: Cluster, enabled: boolean): void {
  for (const { agent } of cluster.nodes) {
    if (agent.hostEndpoint !== null) {
      agent.setPolicyAuditMode(agent.hostEndpoint, enabled);
    }
  }
  cluster.settle();
}

/** Switches PolicyAuditMode of pods' endpoints. */
export function setAuditMode(cluster: Cluster, ips: Iterable<string>, enabled: boolean): void {
  for (const ip of ips) {
    for (const node of cluster.nodes) {
      const endpoint = node.agent.endpoints.ofAddress(parseIpv4(ip) as number);
      if (endpoint !== undefined) {
        node.agent.setPolicyAuditMode(endpoint, enabled);
      }
    }
  }
  cluster.settle();
}
