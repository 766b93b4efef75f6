/** Matchers for `expect.extend` of vitest and Jest. */
import type { Reach } from '../run/reach.ts';
import type { Question, Reachability } from './reachability.ts';

/** What a matcher answers. */
export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** What {@link matchers} add to what `expect(reachability(yaml))` has. `R` is what the framework's own matchers return. */
export interface PolicyMatchers<R = void> {
  /** The request reaches its destination. */
  toAllow(question: Question): R;
  /** The request does not reach its destination. */
  toDeny(question: Question): R;
}

/**
 * `expect.extend(matchers)`; then `expect(reachability(yaml)).toAllow({from: 'tiefighter', to: 'deathstar', method: 'POST', path: '/v1/request-landing'})`, and
 * `toDeny` for its opposite. `import 'trenchrun/vitest'` or `'trenchrun/jest'` does it, and brings the types. What cannot be told throws, with `not` as well.
 */
export const matchers = {
  /** The request reaches its destination. */
  toAllow(received: Reachability, question: Question): MatcherResult {
    return result('toAllow', received, question, 'yes');
  },
  /** The request does not reach its destination. */
  toDeny(received: Reachability, question: Question): MatcherResult {
    return result('toDeny', received, question, 'no');
  },
} as const;

function result(matcher: string, received: Reachability, question: Question, wanted: 'yes' | 'no'): MatcherResult {
  if (typeof (received as Partial<Reachability> | null | undefined)?.ask !== 'function') {
    throw new Error(`${matcher}: expected what reachability(...) gives, not ${received === null ? 'null' : typeof received}`);
  }
  const reach = received.ask(question);
  if (reach.reaches === 'unknown') {
    throw new Error(`${questionText(question)}: cannot be told (another L7 protocol, or a policy that cannot be computed)`);
  }
  return { pass: reach.reaches === wanted, message: () => `${questionText(question)}: ${reachText(reach)}` };
}

function questionText({ from, to, port = 80, method = 'GET', path = '/' }: Question): string {
  const name = (who: Question['from']): string => (typeof who === 'string' ? who : `${who.namespace}/${who.name}`);
  return `${name(from)} -> ${name(to)}:${port} ${method} ${path}`;
}

function reachText(reach: Exclude<Reach, { readonly reaches: 'unknown' }>): string {
  const by = [...new Set(reach.by.map(({ policy, where }) => `${policy}, ${where}`))].join('; ');
  if (reach.reaches === 'yes') {
    return by === '' ? 'is allowed: no policy is enforced' : `is allowed by ${by}`;
  }
  return `is ${reach.how} at ${reach.at}${by === '' ? ': nothing allows it' : ` by ${by}`}`;
}
