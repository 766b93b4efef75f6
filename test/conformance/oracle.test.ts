import { describe, expect, it } from 'vitest';
import { hasShared, readLines, sharedFile } from './module.ts';
import { checkOracleCase } from './oracle.ts';
import { POLICY_SUITES, policyFile } from './policy.ts';

/** Of the random cases every so many: the whole is `npm run conformance`. */
const SHARE = 8;

describe('the oracle of property tests on the policy vectors', () => {
  for (const suite of POLICY_SUITES) {
    it.skipIf(!hasShared(policyFile(suite)))(suite, () => {
      const lines = readLines(sharedFile(policyFile(suite))).filter((_, i) => suite !== 'public' || i % SHARE === 0);
      const failed = lines.map(checkOracleCase).filter(({ differences }) => differences.length > 0);
      expect(failed).toEqual([]);
      expect(lines.length).toBeGreaterThan(0);
    });
  }

  it.skipIf(!hasShared(policyFile('starwars')))('can fail', () => {
    const [line] = readLines(sharedFile(policyFile('starwars'))) as [{ expect: { subjects: { mapState: unknown[] }[] } }];
    for (const subject of line.expect.subjects) {
      subject.mapState = subject.mapState.slice(1);
    }
    expect(checkOracleCase(line).differences).not.toEqual([]);
  });
});
