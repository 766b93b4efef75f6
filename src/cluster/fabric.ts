/**
 * The underlay: what stands between the nodes' network cards, and the world beyond.
 * It moves packets by destination address and decides nothing else.
 * @remarks Simplified: no link layer (no ARP, no switches); a packet arrives where its destination address is, without delay or loss unless a filter says so.
 */
import type { NetDevice } from '../kernel/netdev.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import type { Packet } from '../net/packet.ts';
import type { Scheduler } from '../sim/scheduler.ts';

/** Takes packets for addresses that no node has. */
export type WorldPort = (packet: Packet) => void;

/** One underlay for all nodes of a cluster. */
export class Fabric {
  readonly #scheduler: Scheduler;
  readonly #ports = new Map<Ipv4, NetDevice>();
  #world: WorldPort | null = null;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Connects a node's network card at its address. */
  attach(address: Ipv4, device: NetDevice): void {
    this.#ports.set(address, device);
  }

  /** Connects the world: it gets what is addressed to nobody here. */
  attachWorld(port: WorldPort): void {
    this.#world = port;
  }

  /** Carries a packet that a node's card sent. */
  transmit(packet: Packet): void {
    const device = this.#ports.get(packet.ip.dst);
    this.#scheduler.after(0, 'fabric', () => {
      if (device !== undefined) {
        device.receive(packet);
      } else {
        this.#world?.(packet);
      }
    });
  }
}
