/**
 * Where 1.13.3 departs from its own rules: once a redirect has its proxy port, the keys of its port are written again without a look at denies.
 */
import type { Question } from './judge.ts';
import type { OracleFlow } from './oracle.ts';
import { parserOn } from './parser_conflict.ts';
import { resolve, speaksOf } from './speaks.ts';
import type { OraclePeer } from './statement.ts';

/** Number in the list of policy vectors: 1 = an allow of the peer itself comes back; 2 = the deny beside a redirect for everyone comes late. */
export type ReleasedQuirk = 1 | 2;

/** The protocol of the rules for content at the port of a flow, for whomever, rather than that of certificates; `null` if there are none. */
export function parserAt(question: Question, flow: OracleFlow): string | null {
  let found: string | null = null;
  for (const { deny, ports } of question[flow.direction].statements) {
    for (const { ports: terms, parser } of deny ? [] : (ports ?? [])) {
      const own = parserOn(parser, flow.protocol);
      if (own !== '' && terms.some((term) => term.protocol === flow.protocol && resolve(term, flow.direction, question) === flow.port)) {
        found = found === null || found === 'tls' ? own : found;
      }
    }
  }
  return found;
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
          .map(({ parser }) => ({ parser: parserOn(parser, flow.protocol), who: speaksOf(statement, requires, peer) })),
  );
  if (!onPort.some(({ parser }) => parser !== '')) {
    return null;
  }
  if (onPort.some(({ who }) => who === 'peer')) {
    return 1;
  }
  // A deny without protocol, on whatever port, takes everyone's redirect away, which then comes back each time.
  const bare = statements.some(
    (one) =>
      one.deny &&
      speaksOf(one, requires, peer) === 'everyone' &&
      (one.ports ?? []).some(({ ports }) =>
        ports.some((term) => term.protocol === '' && (resolve(term, flow.direction, question) ?? 0) !== 0),
      ),
  );
  return onPort.some(({ who }) => who === 'everyone') ? (bare ? 1 : 2) : null;
}
