/**
 * Passes everything. It has no rules of its own: a policy that names it denies its port in the library's map, which the parser never asks.
 * @see cilium:proxylib/testparsers/passer.go
 */
import type { ProxylibConnection } from '../connection.ts';
import { NOP, type Parser } from '../parser.ts';

/** The parser of a connection; one policy name is refused, for tests. */
export function newPasser(connection: ProxylibConnection): Parser | null {
  if (connection.start.policyName === 'invalid-policy') {
    return null;
  }
  return { onData: (_reply, _endStream, data) => (data.length === 0 ? NOP : { op: 'PASS', bytes: data.length }) };
}
