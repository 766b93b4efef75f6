/** Regular expressions against an independent build of RE2, and sizes of programs against those the C++ library says. */
import fc from 'fast-check';
import { RE2 } from 're2-wasm';
import { describe, expect, it } from 'vitest';
import { compileRegex } from '../../src/envoy/regex.ts';
import { fromLatin1, latin1, utf8 } from '../../src/net/bytes.ts';

/** What RE2 says to a value as a whole, or its error. Its memory is bounded, so each compiled expression is freed at once. */
function re2(pattern: string, value: string): boolean | string {
  try {
    // The expression has to be one by itself: in the group `)|(` would be.
    (new RE2(pattern, 'u') as unknown as { readonly wrapper: { delete(): void } }).wrapper.delete();
    const regex = new RE2(`^(?:${pattern})$`, 'u') as unknown as { test(value: string): boolean; readonly wrapper: { delete(): void } };
    const verdict = regex.test(value);
    regex.wrapper.delete();
    return verdict;
  } catch (error) {
    return String((error as Error).message).replace(/^Invalid regular expression: [\s\S]*\/u: /, '');
  }
}

/** The same of the proxy's matcher, which gets values as bytes. */
function ours(pattern: string, value: string): boolean | string {
  const regex = compileRegex(pattern, 1_000_000);
  return 'error' in regex ? regex.error : regex.matches(fromLatin1(utf8(value)));
}

/** Expressions that the two take differently, with the reason. */
const DIFFERENCES: readonly (readonly [pattern: string, RegExp, why: string])[] = [
  ['\\C', /\\C/, 'one byte of a character: RE2 has it, Go and re2js do not; the agent compiles paths and methods with Go first'],
];

const atom = fc.constantFrom(
  'a',
  'b',
  'ab',
  '/',
  '.',
  '[ab]',
  '[^a]',
  '\\d',
  '\\w',
  '\\s',
  '\\.',
  'é',
  '[é-ü]',
  '(?i)k',
  '[[:alpha:]]',
  '^',
  '$',
  '\\b',
  '(?s).',
  '\\x{e9}',
);
const odd = fc.constantFrom(
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '*',
  '+',
  '?',
  '|',
  '\\',
  '(?=a)',
  '(?!a)',
  '\\1',
  '[b-a]',
  'a{1001}',
  '(?P<n>a)',
  '(?P<n',
  '\\Q.\\E',
  '\\C',
  '(?<n>a)',
  '\\z',
  '\\Z',
  '[[:foo:]]',
  '\\p{Foo}',
);
const pattern = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 8, arbitrary: atom },
    { weight: 1, arbitrary: odd },
    { weight: 4, arbitrary: fc.tuple(tie('text'), tie('text')).map(([a, b]) => a + b) },
    { weight: 2, arbitrary: fc.tuple(tie('text'), tie('text')).map(([a, b]) => `${a}|${b}`) },
    { weight: 2, arbitrary: tie('text').map((one) => `(${one})`) },
    {
      weight: 2,
      arbitrary: fc.tuple(tie('text'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '*?')).map(([one, times]) => `(?:${one})${times}`),
    },
  ),
})).text;
const value = fc
  .array(fc.constantFrom('a', 'b', '/', '0', ' ', '.', 'é', 'k', 'K', '\u212a', '\n', 'ü'), { maxLength: 8 })
  .map((list) => list.join(''));

describe('RE2', () => {
  it('is what re2js does, except where listed', () => {
    fc.assert(
      fc.property(pattern, value, (expression, text) => {
        const [own, oracle] = [ours(expression, text), re2(expression, text)];
        const same = typeof oracle === 'string' ? typeof own === 'string' : own === oracle;
        const known = DIFFERENCES.some(([, shows]) => shows.test(expression));
        expect({ expression, text, own, oracle, fine: same || known }).toEqual({ expression, text, own, oracle, fine: true });
      }),
      { numRuns: 1500 },
    );
  });

  it.each(DIFFERENCES)('differs in %s', (expression, shows) => {
    expect(expression).toMatch(shows);
    expect(typeof ours(expression, 'a')).not.toBe(typeof re2(expression, 'a'));
  });

  it('is not what JavaScript does', () => {
    for (const [expression, text, verdict] of [
      ['a|b', 'ab', false],
      ['.', '\u2028', true],
      ['\\s', '\u000b', false],
      ['(?i)abc', 'ABC', true],
      ['\\Qa.b\\E', 'a.b', true],
      ['(a+)+$', `${'a'.repeat(30)}!`, false],
      ['[[:digit:]]+', '42', true],
      ['\\pL+', 'aé', true],
    ] as const) {
      expect([expression, ours(expression, text)]).toEqual([expression, verdict]);
      expect(re2(expression, text)).toBe(verdict);
    }
    for (const expression of ['(?=a)', '(?<!a)b', '(a)\\1', 'a{1001}', '[b-a]']) {
      expect(ours(expression, 'a')).toBeTypeOf('string');
      expect(re2(expression, 'a')).toBeTypeOf('string');
    }
  });

  it('matches no value that is not UTF-8', () => {
    const regex = compileRegex('.', 100);
    expect('error' in regex ? null : regex.matches(fromLatin1(latin1('\u00e9')))).toBe(false);
    expect(ours('.', 'é')).toBe(true);
  });
});

/** Sizes as `RE2::ProgramSize` says in the library of 2022-06-01, the age of the one in Envoy 1.23. */
const SIZES: readonly (readonly [pattern: string, size: number])[] = [
  ['/v1/request-landing', 23],
  ['/v1/.*', 16],
  ['^/v1/.*', 12],
  ['/v1/.*$', 16],
  ['GET|POST', 11],
  ['/public.*', 19],
  ['/path/[0-9]+', 12],
  ['/api/(users|groups)/[a-z0-9-]+', 27],
  ['.*', 12],
  ['', 4],
  ['a|', 6],
  ['^/a$', 4],
  ['(^/a)b', 7],
  ['[a-zA-Z0-9]+', 7],
  ['\\d{3}', 7],
  ['\\w+@\\w+\\.com', 17],
  ['[^/]+', 13],
  ['(?i)abc', 7],
  ['(?i)kiss', 15],
  ['\\S+', 15],
  ['.', 12],
  ['(?s).', 11],
  ['a{2,5}', 12],
  ['(ab){3}', 16],
  ['(a*)*', 11],
  ['é', 6],
  ['[é-ü]', 6],
  ['[^a-c]', 12],
  ['\\p{Greek}', 66],
  ['[\\x{100}-\\x{10ffff}]', 16],
  ['/foo(/.*)?', 20],
  ['(GET|HEAD|PUT)', 16],
  ['\\bfoo\\b', 9],
  ['(|a)*', 12],
  ['/api/v1/(pods|services|endpoints|nodes)(/[a-z0-9-]+)?', 48],
  ['^(?i)abc', 4],
  ['.*\\.example\\.com', 24],
  [`/${'a'.repeat(95)}`, 100],
  [`/${'a'.repeat(96)}`, 101],
  ['/files/[0-9a-f]{32}', 75],
  ['/items/[0-9]{1,50}', 110],
  ['(/[a-z]+){12}', 64],
];

describe('the size of a program', () => {
  it.each(SIZES)('of %s is %d', (expression, size) => {
    const refused = compileRegex(expression, size - 1);
    expect('error' in refused ? refused.error : '').toContain(`RE2 program size of ${size} > max program size of ${size - 1} set`);
    expect('error' in compileRegex(expression, size)).toBe(false);
  });
});
