/** The numbered invariants of the datapath: each has a test whose title begins with its number. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** What a title begins with: `13, 33: a proxied connection…`. */
const TITLE = /^\s*(?:test|it)\(\s*['`](\d+(?:, \d+)*): /gm;
const FOLDERS = ['bpf', 'cluster', 'kernel', 'maps'];
const INVARIANTS = 40;

test('all are tested, each in one place', () => {
  const places = new Map<number, string[]>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(new URL(`../${folder}`, import.meta.url)).filter((file) => file.endsWith('.test.ts'))) {
      const text = readFileSync(new URL(`../${folder}/${name}`, import.meta.url), 'utf8');
      for (const [, ids = ''] of text.matchAll(TITLE)) {
        for (const id of ids.split(', ').map(Number)) {
          places.set(id, [...(places.get(id) ?? []), `${folder}/${name}`]);
        }
      }
    }
  }
  const all = Array.from({ length: INVARIANTS }, (_, i) => i + 1);
  expect(all.filter((id) => !places.has(id))).toEqual([]);
  expect([...places.keys()].filter((id) => !all.includes(id))).toEqual([]);
  expect([...places].filter(([, where]) => where.length > 1)).toEqual([]);
});
