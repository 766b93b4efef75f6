/** Matchers for `expect.extend` of vitest and Jest. */
import type { Reach } from '../run/reach.ts';
import type { Question, Reachability } from './reachability.ts';

/** What a matcher answers. */
export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/**
 * `expect.extend(matchers)`; then `expect(reachability(yaml)).toAllow({from: 'tiefighter', to: 'deathstar', method: 'POST', path: '/v1/request-landing'})`, and
 * `toDeny` for its opposite.
 */
export const matchers = {
  /** The request reaches its destination. */
  toAllow(received: Reachability, question: Question): MatcherResult {
    return result(received.ask(question), question, 'yes');
  },
  /** The request does not reach its destination. */
  toDeny(received: Reachability, question: Question): MatcherResult {
    return result(received.ask(question), question, 'no');
  },
} as const;

function result(reach: Reach, question: Question, wanted: Reach['reaches']): MatcherResult {
  const pass = reach.reaches === wanted;
  return { pass, message: () => `${questionText(question)}: ${reachText(reach)}` };
}

function questionText({ from, to, port = 80, method = 'GET', path = '/' }: Question): string {
  const name = (who: Question['from']): string => (typeof who === 'string' ? who : `${who.namespace}/${who.name}`);
  return `${name(from)} -> ${name(to)}:${port} ${method} ${path}`;
}

function reachText(reach: Reach): string {
  if (reach.reaches === 'unknown') {
    return 'cannot be told (another L7 protocol, or a policy that cannot be computed)';
  }
  const by = [...new Set(reach.by.map(({ policy, where }) => `${policy}, ${where}`))].join('; ');
  if (reach.reaches === 'yes') {
    return by === '' ? 'is allowed: no policy is enforced' : `is allowed by ${by}`;
  }
  return `is ${reach.how} at ${reach.at}${by === '' ? ': nothing allows it' : ` by ${by}`}`;
}
