/**
 * Who may reach whom, as pure verdicts: the map states of both ends asked in the datapath's order, without a packet.
 * Pods of one identity share their answers, so the work grows with pairs of identities.
 * @see cilium:bpf/lib/policy.h#__policy_can_access
 * @remarks Simplified: a redirect counts as allowed, since what the proxy says depends on the request.
 */
import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import { TRAFFIC_EGRESS, TRAFFIC_INGRESS, type TrafficDirection } from '../../maps/policymap.ts';
import type { MapState } from './mapstate.ts';

/** An end of a connection. */
export interface ConnectivityEnd {
  readonly identity: NumericIdentity;
  /** Wanted content of its policy map. Ends that share it share their answers. */
  readonly mapState: MapState;
}

/** Which end's policy lets a connection begin. */
export interface ConnectivityVerdict {
  /** The source's policy. */
  readonly egress: boolean;
  /** The destination's. */
  readonly ingress: boolean;
}

/** Whether an endpoint's policy lets a connection with a peer begin. @param port of the destination */
export function mapStateAllows(
  state: MapState,
  peer: NumericIdentity,
  port: number,
  protocol: number,
  direction: TrafficDirection,
): boolean {
  const entry =
    state.get(peer, port, protocol, direction) ??
    state.get(0, port, protocol, direction) ??
    state.get(peer, 0, protocol, direction) ??
    state.get(0, 0, protocol, direction) ??
    state.get(peer, 0, 0, direction) ??
    state.get(0, 0, 0, direction);
  return entry !== undefined && !entry.isDeny;
}

/** The verdicts from every end to every other: `matrix[source][destination]`. Sources of one kind share their row. */
export function connectivityMatrix(
  ends: readonly ConnectivityEnd[],
  port: number,
  protocol: number,
): readonly (readonly ConnectivityVerdict[])[] {
  const { kinds, kindOf } = classify(ends);
  const rows = kinds.map((source) => {
    const verdicts = kinds.map((destination): ConnectivityVerdict => {
      const egress = mapStateAllows(source.mapState, destination.identity, port, protocol, TRAFFIC_EGRESS);
      const ingress = mapStateAllows(destination.mapState, source.identity, port, protocol, TRAFFIC_INGRESS);
      return VERDICTS[(egress ? 2 : 0) + (ingress ? 1 : 0)] as ConnectivityVerdict;
    });
    return kindOf.map((kind) => verdicts[kind] as ConnectivityVerdict);
  });
  return kindOf.map((kind) => rows[kind] as readonly ConnectivityVerdict[]);
}

const VERDICTS: readonly ConnectivityVerdict[] = [
  { egress: false, ingress: false },
  { egress: false, ingress: true },
  { egress: true, ingress: false },
  { egress: true, ingress: true },
];

/** Ends with the same identity and map state are of one kind. */
function classify(ends: readonly ConnectivityEnd[]): { readonly kinds: readonly ConnectivityEnd[]; readonly kindOf: readonly number[] } {
  const known = new Map<MapState, Map<NumericIdentity, number>>();
  const kinds: ConnectivityEnd[] = [];
  const kindOf = ends.map((end) => {
    const ofState = known.get(end.mapState) ?? new Map<NumericIdentity, number>();
    known.set(end.mapState, ofState);
    const kind = ofState.get(end.identity) ?? kinds.length;
    if (kind === kinds.length) {
      ofState.set(end.identity, kind);
      kinds.push(end);
    }
    return kind;
  });
  return { kinds, kindOf };
}
