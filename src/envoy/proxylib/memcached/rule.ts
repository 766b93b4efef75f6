/**
 * Memcached rules: a command or a group of them, and which keys.
 * @see cilium:proxylib/memcached/parser.go#Rule
 */
import type { PortNetworkPolicyRule } from '../../../xds/npds.ts';
import { type GoRegexp, goRegexp } from '../go_regexp.ts';
import type { L7Rule } from '../parser.ts';
import { type CommandSet, commandSet } from './commands.ts';

/** A request as rules see it. @see cilium:proxylib/memcached/meta/meta.go#MemcacheMeta */
export class MemcacheMeta {
  /** Empty: the binary protocol. */
  readonly command: string;
  readonly opcode: number;
  readonly keys: readonly string[];

  constructor(command: string, opcode: number, keys: readonly string[]) {
    this.command = command;
    this.opcode = opcode;
    this.keys = keys;
  }
}

const KEYS: readonly string[] = ['command', 'keyExact', 'keyPrefix', 'keyRegex'];

/** The rules of a port. @see cilium:proxylib/memcached/parser.go#L7RuleParser */
export function memcacheRules(rule: PortNetworkPolicyRule): readonly L7Rule[] | string {
  const rules: L7Rule[] = [];
  for (const { rule: fields = {} } of rule.l7_rules?.l7_allow_rules ?? []) {
    const unknown = Object.keys(fields).find((key) => !KEYS.includes(key));
    if (unknown !== undefined) {
      return `Unsupported key: ${unknown}`;
    }
    const { command, keyExact = '', keyPrefix = '', keyRegex } = fields;
    const regex = keyRegex === undefined ? null : goRegexp(keyRegex);
    if (regex !== null && 'error' in regex) {
      return regex.error;
    }
    // A command nobody knows is as none: the rule then matches everything.
    const commands = command === undefined ? null : (commandSet(command) ?? null);
    if (commands === null && (keyExact !== '' || keyPrefix !== '' || regex !== null)) {
      return 'command not specified but key was provided';
    }
    rules.push(new MemcacheRule(commands, keyExact, keyPrefix, regex));
  }
  return rules;
}

class MemcacheRule implements L7Rule {
  readonly #commands: CommandSet | null;
  readonly #exact: string;
  readonly #prefix: string;
  readonly #regex: GoRegexp | null;

  constructor(commands: CommandSet | null, exact: string, prefix: string, regex: GoRegexp | null) {
    this.#commands = commands;
    this.#exact = exact;
    this.#prefix = prefix;
    this.#regex = regex;
  }

  /** Of exact key, prefix and expression the first that is given counts, for all keys of the request. @see cilium:proxylib/memcached/parser.go#Rule.Matches */
  matches(l7: unknown): boolean {
    if (!(l7 instanceof MemcacheMeta)) {
      return false;
    }
    if (this.#commands === null) {
      return true;
    }
    const { command, opcode, keys } = l7;
    if (command === '' ? !this.#commands.opcodes.has(opcode) : !this.#commands.text.has(command)) {
      return false;
    }
    if (this.#exact !== '') {
      return keys.every((key) => key === this.#exact);
    }
    if (this.#prefix !== '') {
      return keys.every((key) => key.startsWith(this.#prefix));
    }
    return this.#regex === null || keys.every((key) => this.#regex?.find(key) === true);
  }
}
