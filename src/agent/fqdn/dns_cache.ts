/**
 * Names and the addresses that DNS answers gave for them, each until its time to live is over. One cache per endpoint (its history), and one for
 * the node, which the name selectors of policies read.
 * @see cilium:pkg/fqdn/cache.go#DNSCache
 */
import type { Ipv4 } from '../../net/ipv4.ts';
import { type Nanos, SECOND } from '../../sim/clock.ts';

/** One answer. @see cilium:pkg/fqdn/cache.go#cacheEntry */
export interface CacheEntry {
  /** Lower case, with the final dot. */
  readonly name: string;
  readonly lookupTime: Nanos;
  readonly expirationTime: Nanos;
  /** Seconds. */
  readonly ttl: number;
  readonly ips: readonly Ipv4[];
}

/** Takes what leaves a cache. @see cilium:pkg/fqdn/cache.go#DNSZombieMappings.Upsert */
export interface EvictionSink {
  upsert(expiryTime: Nanos, ip: Ipv4, name: string): void;
}

/** How a cache behaves. */
export interface DnsCacheOptions {
  /** Seconds; a smaller time to live becomes this. */
  readonly minTtl: number;
  /** Addresses a name may have before the oldest go; 0 = any number. */
  readonly perHostLimit: number;
  /** Whether entries end by themselves at {@link DnsCache.gc}. The node's own cache is only changed by name. */
  readonly tracksExpiry: boolean;
}

/** The cache. */
export class DnsCache {
  readonly #options: DnsCacheOptions;
  readonly #forward = new Map<string, Map<Ipv4, CacheEntry>>();
  /** Names by the second their entries expire in. */
  readonly #cleanup = new Map<number, string[]>();
  readonly #overLimit = new Set<string>();
  /** Up to when entries have been expired; look-ups see the cache as of then. `null`: nothing was ever added. */
  #lastCleanup: Nanos | null = null;

  constructor(options: DnsCacheOptions) {
    this.#options = options;
  }

  /** Adds an answer; whether anything is new or lives longer now. `ttl` in seconds. */
  update(lookupTime: Nanos, name: string, ips: readonly Ipv4[], ttl: number): boolean {
    const seconds = Math.max(ttl, this.#options.minTtl);
    return this.#insert({ name, lookupTime, expirationTime: lookupTime + seconds * SECOND, ttl: seconds, ips });
  }

  /** Addresses of a name, ascending. */
  lookup(name: string): Ipv4[] {
    const now = this.#lastCleanup ?? Number.NEGATIVE_INFINITY;
    const live = [...(this.#forward.get(name) ?? [])].filter(([, entry]) => !isExpired(entry, now));
    return live.map(([ip]) => ip).sort((a, b) => a - b);
  }

  /** Names with live addresses that `matches` takes, in order of arrival. */
  lookupMatching(matches: (name: string) => boolean): ReadonlyMap<string, readonly Ipv4[]> {
    const found = new Map<string, readonly Ipv4[]>();
    for (const name of this.#forward.keys()) {
      const ips = matches(name) ? this.lookup(name) : [];
      if (ips.length > 0) {
        found.set(name, ips);
      }
    }
    return found;
  }

  /** Names that have this live address, sorted. @see cilium:pkg/fqdn/cache.go#DNSCache.LookupIP */
  lookupIp(ip: Ipv4): string[] {
    const now = this.#lastCleanup ?? Number.NEGATIVE_INFINITY;
    const names: string[] = [];
    for (const [name, entries] of this.#forward) {
      const entry = entries.get(ip);
      if (entry !== undefined && !isExpired(entry, now)) {
        names.push(name);
      }
    }
    return names.sort();
  }

  /** Expires what is over at `now` and what is over the limit; names whose addresses changed. @see cilium:pkg/fqdn/cache.go#DNSCache.GC */
  gc(now: Nanos, zombies: EvictionSink): string[] {
    const expired = this.#cleanupExpired(now, zombies);
    return unique([...expired, ...this.#cleanupOverLimit(zombies)]);
  }

  /** Replaces everything known of some names by what other caches know of them. */
  replaceFromCacheByNames(names: readonly string[], updates: readonly DnsCache[]): void {
    for (const name of names) {
      this.#forward.delete(name);
    }
    for (const update of updates) {
      this.updateFromCache(update, names);
    }
  }

  /** Adds what another cache knows of some names, or of all. */
  updateFromCache(update: DnsCache, names: readonly string[] = [...update.#forward.keys()]): void {
    for (const name of names) {
      for (const entry of new Set(update.#forward.get(name)?.values() ?? [])) {
        this.#insert(entry);
      }
    }
  }

  /** Forgets lookups made before an instant; names that lost something. @see cilium:pkg/fqdn/cache.go#DNSCache.ForceExpire */
  forceExpire(lookupsBefore: Nanos, matches: (name: string) => boolean = () => true): string[] {
    const affected: string[] = [];
    for (const [name, entries] of [...this.#forward]) {
      if (!matches(name)) {
        continue;
      }
      for (const [ip, entry] of [...entries]) {
        if (isExpired(entry, lookupsBefore) || entry.lookupTime < lookupsBefore) {
          this.#remove(name, ip);
          affected.push(name);
        }
      }
    }
    return unique(affected);
  }

  /** All entries, each once, in order of their names' arrival. */
  dump(): CacheEntry[] {
    return [...new Set([...this.#forward.values()].flatMap((entries) => [...entries.values()]))];
  }

  #insert(entry: CacheEntry): boolean {
    let entries = this.#forward.get(entry.name);
    let changed = entries === undefined;
    if (entries === undefined) {
      entries = new Map();
      this.#forward.set(entry.name, entries);
    }
    for (const ip of entry.ips) {
      const old = entries.get(ip);
      if (old === undefined || isExpired(old, entry.expirationTime)) {
        entries.set(ip, entry);
        this.#addToCleanup(entry);
        changed = true;
      }
    }
    if (this.#options.perHostLimit > 0 && entries.size > this.#options.perHostLimit) {
      this.#overLimit.add(entry.name);
    }
    return changed;
  }

  #addToCleanup(entry: CacheEntry): void {
    if (!this.#options.tracksExpiry) {
      return;
    }
    if (this.#lastCleanup === null || entry.expirationTime < this.#lastCleanup) {
      this.#lastCleanup = entry.expirationTime;
    }
    const second = Math.floor(entry.expirationTime / SECOND);
    this.#cleanup.set(second, [...(this.#cleanup.get(second) ?? []), entry.name]);
  }

  #cleanupExpired(now: Nanos, zombies: EvictionSink): string[] {
    if (this.#lastCleanup === null) {
      return [];
    }
    const from = Math.floor(this.#lastCleanup / SECOND);
    const due = [...this.#cleanup.keys()].filter((second) => second >= from && second * SECOND < now).sort((a, b) => a - b);
    const names = unique(due.flatMap((second) => this.#cleanup.get(second) ?? []));
    for (const second of due) {
      this.#cleanup.delete(second);
    }
    if (this.#lastCleanup < now) {
      this.#lastCleanup = Math.ceil(now / SECOND) * SECOND;
    }
    const affected = names.filter((name) => this.#forward.has(name));
    for (const name of affected) {
      for (const [ip, entry] of [...(this.#forward.get(name) ?? [])]) {
        if (isExpired(entry, this.#lastCleanup)) {
          this.#remove(name, ip);
          zombies.upsert(entry.expirationTime, ip, name);
        }
      }
    }
    return affected;
  }

  #cleanupOverLimit(zombies: EvictionSink): string[] {
    const affected: string[] = [];
    for (const name of this.#overLimit) {
      const entries = [...(this.#forward.get(name) ?? [])];
      const excess = entries.length - this.#options.perHostLimit;
      if (excess <= 0) {
        continue;
      }
      entries.sort(([, a], [, b]) => a.expirationTime - b.expirationTime);
      for (const [ip, entry] of entries.slice(0, excess)) {
        this.#remove(name, ip);
        zombies.upsert(entry.expirationTime, ip, name);
      }
      affected.push(name);
    }
    this.#overLimit.clear();
    return affected;
  }

  #remove(name: string, ip: Ipv4): void {
    const entries = this.#forward.get(name);
    entries?.delete(ip);
    if (entries?.size === 0) {
      this.#forward.delete(name);
    }
  }
}

function isExpired(entry: CacheEntry, at: Nanos): boolean {
  return at > entry.expirationTime;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
