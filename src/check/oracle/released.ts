/**
 * Where 1.13.3 departs from its own rules: once a redirect has its proxy port, the keys of its port are written again without a look at denies.
 */
import type { Question } from './judge.ts';
import type { OracleFlow } from './oracle.ts';
import { resolve, speaksOf } from './speaks.ts';
import type { OraclePeer } from './statement.ts';

/** Number in the list of policy vectors: 1 = an allow of the peer itself comes back; 2 = the deny beside a redirect for everyone comes late. */
export type ReleasedQuirk = 1 | 2;

/** The protocol of the rules for content at the port of a flow, for whomever; `null` if there are none. */
export function parserAt(question: Question, flow: OracleFlow): string | null {
  for (const { deny, ports } of question[flow.direction].statements) {
    for (const { ports: terms, seven } of deny ? [] : (ports ?? [])) {
      if (
        seven !== null &&
        terms.some((term) => term.protocol === flow.protocol && resolve(term, flow.direction, question) === flow.port)
      ) {
        return seven.parser;
      }
    }
  }
  return null;
}

/** The quirk that can let a denied flow through. */
export function releasedQuirk(question: Question, peer: OraclePeer, flow: OracleFlow): ReleasedQuirk | null {
  const { statements, requires } = question[flow.direction];
  const onPort = statements.flatMap((statement) =>
    statement.deny
      ? []
      : (statement.ports ?? [])
          .filter(({ ports }) =>
            ports.some((term) => term.protocol === flow.protocol && resolve(term, flow.direction, question) === flow.port),
          )
          .map(({ seven }) => ({ seven, who: speaksOf(statement, requires, peer) })),
  );
  if (!onPort.some(({ seven }) => seven !== null)) {
    return null;
  }
  return onPort.some(({ who }) => who === 'peer') ? 1 : onPort.some(({ who }) => who === 'everyone') ? 2 : null;
}
