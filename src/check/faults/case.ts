/** One try with faults: a client, a server, requests, and what happens meanwhile. */
import fc from 'fast-check';
import type { FaultSection } from '../../scenario/schema/fault.ts';
import { MILLISECOND } from '../../sim/clock.ts';
import { fault } from '../arbitraries/fault.ts';
import { podName } from '../model/cluster.ts';
import type { OracleRequest } from '../oracle/http.ts';
import type { Party } from '../run/party.ts';
import type { Case, Prepared } from '../run/property.ts';

/** What happens, one after the other. */
export type FaultEvent =
  | { readonly kind: 'fault'; readonly fault: FaultSection }
  | { readonly kind: 'wait'; readonly nanos: number }
  /** A policy goes or comes (back), by its index; nobody waits until it is in force. */
  | { readonly kind: 'delete' | 'apply'; readonly policy: number }
  /** A request by its index, on a connection of its own or on the one that was opened at the beginning. */
  | { readonly kind: 'request'; readonly request: number; readonly kept: boolean };

/** A server is a pod. */
export type ServerParty = Party & { readonly kind: 'pod' };

/** The case. */
export interface FaultCase {
  readonly from: Party;
  readonly to: ServerParty;
  readonly port: number;
  readonly requests: readonly OracleRequest[];
  readonly events: readonly FaultEvent[];
  /** Of the cluster. */
  readonly seed: number;
}

/** Cases around the policies of a subject that are about HTTP to a pod; `null` if there are none. */
export function faultCases({ cases, subject }: Pick<Prepared, 'cases' | 'subject'>): fc.Arbitrary<FaultCase> | null {
  if (cases === null || !fc.sample(cases, { seed: 1, numRuns: LOOK }).some(isHttpToPod)) {
    return null;
  }
  // The same few pods come again and again, and arbitraries cost more than what they draw.
  const lists = new Map<string, fc.Arbitrary<FaultEvent[]>>();
  const eventsAmong = (pods: readonly string[]): fc.Arbitrary<FaultEvent[]> => {
    const key = pods.join();
    const list = lists.get(key) ?? events(subject.policies.length, fault({ pods }));
    lists.set(key, list);
    return list;
  };
  const more = fc.array(cases, { maxLength: 2 });
  const seed = fc.nat(99);
  return cases.filter(isHttpToPod).chain(({ from, to, port, request }) => {
    const pods = [...(from.kind === 'pod' ? [podName(from.pod)] : []), podName(to.pod)];
    return fc.tuple(more, eventsAmong(pods), seed).map(([others, list, drawn]): FaultCase => {
      return { from, to, port, requests: [request, ...others.map((one) => one.request)], events: list, seed: drawn };
    });
  });
}

/** So many cases are looked at to see whether there are any that matter. */
const LOOK = 200;

function isHttpToPod(one: Case): one is Case & { readonly to: ServerParty } {
  const { from, to, protocol } = one;
  return to.kind === 'pod' && from.kind !== 'host' && protocol === 'TCP' && !wasRelabelled(from) && !wasRelabelled(to) && !isSame(from, to);
}

function events(policies: number, faults: fc.Arbitrary<FaultSection>): fc.Arbitrary<FaultEvent[]> {
  const policy = fc.nat(Math.max(0, policies - 1));
  const wait = fc.constantFrom(1, 100, 2000, 30_000).map((millis): FaultEvent => ({ kind: 'wait', nanos: millis * MILLISECOND }));
  const request = fc.record({ kind: fc.constant('request' as const), request: fc.nat(2), kept: fc.boolean() });
  const change = fc.record({ kind: fc.constantFrom('delete' as const, 'apply' as const), policy });
  const one = fc.oneof(
    { arbitrary: request, weight: 4 },
    { arbitrary: faults.map((fault): FaultEvent => ({ kind: 'fault', fault })), weight: 4 },
    { arbitrary: change, weight: policies === 0 ? 0 : 2 },
    { arbitrary: wait, weight: 1 },
  );
  // What is in force for a connection that is open when the cluster has come to rest again.
  const kept = fc.nat(2).map((number): FaultEvent => ({ kind: 'request', request: number, kept: true }));
  const rest: FaultEvent = { kind: 'wait', nanos: 2000 * MILLISECOND };
  const asked = fc.tuple(change, kept).map(([before, after]): FaultEvent[] => [before, rest, after]);
  const parts = fc.oneof(
    { arbitrary: one.map((event): FaultEvent[] => [event]), weight: 7 },
    { arbitrary: asked, weight: policies === 0 ? 0 : 1 },
  );
  return fc.array(parts, { minLength: 1, maxLength: 8 }).map((list) => list.flat());
}

function wasRelabelled(party: Party): boolean {
  return party.kind === 'pod' && party.was !== undefined;
}

/** A pod reaches itself without leaving its namespace: no policy is asked. */
function isSame(from: Party, to: ServerParty): boolean {
  return from.kind === 'pod' && podName(from.pod) === podName(to.pod);
}
