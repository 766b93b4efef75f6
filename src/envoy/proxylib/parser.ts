/**
 * What a parser of the library is: it reads what stands at the head of a direction and says what to do with it.
 * @see cilium:proxylib/proxylib/parserfactory.go
 * @see cilium:proxylib/proxylib/types.go
 */
import type { ProxylibConnection } from './connection.ts';

/** What to do with the bytes at the head of the data. @see cilium:proxylib/proxylib/types.go#OpType */
export type OpType = 'MORE' | 'PASS' | 'DROP' | 'INJECT' | 'ERROR';

/** An operation of the filter. */
export interface FilterOp {
  readonly op: OpType;
  readonly bytes: number;
  /** What a parser that reads as from a file had taken when it answered ERROR: it is asked once more about what comes after. */
  readonly read?: number;
}

/**
 * What a parser answers: an operation, nothing to do, or the text of a Go panic, which the library recovers from.
 * @see cilium:proxylib/proxylib/connection.go#Connection.OnData
 */
export type ParserOp = FilterOp | { readonly op: 'NOP' } | { readonly op: 'PANIC'; readonly text: string };

/** How a call of the library ends. @see cilium:proxylib/proxylib/types.go#FilterResult */
export type FilterResult =
  | 'OK'
  | 'POLICY_DROP'
  | 'PARSER_ERROR'
  | 'UNKNOWN_PARSER'
  | 'UNKNOWN_CONNECTION'
  | 'INVALID_ADDRESS'
  | 'INVALID_INSTANCE'
  | 'UNKNOWN_ERROR';

/** Numbers an ERROR carries. @see cilium:proxylib/proxylib/types.go#OpError */
export const ERROR_INVALID_OP_LENGTH = 1;
export const ERROR_INVALID_FRAME_TYPE = 2;
export const ERROR_INVALID_FRAME_LENGTH = 3;

/** Nothing to do. */
export const NOP: ParserOp = { op: 'NOP' };

/**
 * The parser of one connection.
 * @see cilium:proxylib/proxylib/parserfactory.go#Parser
 * @see cilium:proxylib/proxylib/parserfactory.go#ReaderParser
 * @remarks Simplified: data come in one piece; in Go they are a list of slices, which no parser's answer depends on, except that test.blockparser
 * misreads a length that is cut by the border of two slices.
 */
export interface Parser {
  /** @param data all that was not passed or dropped yet; starts at the border of a frame */
  onData(reply: boolean, endStream: boolean, data: Uint8Array): ParserOp;
}

/** Makes the parser of a connection; `null`: the connection is refused. @see cilium:proxylib/proxylib/parserfactory.go#ParserFactory */
export type ParserFactory = (connection: ProxylibConnection) => Parser | null;

/** A rule of a protocol. What it is asked about is what the protocol's parser hands over. @see cilium:proxylib/proxylib/policymap.go#L7NetworkPolicyRule */
export interface L7Rule {
  matches(l7: unknown): boolean;
}

/** Go's panic for an index outside of a slice. */
export function indexPanic(index: number, length: number): ParserOp {
  return { op: 'PANIC', text: `runtime error: index out of range [${index}] with length ${length}` };
}

/** Go's panic for a slice that ends before it begins, or after what there is. */
export function slicePanic(start: number, end: number, capacity: number): ParserOp {
  const bounds = end < start ? `[${start}:${end}]` : `[:${end}] with capacity ${capacity}`;
  return { op: 'PANIC', text: `runtime error: slice bounds out of range ${bounds}` };
}
