/**
 * From names to selectors: which name selectors of the policies in force a new answer concerns, and which addresses each of them stands for.
 * @see cilium:pkg/fqdn/name_manager.go#NameManager
 */
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Nanos } from '../../sim/clock.ts';
import { fqdn, fqdnSelectorMatches } from '../policy/api/fqdn.ts';
import type { FqdnSelector } from '../policy/api/rule.ts';
import { fqdnKey } from '../policy/selectorcache.ts';
import type { DnsCache } from './dns_cache.ts';

/** A selector with all its addresses, ascending. */
export interface SelectorIps {
  readonly selector: FqdnSelector;
  readonly ips: readonly Ipv4[];
}

/** The manager. */
export class NameManager {
  readonly cache: DnsCache;
  readonly #minTtl: number;
  readonly #selectors = new Map<string, FqdnSelector>();

  /** @param minTtl seconds */
  constructor(cache: DnsCache, minTtl: number) {
    this.cache = cache;
    this.#minTtl = minTtl;
  }

  /** A policy uses a selector for the first time. */
  register(selector: FqdnSelector): void {
    this.#selectors.set(fqdnKey(selector), selector);
  }

  /** No policy uses it any more. */
  unregister(selector: FqdnSelector): void {
    this.#selectors.delete(fqdnKey(selector));
  }

  /** Selectors in use, in order of registration. */
  selectors(): readonly FqdnSelector[] {
    return [...this.#selectors.values()];
  }

  /**
   * Takes an answer in; the selectors whose addresses it changes. An answer that brings nothing new concerns none.
   * @see cilium:pkg/fqdn/name_manager.go#NameManager.UpdateGenerateDNS
   */
  updateGenerateDns(lookupTime: Nanos, name: string, ips: readonly Ipv4[], ttl: number): SelectorIps[] {
    const before = this.cache.lookup(name);
    this.cache.update(lookupTime, name, ips, Math.max(ttl, this.#minTtl));
    const after = this.cache.lookup(name);
    const same = after.length > 0 && after.length === before.length && after.every((ip, i) => ip === before[i]);
    return same ? [] : this.forceGenerateDns([name]);
  }

  /** The selectors that any of the names concerns. @see cilium:pkg/fqdn/name_manager.go#NameManager.ForceGenerateDNS */
  forceGenerateDns(names: readonly string[]): SelectorIps[] {
    return this.selectors()
      .filter((selector) => names.some((name) => fqdnSelectorMatches(selector, name)))
      .map((selector) => ({ selector, ips: this.mapSelectorToIps(selector) }));
  }

  /** Addresses a selector stands for now. @see cilium:pkg/fqdn/helpers.go#NameManager.MapSelectorsToIPsLocked */
  mapSelectorToIps(selector: FqdnSelector): readonly Ipv4[] {
    const named = selector.matchName === '' ? [] : this.cache.lookup(fqdn(selector.matchName));
    const matched =
      selector.matchPattern === ''
        ? []
        : [...this.cache.lookupMatching((name) => fqdnSelectorMatches({ ...selector, matchName: '' }, name)).values()].flat();
    return [...new Set([...named, ...matched])].sort((a, b) => a - b);
  }
}
