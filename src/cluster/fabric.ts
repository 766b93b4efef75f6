/**
 * The underlay: what stands between the network cards of nodes and of hosts outside.
 * It moves packets by destination address and decides nothing else.
 * @remarks Simplified: no link layer (no ARP, no switches); a packet arrives where its destination address is, without delay or loss unless a fault says so.
 */
import type { NetDevice } from '../kernel/netdev.ts';
import type { Netem } from '../kernel/netem.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import type { Packet } from '../net/packet.ts';
import type { Scheduler } from '../sim/scheduler.ts';

const AT_ONCE = [0];

/** One underlay for all nodes of a cluster. */
export class Fabric {
  readonly #scheduler: Scheduler;
  readonly #ports = new Map<Ipv4, NetDevice>();
  /** What is wrong with it; `null`: nothing. */
  netem: Netem | null = null;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Connects the network card of a node or of a host outside at its address. */
  attach(address: Ipv4, device: NetDevice): void {
    this.#ports.set(address, device);
  }

  /** Carries a packet that a card sent, to its destination or to the router given; what has no such address is lost. */
  transmit(packet: Packet, nextHop: Ipv4 = packet.ip.dst): void {
    const device = this.#ports.get(nextHop);
    if (device !== undefined) {
      for (const delay of this.netem === null ? AT_ONCE : this.netem.arrivals()) {
        this.#scheduler.after(delay, 'fabric', () => device.receive(packet));
      }
    }
  }
}
