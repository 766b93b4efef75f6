/**
 * Faults that a cluster can have, each for a while or for good: links, proxy, xDS, maps, names, clock, news of the API server.
 * What happens is drawn from the cluster's seed, so a run with faults is as repeatable as one without.
 */
import type { HashMap } from '../kernel/hash_map.ts';
import { type Impairment, Netem, NO_IMPAIRMENT } from '../kernel/netem.ts';
import { parseIpv4 } from '../net/ipv4.ts';
import { MILLISECOND, type Nanos } from '../sim/clock.ts';
import type { JsonObject } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';

/** A link: the underlay between nodes and hosts outside, or the veth pair of a pod. */
export type Link = 'fabric' | { readonly namespace: string; readonly name: string };

/** A fault. Durations are nanoseconds. */
export type ClusterFault =
  | { readonly kind: 'loss' | 'duplicate'; readonly on: Link; readonly share: number }
  | { readonly kind: 'delay'; readonly on: Link; readonly share: number; readonly delay: Nanos }
  /** The proxy process dies; it comes back when the fault ends. */
  | { readonly kind: 'proxy-crash'; readonly node: string | null }
  /** The proxy refuses every update. */
  | { readonly kind: 'nack'; readonly node: string | null }
  /** The proxy's answers come late. */
  | { readonly kind: 'slow-ack'; readonly node: string | null; readonly delay: Nanos }
  /** The agent sends the proxy nothing. */
  | { readonly kind: 'hold-xds'; readonly node: string | null }
  /** No more than so many entries fit into a map. */
  | { readonly kind: 'map-full'; readonly node: string | null; readonly map: string; readonly entries: number }
  /** So many entries of a map are lost, the oldest first. */
  | { readonly kind: 'evict'; readonly node: string | null; readonly map: string; readonly entries: number }
  /** A name outside has other addresses. */
  | { readonly kind: 'dns'; readonly name: string; readonly ips: readonly string[] }
  /** The wall clock jumps. */
  | { readonly kind: 'clock'; readonly by: Nanos }
  /** News of the API server comes late, each kind by itself. */
  | { readonly kind: 'late-events'; readonly delay: Nanos }
  /** News of the API server comes twice: watchers hear of every object again. */
  | { readonly kind: 'repeated-events' };

/** Faults that are moments: they have no end. */
export const MOMENTS: readonly ClusterFault['kind'][] = ['evict', 'dns', 'clock', 'repeated-events'];

/** Undoes a fault. */
type End = () => void;

/** The faults of a cluster. */
export class Faults {
  readonly #cluster: Cluster;
  readonly #rng: Rng;
  #active = 0;

  constructor(cluster: Cluster, rng: Rng) {
    this.#cluster = cluster;
    this.#rng = rng;
  }

  /** How many last. */
  get active(): number {
    return this.#active;
  }

  /** Begins a fault, which ends by itself after a time (`null`: never). An error text if it cannot be. */
  begin(fault: ClusterFault, lasts: Nanos | null): string | null {
    const { scheduler } = this.#cluster;
    const end = this.#start(fault);
    if (typeof end === 'string') {
      return end;
    }
    this.#record(fault, 'begins');
    if (!MOMENTS.includes(fault.kind)) {
      this.#active += 1;
      if (lasts !== null) {
        scheduler.after(lasts, 'fault ends', () => {
          this.#active -= 1;
          end();
          this.#record(fault, 'ends');
        });
      }
    }
    return null;
  }

  #start(fault: ClusterFault): End | string {
    switch (fault.kind) {
      case 'loss':
        return this.#impair(fault.on, { ...NO_IMPAIRMENT, loss: fault.share });
      case 'duplicate':
        return this.#impair(fault.on, { ...NO_IMPAIRMENT, duplicate: fault.share });
      case 'delay':
        return this.#impair(fault.on, { ...NO_IMPAIRMENT, delayed: fault.share, delay: fault.delay });
      case 'proxy-crash':
      case 'nack':
      case 'slow-ack':
      case 'hold-xds':
        return this.#onNode(fault.node, (node) => proxyFault(node, fault));
      case 'map-full':
      case 'evict':
        return this.#onNode(fault.node, (node) => mapFault(node, fault));
      case 'dns': {
        const ips = fault.ips.flatMap((ip) => parseIpv4(ip) ?? []);
        return this.#cluster.outside.names.replace(fault.name, ips) ? nothing : `there is no name "${fault.name}" with addresses outside`;
      }
      case 'clock':
        this.#cluster.clock.jumpWall(Math.round(fault.by / MILLISECOND));
        return nothing;
      case 'late-events': {
        const { watchEvents } = this.#cluster;
        watchEvents.late += fault.delay;
        return () => {
          watchEvents.late -= fault.delay;
        };
      }
      case 'repeated-events':
        this.#cluster.api.resync();
        return nothing;
    }
  }

  #impair(on: Link, impairment: Impairment): End | string {
    const { fabric } = this.#cluster;
    if (on === 'fabric') {
      fabric.netem ??= new Netem(this.#rng.fork('fabric'));
      return fabric.netem.add(impairment);
    }
    const device = this.#cluster.nodeOf(on.namespace, on.name)?.kubelet.sandbox(on.namespace, on.name)?.device ?? null;
    const peer = device?.peer ?? null;
    if (device === null || peer === null) {
      return `pod ${on.namespace}/${on.name} does not run, or has no link of its own`;
    }
    device.netem ??= new Netem(this.#rng.fork(`to ${on.namespace}/${on.name}`));
    peer.netem ??= new Netem(this.#rng.fork(`from ${on.namespace}/${on.name}`));
    const ends = [device.netem.add(impairment), peer.netem.add(impairment)];
    return () => {
      for (const end of ends) {
        end();
      }
    };
  }

  #onNode(name: string | null, start: (node: Node) => End | string): End | string {
    const node = name === null ? this.#cluster.nodes[0] : this.#cluster.nodes.find((one) => one.name === name);
    return node === undefined ? `there is no node "${name ?? ''}"` : start(node);
  }

  #record(fault: ClusterFault, what: 'begins' | 'ends'): void {
    const { journey } = this.#cluster;
    if (journey.recording) {
      journey.add({
        kind: 'decide',
        actor: 'cluster',
        fn: 'fault',
        verdict: what,
        why: `${fault.kind} ${what}`,
        data: fault as unknown as JsonObject,
      });
    }
  }
}

function proxyFault(node: Node, fault: Extract<ClusterFault, { readonly kind: 'proxy-crash' | 'nack' | 'slow-ack' | 'hold-xds' }>): End {
  switch (fault.kind) {
    case 'proxy-crash':
      node.stopProxy();
      return () => node.startProxy();
    case 'nack':
      node.xds.refuse = true;
      return () => {
        node.xds.refuse = false;
      };
    case 'slow-ack':
      node.xds.ackDelay += fault.delay;
      return () => {
        node.xds.ackDelay -= fault.delay;
      };
    case 'hold-xds':
      node.agent.xdsServer.hold(true);
      return () => node.agent.xdsServer.hold(false);
  }
}

/** @remarks Not modelled: map faults of maps that are no hash maps (`cilium_ipcache`, the arrays). */
function mapFault(node: Node, fault: Extract<ClusterFault, { readonly kind: 'map-full' | 'evict' }>): End | string {
  const map = node.bpffs.get<HashMap<unknown, unknown>>(fault.map);
  if (map === undefined || !('capacity' in map)) {
    const names = node.bpffs.names().filter((name) => 'capacity' in (node.bpffs.get<object>(name) ?? {}));
    return `there is no hash map "${fault.map}"; there are ${names.join(', ')}`;
  }
  if (fault.kind === 'map-full') {
    const before = map.capacity;
    map.capacity = Math.min(fault.entries, before);
    return () => {
      map.capacity = before;
    };
  }
  for (const [key] of [...map.entries()].slice(0, fault.entries)) {
    map.delete(key);
  }
  return nothing;
}

function nothing(): void {
  // a moment has no end
}
