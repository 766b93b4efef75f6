// Writes dist/types: the declarations of both doors of the package. Imports inside them name .js files, as every resolution mode understands.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const [out = 'dist/types'] = process.argv.slice(2);
rmSync(out, { recursive: true, force: true });
execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', '.config/tsconfig.types.json', '--outDir', out], { stdio: 'inherit' });
for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && entry.name.endsWith('.d.ts')) {
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/((?:from |import\()['"]\.{1,2}\/[^'"]*)\.ts(['"])/g, '$1.js$2'));
  }
}
// Whoever requires the package has the same types, in a folder whose files are CommonJS.
rmSync('dist/cjs/types', { recursive: true, force: true });
cpSync(out, 'dist/cjs/types', { recursive: true });
