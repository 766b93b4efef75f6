import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, nearest } from '../../src/net/nearest_word.ts';
import { formatRfc3339, parseRfc3339 } from '../../src/net/rfc3339.ts';
import { parseDuration } from '../../src/scenario/duration.ts';
import { besideFile } from '../../src/scenario/paths.ts';

describe('small values', () => {
  test.each([
    ['5s', 5e9],
    ['1h30m', 5400e9],
    ['1.5s', 1.5e9],
    ['200ms', 2e8],
    [3, 3e9],
    ['x', null],
    ['', null],
    ['5', null],
    ['-1s', null],
    ['101d', null],
  ])('duration %s', (text, nanos) => {
    expect(parseDuration(text)).toBe(nanos);
  });

  test('times go there and back, and agree with the platform', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
        const text = formatRfc3339(seconds * 1000);
        expect(text).toBe(new Date(seconds * 1000).toISOString().replace('.000', ''));
        expect(parseRfc3339(text)).toBe(seconds * 1000);
      }),
    );
    expect(parseRfc3339('2023-06-12T03:04:05.101+02:00')).toBe(Date.parse('2023-06-12T03:04:05.101+02:00'));
    for (const bad of ['2023-02-29T00:00:00Z', '2023-13-01T00:00:00Z', '2023-06-12 03:04:05', '2023-06-12T24:00:00Z', '']) {
      expect(parseRfc3339(bad)).toBeNull();
    }
  });

  test.each([
    ['scenarios/a.yaml', 'app.yaml', 'scenarios/app.yaml'],
    ['a.yaml', 'app.yaml', 'app.yaml'],
    ['x/y/a.yaml', '../app.yaml', 'x/app.yaml'],
    ['a.yaml', '../app.yaml', '../app.yaml'],
    ['x/a.yaml', '/abs/app.yaml', '/abs/app.yaml'],
    ['/x/a.yaml', './b.yaml', '/x/b.yaml'],
  ])('%s names %s', (file, path, result) => {
    expect(besideFile(file, path)).toBe(result);
  });

  test('the nearest word', () => {
    expect(nearest('aply', ['apply', 'delete'])).toBe('apply');
    expect(nearest('reqeust', ['request', 'release'])).toBe('request');
    expect(nearest('banana', ['apply', 'delete'])).toBeNull();
  });

  test('edit distance is symmetric, and zero only for equal words', () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b, 99)).toBe(editDistance(b, a, 99));
        expect(editDistance(a, b, 99) === 0).toBe(a === b);
      }),
    );
  });
});
