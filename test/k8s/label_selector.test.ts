import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { meetsRequirements, parseLabelSelector } from '../../src/k8s/label_selector.ts';

const meets = (text: string, labels: Record<string, string>): boolean => {
  const parsed = parseLabelSelector(text);
  expect(parsed).toMatchObject({ ok: true });
  return parsed.ok && meetsRequirements(parsed.requirements, labels);
};

describe('selectors that are read', () => {
  const labels = { app: 'x', tier: 'db', n: '5', in: 'y', '': '' };
  test.each([
    ['', true],
    ['app=x', true],
    ['app==x', true],
    ['app = x , tier!=web', true],
    ['app!=x', false],
    ['none!=x', true],
    ['app in (x,y)', true],
    ['app in(x)', true],
    ['app notin (x)', false],
    ['none notin (x)', true],
    ['app', true],
    ['!app', false],
    ['! none', true],
    ['n>4,n<6', true],
    ['n>5', false],
    ['app>1', false],
    ['in in (in, y)', true],
    ['in=y', true],
    ['app=', false],
    ['none in (,)', false],
    ['app in (,x)', true],
    ['example.com/app!=x', true],
  ])('%j', (text, result) => expect(meets(text, labels)).toBe(result));
});

test.each([
  ['app=x=y', "found '=', expected: ',' or 'end of string'"],
  ['a==b==c', "found '==', expected: ',' or 'end of string'"],
  ['app=x,', "found '', expected: identifier after ','"],
  [',app', "found ',', expected: !, identifier, or 'end of string'"],
  ['app in x', "unable to parse requirement: found 'x' expected: '('"],
  ['app in ()', "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"],
  ['app in (x', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['app x', "unable to parse requirement: found 'x', expected: in, notin, =, ==, !=, gt, lt"],
  ['!', "unable to parse requirement: found '', expected: identifier"],
  ['n>x', "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
])('%j is refused', (text, error) => {
  expect(parseLabelSelector(text)).toEqual({ ok: false, error });
});

test('keys and values have the form of labels', () => {
  for (const text of ['a_=x', '-a=x', 'a/b/c', 'A.B/c=d', 'a=x_', `${'a'.repeat(64)}=x`]) {
    expect(parseLabelSelector(text)).toMatchObject({ ok: false, error: expect.stringContaining('Invalid value') });
  }
});

describe('properties', () => {
  const name = fc.stringMatching(/^[a-z]([a-z0-9]{0,4}[a-z0-9])?$/);
  const labels = fc.dictionary(name, name, { maxKeys: 4 });

  test('any text is a selector or an error', () => {
    const piece = fc.constantFrom('a', 'b', '=', '==', '!=', '!', ',', '(', ')', ' in ', ' notin ', '<', '>', '1', ' ', '/', 'é', '"');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
          fc.string(),
        ),
        labels,
        (text, some) => {
          const parsed = parseLabelSelector(text);
          expect(typeof (parsed.ok ? meetsRequirements(parsed.requirements, some) : parsed.error)).toBe(parsed.ok ? 'boolean' : 'string');
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('an operator and its opposite divide all objects', () => {
    fc.assert(
      fc.property(labels, name, fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), (some, key, values) => {
        const list = values.join(', ');
        expect(meets(`${key} in (${list})`, some)).toBe(!meets(`${key} notin (${list})`, some));
        expect(meets(key, some)).toBe(!meets(`!${key}`, some));
        expect(meets(`${key}=${values[0]}`, some)).toBe(!meets(`${key}!=${values[0]}`, some));
        expect(meets(`${key} in (${list})`, some)).toBe(values.some((value) => meets(`${key}==${value}`, some)));
      }),
      { numRuns: 300 },
    );
  });
});
