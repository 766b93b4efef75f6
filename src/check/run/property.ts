/** A property of a scenario as something that cases can break. */
import fc from 'fast-check';
import type { PropertySection, RequestPattern } from '../../scenario/schema/properties.ts';
import { requestNear } from '../arbitraries/http_request.ts';
import { type OracleRequest, requestAllowed } from '../oracle/http.ts';
import { Oracle } from '../oracle/oracle.ts';
import type { HttpTerm } from '../oracle/statement.ts';
import { parties } from './party.ts';
import { type Attempt, type Reach, reach } from './reach.ts';
import type { CheckSubject } from './subject.ts';
import { type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** The three kinds of properties. */
export type PropertyKind = 'never' | 'only' | 'always';

/** One case: a try, and which policy is gone, if any. */
export interface Case extends Attempt {
  /** Index of the deleted policy; -1 = all are there. */
  readonly deleted: number;
}

/** A property made ready. */
export interface Prepared {
  readonly section: PropertySection;
  readonly kind: PropertyKind;
  readonly subject: CheckSubject;
  /** `null` if nothing can be meant by one of the parties. */
  readonly cases: fc.Arbitrary<Case> | null;
  /** What breaks the property in a case, or `null`. */
  breaks(one: Case): Broken | null;
  /** The same for other policies. */
  breaksWith(policies: CheckSubject['policies'], one: Attempt): Broken | null;
}

/** How a case breaks a property. */
export interface Broken {
  readonly reach: Reach;
  /** In words: `reached the destination`. */
  readonly what: string;
}

/** Makes a property of a scenario ready. */
export function prepare(section: PropertySection, subject: CheckSubject): Prepared {
  const [kind, statement] = statementOf(section);
  const words = vocabularyOf(subject, statement.ports ?? [], statement.http ?? []);
  const deletable = section.also?.includes('after any one policy is deleted') === true ? subject.policies.length : 0;
  const oracles = new Map<number, Oracle>();
  const oracle = (deleted: number): Oracle => {
    let found = oracles.get(deleted);
    if (found === undefined) {
      found = new Oracle(
        subject.cluster,
        subject.policies.filter((_, i) => i !== deleted),
      );
      oracles.set(deleted, found);
    }
    return found;
  };
  const context = { subject, oracle: oracle(-1), words, onlyExisting: kind === 'always' };
  const from = parties(statement.from, { ...context, preferExisting: false, name: 'newcomer' });
  const to = parties(statement.to, { ...context, preferExisting: true, name: 'new-server' });
  const meant = (one: Attempt): boolean => isMeant(statement, one);
  const judgeReach = (result: Reach, one: Attempt): Broken | null => {
    const wrong = kind === 'always' ? result.reaches === 'no' && meant(one) : result.reaches === 'yes' && meant(one) === (kind === 'never');
    return wrong ? { reach: result, what: result.reaches === 'yes' ? 'reaches the destination' : 'does not reach the destination' } : null;
  };
  return {
    section,
    kind,
    subject,
    cases: from === null || to === null ? null : cases({ from, to, words, kind, statement, deletable }),
    breaks: (one) => judgeReach(reach(oracle(one.deleted), one), one),
    breaksWith: (policies, one) => judgeReach(reach(new Oracle(subject.cluster, policies), one), one),
  };
}

type Statement = NonNullable<PropertySection['never']>;

function statementOf({ never, only, always }: PropertySection): [PropertyKind, Statement] {
  if (never !== undefined) {
    return ['never', never];
  }
  return only !== undefined ? ['only', only] : ['always', always as Statement];
}

/** Whether the property speaks of the port and the request. */
function isMeant({ ports, http }: Statement, { port, request }: Attempt): boolean {
  return (ports === undefined || ports.includes(port)) && (http === undefined || requestAllowed(http.map(termOf), request));
}

function termOf({ method = '', path = '', host = '', headers = {} }: RequestPattern): HttpTerm {
  return { method, path, host, headers: Object.entries(headers) };
}

interface Parts {
  readonly from: NonNullable<ReturnType<typeof parties>>;
  readonly to: NonNullable<ReturnType<typeof parties>>;
  readonly words: Vocabulary;
  readonly kind: PropertyKind;
  readonly statement: Statement;
  readonly deletable: number;
}

function cases({ from, to, words, kind, statement, deletable }: Parts): fc.Arbitrary<Case> {
  const ports = kind === 'only' ? words.ports : (statement.ports ?? words.ports);
  const shapes = words.shapes.length === 0 ? [{ method: 'GET', path: '/' }] : words.shapes;
  const withHost = shapes.some(({ host }) => (host ?? '') !== '');
  const request = fc
    .constantFrom(...shapes)
    .chain(requestNear)
    .filter(sendable)
    .map((one): OracleRequest => (withHost ? one : { ...one, host: '' }));
  const deleted = deletable === 0 ? fc.constant(-1) : fc.nat(deletable).map((i) => i - 1);
  return fc.record({ from, to, port: fc.constantFrom(...ports), request, deleted }).filter((one) => !sameParty(one));
}

/** @remarks Not modelled: requests whose path the proxy rewrites before it judges (escapes, dots, double slashes). */
function sendable({ path, method }: OracleRequest): boolean {
  return /^\/[-\w./?=&]*$/.test(path) && !/\/\/|\/\.\.?(\/|$)/.test(path) && /^[A-Za-z]+$/.test(method);
}

function sameParty({ from, to }: Attempt): boolean {
  return from.kind === 'pod' && to.kind === 'pod' && from.pod.name === to.pod.name && from.pod.namespace === to.pod.namespace;
}
