import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patternMatches } from '../../../src/agent/policy/api/fqdn.ts';
import { namesMatching } from '../../../src/check/oracle/fqdn.ts';

const name = fc
  .array(fc.constantFrom('a', 'b', 'www', 'example', 'org', 'x-1'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('.'));
const pattern = name.chain((text) =>
  fc.constantFrom(text, `*.${text}`, `${text.slice(0, 1)}*${text.slice(1)}`, text.toUpperCase(), `${text}.`, '*'),
);
type Matches = (pattern: string, name: string) => boolean;

function holds(matches: Matches): fc.IProperty<[string, string]> {
  return fc.property(pattern, name, (one, text) => {
    const told = namesMatching({ matchPattern: one }, { [text]: ['10.0.0.1'] }).length > 0;
    expect(matches(one, text)).toBe(told);
    expect(matches(one, `${text.toUpperCase()}.`)).toBe(told);
    if (!one.includes('*')) {
      expect(told).toBe(one.toLowerCase().replace(/\.$/, '') === text);
    }
  });
}

describe('46. DNS patterns', () => {
  it('holds', () => {
    fc.assert(holds(patternMatches), { numRuns: 1000 });
  });

  it.each<[string, Matches]>([
    [
      '* spans dots',
      (one, text) => new RegExp(`^${one.toLowerCase().replaceAll('.', '[.]').replaceAll('*', '.*')}[.]?$`).test(text.toLowerCase()),
    ],
    ['case matters', (one, text) => one === '*' || patternMatches(one, text) === (one === text)],
  ])('can fail: %s', (_name, matches) => {
    expect(fc.check(holds(matches), { numRuns: 1000, seed: 1 }).failed).toBe(true);
  });
});
