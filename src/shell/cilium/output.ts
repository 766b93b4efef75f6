/**
 * The `-o` option of the cilium command.
 * @see cilium:pkg/command/output.go
 */
import { goStructJson } from '../../net/go_json.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import { printJsonPath } from '../kubectl/output/jsonpath.ts';
import { yamlText } from '../kubectl/output/yaml_text.ts';
import { type CommandResult, failed, keyedTable, printed } from '../table.ts';
import { type Refused, refused } from '../tool.ts';

/** The flag. */
export const OUTPUT_FLAG: FlagSpec = { name: 'output', short: 'o', value: true, choices: ['json', 'jsonpath=', 'yaml'] };

/** Whether some other form than the table is asked for. */
export function hasOutput(flags: Flags): boolean {
  return (flags.value('output') ?? '') !== '';
}

/** Refuses a form there is no printer for. */
export function checkOutput(flags: Flags): Refused | null {
  const form = flags.value('output') ?? '';
  return form === '' || form === 'json' || form === 'yaml' || form.startsWith('jsonpath=') ? null : refused("couldn't find output printer");
}

/** Data in the form asked for. Every form ends with one newline more than it needs. @see cilium:pkg/command/output.go#dumpJSON */
export function output(flags: Flags, data: unknown): CommandResult {
  const form = flags.value('output') ?? 'json';
  if (form === 'yaml') {
    return printed(`${yamlText(data)}\n`);
  }
  if (form.startsWith('jsonpath=')) {
    const template = form.slice('jsonpath='.length);
    if (template !== '') {
      const found = printJsonPath(template, data);
      return found.ok ? printed(`${found.text}\n`) : failed(`Couldn't parse jsonpath expression: '${found.error}'`);
    }
  }
  return printed(`${goStructJson(data, 2)}\n\n`);
}

/** A map with lists of texts: as a table of two columns, or in the form asked for. @see cilium:cilium/cmd/helpers.go#TablePrinter */
export function keyedOutput(flags: Flags, first: string, second: string, data: ReadonlyMap<string, readonly string[]>): CommandResult {
  return hasOutput(flags) ? output(flags, sortedObject(data)) : printed(keyedTable(first, second, data));
}

/** Go's JSON has the keys of a map in order. */
function sortedObject(data: ReadonlyMap<string, readonly string[]>): object {
  return Object.fromEntries([...data].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An error as the command ends with it. @see cilium:cilium/cmd/helpers.go#Fatalf */
export function fatal(message: string): CommandResult {
  return failed(`Error: ${message}`);
}

/** An error in the arguments; the real command adds its help. @see cilium:cilium/cmd/helpers.go#Usagef */
export function usage(message: string, line: string): Refused {
  return refused(`Error: ${message}`, 1, `\nUsage:\n  cilium ${line}`);
}
