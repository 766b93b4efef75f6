import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRegex } from '../../src/envoy/regex.ts';
import { firstMismatch } from '../../src/envoy/regex_failure.ts';

describe('where a value leaves an expression', () => {
  it.each([
    ['POST', 'PUT', 1],
    ['POST', 'PO', 2],
    ['POST', 'POSTED', 4],
    ['/v1/request-landing', '/v1/exhaust-port', 4],
    ['/v1/.*', '/v2/x', 2],
    ['GET|PUT', 'PAT', 1],
    ['(?i)get', 'gEx', 2],
    ['[a-z]+[0-9]', 'abc', 3],
    ['[a-z]+[0-9]', 'ab-1', 2],
    ['^/a$', '/ab', 2],
    ['', 'x', 0],
    ['a{2,3}', 'aaaa', 3],
  ])('%j and %j: %i', (pattern, value, at) => {
    expect(firstMismatch(pattern, value)).toBe(at);
  });

  it('names a place before which the value can still be completed', () => {
    const pieces = fc.array(fc.constantFrom('a', 'b', 'ab', '[ab]', 'c?', '(ab|cd)', 'a*', 'd+', '.'), { minLength: 1, maxLength: 5 });
    const completions = ['', 'a', 'b', 'c', 'd', 'ab', 'cd', 'aab', 'bd', 'dd', 'ba', 'abcd', 'cdab'];
    fc.assert(
      fc.property(pieces, fc.stringMatching(/^[abcd]{0,6}$/), (parts, value) => {
        const regex = compileRegex(parts.join(''), 1000);
        if ('error' in regex || regex.matches(value)) {
          return;
        }
        const at = firstMismatch(regex.pattern, value);
        // Nothing that begins with the character named can match.
        expect(completions.some((more) => at < value.length && regex.matches(value.slice(0, at + 1) + more))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
