/**
 * Counters and gauges by name, as the admin page `/stats` lists them.
 * @see envoy:source/common/stats/allocator_impl.cc#AllocatorImpl
 */

/** A counter or a gauge; users keep the object and change `value`. */
export interface Stat {
  readonly name: string;
  value: number;
}

/** All statistics of a proxy. */
export class Stats {
  readonly #stats = new Map<string, Stat>();

  /** The statistic of that name, created at 0. */
  get(name: string): Stat {
    let stat = this.#stats.get(name);
    if (stat === undefined) {
      stat = { name, value: 0 };
      this.#stats.set(name, stat);
    }
    return stat;
  }

  /** All statistics, sorted by name. */
  sorted(): Stat[] {
    return [...this.#stats.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}
