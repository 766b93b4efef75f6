/**
 * Network devices: veth ends, loopback, network cards whose far side is somebody else's, and tunnels (see tunnel.ts).
 * @see linux:drivers/net/veth.c#veth_xmit
 * @remarks Simplified: no queues, no offloads (every packet is one MTU-sized frame), no neighbour table: a frame without a destination gets the peer's address.
 */
import type { Mac } from '../net/mac.ts';
import { type Packet, withEth } from '../net/packet.ts';
import { assertNever } from '../sim/assert.ts';
import type { Nanos } from '../sim/clock.ts';
import { Fifo } from '../sim/fifo.ts';
import type { Kernel } from './kernel.ts';
import type { Netem } from './netem.ts';
import type { NetNs } from './netns.ts';
import { Skb, TC_ACT_OK, TC_ACT_REDIRECT, TC_ACT_SHOT, type TcProgram } from './skb.ts';

const ETHERNET_MTU = 1500;
const LOOPBACK_MTU = 65536;

/** What is behind a device. */
export type DeviceKind = 'loopback' | 'veth' | 'uplink' | 'tunnel';

/** A device of one network namespace. */
export class NetDevice {
  readonly ifindex: number;
  readonly name: string;
  readonly kind: DeviceKind;
  readonly mac: Mac;
  readonly netns: NetNs;
  readonly #kernel: Kernel;
  /** The other end of a veth pair. */
  peer: NetDevice | null = null;
  /** Takes the frames of an uplink. */
  uplink: ((packet: Packet) => void) | null = null;
  /** Takes the packets of a tunnel. */
  encapsulate: ((skb: Skb) => void) | null = null;
  /** Programs at the tc hooks. */
  ingress: TcProgram | null = null;
  egress: TcProgram | null = null;
  /** What is wrong with the link it sends on; `null`: nothing. */
  netem: Netem | null = null;
  up = true;
  /** Largest packet without its Ethernet header. */
  readonly mtu: number;
  /** Frames that wait for the softirq. */
  readonly #backlog = new Fifo<Skb>();
  readonly #poll = (): void => this.receiveSkb(this.#backlog.shift() as Skb);
  /** Frames received and sent. */
  rxPackets = 0;
  txPackets = 0;

  constructor(
    kernel: Kernel,
    netns: NetNs,
    options: { readonly ifindex: number; readonly name: string; readonly kind: DeviceKind; readonly mac: Mac },
  ) {
    this.#kernel = kernel;
    this.netns = netns;
    this.ifindex = options.ifindex;
    this.name = options.name;
    this.kind = options.kind;
    this.mac = options.mac;
    this.mtu = options.kind === 'loopback' ? LOOPBACK_MTU : ETHERNET_MTU;
  }

  /** A frame arrives from outside (an uplink's far side). */
  receive(packet: Packet): void {
    this.receiveSkb(new Skb(packet));
  }

  /** A frame for the next softirq; each has one of its own. @see linux:net/core/dev.c#enqueue_to_backlog */
  enqueue(skb: Skb): void {
    this.#backlog.push(skb);
    this.#kernel.scheduler.after(0, 'softirq', this.#poll);
  }

  /** @see linux:net/core/dev.c#__netif_receive_skb_core */
  receiveSkb(skb: Skb): void {
    if (!this.up) {
      return;
    }
    this.rxPackets += 1;
    skb.ifindex = this.ifindex;
    if (this.ingress === null) {
      this.netns.receive(skb, this);
      return;
    }
    const action = this.ingress(skb);
    switch (action) {
      case TC_ACT_OK:
        this.netns.receive(skb, this);
        return;
      case TC_ACT_SHOT:
        return;
      case TC_ACT_REDIRECT:
        this.#kernel.redirect(skb);
        return;
      default:
        assertNever(action, 'tc action');
    }
  }

  /** @see linux:net/core/dev.c#__dev_queue_xmit */
  transmit(skb: Skb): void {
    if (!this.up) {
      return;
    }
    skb.ifindex = this.ifindex;
    if (this.egress !== null) {
      const action = this.egress(skb);
      switch (action) {
        case TC_ACT_OK:
          break;
        case TC_ACT_SHOT:
          return;
        case TC_ACT_REDIRECT:
          this.#kernel.redirect(skb);
          return;
        default:
          assertNever(action, 'tc action');
      }
    }
    this.txPackets += 1;
    if (this.netem === null) {
      this.#startXmit(skb, 0);
      return;
    }
    for (const [copy, delay] of this.netem.arrivals().entries()) {
      this.#startXmit(copy === 0 ? skb : skb.clone(), delay);
    }
  }

  #startXmit(skb: Skb, delay: Nanos): void {
    const target = this.kind === 'loopback' ? this : this.peer;
    if (target === null) {
      if (this.encapsulate !== null) {
        this.encapsulate(skb);
      } else if (delay === 0) {
        this.uplink?.(skb.packet);
      } else {
        this.#kernel.scheduler.after(delay, 'netem', () => this.uplink?.(skb.packet));
      }
      return;
    }
    const { eth } = skb.packet;
    if (eth.dst === 0) {
      skb.packet = withEth(skb.packet, { dst: target.mac, src: this.mac, type: eth.type });
    }
    if (target.netns !== this.netns) {
      scrub(skb);
    }
    if (delay === 0) {
      target.enqueue(skb);
    } else {
      this.#kernel.scheduler.after(delay, 'softirq', () => target.receiveSkb(skb));
    }
  }
}

/** What does not cross into another namespace. @see linux:net/core/skbuff.c#skb_scrub_packet */
function scrub(skb: Skb): void {
  skb.mark = 0;
  skb.tcIndex = 0;
  skb.tunnelKey = null;
  skb.notrack = false;
  skb.nfct = null;
  skb.sk = null;
}
