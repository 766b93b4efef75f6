/** Traffic: who tries to reach whom, on which port, with which request; and single packets. */
import fc from 'fast-check';
import type { ModelCluster, ModelPod } from '../model/cluster.ts';
import type { OracleRequest } from '../oracle/http.ts';
import { httpRequest, type RequestShape } from './http_request.ts';
import { ipv4 } from './ipv4.ts';
import { port, protocol } from './port.ts';

/** One attempt. */
export interface Attempt {
  readonly from: ModelPod;
  readonly to: ModelPod;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** What is asked once the connection stands; only for TCP. */
  readonly request: OracleRequest | null;
}

/** An attempt between two pods of a cluster, with a request near one of some rules. */
export function attempt(model: ModelCluster, rules: readonly RequestShape[] = []): fc.Arbitrary<Attempt> {
  const who = fc.constantFrom(...model.pods);
  return fc
    .record({ from: who, to: who, port: port(), protocol: protocol(), request: httpRequest(rules) })
    .map((one) => (one.protocol === 'TCP' ? one : { ...one, request: null }));
}

/** Several attempts in order; shrinks towards one. */
export function traffic(model: ModelCluster, rules: readonly RequestShape[] = [], maxLength = 10): fc.Arbitrary<Attempt[]> {
  return fc.array(attempt(model, rules), { minLength: 1, maxLength });
}

/** A packet by its addresses, ports and flags. */
export interface PacketTuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: 'TCP' | 'UDP';
  /** TCP only. */
  readonly flags: { readonly syn: boolean; readonly ack: boolean; readonly fin: boolean; readonly rst: boolean };
  readonly payload: number;
}

/** A packet; shrinks towards a bare one. */
export function packet(): fc.Arbitrary<PacketTuple> {
  return fc.record({
    source: ipv4(),
    destination: ipv4(),
    sourcePort: fc.integer({ min: 1024, max: 65535 }),
    destinationPort: port(),
    protocol: fc.constantFrom('TCP', 'UDP'),
    flags: fc.record({ syn: fc.boolean(), ack: fc.boolean(), fin: fc.boolean(), rst: fc.boolean() }),
    payload: fc.nat(1460),
  });
}
