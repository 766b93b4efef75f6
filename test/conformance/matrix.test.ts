import { describe, expect, test } from 'vitest';
import { packetMatrix, perfCluster, readPerfInput, verdictMatrix } from '../support/perf_suite.ts';

const input = readPerfInput('100x100');

describe('the connectivity of 100 pods under 100 policies', () => {
  test.skipIf(input === null)('as verdicts is the given matrix', () => {
    expect(input === null ? [] : verdictMatrix(input)).toEqual(input?.matrix);
  });

  test.skipIf(input === null)('by packets is the same for a part of the pods', () => {
    if (input !== null) {
      const few = { ...input, pods: input.pods.slice(0, 25) };
      const expected = input.matrix.slice(0, 25).map((line) => line.slice(0, 25).replace(/[ieb]/g, 'x'));
      // A pod that talks to itself by its own address never leaves its namespace.
      const own = expected.map((line, i) => `${line.slice(0, i)}.${line.slice(i + 1)}`);
      expect(packetMatrix(perfCluster(few), few)).toEqual(own);
    }
  });
});
