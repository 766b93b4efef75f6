/** Every property has its statement in words, its precondition, its source, and a test that shows it can fail. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUILTINS } from '../../src/check/properties/builtin.ts';
import { PROPERTIES } from '../../src/check/properties/catalogue.ts';
import { planOf } from '../../src/check/run/check.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { testNames } from '../planted/plant.ts';

const names = async (folder: string, pattern: RegExp): Promise<string[]> => {
  const files = readdirSync(new URL(`../${folder}`, import.meta.url)).filter((file) => pattern.test(file));
  return (await Promise.all(files.map((file) => testNames(`${folder}/${file}`)))).flat();
};
const words = { statement: /^[A-Za-z].{20,}\.$/s, precondition: /^[A-Za-z0-9].{3,}\.$/s, source: /^(cilium|proxy):[\w/.-]+(#[\w.:]+)?$/ };

describe('properties', () => {
  it('are said in words, with their precondition and their source', () => {
    for (const one of [...PROPERTIES, ...BUILTINS]) {
      expect(one.name).not.toBe('');
      expect(one.statement).toMatch(words.statement);
      expect(one.precondition).toMatch(words.precondition);
      expect(one.source).toMatch(words.source);
    }
    expect(PROPERTIES.filter(({ testing }) => testing !== 'engine and mutant').map(({ id }) => id)).toEqual([]);
  });

  it('of the catalogue each have a test in which they hold and one in which they fail', async () => {
    const tests = await names('check/properties', /\.prop\.test\.ts$/);
    for (const { id, name } of PROPERTIES) {
      const own = tests.filter((test) => test.startsWith(`${id}. ${name} > `)).map((test) => test.slice(`${id}. ${name} > `.length));
      expect({ id, holds: own.some((test) => test.startsWith('holds')), fails: own.some((test) => test.startsWith('can fail')) }).toEqual({
        id,
        holds: true,
        fails: true,
      });
    }
  }, 60_000);

  it('that check adds by itself are those that are described, and have such tests too', async () => {
    const policy =
      '{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: x}, spec: {endpointSelector: {}, ingress: [{}]}}\n';
    const parsed = parseScenario(JSON.stringify({ name: 'x', steps: [{ apply: policy }] }), {
      file: 'x.yaml',
      readFile: () => ({ error: '' }),
    });
    const planned = parsed.ok ? planOf(parsed.scenario, { seed: 1, runs: 1, builtins: true, replay: null }).properties : [];
    expect(planned.filter(({ builtin }) => builtin).map(({ name }) => name)).toEqual(BUILTINS.map(({ name }) => name));
    const tests = await names('check/properties', /^builtin\.test\.ts$/);
    for (const { name } of BUILTINS) {
      expect(tests).toContain(`${name} > holds`);
      expect(tests).toContain(`${name} > can fail`);
    }
  }, 60_000);
});
