/**
 * The protocol that Cilium's guide to writing parsers makes up: lines `READ file`, `WRITE file`, `HALT`, `RESET`.
 * @see cilium:proxylib/r2d2/r2d2parser.go
 */
import { fromLatin1, latin1 } from '../../net/bytes.ts';
import type { PortNetworkPolicyRule } from '../../xds/npds.ts';
import type { ProxylibConnection } from './connection.ts';
import { type GoRegexp, goRegexp } from './go_regexp.ts';
import type { L7Rule, Parser, ParserOp } from './parser.ts';

/** Commands rules may name. */
const COMMANDS: readonly string[] = ['READ', 'WRITE', 'HALT', 'RESET'];
const DENIED = 'ERROR\r\n';

/** @see cilium:proxylib/r2d2/r2d2parser.go#r2d2RequestData */
class R2d2Request {
  readonly cmd: string;
  readonly file: string;

  constructor(cmd: string, file: string) {
    this.cmd = cmd;
    this.file = file;
  }
}

/** @see cilium:proxylib/r2d2/r2d2parser.go#r2d2Rule */
class R2d2Rule implements L7Rule {
  readonly #cmd: string;
  readonly #file: GoRegexp | null;

  constructor(cmd: string, file: GoRegexp | null) {
    this.#cmd = cmd;
    this.#file = file;
  }

  matches(l7: unknown): boolean {
    return l7 instanceof R2d2Request && (this.#cmd === '' || this.#cmd === l7.cmd) && (this.#file?.find(l7.file) ?? true);
  }
}

/** The rules of a port. @see cilium:proxylib/r2d2/r2d2parser.go#ruleParser */
export function r2d2Rules(rule: PortNetworkPolicyRule): readonly L7Rule[] | string {
  const rules: L7Rule[] = [];
  for (const { rule: fields = {} } of rule.l7_rules?.l7_allow_rules ?? []) {
    const unknown = Object.keys(fields).find((key) => key !== 'cmd' && key !== 'file');
    if (unknown !== undefined) {
      return `Unsupported key: ${unknown}`;
    }
    const { cmd = '', file = '' } = fields;
    const compiled = file === '' ? null : goRegexp(file);
    if (compiled !== null && 'error' in compiled) {
      return compiled.error;
    }
    if (cmd !== '' && !COMMANDS.includes(cmd)) {
      return `Unable to parse L7 r2d2 rule with invalid cmd: '${cmd}'`;
    }
    if (compiled !== null && !['', 'READ', 'WRITE'].includes(cmd)) {
      return `Unable to parse L7 r2d2 rule, cmd '${cmd}' is not compatible with 'file'`;
    }
    rules.push(new R2d2Rule(cmd, compiled));
  }
  return rules;
}

/** @see cilium:proxylib/r2d2/r2d2parser.go#parser.OnData */
class R2d2Parser implements Parser {
  readonly #connection: ProxylibConnection;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    const text = fromLatin1(data);
    const end = text.indexOf('\r\n');
    if (end < 0) {
      return { op: 'MORE', bytes: 1 };
    }
    const bytes = end + 2;
    if (reply) {
      return { op: 'PASS', bytes };
    }
    const fields = text.slice(0, end).split(' ');
    const request = new R2d2Request(fields[0] as string, fields.length === 2 ? (fields[1] as string) : '');
    const allowed = this.#connection.matches(request);
    this.#connection.log(allowed ? 'Request' : 'Denied', { generic_l7: { proto: 'r2d2', fields: { ...request } } });
    if (!allowed) {
      this.#connection.inject(true, latin1(DENIED));
    }
    return { op: allowed ? 'PASS' : 'DROP', bytes };
  }
}

/** The parser of a connection. */
export function newR2d2Parser(connection: ProxylibConnection): Parser {
  return new R2d2Parser(connection);
}
