/**
 * The `hubble` command: which words lead to which command.
 * @see hubble:cmd/root.go
 */
import { completeFlags, flagHint, parseFlags } from '../flags.ts';
import { printed } from '../table.ts';
import { type Parsed, ready, refused, type Tool, unknownWord } from '../tool.ts';
import type { HubbleCommand } from './command.ts';
import { filterValues } from './complete_values.ts';
import { listNamespacesCommand, listNodesCommand } from './list.ts';
import { observeCommand } from './observe.ts';
import { statusCommand } from './server_status.ts';

/** Version of the command that belongs to 1.13.3. */
const HUBBLE_VERSION = '0.11.6';

const versionCommand: HubbleCommand = {
  words: 'version',
  summary: 'the version',
  flags: [],
  prepare: () => ready(() => printed(`hubble ${HUBBLE_VERSION} compiled with go1.20.5 on linux/amd64\n`)),
};

const COMMANDS: readonly HubbleCommand[] = [observeCommand, statusCommand, listNodesCommand, listNamespacesCommand, versionCommand];

/** Commands of the real tool that have no model. */
const NOT_MODELLED = ['config', 'completion', 'record', 'reflect', 'watch', 'observe agent-events', 'observe debug-events'];

/** The tool. */
export const hubbleTool: Tool = {
  name: 'hubble',
  summary: 'flows: hubble observe, status, list nodes',
  parse,
  complete: (words, cluster) => {
    const found = findCommand(words.slice(0, -1));
    if (found === null) {
      return nextWords(words.slice(0, -1));
    }
    const { flags } = found.command;
    const before = words.at(-2) ?? '';
    const flag = flags.find(({ name, short, value }) => value === true && (before === `--${name}` || before === `-${short ?? ''}`));
    const values = flag === undefined ? [] : filterValues(flag.name, cluster);
    return values.length > 0 ? values : (completeFlags(words, flags) ?? []);
  },
};

function parse(words: readonly string[]): Parsed {
  const missing = NOT_MODELLED.find((one) => words.slice(0, one.split(' ').length).join(' ') === one);
  if (missing !== undefined) {
    return refused(`Error: hubble ${missing} is not modelled; known: ${COMMANDS.map((one) => one.words).join(', ')}`);
  }
  const found = findCommand(words);
  if (found === null) {
    const path = ['hubble', ...(words[0] === 'list' ? ['list'] : [])];
    const word = words[path.length - 1] ?? '';
    const error = word === '' ? `Error: ${path.join(' ')} needs a command` : `Error: unknown command "${word}" for "${path.join(' ')}"`;
    return unknownWord(error, word, nextWords(path.slice(1)));
  }
  const parsed = parseFlags(found.args, found.command.flags);
  return parsed.ok
    ? found.command.prepare(parsed.flags)
    : refused(parsed.error, 1, flagHint(parsed.error, found.command.flags) ?? undefined);
}

function findCommand(words: readonly string[]): { readonly command: HubbleCommand; readonly args: readonly string[] } | null {
  for (const length of [2, 1]) {
    const typed = words.slice(0, length).join(' ');
    const command =
      words.length < length ? undefined : COMMANDS.find((one) => one.words === typed || one.aliases?.includes(typed) === true);
    if (command !== undefined) {
      return { command, args: words.slice(length) };
    }
  }
  return null;
}

function nextWords(words: readonly string[]): string[] {
  const typed = words.length === 0 ? '' : `${words.join(' ')} `;
  return [
    ...new Set(COMMANDS.filter((one) => one.words.startsWith(typed)).map((one) => one.words.slice(typed.length).split(' ')[0] as string)),
  ];
}
