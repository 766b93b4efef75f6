/** Whether a request reaches its destination, as the oracle tells it for a cluster of 1.13.3. */
import type { PropertyPort } from '../../scenario/schema/properties.ts';
import type { ModelPod } from '../model/cluster.ts';
import { type OracleRequest, requestAllowed } from '../oracle/http.ts';
import type { Judged } from '../oracle/judge.ts';
import type { Oracle, OracleSubject } from '../oracle/oracle.ts';
import { proxied } from '../oracle/proxied.ts';
import type { Direction, OraclePeer, Statement } from '../oracle/statement.ts';
import type { Party } from './party.ts';

/** One try. */
export interface Attempt extends PropertyPort {
  readonly from: Party;
  readonly to: Party;
  /** What is asked; only TCP carries it. */
  readonly request: OracleRequest;
}

/** What becomes of it, and the statements that decided. */
export type Reach =
  | {
      readonly reaches: 'yes';
      readonly by: readonly Statement[];
      /** It is let through against a deny. */
      readonly quirk: boolean;
      /** The request as the destination gets it. */
      readonly request: OracleRequest;
    }
  | { readonly reaches: 'no'; readonly how: 'dropped' | 'denied'; readonly at: Direction; readonly by: readonly Statement[] }
  /** The proxy decides by rules of another protocol, or the policy cannot be computed. */
  | { readonly reaches: 'unknown' };

/** Options of the agent that matter on the way. */
export interface PathOptions {
  /** `http-normalize-path`; default: yes. */
  readonly normalize?: boolean;
  /** Whether an L7 rule reopens a deny (quirk 1), as released; default: yes. */
  readonly reopens?: boolean;
  /** `enable-sctp`; default: no. */
  readonly sctp?: boolean;
  /** As if nothing were denied. */
  readonly withoutDenies?: boolean;
  /** Who answers for names outside; a client that asks for a name must reach it. */
  readonly dns?: ModelPod;
  /** The node, where policies for nodes are in force (`enable-host-firewall`). */
  readonly node?: OracleSubject;
}

/** A pod that asks itself never meets a policy; the node asking itself or somebody outside is not the cluster's business. */
export function meetsPolicy({ from, to }: Attempt): boolean {
  return from.kind === 'pod' && to.kind === 'pod'
    ? from.pod.name !== to.pod.name || from.pod.namespace !== to.pod.namespace
    : from.kind === 'pod' || to.kind === 'pod';
}

/** Follows a request out of its source and into its destination. */
export function reach(oracle: Oracle, attempt: Attempt, options: PathOptions = {}): Reach {
  const { from, to } = attempt;
  if (attempt.protocol === 'SCTP' && options.sctp !== true) {
    return { reaches: 'no', how: 'dropped', at: 'egress', by: [] };
  }
  const legs: Leg[] = [];
  if (from.kind === 'pod') {
    if (to.kind === 'address' && to.name !== null && options.dns !== undefined) {
      const asked = oracle.judge(from.pod, oracle.pod(options.dns), { direction: 'egress', port: 53, protocol: 'UDP' });
      if (asked.verdict === 'drop' || (asked.verdict === 'proxy' && !oracle.isLearned(to.name))) {
        return { reaches: 'no', how: 'dropped', at: 'egress', by: asked.by };
      }
      if (asked.verdict === 'error') {
        return { reaches: 'unknown' };
      }
    }
    legs.push({ subject: from.pod, peer: peerOf(oracle, to), direction: 'egress' });
  }
  if (from.kind === 'host' && options.node !== undefined) {
    legs.push({ subject: options.node, peer: peerOf(oracle, to), direction: 'egress' });
  }
  if (to.kind === 'host' && options.node !== undefined) {
    legs.push({ subject: options.node, peer: peerOf(oracle, from), direction: 'ingress' });
  }
  if (to.kind === 'pod') {
    legs.push({ subject: to.pod, peer: peerOf(oracle, from), direction: 'ingress' });
  }
  return along(oracle, legs, attempt, options);
}

/** One policy on the way. */
interface Leg {
  readonly subject: ModelPod | OracleSubject;
  readonly peer: OraclePeer;
  readonly direction: Direction;
}

/** Leg after leg; a proxy on one changes the path that the next sees. */
function along(oracle: Oracle, legs: readonly Leg[], attempt: Attempt, options: PathOptions): Reach {
  let reached: Extract<Reach, { readonly reaches: 'yes' }> = { reaches: 'yes', by: [], quirk: false, request: attempt.request };
  let unknown = false;
  for (const leg of legs) {
    const one = follow(oracle, leg, { ...attempt, request: reached.request }, options);
    if (one.reaches === 'no') {
      return one;
    }
    if (one.reaches === 'unknown') {
      unknown = true;
    } else {
      reached = { reaches: 'yes', by: [...reached.by, ...one.by], quirk: reached.quirk || one.quirk, request: one.request };
    }
  }
  return unknown ? { reaches: 'unknown' } : reached;
}

function peerOf(oracle: Oracle, party: Party): OraclePeer {
  switch (party.kind) {
    case 'pod':
      return oracle.pod(party.pod);
    case 'address':
      return oracle.address(party.ip);
    case 'host':
      return oracle.reserved('host');
  }
}

function follow(oracle: Oracle, { subject, peer, direction }: Leg, attempt: Attempt, options: PathOptions): Reach {
  const normalize = options.normalize ?? true;
  const flow = { direction, port: attempt.port, protocol: attempt.protocol } as const;
  const judged = options.withoutDenies === true ? oracle.judgeWithoutDenies(subject, peer, flow) : oracle.judge(subject, peer, flow);
  // A proxy of another protocol makes of a request what it likes.
  if (judged.verdict === 'pass' && judged.proxy !== 'no' && oracle.parserAt(subject, flow) !== 'http') {
    return { reaches: 'unknown' };
  }
  // Quirk 12 took a redirect away that 1.13.3 writes again.
  if (
    judged.verdict === 'pass' &&
    judged.quirks.includes(12) &&
    options.reopens !== false &&
    oracle.releasedQuirk(subject, peer, flow) !== null
  ) {
    return { reaches: 'unknown' };
  }
  // What comes in must be authenticated, which 1.13.3 does not do for it; beside a rule that asks for nothing it depends on the keys.
  if (direction === 'ingress' && (judged.verdict === 'pass' || judged.verdict === 'http') && judged.by.some(({ auth }) => auth === true)) {
    return { reaches: 'unknown' };
  }
  const denied = judged.verdict === 'drop' && judged.by.length > 0;
  if (denied && options.reopens !== false && oracle.releasedQuirk(subject, peer, flow) === 1) {
    // Quirk 1: the redirect is there again, and the proxy knows of no deny.
    const without = oracle.judgeWithoutDenies(subject, peer, flow);
    const open = without.verdict === 'http' && oracle.proxyAllowsDenied(subject, peer, flow);
    const reopened = legOf(open ? { ...without, verdict: 'pass', proxy: 'yes' } : without, direction, attempt.request, normalize);
    return reopened.reaches === 'yes' ? { ...reopened, quirk: true } : reopened;
  }
  return legOf(judged, direction, attempt.request, normalize);
}

function legOf(judged: Judged, at: Direction, request: OracleRequest, normalize: boolean): Reach {
  switch (judged.verdict) {
    case 'drop':
      return { reaches: 'no', how: 'dropped', at, by: judged.by };
    case 'pass': {
      const seen = judged.proxy === 'no' ? request : proxied(request, normalize);
      if (judged.proxy === 'either' && seen?.path !== request.path) {
        // It depends on who came first, the peer or the policy.
        return { reaches: 'unknown' };
      }
      return seen === null
        ? { reaches: 'no', how: 'denied', at, by: judged.by }
        : { reaches: 'yes', by: judged.by, quirk: false, request: seen };
    }
    case 'http': {
      const seen = proxied(request, normalize);
      return seen !== null && requestAllowed(judged.rules, seen)
        ? { reaches: 'yes', by: judged.by, quirk: false, request: seen }
        : { reaches: 'no', how: 'denied', at, by: judged.by };
    }
    case 'proxy':
    case 'error':
      return { reaches: 'unknown' };
  }
}
