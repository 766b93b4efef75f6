/**
 * The policy part of the conformance suite: files of `../shared/vectors` in the format of FORMAT.md.
 */
import { RELEASED_QUIRKS } from '../../src/agent/policy/config.ts';
import { type CaseOutcome, type ConformanceModule, hasShared, readLines, type SuiteOutcome, sharedFile } from './module.ts';
import { computePolicyCase, type PolicyCase } from './policy_case.ts';
import { comparePolicy, type PolicyExpectation } from './policy_compare.ts';

/** Suites, named as their files. */
export const POLICY_SUITES = ['starwars', 'examples', 'quirks', 'public'] as const;

/** Path of a suite's file below `../shared`. */
export function policyFile(suite: string): string {
  return `vectors/${suite}.jsonl`;
}

/** What the reference did in the cases it marks as uncertain for 1.13.3; the source of 1.13.3 does not (docs/quirks.md). */
const UNCERTAIN = { ...RELEASED_QUIRKS, serverNamesAloneNotRedirected: true };

/** Compares one case; a case whose computation breaks fails. In a case marked with a caution either reading is right. */
export function checkPolicyCase(line: unknown): CaseOutcome {
  const input = line as PolicyCase & { readonly expect: PolicyExpectation };
  try {
    const differences = comparePolicy(computePolicyCase(input), input.expect);
    if (differences.length === 0 || input.caution !== 'sni') {
      return { name: input.name, differences };
    }
    const other = computePolicyCase({ ...input, config: { ...input.config, quirks: UNCERTAIN } });
    return { name: input.name, differences: comparePolicy(other, input.expect) };
  } catch (error) {
    return { name: input.name, differences: [`broken: ${String(error)}`] };
  }
}

export const policyModule: ConformanceModule = {
  kind: 'policy',
  emit(line) {
    const input = line as PolicyCase;
    try {
      return [{ name: input.name, result: computePolicyCase(input) }];
    } catch (error) {
      return [{ name: input.name, error: String(error) }];
    }
  },
  compare(): SuiteOutcome[] {
    return POLICY_SUITES.filter((suite) => hasShared(policyFile(suite))).map((suite) => ({
      suite,
      cases: readLines(sharedFile(policyFile(suite))).map(checkPolicyCase),
    }));
  },
};
