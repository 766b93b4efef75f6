/**
 * Routing: rules select a table by mark, the table's longest prefix selects the route.
 * @see linux:net/ipv4/fib_rules.c#fib_rules_lookup
 */
import { type Cidr4, containsIpv4, formatCidr4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import type { NetDevice } from './netdev.ts';

/** Tables every namespace has. @see linux:include/uapi/linux/rtnetlink.h#RT_TABLE_MAIN */
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** `ip rule`: packets whose mark matches look up the table. */
export interface IpRule {
  /** Priority: lower first. */
  readonly pref: number;
  readonly fwmark?: { readonly value: number; readonly mask: number };
  readonly table: number;
}

/** `ip route`. */
export interface Route {
  readonly kind: 'unicast' | 'local';
  readonly dst: Cidr4;
  readonly device: NetDevice;
  readonly gateway?: Ipv4;
  /** Preferred source address. */
  readonly src?: Ipv4;
  /** Largest packet on this route, where it is less than the device's. */
  readonly mtu?: number;
}

/** The largest packet on a route, without its Ethernet header. @see linux:net/ipv4/route.c#ipv4_mtu */
export function routeMtu({ mtu, device }: Route): number {
  return mtu === undefined ? device.mtu : Math.min(mtu, device.mtu);
}

/** A route found, and how. */
export interface RouteResult {
  readonly rule: IpRule;
  readonly route: Route;
}

/** Rules and tables of one namespace. */
export class RoutingTables {
  #rules: IpRule[] = [
    { pref: 0, table: RT_TABLE_LOCAL },
    { pref: 32766, table: RT_TABLE_MAIN },
  ];
  readonly #tables = new Map<number, Route[]>();
  /** Bits of the mark any rule looks at; the rest cannot matter, so results are cached without it. */
  #markMask = 0;
  readonly #cache = new Map<number, Map<Ipv4, RouteResult | null>>();

  /** Rules in order of priority. */
  get rules(): readonly IpRule[] {
    return this.#rules;
  }

  /** Routes of a table, longest prefix first. */
  table(id: number): readonly Route[] {
    return this.#tables.get(id) ?? [];
  }

  /** Adds a rule (`ip rule add`); an equal one stays alone. */
  addRule(rule: IpRule): void {
    if (!this.#rules.some((other) => JSON.stringify(other) === JSON.stringify(rule))) {
      this.#rules = [...this.#rules, rule].sort((a, b) => a.pref - b.pref);
      this.#changed();
    }
  }

  /** Removes the rules of a priority and table. */
  deleteRule(pref: number, table: number): void {
    this.#rules = this.#rules.filter((rule) => rule.pref !== pref || rule.table !== table);
    this.#changed();
  }

  /** Adds or replaces the route of a prefix (`ip route replace`). */
  replaceRoute(table: number, route: Route): void {
    const rest = this.table(table).filter((other) => other.dst.address !== route.dst.address || other.dst.length !== route.dst.length);
    this.#tables.set(
      table,
      [...rest, route].sort((a, b) => b.dst.length - a.dst.length),
    );
    this.#changed();
  }

  /** Removes the route of a prefix. */
  deleteRoute(table: number, dst: Cidr4): void {
    this.#tables.set(
      table,
      this.table(table).filter((route) => route.dst.address !== dst.address || route.dst.length !== dst.length),
    );
    this.#changed();
  }

  /** The route of a destination, or `null`. */
  lookup(destination: Ipv4, mark: number): RouteResult | null {
    const relevant = (mark & this.#markMask) >>> 0;
    let byDestination = this.#cache.get(relevant);
    if (byDestination === undefined) {
      byDestination = new Map();
      this.#cache.set(relevant, byDestination);
    }
    let result = byDestination.get(destination);
    if (result === undefined) {
      result = this.#lookup(destination, mark);
      byDestination.set(destination, result);
    }
    return result;
  }

  #lookup(destination: Ipv4, mark: number): RouteResult | null {
    for (const rule of this.#rules) {
      if (rule.fwmark !== undefined && (mark & rule.fwmark.mask) >>> 0 !== rule.fwmark.value) {
        continue;
      }
      const route = this.table(rule.table).find((one) => containsIpv4(one.dst, destination));
      if (route !== undefined) {
        return { rule, route };
      }
    }
    return null;
  }

  #changed(): void {
    this.#cache.clear();
    this.#markMask = this.#rules.reduce((mask, rule) => (mask | (rule.fwmark?.mask ?? 0)) >>> 0, 0);
  }
}

/** `9: from all fwmark 0x200/0xf00 lookup 2004` */
export function ruleText(rule: IpRule): string {
  const mark = rule.fwmark === undefined ? '' : ` fwmark 0x${rule.fwmark.value.toString(16)}/0x${rule.fwmark.mask.toString(16)}`;
  const table = rule.table === RT_TABLE_LOCAL ? 'local' : rule.table === RT_TABLE_MAIN ? 'main' : String(rule.table);
  return `${rule.pref}: from all${mark} lookup ${table}`;
}

/** `default via 10.0.0.1 dev eth0` */
export function routeText(route: Route): string {
  const prefix = route.dst.length === 0 ? 'default' : route.dst.length === 32 ? formatIpv4(route.dst.address) : formatCidr4(route.dst);
  const gateway = route.gateway === undefined ? '' : ` via ${formatIpv4(route.gateway)}`;
  const src = route.src === undefined ? '' : ` src ${formatIpv4(route.src)}`;
  const mtu = route.mtu === undefined ? '' : ` mtu ${route.mtu}`;
  return `${route.kind === 'local' ? 'local ' : ''}${prefix}${gateway} dev ${route.device.name}${src}${mtu}`;
}
