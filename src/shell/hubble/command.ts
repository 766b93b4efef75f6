/** One command of `hubble`: a module each, listed in `hubble.ts`. */
import type { FlagSpec, Flags } from '../flags.ts';
import type { CommandResult } from '../table.ts';
import type { Follower, Parsed, ToolContext } from '../tool.ts';

/** A command. */
export interface HubbleCommand {
  /** The words that lead to it: `list nodes`. */
  readonly words: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  /** What to run for some flags, or what is wrong with them. */
  prepare(flags: Flags): Parsed;
}

/** A result that goes on, as a prepared command. */
export interface Following {
  run(context: ToolContext): CommandResult;
  follow(context: ToolContext): Follower;
}

/** Flags about the server, which every command takes; there is one server here, and no way to miss it. @see hubble:cmd/common/config/flags.go */
export const SERVER_FLAGS: readonly FlagSpec[] = [
  { name: 'server', value: true },
  { name: 'timeout', value: true },
  { name: 'request-timeout', value: true },
  { name: 'tls' },
  { name: 'tls-allow-insecure' },
  { name: 'tls-ca-cert-files', value: true },
  { name: 'tls-client-cert-file', value: true },
  { name: 'tls-client-key-file', value: true },
  { name: 'tls-server-name', value: true },
  { name: 'config', value: true },
  { name: 'debug', short: 'D' },
];
