/**
 * Which of a cluster's hosts gets the next connection or request.
 * @see envoy:source/common/upstream/load_balancer_impl.cc#EdfLoadBalancerBase
 * @remarks Not modelled: priorities, localities and subsets.
 */
import type { Rng } from '../../sim/rng.ts';
import type { LbPolicy } from '../../xds/cluster.ts';

/** Of a host what balancing looks at. */
export interface BalancedHost {
  readonly weight: number;
  /** Requests in progress. */
  readonly active: number;
}

interface DueHost {
  readonly host: BalancedHost;
  deadline: number;
}

/** Picks hosts. */
export class LoadBalancer {
  readonly #policy: LbPolicy;
  readonly #rng: Rng;
  #next: number;
  /** When each host is due again, by weight; made anew when the hosts change. */
  #due: DueHost[] = [];

  constructor(policy: LbPolicy, rng: Rng) {
    this.#policy = policy;
    this.#rng = rng;
    this.#next = policy === 'ROUND_ROBIN' ? rng.below(0x10000) : 0;
  }

  /** The next host of a list, or `null` if there is none. */
  choose<T extends BalancedHost>(hosts: readonly T[]): T | null {
    const [first] = hosts;
    if (first === undefined) {
      return null;
    }
    switch (this.#policy) {
      case 'RANDOM':
        return hosts[this.#rng.below(hosts.length)] ?? null;
      case 'LEAST_REQUEST':
        return this.#leastRequest(hosts);
      default:
        return hosts.every(({ weight }) => weight === first.weight) ? this.#roundRobin(hosts) : this.#earliestDeadline(hosts);
    }
  }

  #roundRobin<T>(hosts: readonly T[]): T | null {
    const host = hosts[this.#next % hosts.length];
    this.#next += 1;
    return host ?? null;
  }

  /** The better of two drawn. @see envoy:source/common/upstream/load_balancer_impl.cc#LeastRequestLoadBalancer::unweightedHostPick */
  #leastRequest<T extends BalancedHost>(hosts: readonly T[]): T {
    const one = hosts[this.#rng.below(hosts.length)] as T;
    const other = hosts[this.#rng.below(hosts.length)] as T;
    return other.active < one.active ? other : one;
  }

  /** @see envoy:source/common/upstream/edf_scheduler.h#EdfScheduler */
  #earliestDeadline<T extends BalancedHost>(hosts: readonly T[]): T {
    if (this.#due.length !== hosts.length || this.#due.some(({ host }, index) => host !== hosts[index])) {
      this.#due = hosts.map((host) => ({ host, deadline: 1 / host.weight }));
    }
    let best = this.#due[0] as DueHost;
    for (const one of this.#due) {
      if (one.deadline < best.deadline) {
        best = one;
      }
    }
    best.deadline += 1 / best.host.weight;
    return best.host as T;
  }
}
