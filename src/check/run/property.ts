/** A property of a scenario as something that cases can break. */
import fc from 'fast-check';
import type { PropertySection, RequestPattern } from '../../scenario/schema/properties.ts';
import { requestsNear } from '../arbitraries/http_request.ts';
import { type OracleRequest, requestAllowed } from '../oracle/http.ts';
import type { Oracle } from '../oracle/oracle.ts';
import { proxied } from '../oracle/proxied.ts';
import type { HttpTerm } from '../oracle/statement.ts';
import { parties } from './party.ts';
import { type Attempt, meetsPolicy, type Reach, reach } from './reach.ts';
import type { CheckSubject } from './subject.ts';
import { oracleOf, pathOptionsOf } from './told.ts';
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
  /** What becomes of a case. */
  reach(one: Case): Reach;
  /** Whether the property would be broken if the opposite of what policies say came true. */
  forbids(one: Case): boolean;
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
      found = oracleOf(
        subject,
        subject.policies.filter((_, i) => i !== deleted),
      );
      oracles.set(deleted, found);
    }
    return found;
  };
  const relabels = section.also?.includes('while pods are relabelled') === true;
  const context = { subject, oracle: oracle(-1), words, onlyExisting: kind === 'always', relabels };
  const from = parties(statement.from, { ...context, preferExisting: false, name: 'newcomer' });
  const to = parties(statement.to, { ...context, preferExisting: true, name: 'new-server' });
  const terms = statement.http?.map(termOf) ?? null;
  const judgeReach = (result: Reach, one: Attempt): Broken | null => {
    const wrong =
      kind === 'always'
        ? result.reaches === 'no' && isMeant(statement, terms, one, one.request)
        : result.reaches === 'yes' && isMeant(statement, terms, one, result.request) === (kind === 'never');
    return wrong ? { reach: result, what: result.reaches === 'yes' ? 'reaches the destination' : 'does not reach the destination' } : null;
  };
  const options = pathOptionsOf(subject);
  return {
    section,
    kind,
    subject,
    cases: from === null || to === null ? null : speaking(cases({ from, to, words, kind, statement, deletable })),
    reach: (one) => reach(oracle(one.deleted), one, options),
    forbids: (one) => {
      const told = reach(oracle(one.deleted), one, options);
      const opposite = oppositeOf(told, one);
      return meetsPolicy(one) && opposite !== null && judgeReach(opposite, one) !== null;
    },
    breaks: (one) => (meetsPolicy(one) ? judgeReach(reach(oracle(one.deleted), one, options), one) : null),
    breaksWith: (policies, one) => judgeReach(reach(oracleOf(subject, policies), one, options), one),
  };
}

function oppositeOf({ reaches }: Reach, { request }: Attempt): Reach | null {
  if (reaches === 'unknown') {
    return null;
  }
  return reaches === 'yes' ? { reaches: 'no', how: 'dropped', at: 'ingress', by: [] } : { reaches: 'yes', by: [], quirk: false, request };
}

type Statement = NonNullable<PropertySection['never']>;

function statementOf({ never, only, always }: PropertySection): [PropertyKind, Statement] {
  if (never !== undefined) {
    return ['never', never];
  }
  return only !== undefined ? ['only', only] : ['always', always as Statement];
}

/** Whether the property speaks of the port and the request. */
function isMeant({ ports }: Statement, terms: readonly HttpTerm[] | null, { port, protocol }: Attempt, request: OracleRequest): boolean {
  return (
    (ports === undefined || ports.some((one) => one.port === port && one.protocol === protocol)) &&
    (terms === null || (protocol === 'TCP' && requestAllowed(terms, request)))
  );
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
  const near = requestsNear(shapes);
  // What the proxy answers itself or rewrites is nothing that a property demands to get through.
  const plain = kind === 'always' ? near.filter((one) => proxied(one, true)?.path === one.path) : near;
  const request = withHost ? plain : plain.map((one): OracleRequest => ({ ...one, host: '' }));
  const deleted = deletable === 0 ? fc.constant(-1) : fc.nat(deletable).map((i) => i - 1);
  return fc
    .tuple(from, to, fc.constantFrom(...ports), request, deleted)
    .map(([source, destination, { port, protocol }, asked, gone]): Case => {
      const own = protocol === 'TCP' ? asked : NO_REQUEST;
      return { from: source, to: destination, port, protocol, request: own, deleted: gone };
    });
}

/** The cases, if any of them meets a policy. */
function speaking(all: fc.Arbitrary<Case>): fc.Arbitrary<Case> | null {
  return fc.sample(all, { seed: 1, numRuns: 32 }).some(meetsPolicy) ? all : null;
}

/** What is not asked where nothing is asked. */
const NO_REQUEST: OracleRequest = { method: '', path: '', host: '', headers: {} };
