/**
 * Addresses whose DNS entries are over but whose connections may still live: they stay allowed until conntrack garbage collection has seen no
 * connection to them.
 * @see cilium:pkg/fqdn/cache.go#DNSZombieMappings
 */
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Nanos } from '../../sim/clock.ts';

/** One address waiting to be forgotten. @see cilium:pkg/fqdn/cache.go#DNSZombieMapping */
export interface Zombie {
  readonly ip: Ipv4;
  names: readonly string[];
  /** When a connection to it was last seen; `null`: never. */
  aliveAt: Nanos | null;
  /** When its DNS entry was over. */
  deletePendingAt: Nanos;
}

/** Limits of the collection. */
export interface ZombieLimits {
  /** At most so many in all. */
  readonly max: number;
  /** At most so many of one name; 0 = any number. */
  readonly perHost: number;
}

/** The zombies of one endpoint. */
export class DnsZombies {
  readonly #limits: ZombieLimits;
  readonly #zombies = new Map<Ipv4, Zombie>();
  #lastCtGc: Nanos | null = null;

  constructor(limits: ZombieLimits) {
    this.#limits = limits;
  }

  /** An entry of a name is over. */
  upsert(expiryTime: Nanos, ip: Ipv4, name: string): void {
    const zombie = this.#zombies.get(ip);
    if (zombie === undefined) {
      this.#zombies.set(ip, { ip, names: [name], aliveAt: null, deletePendingAt: expiryTime });
      return;
    }
    zombie.names = [...new Set([...zombie.names, name])];
    zombie.deletePendingAt = Math.max(zombie.deletePendingAt, expiryTime);
  }

  /** A connection to an address lives. */
  markAlive(now: Nanos, ip: Ipv4): void {
    const zombie = this.#zombies.get(ip);
    if (zombie !== undefined) {
      zombie.aliveAt = now;
    }
  }

  /** Conntrack garbage collection has looked at all connections. */
  setCtGcTime(start: Nanos): void {
    this.#lastCtGc = start;
  }

  /** Those that stay, and those that are forgotten now. @see cilium:pkg/fqdn/cache.go#DNSZombieMappings.GC */
  gc(): { readonly alive: readonly Zombie[]; readonly dead: readonly Zombie[] } {
    const byName = this.#aliveNames();
    const alive = new Set<Zombie>();
    const dead = new Set<Zombie>();
    for (const zombie of this.#zombies.values()) {
      const living = this.#isConnectionAlive(zombie) || zombie.names.some((name) => byName.has(name));
      (living ? alive : dead).add(zombie);
    }
    for (const zombies of byName.values()) {
      const excess = this.#limits.perHost === 0 ? 0 : zombies.length - this.#limits.perHost;
      for (const zombie of zombies.sort(byAge).slice(0, Math.max(0, excess))) {
        alive.delete(zombie);
        dead.add(zombie);
      }
    }
    const excess = alive.size - this.#limits.max;
    for (const zombie of [...alive].sort(byAge).slice(0, Math.max(0, excess))) {
      alive.delete(zombie);
      dead.add(zombie);
    }
    for (const zombie of dead) {
      this.#zombies.delete(zombie.ip);
    }
    return { alive: [...alive], dead: [...dead] };
  }

  /** Those that count as connections, for `cilium fqdn cache list`. */
  dumpAlive(): readonly Zombie[] {
    const byName = this.#aliveNames();
    return [...this.#zombies.values()].filter((one) => this.#isConnectionAlive(one) || one.names.some((name) => byName.has(name)));
  }

  /** Forgets names of zombies that were over at an instant; the names. @see cilium:pkg/fqdn/cache.go#DNSZombieMappings.ForceExpire */
  forceExpire(before: Nanos, matches: (name: string) => boolean, ip: Ipv4 | null = null): string[] {
    const affected: string[] = [];
    for (const zombie of [...this.#zombies.values()]) {
      if (zombie.deletePendingAt > before || (ip !== null && zombie.ip !== ip)) {
        continue;
      }
      affected.push(...zombie.names.filter(matches));
      zombie.names = zombie.names.filter((name) => !matches(name));
      if (zombie.names.length === 0) {
        this.#zombies.delete(zombie.ip);
      }
    }
    return affected;
  }

  #isConnectionAlive(zombie: Zombie): boolean {
    const last = this.#lastCtGc ?? Number.NEGATIVE_INFINITY;
    return !(last > zombie.deletePendingAt && last > (zombie.aliveAt ?? Number.NEGATIVE_INFINITY));
  }

  /** Names with at least one live connection, and all zombies of each: one connection keeps its name's other addresses. */
  #aliveNames(): Map<string, Zombie[]> {
    const byName = new Map<string, Zombie[]>();
    for (const zombie of this.#zombies.values()) {
      if (this.#isConnectionAlive(zombie)) {
        for (const name of zombie.names) {
          byName.set(name, [...(byName.get(name) ?? []), zombie]);
        }
      }
    }
    for (const zombie of this.#zombies.values()) {
      if (!this.#isConnectionAlive(zombie)) {
        for (const name of zombie.names) {
          byName.get(name)?.push(zombie);
        }
      }
    }
    return byName;
  }
}

function byAge(a: Zombie, b: Zombie): number {
  const alive = (a.aliveAt ?? -1) - (b.aliveAt ?? -1);
  return alive !== 0
    ? alive
    : a.deletePendingAt !== b.deletePendingAt
      ? a.deletePendingAt - b.deletePendingAt
      : a.names.length - b.names.length;
}
