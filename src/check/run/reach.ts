/** Whether a request reaches its destination, as the oracle tells it for a cluster of 1.13.3. */
import { type OracleRequest, requestAllowed } from '../oracle/http.ts';
import type { Judged } from '../oracle/judge.ts';
import type { Oracle } from '../oracle/oracle.ts';
import type { Direction, OraclePeer, Statement } from '../oracle/statement.ts';
import type { Party } from './party.ts';

/** One try. */
export interface Attempt {
  readonly from: Party;
  readonly to: Party;
  readonly port: number;
  readonly request: OracleRequest;
}

/** What becomes of it, and the statements that decided. */
export type Reach =
  | { readonly reaches: 'yes'; readonly by: readonly Statement[] /** It is let through against a deny. */; readonly quirk: boolean }
  | { readonly reaches: 'no'; readonly how: 'dropped' | 'denied'; readonly at: Direction; readonly by: readonly Statement[] }
  /** The proxy decides by rules of another protocol, or the policy cannot be computed. */
  | { readonly reaches: 'unknown' };

/** Follows a request out of its source and into its destination. */
export function reach(oracle: Oracle, attempt: Attempt): Reach {
  const { from, to } = attempt;
  const [source, destination] = [peerOf(oracle, from), peerOf(oracle, to)];
  const legs: Reach[] = [];
  if (from.kind === 'pod') {
    legs.push(leg(oracle, from, destination, 'egress', attempt));
  }
  if (to.kind === 'pod') {
    legs.push(leg(oracle, to, source, 'ingress', attempt));
  }
  const stopped = legs.find(({ reaches }) => reaches === 'no') ?? legs.find(({ reaches }) => reaches === 'unknown');
  if (stopped !== undefined) {
    return stopped;
  }
  const passed = legs.flatMap((one) => (one.reaches === 'yes' ? [one] : []));
  return { reaches: 'yes', by: passed.flatMap(({ by }) => by), quirk: passed.some(({ quirk }) => quirk) };
}

function peerOf(oracle: Oracle, party: Party): OraclePeer {
  return party.kind === 'pod' ? oracle.pod(party.pod) : oracle.address(party.ip);
}

function leg(oracle: Oracle, subject: Party & { readonly kind: 'pod' }, peer: OraclePeer, direction: Direction, attempt: Attempt): Reach {
  const flow = { direction, port: attempt.port, protocol: 'TCP' } as const;
  const judged = oracle.judge(subject.pod, peer, flow);
  const denied = judged.verdict === 'drop' && judged.by.length > 0;
  if (denied && oracle.releasedQuirk(subject.pod, peer, flow) === 1) {
    // Quirk 1: the redirect is there again, and the proxy knows of no deny.
    const reopened = legOf(oracle.judgeWithoutDenies(subject.pod, peer, flow), direction, attempt.request);
    return reopened.reaches === 'yes' ? { ...reopened, quirk: true } : reopened;
  }
  return legOf(judged, direction, attempt.request);
}

function legOf(judged: Judged, at: Direction, request: OracleRequest): Reach {
  switch (judged.verdict) {
    case 'drop':
      return { reaches: 'no', how: 'dropped', at, by: judged.by };
    case 'pass':
      return { reaches: 'yes', by: judged.by, quirk: false };
    case 'http':
      return requestAllowed(judged.rules, request)
        ? { reaches: 'yes', by: judged.by, quirk: false }
        : { reaches: 'no', how: 'denied', at, by: judged.by };
    case 'proxy':
    case 'error':
      return { reaches: 'unknown' };
  }
}
