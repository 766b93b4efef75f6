/**
 * What a command line asks for, found without a cluster: a scenario's commands are checked before anything runs.
 */
import { findTool, type Parsed, refused, unknownWord } from './tool.ts';
import { TOOLS } from './tools.ts';
import { splitWords } from './words.ts';

/** The exit code of a shell that does not know a command. */
export const EXIT_NOT_FOUND = 127;
/** The exit code of a shell that does not understand a line. */
const EXIT_SYNTAX = 2;

/** Parses a command line. */
export function parseCommand(line: string): Parsed {
  const split = splitWords(line);
  if (!split.ok) {
    return refused(split.error, EXIT_SYNTAX);
  }
  const [name, ...args] = split.words;
  if (name === undefined) {
    return refused('the command is empty', EXIT_NOT_FOUND);
  }
  const tool = findTool(name, TOOLS);
  return tool === null
    ? unknownWord(
        `unknown command "${name}"`,
        name,
        TOOLS.map((one) => one.name),
        EXIT_NOT_FOUND,
      )
    : tool.parse(args);
}
