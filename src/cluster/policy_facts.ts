/** What the agent and the proxy of 1.13.3 make of single pieces of a policy: questions tools ask without running anything. */
import { filterLabels, newLabelFilter } from '../agent/labels/filter.ts';
import { LABEL_SOURCE_K8S } from '../agent/labels/labels.ts';
import { L7_RULE_PARSERS, PARSER_FACTORIES } from '../envoy/proxylib/registry.ts';
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

/** Names of the parsers that `l7proto` may give. */
export function parserNames(): readonly string[] {
  return [...PARSER_FACTORIES.keys()];
}

/** Why a parser refuses an `l7` rule, and with it a whole update; `null` if it takes it. */
export function parserRuleError(proto: string, rule: Readonly<Record<string, string>>): string | null {
  const parsed = L7_RULE_PARSERS.get(proto)?.({ l7_proto: proto, l7_rules: { l7_allow_rules: [{ rule }] } });
  return typeof parsed === 'string' ? parsed : null;
}

/** Whether a pod's label of this key becomes part of its identity with the default label filter. */
export function countsForIdentity(key: string): boolean {
  return filterLabels(FILTER, [{ source: LABEL_SOURCE_K8S, key, value: '' }]).identity.length > 0;
}
