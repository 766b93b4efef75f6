import fc from 'fast-check';
import { describe, it } from 'vitest';
import { fuzzTargets } from './targets.ts';

describe('no input breaks the parser of', () => {
  it.each(fuzzTargets().map((target) => [target.name, target] as const))('%s (npm run fuzz tries far more)', (_name, target) => {
    fc.assert(target.property, { numRuns: target.inTests, seed: 20231126 });
  });
});
