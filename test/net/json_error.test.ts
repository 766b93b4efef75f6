import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonErrorOffset } from '../../src/net/json_error.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('where a text stops being JSON', () => {
  test.each([
    ['{"a": }', 6],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['{"a" 1}', 5],
    ['{a:1}', 1],
    ['', 0],
    ['[', 1],
    ['{"a":', 5],
    ['kind: x', 0],
    ['1 2', 2],
    ['[]]', 2],
    ['"\\x"', 0],
    ['{"a":1,}', 7],
    [' [1, {"b": [true, null, -1.5e3, "x\\u00e9"]} ] ', null],
  ])('%s', (text, offset) => {
    expect(jsonErrorOffset(text)).toBe(offset);
  });

  test('agrees with the platform on whether it is JSON', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', 'null', ' ', '"', '-', '0', '\\');
    const texts = fc.oneof(
      fc.json(),
      fc.array(pieces, { maxLength: 12 }).map((list) => list.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(jsonErrorOffset(text) === null).toBe(isJson(text));
      }),
      { numRuns: 500 },
    );
  });
});
