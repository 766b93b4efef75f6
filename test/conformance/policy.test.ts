import { describe, expect, it } from 'vitest';
import { hasShared, readLines, sharedFile } from './module.ts';
import { checkPolicyCase, POLICY_SUITES, policyFile } from './policy.ts';

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
