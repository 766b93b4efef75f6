/** What `trenchrun check` reads: scenario files, and directories of manifests. */
import { join, relative } from 'node:path';
import { type Issue, isScenarioText, parseScenario, type Scenario } from '../index.ts';
import { kindOf, readTextFile, yamlFiles } from './files.ts';

/** What a path holds. */
export type Loaded = { readonly scenario: Scenario } | { readonly issues: readonly Issue[] };

/** A scenario file, or all manifests of a directory as one. */
export function load(path: string): Loaded {
  if (kindOf(path) === 'directory') {
    const files = manifestsIn(path);
    if (files.length === 0) {
      return problem(path, 'the directory holds no manifests (*.yaml, *.yml, *.json)');
    }
    const text = JSON.stringify({ name: path, steps: [{ apply: files }] });
    const loaded = parse(text, join(path, 'manifests'));
    return 'scenario' in loaded ? { scenario: { ...loaded.scenario, file: path } } : loaded;
  }
  const read = readTextFile(path);
  return 'error' in read ? problem(path, read.error) : parse(read.text, path);
}

function parse(text: string, file: string): Loaded {
  const parsed = parseScenario(text, { file, readFile: readTextFile });
  return parsed.ok ? { scenario: parsed.scenario } : { issues: parsed.issues };
}

function problem(file: string, message: string): Loaded {
  return { issues: [{ code: 'file', message, position: { file, line: 1, column: 1 }, path: '' }] };
}

/** Manifests of a directory and below, relative to it; scenario files, which have steps, are none. */
function manifestsIn(directory: string): string[] {
  return yamlFiles(directory)
    .filter((file) => {
      const read = readTextFile(file);
      return !('text' in read && isScenarioText(read.text));
    })
    .map((file) => relative(directory, file))
    .sort();
}
