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
import { armAgentCrash, type CrashPoint } from './agent_crash.ts';
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
  /** The agent dies, and the proxy with it; it comes back when the fault ends. */
  | ({ readonly kind: 'agent-crash'; readonly node: string | null } & CrashPoint)
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
  /** How many faults ask for a state, by kind and node. */
  readonly #wanted = new Map<string, number>();
  /** How many entries the faults of a map leave. */
  readonly #limits = new Map<HashMap<unknown, unknown>, number[]>();

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
    if (fault.kind === 'agent-crash') {
      return this.#crash(fault, lasts);
    }
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

  /** It has begun when the agent is dead, and lasts from then on; until then it is under way all the same. */
  #crash(fault: Extract<ClusterFault, { readonly kind: 'agent-crash' }>, lasts: Nanos | null): string | null {
    const started = this.#onNode(fault.node, (node) => {
      this.#active += 1;
      armAgentCrash(this.#cluster.scheduler, node, fault, lasts, {
        struck: () => this.#record(fault, 'begins'),
        over: () => {
          this.#active -= 1;
          this.#record(fault, 'ends');
        },
      });
      return nothing;
    });
    return typeof started === 'string' ? started : null;
  }

  #start(fault: Exclude<ClusterFault, { readonly kind: 'agent-crash' }>): End | string {
    switch (fault.kind) {
      case 'loss':
        return this.#impair(fault.on, { ...NO_IMPAIRMENT, loss: fault.share });
      case 'duplicate':
        return this.#impair(fault.on, { ...NO_IMPAIRMENT, duplicate: fault.share });
      case 'delay':
        return this.#impair(fault.on, { ...NO_IMPAIRMENT, delayed: fault.share, delay: fault.delay });
      case 'proxy-crash':
      case 'nack':
      case 'hold-xds':
        return this.#onNode(fault.node, (node) => this.#shared(node, fault.kind));
      case 'slow-ack':
        return this.#onNode(fault.node, (node) => {
          node.xds.ackDelay += fault.delay;
          return () => {
            node.xds.ackDelay -= fault.delay;
          };
        });
      case 'map-full':
        return this.#onNode(fault.node, (node) => this.#fill(node, fault));
      case 'evict':
        return this.#onNode(fault.node, (node) => evict(node, fault));
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

  /** A state that several faults may ask for at once; it ends with the last of them. */
  #shared(node: Node, kind: 'proxy-crash' | 'nack' | 'hold-xds'): End {
    const key = `${kind} ${node.name}`;
    const count = (by: number): number => {
      const now = (this.#wanted.get(key) ?? 0) + by;
      this.#wanted.set(key, now);
      return now;
    };
    if (count(1) === 1) {
      setState(node, kind, true);
    }
    return () => {
      if (count(-1) === 0) {
        setState(node, kind, false);
      }
    };
  }

  /** @remarks Not modelled: faults of maps that are no hash maps (`cilium_ipcache`, the arrays). */
  #fill(node: Node, { map: name, entries }: Extract<ClusterFault, { readonly kind: 'map-full' }>): End | string {
    const map = hashMapOf(node, name);
    if (typeof map === 'string') {
      return map;
    }
    const limits = this.#limits.get(map) ?? [];
    this.#limits.set(map, limits);
    const apply = (): void => {
      map.capacity = Math.min(map.spec.maxEntries, ...limits);
    };
    limits.push(entries);
    apply();
    return () => {
      limits.splice(limits.indexOf(entries), 1);
      apply();
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

/** The hash map of a name, or what there is. */
function hashMapOf(node: Node, name: string): HashMap<unknown, unknown> | string {
  const map = node.bpffs.get<HashMap<unknown, unknown>>(name);
  if (map !== undefined && 'capacity' in map) {
    return map;
  }
  const names = node.bpffs.names().filter((one) => 'capacity' in (node.bpffs.get<object>(one) ?? {}));
  return `there is no hash map "${name}"; there are ${names.join(', ')}`;
}

function evict(node: Node, { map: name, entries }: Extract<ClusterFault, { readonly kind: 'evict' }>): End | string {
  const map = hashMapOf(node, name);
  if (typeof map === 'string') {
    return map;
  }
  for (const [key] of [...map.entries()].slice(0, entries)) {
    map.delete(key);
  }
  return nothing;
}

function setState(node: Node, kind: 'proxy-crash' | 'nack' | 'hold-xds', on: boolean): void {
  switch (kind) {
    case 'proxy-crash':
      if (on) {
        node.stopProxy();
      } else {
        node.startProxy();
      }
      return;
    case 'nack':
      node.xds.refuse = on;
      return;
    case 'hold-xds':
      node.agent.xdsServer.hold(on);
  }
}

function nothing(): void {
  // a moment has no end
}
