import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROPERTIES } from '../../../src/check/properties/catalogue.ts';

describe('the catalogue', () => {
  it('has fifty properties in order, each with words and a source', () => {
    expect(PROPERTIES.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    for (const { statement, source } of PROPERTIES) {
      expect(statement).toMatch(/^.{20,}\.$/);
      expect(source).toMatch(/^(cilium|proxy):[\w/.-]+(#[\w.]+)?$/);
    }
  });

  it('says truly which have a test that a mutant fails', () => {
    const texts = readdirSync(new URL('.', import.meta.url))
      .filter((name) => name.endsWith('.prop.test.ts'))
      .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
      .join('\n');
    const tested = [...texts.matchAll(/^ {2}id: (\d+),$|^describe\('(\d+)\. /gm)]
      .map((match) => Number(match[1] ?? match[2]))
      .sort((a, b) => a - b);
    expect(tested).toEqual(PROPERTIES.filter(({ testing }) => testing === 'engine and mutant').map(({ id }) => id));
  });
});
