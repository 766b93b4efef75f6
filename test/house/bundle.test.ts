import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { parseScenario, runScenario } from '../../src/index.ts';
import { TOP } from './support/source.ts';

const ARTICLE = 'scenarios/star-wars/article.yaml';

/** The library as one script without a Node polyfill; any `node:` import would fail the build. */
async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [join(TOP, 'src', 'index.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'trenchrun',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    logLevel: 'silent',
  });
  expect(result.warnings).toEqual([]);
  return result.outputFiles[0]?.text as string;
}

describe('the engine', () => {
  it('bundles for any platform and gives the same journey in a bare context', async () => {
    const code = await bundle();
    expect(code.length).toBeGreaterThan(300_000);
    const files: Record<string, string> = { [ARTICLE]: readFileSync(join(TOP, ARTICLE), 'utf8') };
    for (const name of ['app', 'rule1']) {
      const path = `scenarios/star-wars/manifests/${name}.yaml`;
      files[path] = readFileSync(join(TOP, path), 'utf8');
    }
    // A context has the language's own globals and nothing of Node: no process, no Buffer, no timers, no encoder, no console.
    const context = createContext({ filesJson: JSON.stringify(files), article: ARTICLE });
    new Script(code).runInContext(context);
    const inContext = new Script(`
      if (typeof process + typeof Buffer + typeof setTimeout + typeof TextEncoder + typeof console.log !== 'undefined'.repeat(4) + typeof console.log) throw new Error('not bare');
      const files = JSON.parse(filesJson);
      const parsed = trenchrun.parseScenario(files[article], { file: article, readFile: (path) => ({ text: files[path] }) });
      JSON.stringify(trenchrun.runScenario(parsed.scenario));
    `).runInContext(context) as string;
    const parsed = parseScenario(files[ARTICLE] as string, { file: ARTICLE, readFile: (path) => ({ text: files[path] as string }) });
    expect(parsed.ok).toBe(true);
    if (parsed.ok) {
      const here = runScenario(parsed.scenario);
      expect(here.journey.length).toBeGreaterThan(1000);
      expect(inContext === JSON.stringify(here)).toBe(true);
    }
  });
});
