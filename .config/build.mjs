// Bundles the command line and the library. One entry, split chunks: a command loads only what it needs, so `--help` starts fast.
import { rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });

const common = { bundle: true, format: 'esm', target: 'node20', logLevel: 'warning', legalComments: 'none', sourcemap: false };

await build({
  ...common,
  entryPoints: { main: 'src/cli/main.ts', check_worker: 'src/cli/check_worker.ts' },
  outdir: 'dist/cli',
  platform: 'node',
  splitting: true,
  minify: true,
  // commander is CommonJS and asks for node modules by require
  banner: { js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);" },
});

// The doors of the library: no Node built-in, so they run in a browser too. `testing` has fast-check with it; what registers matchers has nothing but them.
const doors = ['index', 'testing', 'vitest', 'jest'];
const library = { ...common, platform: 'neutral', mainFields: ['module', 'main'], external: ['vitest'] };
await build({ ...library, entryPoints: doors.map((door) => `src/${door}.ts`), outdir: 'dist' });

// The same for `require`, which is what Jest does unless it is told otherwise. vitest has no such door.
const required = doors.filter((door) => door !== 'vitest').map((door) => `src/${door}.ts`);
await build({ ...library, entryPoints: required, outdir: 'dist/cjs', format: 'cjs' });
writeFileSync('dist/cjs/package.json', '{"type": "commonjs"}\n');
