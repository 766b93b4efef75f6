/**
 * One node's kernel: its network namespaces, its devices, the packet counter.
 */
import type { Mac } from '../net/mac.ts';
import type { Packet } from '../net/packet.ts';
import { assertPresent } from '../sim/assert.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import type { BpfFs } from './bpffs.ts';
import { type CgroupPrograms, HOST_NETNS_COOKIE } from './cgroup.ts';
import { NetDevice } from './netdev.ts';
import { NetNs } from './netns.ts';
import type { Skb } from './skb.ts';

/** What a kernel is made of. */
export interface KernelDeps {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly bpffs: BpfFs;
  /** Numbers packets; shared by all kernels of a cluster so that a packet has one number everywhere. */
  readonly nextPacketId: () => number;
}

/** One end of a new veth pair. */
export interface VethEnd {
  readonly name: string;
  readonly netns: NetNs;
  readonly mac: Mac;
}

/** The kernel. */
export class Kernel {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly bpffs: BpfFs;
  readonly nextPacketId: () => number;
  /** Programs at the root control group. */
  cgroup: CgroupPrograms | null = null;
  readonly #devices = new Map<number, NetDevice>();
  #nextIfindex = 1;
  #nextCookie = 1;
  #nextNetnsCookie = HOST_NETNS_COOKIE;

  constructor(deps: KernelDeps) {
    this.scheduler = deps.scheduler;
    this.rng = deps.rng;
    this.journey = deps.journey;
    this.bpffs = deps.bpffs;
    this.nextPacketId = deps.nextPacketId;
  }

  /** A namespace with its loopback device. */
  newNetns(name: string): NetNs {
    const netns = new NetNs(this, name, this.#nextNetnsCookie++);
    netns.attachLoopback(this.#add(netns, 'lo', 'loopback', 0));
    return netns;
  }

  /** The cookie of a new socket. @see linux:net/core/sock_diag.c#__sock_gen_cookie */
  nextSocketCookie(): number {
    return this.#nextCookie++;
  }

  /** The device of an index, in whatever namespace. @remarks Simplified: indexes are unique in the whole kernel, not per namespace. */
  device(ifindex: number): NetDevice | undefined {
    return this.#devices.get(ifindex);
  }

  /** Two devices, each the other's far side. */
  createVeth(a: VethEnd, b: VethEnd): [NetDevice, NetDevice] {
    const first = this.#add(a.netns, a.name, 'veth', a.mac);
    const second = this.#add(b.netns, b.name, 'veth', b.mac);
    first.peer = second;
    second.peer = first;
    return [first, second];
  }

  /** A network card; `transmit` gets what it sends. */
  createUplink(end: VethEnd, transmit: (packet: Packet) => void): NetDevice {
    const device = this.#add(end.netns, end.name, 'uplink', end.mac);
    device.uplink = transmit;
    return device;
  }

  /** A device without another end, for tunnels. */
  createTunnel(end: VethEnd, encapsulate: (skb: Skb) => void): NetDevice {
    const device = this.#add(end.netns, end.name, 'tunnel', end.mac);
    device.encapsulate = encapsulate;
    return device;
  }

  /** Removes a device (and a veth's other end) with its addresses and routes. */
  deleteDevice(device: NetDevice): void {
    for (const one of device.peer === null ? [device] : [device, device.peer]) {
      one.up = false;
      this.#devices.delete(one.ifindex);
      one.netns.detach(one);
    }
  }

  /** What bpf_redirect asked for. @see linux:net/core/filter.c#skb_do_redirect */
  redirect(skb: Skb): void {
    const device = this.#devices.get(skb.redirectIfindex);
    if (device === undefined) {
      return;
    }
    if (skb.redirectPeer) {
      skb.mark = 0;
      assertPresent(device.peer, `peer of ${device.name}`).receiveSkb(skb);
    } else if (skb.redirectIngress) {
      device.enqueue(skb);
    } else {
      device.transmit(skb);
    }
  }

  #add(netns: NetNs, name: string, kind: NetDevice['kind'], mac: Mac): NetDevice {
    const device = new NetDevice(this, netns, { ifindex: this.#nextIfindex++, name, kind, mac });
    this.#devices.set(device.ifindex, device);
    netns.devices.set(name, device);
    return device;
  }
}
