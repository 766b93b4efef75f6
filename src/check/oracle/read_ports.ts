/** `toPorts` and `icmps` of an element. */
import type { K8sObject } from '../model/cluster.ts';
import type { HttpTerm, PortTerm, SevenTerm, Statement } from './statement.ts';

/** The ports of an element; `null` if it names none, which means all. */
export function readPorts(element: K8sObject, deny: boolean): Statement['ports'] {
  const toPorts = (element['toPorts'] ?? []) as K8sObject[];
  const icmps = (element['icmps'] ?? []) as K8sObject[];
  if (toPorts.length + icmps.length === 0) {
    return null;
  }
  return [
    ...toPorts.map((one) => ({
      ports: ((one['ports'] ?? []) as K8sObject[]).flatMap((port) => readPort(port, deny)),
      seven: deny ? null : readSeven((one['rules'] ?? {}) as K8sObject),
    })),
    ...icmps.map((one) => ({
      ports: ((one['fields'] ?? []) as K8sObject[]).map((field) => ({
        port: Number(field['type'] ?? 0),
        name: '',
        protocol: field['family'] === 'IPv6' ? 'ICMPv6' : 'ICMP',
      })),
      seven: null,
    })),
  ];
}

/** Without a protocol an allow means three of them, a deny none (quirk 12). */
export function readPort(raw: K8sObject, deny: boolean): PortTerm[] {
  const text = String(raw['port'] ?? '');
  const written = String(raw['protocol'] ?? '');
  const protocol = deny ? written : written.toUpperCase() || 'ANY';
  const protocols = protocol === 'ANY' ? ['TCP', 'UDP', 'SCTP'] : [protocol];
  const isName = /[a-zA-Z]/.test(text);
  const name = isName ? (deny ? text : text.toLowerCase()) : '';
  return protocols.map((one) => ({ port: isName ? 0 : portNumber(text), name, protocol: one }));
}

/** A leading zero makes it octal; too much is the most (quirks 13, 14). */
function portNumber(text: string): number {
  const number = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return Number.isNaN(number) ? 0 : Math.min(number, 65535);
}

function readSeven(rules: K8sObject): SevenTerm | null {
  const list = (key: string): readonly K8sObject[] => (rules[key] ?? []) as readonly K8sObject[];
  if (list('http').length > 0) {
    return { parser: 'http', rules: list('http').map(readHttp) };
  }
  for (const parser of ['kafka', 'dns'] as const) {
    if (list(parser).length > 0) {
      return { parser, rules: null };
    }
  }
  return rules['l7proto'] === undefined ? null : { parser: String(rules['l7proto']), rules: null };
}

/** Header forms as quirk 26 has them; a match with an action for mismatches asks for nothing. */
function readHttp(rule: K8sObject): HttpTerm {
  const text = (key: string): string => String(rule[key] ?? '');
  const headers = ((rule['headers'] ?? []) as string[]).map((line): readonly [string, string | null] => {
    const blank = line.indexOf(' ');
    return blank < 0 ? [line, null] : [line.slice(0, blank).replace(/:$/, ''), line.slice(blank + 1)];
  });
  const matches = ((rule['headerMatches'] ?? []) as K8sObject[])
    .filter((one) => (one['mismatch'] ?? '') === '')
    .map((one): readonly [string, string | null] => [String(one['name']), one['value'] === undefined ? null : String(one['value'])]);
  return { method: text('method'), path: text('path'), host: text('host'), headers: [...headers, ...matches] };
}
