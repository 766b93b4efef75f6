import { describe, expect, it } from 'vitest';
import { INTENDED_QUIRKS } from '../../src/agent/policy/config.ts';
import { hasShared, readLines, sharedFile } from './module.ts';
import { checkPolicyCase, POLICY_SUITES, policyFile } from './policy.ts';
import { computePolicyCase, type PolicyCase } from './policy_case.ts';

describe('the intended engine', () => {
  const suites = ['starwars', 'quirks'] as const;
  const present = suites.every((suite) => hasShared(policyFile(suite)));
  it.skipIf(!present)('writes in two phases what it computes at once', () => {
    for (const suite of suites) {
      for (const line of readLines(sharedFile(policyFile(suite))) as PolicyCase[]) {
        for (const subject of computePolicyCase({ ...line, config: { ...line.config, quirks: INTENDED_QUIRKS } }).subjects) {
          expect([line.name, subject.firstWrite, subject.nextWrite]).toEqual([line.name, undefined, undefined]);
        }
      }
    }
  });
});

describe('policy vectors', () => {
  for (const suite of POLICY_SUITES) {
    const present = hasShared(policyFile(suite));
    it.skipIf(!present)(`${suite}${present ? '' : ` (skipped: ../shared/${policyFile(suite)} is not there)`}`, () => {
      const outcomes = readLines(sharedFile(policyFile(suite))).map(checkPolicyCase);
      const failed = outcomes.filter(({ differences }) => differences.length > 0);
      console.info(`${suite} ${outcomes.length - failed.length}/${outcomes.length}`);
      expect(failed).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(0);
    });
  }
});
