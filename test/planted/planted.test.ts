/** A part of the planted bugs; `npm run planted` has all. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { patched, plant } from './plant.ts';
import { VARIANTS } from './variants.ts';

/** Fast ones: they need no cluster. */
const QUICK = VARIANTS.filter(({ by }) => /^(bpf|kernel|envoy)\//.test(by));

describe('planted bugs', () => {
  it('are at least 40, of different names', () => {
    expect(new Set(VARIANTS.map(({ name }) => name)).size).toBe(VARIANTS.length);
    expect(VARIANTS.length).toBeGreaterThanOrEqual(40);
  });

  it.each(VARIANTS.map((variant) => [variant.name, variant] as const))('still has its text: %s', (_, variant) => {
    patched(readFileSync(new URL(`../../src/${variant.file}`, import.meta.url), 'utf8'), variant);
  });

  it.each(QUICK.map((variant, number) => [variant.name, variant, number] as const))('%s', async (_, variant, number) => {
    const { cases } = await plant(variant, true, number);
    expect(cases).not.toBeNull();
    expect(cases).toBeLessThanOrEqual(10_000);
  });

  test('a text that is not there, or twice, is an error', () => {
    const place = { name: 'x', file: 'y.ts', replace: 'z' };
    expect(() => patched('a b', { ...place, find: 'c' })).toThrow('occurs 0 times in src/y.ts');
    expect(() => patched('a a', { ...place, find: 'a' })).toThrow('occurs 2 times in src/y.ts');
    expect(patched('a b', { ...place, find: 'a' })).toBe('z b');
  });
});
