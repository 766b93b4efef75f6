/**
 * Plants bugs: bundles a property test with one text of one file of the engine replaced, and runs it until it fails. The engine has no hook for that; a text that is not
 * found, or found twice, is an error, so that a variant cannot rot unseen.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { Collected } from './vitest_shim.ts';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = join(TOP, 'node_modules/.cache/trenchrun/planted');

/** A deliberately wrong variant. */
export interface Variant {
  readonly name: string;
  /** The file, below src. */
  readonly file: string;
  /** What is replaced; it occurs once. */
  readonly find: string;
  readonly replace: string;
  /** The property test that finds it, below test, and which of its tests. */
  readonly by: string;
  readonly test: RegExp;
}

/** What came of it. */
export interface Planted {
  readonly name: string;
  /** Cases until it was found; `null`: it was not. */
  readonly cases: number | null;
  /** The test that found it. */
  readonly test: string;
  readonly millis: number;
}

interface Bundle {
  readonly collected: readonly Collected[];
  readonly counter: { cases: number; limit: number };
}

/** Cases until a bug must be found. */
export const LIMIT = 10_000;

/** Plants a bug, or with `planted` false only seems to, and runs the tests of its file. */
export async function plant(variant: Variant, planted: boolean, number: number, limit = LIMIT): Promise<Planted> {
  const start = performance.now();
  const { collected, counter } = await bundle(variant, planted, number);
  counter.limit = limit;
  const chosen = collected.filter(({ name }) => variant.test.test(name));
  if (chosen.length === 0) {
    throw new Error(`${variant.name}: no test of ${variant.by} is called ${variant.test}`);
  }
  for (const { name, run } of chosen) {
    try {
      await run();
    } catch (error) {
      if (error instanceof ReferenceError) {
        throw new Error(`${variant.name}: the replacement is no valid text there: ${error.message}`);
      }
      return { name: variant.name, cases: Math.max(1, counter.cases), test: name, millis: performance.now() - start };
    }
  }
  return { name: variant.name, cases: null, test: '', millis: performance.now() - start };
}

/** Names of the tests of a file, found without running them. */
export async function testNames(by: string): Promise<string[]> {
  const { collected } = await bundle(
    { name: by, file: '', find: '', replace: '', by, test: /./ },
    false,
    `names-${by.replaceAll('/', '-')}`,
  );
  return collected.map(({ name }) => name);
}

async function bundle(variant: Variant, planted: boolean, number: number | string): Promise<Bundle> {
  mkdirSync(CACHE, { recursive: true });
  const outfile = join(CACHE, `${planted ? 'planted' : 'sound'}-${number}.mjs`);
  const entry = `export { collected } from './planted/vitest_shim.ts'; export { counter } from './planted/fast_check_shim.ts'; import './${variant.by}';`;
  await build({
    stdin: { contents: entry, resolveDir: join(TOP, 'test'), loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
    plugins: [shims, ...(planted ? [patch(variant)] : [])],
  });
  return (await import(`${pathToFileURL(outfile).href}?${Date.now()}`)) as Bundle;
}

const shims: Plugin = {
  name: 'shims',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^vitest$/ }, () => ({ path: join(TOP, 'test/planted/vitest_shim.ts') }));
    onResolve({ filter: /^fast-check$/ }, ({ importer }) =>
      importer.endsWith('fast_check_shim.ts') ? null : { path: join(TOP, 'test/planted/fast_check_shim.ts') },
    );
  },
};

function patch({ name, file, find, replace }: Variant): Plugin {
  return {
    name: 'patch',
    setup: ({ onLoad, onEnd }) => {
      let done = false;
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path !== join(TOP, 'src', file)) {
          return null;
        }
        done = true;
        return { contents: patched(readFileSync(path, 'utf8'), { name, file, find, replace }), loader: 'ts' };
      });
      onEnd(() => {
        if (!done) {
          throw new Error(`${name}: the test does not use src/${file}`);
        }
      });
    },
  };
}

/** The text with its bug. */
export function patched(text: string, { name, file, find, replace }: Pick<Variant, 'name' | 'file' | 'find' | 'replace'>): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${name}: the text to replace occurs ${parts.length - 1} times in src/${file}: ${find}`);
  }
  return parts.join(replace);
}
