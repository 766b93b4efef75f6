/**
 * The lines a policy trace tells about peers and ports.
 * @see cilium:pkg/policy/rule.go#traceL3
 * @see cilium:pkg/policy/rule.go#mergeIngress
 */
import { encodeSelector } from './api/encode.ts';
import {
  type EgressRule,
  type IcmpRule,
  type IngressRule,
  type L7Rules,
  type PortProtocol,
  type PortRule,
  PROTO_ANY,
  PROTO_ICMP,
  PROTO_ICMPV6,
} from './api/rule.ts';
import type { EndpointSelector } from './api/selector.ts';

/** A port asked for: a number, or a name in its place. @see cilium:api/v1/models/port.go#Port */
export interface TracePort {
  readonly port: number;
  readonly name: string;
  /** `TCP`, …, `ANY`. */
  readonly protocol: string;
}

/** Selectors as the trace prints them. @see cilium:pkg/policy/api/selector.go#EndpointSelector.String */
export function selectorJson(selector: EndpointSelector | null): string {
  const escapes: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };
  return selector === null ? '{}' : JSON.stringify(encodeSelector(selector)).replace(/[<>&]/g, (one) => escapes[one] as string);
}

/** The peers of an element; an empty line where none of them has labels. */
export function traceL3(peers: readonly EndpointSelector[], direction: 'from' | 'to', isDeny: boolean): string[] {
  const requirements = peers[0]?.matchExpressions ?? [];
  const enforced = requirements.map(({ key, operator, values }) => `{Key:${key} Operator:${operator} Values:[${values.join(' ')}]}`);
  const lines = enforced.length === 0 ? [] : [`    Enforcing requirements [${enforced.join(' ')}]`];
  for (const peer of peers) {
    if (peer.matchLabels.length > 0) {
      lines.push(`    ${isDeny ? 'Denies' : 'Allows'} ${direction} labels ${selectorJson(peer)}`);
    }
  }
  return lines.length === 0 ? [''] : lines;
}

/** The ports of an element with their L7 rules, and which of them were not asked for. `asked` `null`: all count. */
export function portLines(element: IngressRule | EgressRule, isDeny: boolean, asked: readonly TracePort[] | null): string[] {
  const verb = isDeny ? 'Denies' : 'Allows';
  const lines: string[] = [];
  for (const rule of element.toPorts) {
    lines.push(`      ${verb} port ${portsText(rule.ports)}`);
    if (asked !== null && !covers(rule.ports, asked)) {
      lines.push('        No port match found');
    } else if (!isDeny && rule.rules !== null) {
      lines.push(...l7Lines(rule.rules, asked !== null));
    }
  }
  for (const icmp of element.icmps) {
    const ports = icmpPorts(icmp);
    lines.push(`      ${verb} ICMP type ${portsText(ports)}`);
    if (asked !== null && !covers(ports, asked)) {
      lines.push('        No ICMP type match found');
    }
  }
  return lines;
}

/** Port rules with a port that was asked for. */
export function coveredPorts(rules: readonly PortRule[], asked: readonly TracePort[] | null): readonly PortRule[] {
  return asked === null ? rules : rules.filter(({ ports }) => covers(ports, asked));
}

/** ICMP rules with a type that was asked for. */
export function coveredIcmps(rules: readonly IcmpRule[], asked: readonly TracePort[] | null): readonly IcmpRule[] {
  return asked === null ? rules : rules.filter((rule) => covers(icmpPorts(rule), asked));
}

/** How many filters some rules make. */
export function mergedFilters(toPorts: readonly PortRule[], icmps: readonly IcmpRule[]): number {
  const ports = toPorts.flatMap((rule) => rule.ports).reduce((sum, { protocol }) => sum + (protocol === PROTO_ANY ? 3 : 1), 0);
  return ports + icmps.reduce((sum, { fields }) => sum + fields.length, 0);
}

/** @see cilium:pkg/policy/rule.go#rulePortsCoverSearchContext */
function covers(ports: readonly PortProtocol[], asked: readonly TracePort[]): boolean {
  return ports.some(({ port, protocol }) =>
    asked.some((one) => {
      const text = one.name === '' ? String(one.port) : one.name;
      return port === text && (protocol === one.protocol || protocol === '' || protocol === PROTO_ANY);
    }),
  );
}

function icmpPorts(rule: IcmpRule): PortProtocol[] {
  return rule.fields.map(({ family, type }) => ({ port: String(type), protocol: family === 'IPv6' ? PROTO_ICMPV6 : PROTO_ICMP }));
}

/** `[{80 TCP}]` */
function portsText(ports: readonly PortProtocol[]): string {
  return `[${ports.map(({ port, protocol }) => `{${port} ${protocol}}`).join(' ')}]`;
}

/** L7 rules as Go prints them with `%+v`; only at ingress the name of a protocol stands before. */
function l7Lines(rules: L7Rules, withProtocol: boolean): string[] {
  const lines = withProtocol && rules.l7proto !== '' ? [`        l7proto: "${rules.l7proto}"`] : [];
  for (const { path, method, host, headers, headerMatches } of rules.http ?? []) {
    const matches = headerMatches.map(() => '0x0').join(' ');
    lines.push(`          {Path:${path} Method:${method} Host:${host} Headers:[${headers.join(' ')}] HeaderMatches:[${matches}]}`);
  }
  for (const { role, apiKey, apiVersion, clientID, topic } of rules.kafka ?? []) {
    lines.push(`          {Role:${role} APIKey:${apiKey} APIVersion:${apiVersion} ClientID:${clientID} Topic:${topic}}`);
  }
  for (const { fields } of rules.l7 ?? []) {
    const pairs = [...fields].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}:${value}`);
    lines.push(`          map[${pairs.join(' ')}]`);
  }
  return lines;
}
