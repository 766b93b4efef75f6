/**
 * Netfilter rules as data: tables and chains as iptables(8) shows them, walked at the hooks.
 * @see linux:net/ipv4/netfilter/ip_tables.c#ipt_do_table
 * @remarks Translating is the affair of `nf_conntrack.ts`; a MASQUERADE rule only asks for it.
 */
import { type Cidr4, containsIpv4, formatCidr4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { protocolName } from '../net/protocol.ts';
import type { Skb } from './skb.ts';

/** Tables in the order of their hooks. */
export type TableName = 'raw' | 'mangle' | 'nat' | 'filter';
/** Built-in chains. */
export type HookName = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

/** One condition of a rule. */
export type Match =
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number; readonly negate?: boolean }
  | { readonly kind: 'socket'; readonly transparent: true }
  | { readonly kind: 'protocol'; readonly protocol: number }
  /** `--ctstate DNAT`: the connection's destination was translated. */
  | { readonly kind: 'ctstate'; readonly state: 'DNAT' }
  | { readonly kind: 'in' | 'out'; readonly device: string; readonly negate?: boolean }
  | { readonly kind: 'src' | 'dst'; readonly cidr: Cidr4; readonly negate?: boolean };

/** What a rule does. */
export type Target =
  | { readonly kind: 'ACCEPT' | 'DROP' | 'RETURN' | 'NOTRACK' | 'MASQUERADE' }
  | { readonly kind: 'SNAT'; readonly to: Ipv4 }
  | { readonly kind: 'JUMP'; readonly chain: string }
  /** mark = (mark & ~mask) | value for `set`, ^ value for `xset` */
  | { readonly kind: 'MARK'; readonly value: number; readonly mask: number; readonly xset?: boolean }
  | { readonly kind: 'TPROXY'; readonly port: number; readonly mark: number; readonly mask: number };

/** A rule. */
export interface NfRule {
  readonly matches: readonly Match[];
  readonly target: Target;
  readonly comment?: string;
}

/** What a hook walk needs from the namespace. */
export interface NfContext {
  readonly inDevice: string;
  readonly outDevice: string;
  /** Whether a transparent socket takes this packet; assigns it to the skb. @see linux:net/netfilter/xt_socket.c#socket_match */
  transparentSocket(skb: Skb): boolean;
  /** Assigns the listener of a port; false: nobody listens. @see linux:net/netfilter/xt_TPROXY.c#tproxy_tg4 */
  tproxy(skb: Skb, port: number): boolean;
  /** The source address is to become the output device's. @see linux:net/netfilter/nf_nat_masquerade.c#nf_nat_masquerade_ipv4 */
  masquerade(): void;
  /** … or this one. @see linux:net/netfilter/xt_nat.c#xt_snat_target_v1 */
  snat(to: Ipv4): void;
  /** Hears of every rule that matched. */
  matched(table: TableName, chain: string, rule: NfRule, skb: Skb): void;
}

/** Fate of a packet at a hook. */
export type NfVerdict = 'accept' | 'drop';

/** Tables and chains of one namespace. */
export class Netfilter {
  readonly #tables = new Map<TableName, Map<string, readonly NfRule[]>>();

  /** Whether connections are tracked at all: some rule of the nat table exists. */
  get translates(): boolean {
    return this.#tables.has('nat');
  }

  /** Rules of a chain in order. */
  rules(table: TableName, chain: string): readonly NfRule[] {
    return this.#tables.get(table)?.get(chain) ?? [];
  }

  /** `iptables -A` */
  append(table: TableName, chain: string, rule: NfRule): void {
    this.#set(table, chain, [...this.rules(table, chain), rule]);
  }

  /** `iptables -I` */
  insert(table: TableName, chain: string, rule: NfRule): void {
    this.#set(table, chain, [rule, ...this.rules(table, chain)]);
  }

  /** `iptables -D`: removes rules that `unwanted` picks. */
  remove(table: TableName, chain: string, unwanted: (rule: NfRule) => boolean): void {
    this.#set(
      table,
      chain,
      this.rules(table, chain).filter((rule) => !unwanted(rule)),
    );
  }

  /** Walks a built-in chain of one table. */
  walk(table: TableName, hook: HookName, skb: Skb, context: NfContext): NfVerdict {
    const chains = this.#tables.get(table);
    return chains === undefined ? 'accept' : (walkChain(table, chains, hook, skb, context) ?? 'accept');
  }

  /** All rules as iptables-save prints them. */
  save(): string[] {
    const lines: string[] = [];
    for (const [table, chains] of this.#tables) {
      for (const [chain, rules] of chains) {
        lines.push(...rules.map((rule) => `-t ${table} -A ${chain} ${nfRuleText(rule)}`));
      }
    }
    return lines;
  }

  #set(table: TableName, chain: string, rules: readonly NfRule[]): void {
    const chains = this.#tables.get(table) ?? new Map<string, readonly NfRule[]>();
    this.#tables.set(table, chains.set(chain, rules));
  }
}

function walkChain(
  table: TableName,
  chains: ReadonlyMap<string, readonly NfRule[]>,
  chain: string,
  skb: Skb,
  context: NfContext,
): NfVerdict | null {
  const rules = chains.get(chain);
  if (rules === undefined) {
    return null;
  }
  for (const rule of rules) {
    if (!allHold(rule.matches, skb, context)) {
      continue;
    }
    context.matched(table, chain, rule, skb);
    const { target } = rule;
    switch (target.kind) {
      case 'ACCEPT':
        return 'accept';
      case 'DROP':
        return 'drop';
      case 'RETURN':
        return null;
      case 'NOTRACK':
        skb.notrack = true;
        break;
      case 'MASQUERADE':
        context.masquerade();
        return 'accept';
      case 'SNAT':
        context.snat(target.to);
        return 'accept';
      case 'MARK': {
        const kept = (skb.mark & ~target.mask) >>> 0;
        skb.mark = (target.xset === true ? kept ^ target.value : kept | target.value) >>> 0;
        break;
      }
      case 'TPROXY':
        if (!context.tproxy(skb, target.port)) {
          return 'drop';
        }
        skb.mark = ((skb.mark & ~target.mask) ^ target.mark) >>> 0;
        return 'accept';
      case 'JUMP': {
        const verdict = walkChain(table, chains, target.chain, skb, context);
        if (verdict !== null) {
          return verdict;
        }
        break;
      }
    }
  }
  return null;
}

function allHold(matches: readonly Match[], skb: Skb, context: NfContext): boolean {
  for (const match of matches) {
    if (!holds(match, skb, context)) {
      return false;
    }
  }
  return true;
}

function holds(match: Match, skb: Skb, context: NfContext): boolean {
  switch (match.kind) {
    case 'mark':
      return ((skb.mark & match.mask) >>> 0 === match.value) !== (match.negate ?? false);
    case 'socket':
      return context.transparentSocket(skb);
    case 'protocol':
      return skb.packet.ip.protocol === match.protocol;
    case 'ctstate':
      return isDnat(skb);
    case 'in':
      return matchesDevice(match.device, context.inDevice) !== (match.negate ?? false);
    case 'out':
      return matchesDevice(match.device, context.outDevice) !== (match.negate ?? false);
    case 'src':
      return containsIpv4(match.cidr, skb.packet.ip.src) !== (match.negate ?? false);
    case 'dst':
      return containsIpv4(match.cidr, skb.packet.ip.dst) !== (match.negate ?? false);
  }
}

function isDnat({ nfct }: Skb): boolean {
  if (nfct === null) {
    return false;
  }
  const { original, reply } = nfct.connection;
  return reply.src !== original.dst || reply.sport !== original.dport;
}

/** A name, or a prefix ending in `+`. */
function matchesDevice(pattern: string, device: string): boolean {
  return pattern.endsWith('+') ? device.startsWith(pattern.slice(0, -1)) : pattern === device;
}

/** A rule in iptables-save's notation, without table and chain. */
export function nfRuleText(rule: NfRule): string {
  const comment = rule.comment === undefined ? [] : [`-m comment --comment "${rule.comment}"`];
  return [...rule.matches.map(matchText), ...comment, targetText(rule.target)].join(' ');
}

function matchText(match: Match): string {
  const not = 'negate' in match && match.negate === true ? '! ' : '';
  switch (match.kind) {
    case 'mark':
      return `-m mark ${not}--mark ${hex(match.value)}${match.mask === 0xffffffff ? '' : `/${hex(match.mask)}`}`;
    case 'socket':
      return '-m socket --transparent';
    case 'protocol':
      return `-p ${protocolName(match.protocol).toLowerCase()}`;
    case 'ctstate':
      return `-m conntrack --ctstate ${match.state}`;
    case 'in':
      return `${not}-i ${match.device}`;
    case 'out':
      return `${not}-o ${match.device}`;
    case 'src':
      return `${not}-s ${formatCidr4(match.cidr)}`;
    case 'dst':
      return `${not}-d ${formatCidr4(match.cidr)}`;
  }
}

function targetText(target: Target): string {
  switch (target.kind) {
    case 'JUMP':
      return `-j ${target.chain}`;
    case 'SNAT':
      return `-j SNAT --to-source ${formatIpv4(target.to)}`;
    case 'NOTRACK':
      return '-j CT --notrack';
    case 'MARK':
      return `-j MARK --set-${target.xset === true ? 'xmark' : 'mark'} ${hex(target.value)}/${hex(target.mask)}`;
    case 'TPROXY':
      return `-j TPROXY --on-port ${target.port} --on-ip 0.0.0.0 --tproxy-mark ${hex(target.mark)}/${hex(target.mask)}`;
    default:
      return `-j ${target.kind}`;
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
