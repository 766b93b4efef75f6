/** `toPorts` and `icmps` of an element. */
import type { K8sObject } from '../model/cluster.ts';
import type { HttpTerm, PortsTerm, PortTerm, SecretName, SevenTerm, Statement } from './statement.ts';

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
      ...(deny ? NOTHING : readContent(one)),
    })),
    ...icmps.map((one) => ({
      ports: ((one['fields'] ?? []) as K8sObject[]).map((field) => ({
        port: Number(field['type'] ?? 0),
        name: '',
        protocol: field['family'] === 'IPv6' ? 'ICMPv6' : 'ICMP',
      })),
      ...NOTHING,
    })),
  ];
}

/** Nothing is asked of the proxy. */
export const NOTHING: Omit<PortsTerm, 'ports'> = { seven: null, parser: '', secrets: [] };

/** What a list of ports asks of the proxy. Server names alone do; a protocol without rules asks for nothing, though it has a parser. */
function readContent(toPorts: K8sObject): Omit<PortsTerm, 'ports'> {
  const seven = readSeven((toPorts['rules'] ?? {}) as K8sObject);
  const secrets = ['terminatingTLS', 'originatingTLS'].flatMap((key) => secretOf(toPorts[key]));
  const certificates = secrets.length > 0;
  const names = ((toPorts['serverNames'] ?? []) as readonly unknown[]).length > 0;
  const parser = seven?.parser ?? (certificates || names ? 'tls' : '');
  if (seven === null) {
    return { seven: certificates || names ? { parser: certificates ? 'tls' : 'names', rules: null } : null, parser, secrets };
  }
  return { seven: certificates || names || seven.ruled ? seven : null, parser, secrets };
}

function secretOf(context: unknown): SecretName[] {
  const { secret = {} } = (context ?? {}) as { readonly secret?: { readonly name?: string; readonly namespace?: string } };
  return context === undefined || context === null ? [] : [{ name: secret.name ?? '', namespace: secret.namespace ?? '' }];
}

/** Without a protocol an allow means three of them, a deny none (quirk 12). */
export function readPort(raw: K8sObject, deny: boolean): PortTerm[] {
  const text = String(raw['port'] ?? '');
  const written = String(raw['protocol'] ?? '');
  const protocol = deny ? protocolOfDeny(written) : written.toUpperCase() || 'ANY';
  const protocols = protocol === 'ANY' ? ['TCP', 'UDP', 'SCTP'] : [protocol];
  const isName = /[a-zA-Z]/.test(text);
  const name = isName ? (deny ? text : text.toLowerCase()) : '';
  return protocols.map((one) => ({ port: isName ? 0 : portNumber(text), name, protocol: one }));
}

/** Taken as written: what is no protocol is as none (quirk 13). */
function protocolOfDeny(written: string): string {
  const known = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPv6'].find((one) => one.toLowerCase() === written.toLowerCase());
  return written === 'ANY' ? written : (known ?? '');
}

/** A leading zero makes it octal; too much is the most (quirks 13, 14). */
function portNumber(text: string): number {
  const number = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return Number.isNaN(number) ? 0 : Math.min(number, 65535);
}

/** `ruled`: it has rules, not only a name. */
function readSeven(rules: K8sObject): (SevenTerm & { readonly ruled: boolean }) | null {
  const list = (key: string): readonly K8sObject[] => (rules[key] ?? []) as readonly K8sObject[];
  if (list('http').length > 0) {
    return { parser: 'http', rules: list('http').map(readHttp), ruled: true };
  }
  for (const parser of ['kafka', 'dns'] as const) {
    if (list(parser).length > 0) {
      return { parser, rules: null, ruled: true };
    }
  }
  const parser = String(rules['l7proto'] ?? '');
  return parser === '' ? null : { parser, rules: null, ruled: list('l7').length > 0 };
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
