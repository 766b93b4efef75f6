import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseScenario } from '../../src/scenario/parse.ts';

const TEXT = readFileSync(new URL('../../scenarios/star-wars/article.yaml', import.meta.url), 'utf8');
const WORDS = [
  'apply',
  'request',
  '{',
  '}',
  '[',
  ']',
  ':',
  '- ',
  '|',
  '&a',
  '*a',
  '!!',
  '"',
  "'",
  '\t',
  '\n',
  '  ',
  '#',
  '%',
  '\u0000',
  '\ufeff',
  '<<',
  '? ',
  '---\n',
  '...',
  '1e999',
  '0x',
  'é',
  '\ud800',
];

/** Whatever the text: a scenario or issues with positions inside the file; never an exception. */
function check(text: string): void {
  const result = parseScenario(text, { file: 's.yaml', readFile: () => ({ text: 'kind: x' }) });
  if (!result.ok) {
    expect(result.issues.length).toBeGreaterThan(0);
    const lines = text.split('\n').length;
    for (const { message, position } of result.issues) {
      expect(message).not.toBe('');
      expect(message).not.toMatch(/\n|\bat .*\.ts|undefined|\[object/);
      expect(position.line).toBeGreaterThanOrEqual(1);
      expect(position.line).toBeLessThanOrEqual(Math.max(1, lines));
      expect(position.column).toBeGreaterThanOrEqual(1);
    }
  }
}

test('any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), check), { numRuns: 200 });
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...WORDS), { maxLength: 30 }).map((words) => words.join('')),
      check,
    ),
    { numRuns: 300 },
  );
});

test('the article with a piece replaced', () => {
  const edit = fc.record({ at: fc.nat(TEXT.length), length: fc.nat(20), word: fc.constantFrom(...WORDS, '') });
  fc.assert(
    fc.property(edit, ({ at, length, word }) => check(TEXT.slice(0, at) + word + TEXT.slice(at + length))),
    { numRuns: 150 },
  );
});

test('any value as a document', () => {
  fc.assert(fc.property(fc.json(), check), { numRuns: 200 });
});
