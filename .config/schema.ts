/** Writes scenarios/scenario.schema.json, and the line that names it into scenario files that lack it: `npm run schema`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { scenarioJsonSchema } from '../src/index.ts';
import { TOP } from '../test/house/support/source.ts';

const FOLDER = join(TOP, 'scenarios');
const SCHEMA = join(FOLDER, 'scenario.schema.json');

/** The line that tells an editor's YAML language server where the schema is. */
export function modeline(file: string): string {
  return `# yaml-language-server: $schema=${relative(dirname(file), SCHEMA)}`;
}

function addModelines(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'manifests') {
      addModelines(path);
    } else if (entry.isFile() && entry.name.endsWith('.yaml')) {
      const text = readFileSync(path, 'utf8');
      if (!text.startsWith(modeline(path))) {
        writeFileSync(path, `${modeline(path)}\n${text}`);
      }
    }
  }
}

if (process.argv[1]?.endsWith('schema.ts') === true) {
  writeFileSync(SCHEMA, `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
  addModelines(FOLDER);
}
