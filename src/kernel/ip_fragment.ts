/**
 * Fragments: cutting datagrams that do not fit a link, and putting them together again.
 * @see linux:net/ipv4/ip_output.c#ip_do_fragment
 * @see linux:net/ipv4/ip_fragment.c#ip_defrag
 * @remarks Simplified: a datagram is put together when all its bytes are there; overlapping fragments are not told from repeated ones, the first bytes win.
 */
import { ETH_HLEN, IPV4_HLEN, type Ipv4Header, l4Length, NO_L4, type Packet, protocolOf } from '../net/packet.ts';
import { type Nanos, SECOND } from '../sim/clock.ts';
import type { Scheduler, Timer } from '../sim/scheduler.ts';

/** @see linux:net/ipv4/ip_fragment.c `ipfrag_time` */
const IPFRAG_TIME: Nanos = 30 * SECOND;

/** Whether a header is that of a fragment. */
export function isFragment(ip: Ipv4Header): boolean {
  return ip.moreFragments || ip.fragmentOffset > 0;
}

/** Cuts a datagram; each part after the first gets a number of its own. */
export function ipFragment(packet: Packet, mtu: number, nextId: () => number): Packet[] {
  const room = (mtu - IPV4_HLEN) & ~7;
  const header = l4Length(packet.l4);
  const total = header + packet.payload.length;
  const parts: Packet[] = [];
  for (let offset = 0; offset < total; offset += room) {
    const end = Math.min(total, offset + room);
    const first = offset === 0;
    parts.push({
      id: first ? packet.id : nextId(),
      eth: packet.eth,
      ip: {
        ...packet.ip,
        dontFragment: false,
        moreFragments: end < total || packet.ip.moreFragments,
        fragmentOffset: packet.ip.fragmentOffset + offset / 8,
      },
      l4: first ? packet.l4 : NO_L4,
      payload: packet.payload.slice(first ? 0 : offset - header, end - header),
      length: ETH_HLEN + IPV4_HLEN + end - offset,
    });
  }
  return parts;
}

interface Queue {
  readonly parts: Map<number, Packet>;
  readonly timer: Timer;
}

/** The datagrams of one namespace that are not complete. */
export class Defragmenter {
  readonly #scheduler: Scheduler;
  readonly #expired: (first: Packet) => void;
  readonly #queues = new Map<string, Queue>();

  /** `expired` hears of a datagram whose first fragment came but not all others. */
  constructor(scheduler: Scheduler, expired: (first: Packet) => void) {
    this.#scheduler = scheduler;
    this.#expired = expired;
  }

  /** Adds a fragment; the datagram if that was the last that was missing. */
  add(packet: Packet): Packet | null {
    const { src, dst, id, protocol, fragmentOffset } = packet.ip;
    const key = `${src} ${dst} ${id} ${protocol}`;
    const queue = this.#queues.get(key) ?? this.#open(key);
    if (!queue.parts.has(fragmentOffset)) {
      queue.parts.set(fragmentOffset, packet);
    }
    const whole = assemble([...queue.parts.values()]);
    if (whole !== null) {
      queue.timer.cancel();
      this.#queues.delete(key);
    }
    return whole;
  }

  #open(key: string): Queue {
    const timer = this.#scheduler.after(IPFRAG_TIME, 'idle:ip fragments', () => {
      const first = this.#queues.get(key)?.parts.get(0);
      this.#queues.delete(key);
      if (first !== undefined) {
        this.#expired(first);
      }
    });
    const queue: Queue = { parts: new Map(), timer };
    this.#queues.set(key, queue);
    return queue;
  }
}

/** The datagram of fragments, or `null` while one is missing. */
function assemble(parts: Packet[]): Packet | null {
  const sorted = parts.sort((a, b) => a.ip.fragmentOffset - b.ip.fragmentOffset);
  const [first] = sorted;
  if (first === undefined || protocolOf(first.l4) === null) {
    return null;
  }
  const header = l4Length(first.l4);
  let end = 0;
  for (const part of sorted) {
    if (part.ip.fragmentOffset * 8 !== end) {
      return null;
    }
    end += part.payload.length + (part === first ? header : 0);
  }
  if (sorted.at(-1)?.ip.moreFragments !== false) {
    return null;
  }
  const payload = new Uint8Array(end - header);
  for (const part of sorted) {
    payload.set(part.payload, part === first ? 0 : part.ip.fragmentOffset * 8 - header);
  }
  return {
    ...first,
    ip: { ...first.ip, moreFragments: false, fragmentOffset: 0 },
    payload,
    length: ETH_HLEN + IPV4_HLEN + end,
  };
}
