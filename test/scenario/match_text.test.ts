import { describe, expect, test } from 'vitest';
import { includesJson, matcherText, mismatch } from '../../src/scenario/match_text.ts';

describe('mismatch', () => {
  test.each([
    [{ equals: 'Ship landed' }, 'Ship landed\n'],
    [{ equals: 'Access denied' }, 'Access denied\r\n'],
    [{ equals: 'a\nb' }, 'a   \nb\n\n'],
    [{ words: 'NAME READY\nx 1/1' }, 'NAME   READY\nx      1/1   \n'],
    [{ contains: ['a', 'c'] }, 'abc'],
    [{ excludes: ['x'] }, 'abc'],
    [{ matches: ['^b$'] }, 'a\nb\nc'],
    [{ lines: ['x 1/1'] }, 'NAME\nx     1/1\n'],
    [{ json: { a: [1, { b: 2 }] } }, '{"deep":[{"a":[1,{"b":2,"c":3}],"d":4}]}'],
  ])('%j holds', (matcher, text) => {
    expect(mismatch(matcher, text)).toBeNull();
  });

  test.each([
    [{ equals: 'Ship landed' }, 'Access denied\r\n', '"Access denied"'],
    [{ equals: 'a\nb' }, 'a\nc', 'line 2: "c" where "b" is expected'],
    [{ equals: 'a\nb' }, 'a', 'line 2: the text ends where "b" is expected'],
    [{ equals: 'a' }, 'a\nb', 'line 2 is too many: "b"'],
    [{ contains: ['a', 'x'] }, 'abc', '"x" does not occur in "abc"'],
    [{ excludes: ['b'] }, 'abc', '"b" occurs'],
    [{ matches: ['^x'] }, 'abc', '/^x/ matches nowhere in "abc"'],
    [{ lines: ['TCP OUT a'] }, 'TCP IN a\nUDP\n', 'no line "TCP OUT a"; the nearest is "TCP IN a"'],
    [{ json: { a: 1 } }, '{"a":2}', 'no such value in the JSON'],
    [{ json: {} }, 'x', 'the text is no JSON: "x"'],
  ])('%j does not hold for %j', (matcher, text, reason) => {
    expect(mismatch(matcher, text)).toBe(reason);
  });

  test('lists are compared item by item', () => {
    expect(includesJson([1, 2], [1])).toBe(false);
    expect(includesJson({ a: [] }, { a: [] })).toBe(true);
    expect(includesJson(null, {})).toBe(false);
  });

  test('a matcher in one line', () => {
    expect(matcherText({ equals: 'x' })).toBe('"x"');
    expect(matcherText({ contains: ['a', 'b'], matches: ['c'] })).toBe('contains "a", "b"; matches "c"');
  });
});
