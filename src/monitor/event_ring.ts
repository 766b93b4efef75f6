/**
 * The latest events of a node, so that a long run takes no more memory than a short one, and the followers that see every one.
 * @see cilium:pkg/hubble/container/ring.go#Ring
 */
import type { MonitorEvent } from './event.ts';

/** What readers of a node's events see. */
export interface MonitorEvents {
  /** How many there have been: a position to ask `since` with later. */
  readonly total: number;
  /** The events from a position on that are still held, in order. */
  since(position: number): readonly MonitorEvent[];
  /** Collects every event from now on, however many there are. */
  follow(): EventFollower;
}

/** A reader that misses nothing. */
export interface EventFollower {
  readonly events: readonly MonitorEvent[];
  stop(): void;
}

/** The ring. */
export class EventRing implements MonitorEvents {
  readonly #capacity: number;
  readonly #slots: MonitorEvent[] = [];
  readonly #followers = new Set<MonitorEvent[]>();
  #total = 0;
  /** Position of the first event that may still be held. */
  #first = 0;

  /** @param capacity `hubble-event-buffer-capacity` */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds an event; the oldest makes room for it. */
  push(event: MonitorEvent): void {
    this.#slots[this.#total % this.#capacity] = event;
    this.#total += 1;
    for (const follower of this.#followers) {
      follower.push(event);
    }
  }

  get total(): number {
    return this.#total;
  }

  since(position: number): readonly MonitorEvent[] {
    const from = Math.max(position, this.#first, this.#total - this.#slots.length);
    return Array.from({ length: Math.max(0, this.#total - from) }, (_, i) => this.#slots[(from + i) % this.#capacity] as MonitorEvent);
  }

  /** Forgets what it holds, as the end of the agent does; followers keep what they have seen. */
  clear(): void {
    this.#first = this.#total;
  }

  follow(): EventFollower {
    const events: MonitorEvent[] = [];
    this.#followers.add(events);
    return { events, stop: () => void this.#followers.delete(events) };
  }
}
