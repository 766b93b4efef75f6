/** What the agent and the proxy of 1.13.3 make of single pieces of a policy: questions tools ask without running anything. */
import { filterLabels, newLabelFilter } from '../agent/labels/filter.ts';
import { LABEL_SOURCE_K8S } from '../agent/labels/labels.ts';
import { compileRegex } from '../envoy/regex.ts';

/**
 * Largest compiled expression the proxy takes.
 * @see envoy:source/common/common/regex.cc#CompiledGoogleReMatcher (re2.max_program_size.error_level)
 */
const MAX_PROGRAM_SIZE = 100;

const FILTER = newLabelFilter();

/** Why the proxy refuses an expression; `null` if it takes it. */
export function proxyRegexError(pattern: string): string | null {
  const compiled = compileRegex(pattern, MAX_PROGRAM_SIZE);
  return 'error' in compiled ? compiled.error : null;
}

/** Whether a whole value matches an expression, as the proxy has it; `false` for an expression it refuses. */
export function proxyRegexMatches(pattern: string, value: string): boolean {
  const compiled = compileRegex(pattern, MAX_PROGRAM_SIZE);
  return 'matches' in compiled && compiled.matches(value);
}

/** Whether a pod's label of this key becomes part of its identity with the default label filter. */
export function countsForIdentity(key: string): boolean {
  return filterLabels(FILTER, [{ source: LABEL_SOURCE_K8S, key, value: '' }]).identity.length > 0;
}
