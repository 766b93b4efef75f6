// Bundles the command line and the library. One entry, split chunks: a command loads only what it needs, so `--help` starts fast.
import { rmSync } from 'node:fs';
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

// The library: no Node built-in, so it runs in a browser too.
await build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', platform: 'neutral', mainFields: ['module', 'main'] });

// The second door, for tests: it has fast-check with it.
await build({
  ...common,
  entryPoints: ['src/testing.ts'],
  outfile: 'dist/testing.js',
  platform: 'neutral',
  mainFields: ['module', 'main'],
});
