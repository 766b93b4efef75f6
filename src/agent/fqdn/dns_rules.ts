/**
 * Which names an endpoint may ask which servers for.
 * @see cilium:pkg/fqdn/dnsproxy/proxy.go#perEPAllow
 */
import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import { fqdn, patternMatches } from '../policy/api/fqdn.ts';
import type { PortRuleDns } from '../policy/api/rule.ts';
import type { FilterSelector } from '../policy/l4.ts';
import type { PerSelectorPolicy } from '../policy/per_selector_policy.ts';

/** What the DNS proxy needs of a selector and its policy. */
export interface DnsSelectorRules {
  readonly selector: Pick<FilterSelector['selector'], 'isWildcard' | 'selects' | 'selections'>;
  /** `null` = every name. */
  readonly policy: Pick<PerSelectorPolicy, 'dns'> | null;
}

/** Rules of one port: servers by selector, and the names allowed there; `null` = every name. */
interface SelectorRules {
  readonly selects: (server: NumericIdentity) => boolean;
  /** Numbers of the servers, or `null` for all. */
  readonly servers: () => readonly NumericIdentity[] | null;
  readonly names: readonly PortRuleDns[] | null;
}

/** Rules as they survive a restart of the agent: servers by address. @see cilium:pkg/fqdn/restore/restore.go#IPRule */
export interface RestoredRule {
  /** Dotted quads, or `null` for every server. */
  readonly servers: ReadonlySet<string> | null;
  readonly names: readonly PortRuleDns[] | null;
}

/** Restored rules of an endpoint by port. */
export type RestoredRules = ReadonlyMap<number, readonly RestoredRule[]>;

/** The question a rule decides. */
export interface DnsQuery {
  readonly endpointId: number;
  readonly port: number;
  readonly server: NumericIdentity;
  readonly serverIp: Ipv4;
  readonly name: string;
}

/** Rules of all endpoints. */
export class DnsRules {
  readonly #allowed = new Map<number, Map<number, readonly SelectorRules[]>>();
  readonly #restored = new Map<number, RestoredRules>();

  /**
   * Sets the rules of an endpoint's port; `null` takes them away. What was restored for the endpoint ends.
   * @see cilium:pkg/fqdn/dnsproxy/proxy.go#DNSProxy.UpdateAllowed
   */
  updateAllowed(endpointId: number, port: number, parts: Iterable<DnsSelectorRules> | null): void {
    const rules = parts === null ? [] : [...parts].map(selectorRules);
    const ports = this.#allowed.get(endpointId) ?? new Map<number, readonly SelectorRules[]>();
    if (rules.length === 0) {
      ports.delete(port);
    } else {
      ports.set(port, rules);
    }
    if (ports.size === 0) {
      this.#allowed.delete(endpointId);
    } else {
      this.#allowed.set(endpointId, ports);
    }
    this.#restored.delete(endpointId);
  }

  /** Whether a question may pass. @see cilium:pkg/fqdn/dnsproxy/proxy.go#DNSProxy.CheckAllowed */
  checkAllowed(query: DnsQuery): boolean {
    const rules = this.#allowed.get(query.endpointId)?.get(query.port);
    if (rules !== undefined) {
      return rules.some((rule) => rule.selects(query.server) && allowsName(rule.names, query.name));
    }
    const server = formatIpv4(query.serverIp);
    const restored = this.#restored.get(query.endpointId)?.get(query.port) ?? [];
    return restored.some((rule) => (rule.servers === null || rule.servers.has(server)) && allowsName(rule.names, query.name));
  }

  /**
   * A copy of an endpoint's rules for the next agent. Servers that were never asked are left out once one was.
   * @see cilium:pkg/fqdn/dnsproxy/proxy.go#DNSProxy.GetRules
   */
  getRules(endpointId: number, ipsOf: (identity: NumericIdentity) => readonly string[], used: ReadonlySet<string>): RestoredRules {
    const restored = this.#restored.get(endpointId);
    if (restored !== undefined) {
      // Its first policy has not come yet.
      return restored;
    }
    const copy = new Map<number, readonly RestoredRule[]>();
    for (const [port, rules] of this.#allowed.get(endpointId) ?? []) {
      const restored = rules.map(({ servers, names }): RestoredRule => {
        const selected = servers();
        const ips = selected?.flatMap(ipsOf).filter((ip) => used.size === 0 || used.has(ip));
        return { servers: ips === undefined ? null : new Set(ips), names };
      });
      copy.set(port, restored);
    }
    return copy;
  }

  /** Rules that hold until the endpoint's first policy. @see cilium:pkg/fqdn/dnsproxy/proxy.go#DNSProxy.RestoreRules */
  restore(endpointId: number, rules: RestoredRules): void {
    this.#restored.set(endpointId, rules);
  }
}

function selectorRules({ selector, policy }: DnsSelectorRules): SelectorRules {
  const names = policy === null || policy.dns.length === 0 ? null : policy.dns;
  return {
    selects: (server) => selector.selects(server),
    servers: () => (selector.isWildcard ? null : selector.selections()),
    names,
  };
}

/** @see cilium:pkg/fqdn/dnsproxy/proxy.go#GeneratePattern */
function allowsName(rules: readonly PortRuleDns[] | null, name: string): boolean {
  return rules === null
    ? patternMatches('*', name)
    : rules.some(
        ({ matchName, matchPattern }) =>
          (matchName !== '' && fqdn(matchName) === fqdn(name)) || (matchPattern !== '' && patternMatches(matchPattern, name)),
      );
}
