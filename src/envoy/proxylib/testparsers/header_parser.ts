/**
 * Lines checked by prefix, suffix and content.
 * @see cilium:proxylib/testparsers/headerparser.go
 */
import { concatBytes, fromLatin1, latin1 } from '../../../net/bytes.ts';
import type { PortNetworkPolicyRule } from '../../../xds/npds.ts';
import type { ProxylibConnection } from '../connection.ts';
import { type L7Rule, NOP, type Parser, type ParserOp } from '../parser.ts';
import { firstLine } from './line_parser.ts';

const NAME = 'test.headerparser';

/** What rules are asked about. */
class HeaderLine {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The rules of a port; what is asked about is a line. @see cilium:proxylib/testparsers/headerparser.go#L7HeaderRuleParser */
export function headerRules(rule: PortNetworkPolicyRule): readonly L7Rule[] | string {
  const rules: L7Rule[] = [];
  for (const { rule: fields = {} } of rule.l7_rules?.l7_allow_rules ?? []) {
    const unknown = Object.keys(fields).find((key) => !['prefix', 'contains', 'suffix'].includes(key));
    if (unknown !== undefined) {
      return `Unsupported key: ${unknown}`;
    }
    const { prefix = '', contains = '', suffix = '' } = fields;
    rules.push({
      matches: (line) => {
        if (!(line instanceof HeaderLine)) {
          return false;
        }
        const text = trimSpace(line.text);
        return text.startsWith(prefix) && text.includes(contains) && text.endsWith(suffix);
      },
    });
  }
  return rules;
}

/** @see https://pkg.go.dev/bytes#TrimSpace @remarks Simplified: white space of ASCII. */
function trimSpace(text: string): string {
  return text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '');
}

/** @see cilium:proxylib/testparsers/headerparser.go#HeaderParser.OnData */
class HeaderParser implements Parser {
  readonly #connection: ProxylibConnection;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    const { bytes: line, whole } = firstLine(data);
    if (!whole) {
      return line.length > 0 ? { op: 'MORE', bytes: 1 } : NOP;
    }
    if (reply || this.#connection.matches(new HeaderLine(fromLatin1(line)))) {
      this.#connection.log('Request', { generic_l7: { proto: NAME, fields: { status: 'PASS' } } });
      return { op: 'PASS', bytes: line.length };
    }
    this.#connection.inject(!reply, concatBytes([latin1('Line dropped: '), line]));
    this.#connection.log('Denied', { generic_l7: { proto: NAME, fields: { status: 'DROP' } } });
    return { op: 'DROP', bytes: line.length };
  }
}

/** The parser of a connection. */
export function newHeaderParser(connection: ProxylibConnection): Parser {
  return new HeaderParser(connection);
}
