/**
 * The agent's xDS server, state of the world: a cache of resources per type with one version counter each, and the bookkeeping of who has
 * acknowledged what.
 * @see cilium:pkg/envoy/xds/server.go
 * @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper
 */
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { DiscoveryRequest, DiscoveryResponse, NamedResource, TypeUrl, XdsServer, XdsStream } from '../../xds/stream.ts';

/** Hears whether a change was accepted: `null`, or the error of a NACK. */
export type Completion = (error: string | null) => void;

/** Node of the host's proxy, and of the library with parsers in it. @see cilium:pkg/envoy/server.go#getNodeIDs */
export const ENVOY_NODE = '127.0.0.1';
export const PROXYLIB_NODE = '127.0.0.2';
const ENVOY_ONLY: readonly string[] = [ENVOY_NODE];

/** A change that is not acknowledged. @see cilium:pkg/envoy/xds/ack.go#pendingCompletion */
interface Pending {
  readonly version: number;
  /** Nodes that have not answered. */
  readonly remaining: Set<string>;
  readonly complete: Completion;
}

interface TypeState {
  version: number;
  readonly resources: Map<string, NamedResource['resource']>;
  pending: Pending[];
  /** Last version accepted, by node. */
  readonly acked: Map<string, number>;
}

interface StreamState {
  readonly onResponse: (response: DiscoveryResponse) => void;
  /** Last version sent, by type; present once subscribed. */
  readonly sent: Map<TypeUrl, number>;
  open: boolean;
}

/** Serves resources to any number of streams. */
export class XdsCacheServer implements XdsServer {
  readonly #scheduler: Scheduler;
  readonly #journey: Journey;
  readonly #types = new Map<TypeUrl, TypeState>();
  readonly #streams: StreamState[] = [];
  /** While held, nothing is sent: for scenarios that look at the time in between. */
  #held = false;

  constructor(scheduler: Scheduler, journey: Journey) {
    this.#scheduler = scheduler;
    this.#journey = journey;
  }

  /** Version of a type's resources; 0 before the first change. */
  version(type: TypeUrl): number {
    return this.#type(type).version;
  }

  /** The resource of a name. */
  get(type: TypeUrl, name: string): NamedResource['resource'] | undefined {
    return this.#type(type).resources.get(name);
  }

  /** Whether changes wait for acknowledgement. */
  get quiet(): boolean {
    return [...this.#types.values()].every((state) => state.pending.length === 0);
  }

  /** Stops sending (`true`), or sends what has changed meanwhile (`false`). */
  hold(held: boolean): void {
    this.#held = held;
    if (!held) {
      for (const type of this.#types.keys()) {
        this.#broadcast(type);
      }
    }
  }

  /** Adds or replaces a resource; `completion` hears of the acknowledgement. @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.Upsert */
  upsert(
    type: TypeUrl,
    name: string,
    resource: NamedResource['resource'],
    completion: Completion | null,
    nodes: readonly string[] = ENVOY_ONLY,
  ): void {
    const state = this.#type(type);
    const changed = JSON.stringify(state.resources.get(name)) !== JSON.stringify(resource);
    if (changed) {
      state.resources.set(name, resource);
      state.version += 1;
    }
    if (!changed && this.#currentVersionAcked(type, nodes)) {
      completion?.(null);
      return;
    }
    this.#expect(state, completion, nodes);
    if (changed) {
      this.#broadcast(type);
    }
  }

  /** Removes a resource. */
  delete(type: TypeUrl, name: string, completion: Completion | null): void {
    const state = this.#type(type);
    if (state.resources.delete(name)) {
      state.version += 1;
      this.#expect(state, completion, ENVOY_ONLY);
      this.#broadcast(type);
    } else {
      completion?.(null);
    }
  }

  open(onResponse: (response: DiscoveryResponse) => void): XdsStream {
    const stream: StreamState = { onResponse, sent: new Map(), open: true };
    this.#streams.push(stream);
    return {
      send: (request) => {
        this.#scheduler.after(0, 'xds request', () => this.#onRequest(stream, request));
      },
      close: () => {
        stream.open = false;
        this.#streams.splice(this.#streams.indexOf(stream), 1);
      },
    };
  }

  #expect(state: TypeState, completion: Completion | null, nodes: readonly string[]): void {
    if (completion !== null) {
      state.pending.push({ version: state.version, remaining: new Set(nodes), complete: completion });
    }
  }

  /** @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.currentVersionAcked */
  #currentVersionAcked(type: TypeUrl, nodes: readonly string[]): boolean {
    const { version, acked } = this.#type(type);
    return nodes.every((node) => (acked.get(node) ?? -1) >= version);
  }

  /**
   * A node's answer: `acked` is the version it has, `answered` the one it speaks of. A change is done when all its nodes have answered; whether it
   * was accepted is what the last of them says.
   * @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.HandleResourceVersionAck
   */
  #handleResourceVersionAck(type: TypeUrl, node: string, acked: number, answered: number, detail: string): void {
    const state = this.#type(type);
    state.acked.set(node, Math.max(state.acked.get(node) ?? 0, acked));
    // Who waits stands in order of versions.
    if ((state.pending[0]?.version ?? Number.POSITIVE_INFINITY) > answered) {
      return;
    }
    const done: Pending[] = [];
    const left: Pending[] = [];
    for (const pending of state.pending) {
      const completes = pending.version <= answered && pending.remaining.delete(node) && pending.remaining.size === 0;
      (completes ? done : left).push(pending);
    }
    state.pending = left;
    for (const { version, complete } of done) {
      complete(version <= acked ? null : `NACK received: ${detail}`);
    }
  }

  /** @see cilium:pkg/envoy/xds/server.go#Server.processRequestStream */
  #onRequest(stream: StreamState, request: DiscoveryRequest): void {
    if (!stream.open) {
      return;
    }
    const type = request.typeUrl;
    if (request.responseNonce === '') {
      stream.sent.set(type, -1);
      this.#sendTo(stream, type);
      return;
    }
    const nonce = Number(request.responseNonce);
    const accepted = request.versionInfo === request.responseNonce;
    if (this.#journey.recording) {
      this.#journey.add({
        kind: 'message',
        actor: 'agent',
        fn: accepted ? 'HandleResourceVersionAck' : 'handleNACK',
        see: 'cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.HandleResourceVersionAck',
        from: 'envoy',
        to: 'agent',
        what: `${accepted ? 'ACK' : 'NACK'} ${shortType(type)} version ${nonce}`,
        ...(request.errorDetail === undefined ? {} : { data: { error: request.errorDetail } }),
      });
    }
    const node = request.nodeId.split('~')[1] ?? '';
    const acked = accepted ? nonce : Number(request.versionInfo);
    this.#handleResourceVersionAck(type, node, acked, nonce, request.errorDetail ?? '');
  }

  #broadcast(type: TypeUrl): void {
    for (const stream of [...this.#streams]) {
      if (stream.sent.has(type)) {
        this.#sendTo(stream, type);
      }
    }
  }

  #sendTo(stream: StreamState, type: TypeUrl): void {
    this.#scheduler.after(0, 'xds response', () => {
      const state = this.#type(type);
      if (!stream.open || this.#held || (stream.sent.get(type) ?? -1) >= state.version) {
        return;
      }
      stream.sent.set(type, state.version);
      const resources = [...state.resources].map(([name, resource]) => ({ name, resource }));
      if (this.#journey.recording) {
        this.#journey.add({
          kind: 'message',
          actor: 'agent',
          fn: 'processRequestStream',
          see: 'cilium:pkg/envoy/xds/server.go#Server.processRequestStream',
          from: 'agent',
          to: 'envoy',
          what: `${shortType(type)} version ${state.version}: ${resources.length} resources`,
        });
      }
      stream.onResponse({ typeUrl: type, versionInfo: String(state.version), nonce: String(state.version), resources });
    });
  }

  #type(type: TypeUrl): TypeState {
    let state = this.#types.get(type);
    if (state === undefined) {
      state = { version: 0, resources: new Map(), pending: [], acked: new Map() };
      this.#types.set(type, state);
    }
    return state;
  }
}

function shortType(type: TypeUrl): string {
  return type.slice(type.lastIndexOf('.') + 1);
}
