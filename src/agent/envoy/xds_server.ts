/**
 * The agent's xDS server, state of the world: one stream answers a subscription to a type with all its resources, and sends the next version
 * only after the answer to the last one.
 * @see cilium:pkg/envoy/xds/server.go#Server.processRequestStream
 * @see cilium:pkg/envoy/xds/watcher.go#ResourceWatcher.WatchResources
 */
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { DiscoveryRequest, DiscoveryResponse, TypeUrl, XdsServer, XdsStream } from '../../xds/stream.ts';
import type { CompletionCallback, WaitGroup } from '../completion/completion.ts';
import { AckingResources, type Acknowledgement, type Resource, type Undo } from './acking_resources.ts';

/** What a stream knows of a type it subscribes to. @see cilium:pkg/envoy/xds/server.go#perTypeStreamState */
interface TypeStream {
  /** A version above this one will be sent; `null` while the last response has no answer. */
  watched: number | null;
  /** The version the client has, or is taken to have; 0: none. */
  last: number;
  /** Names it asks for; empty: all. */
  wanted: readonly string[];
  /** The last version sent; 0 before the first. */
  version: number;
  /** Names of the resources in it. */
  names: readonly string[];
  /** It was refused. */
  refused: boolean;
}

interface StreamState {
  readonly onResponse: (response: DiscoveryResponse) => void;
  readonly types: Map<TypeUrl, TypeStream>;
  open: boolean;
}

/** Serves resources to any number of streams. */
export class XdsCacheServer implements XdsServer {
  readonly #scheduler: Scheduler;
  readonly #journey: Journey;
  readonly #types = new Map<TypeUrl, AckingResources>();
  readonly #streams: StreamState[] = [];
  /** While held, nothing is sent: for scenarios that look at the time in between. */
  #held = false;

  constructor(scheduler: Scheduler, journey: Journey) {
    this.#scheduler = scheduler;
    this.#journey = journey;
  }

  /** Version of a type's resources. */
  version(type: TypeUrl): number {
    return this.#type(type).version;
  }

  /** The resource of a name. */
  get(type: TypeUrl, name: string): Resource | undefined {
    return this.#type(type).get(name);
  }

  /** Whether nobody waits for an acknowledgement, and nothing is left to send or to be answered. */
  get quiet(): boolean {
    const settled = ([type, { watched }]: [TypeUrl, TypeStream]): boolean => watched !== null && !this.#isNews(type, watched);
    return [...this.#types.values()].every(({ quiet }) => quiet) && this.#streams.every(({ types }) => [...types].every(settled));
  }

  /**
   * Types whose newest version the proxy has refused. It is not sent again: whoever asks for the same resources waits in vain until some resource of
   * the type changes.
   */
  refused(): TypeUrl[] {
    const refused = ([type, { version, refused }]: [TypeUrl, TypeStream]): boolean => refused && version === this.version(type);
    return this.#streams.flatMap(({ types }) => [...types].filter(refused).map(([type]) => type));
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

  /** Adds or replaces a resource. */
  upsert(type: TypeUrl, name: string, resource: Resource, acknowledgement: Acknowledgement): Undo {
    return this.#type(type).upsert(name, resource, acknowledgement);
  }

  /** Removes a resource; `callback` hears of the answer, if `group` waits for it. */
  delete(type: TypeUrl, name: string, group: WaitGroup | null, callback?: CompletionCallback): Undo {
    return this.#type(type).delete(name, group, callback);
  }

  open(onResponse: (response: DiscoveryResponse) => void): XdsStream {
    const stream: StreamState = { onResponse, types: new Map(), open: true };
    this.#streams.push(stream);
    return {
      send: (request) => {
        this.#scheduler.after(0, 'xds request', () => this.#onRequest(stream, request));
      },
      close: () => {
        if (stream.open) {
          stream.open = false;
          this.#streams.splice(this.#streams.indexOf(stream), 1);
        }
      },
    };
  }

  /** A subscription, or the answer to a response: the last version accepted, and in the nonce the one that is answered. */
  #onRequest(stream: StreamState, request: DiscoveryRequest): void {
    const type = request.typeUrl;
    const acked = Number(request.versionInfo);
    const answered = Number(request.responseNonce);
    if (!stream.open || acked > answered) {
      return;
    }
    const state = stream.types.get(type) ?? { watched: null, last: 0, wanted: [], version: 0, names: [], refused: false };
    stream.types.set(type, state);
    if (answered > 0) {
      this.#recordAnswer(request, acked === answered);
    }
    state.refused = acked < answered;
    // A version that was refused counts as accepted here, so as not to send it over and over.
    state.last = state.refused ? state.version : acked;
    state.watched = state.last;
    state.wanted = request.resourceNames;
    const resources = this.#type(type);
    const node = request.nodeId.split('~')[1] ?? '';
    resources.handleResourceVersionAck(node, acked, answered, state.names, request.errorDetail ?? '');
    if (resources.version < state.watched) {
      resources.ensureVersion(state.watched + 1);
    } else {
      this.#sendTo(stream, type, state);
    }
  }

  #isNews(type: TypeUrl, watched: number): boolean {
    return watched === 0 || this.version(type) > watched;
  }

  #broadcast(type: TypeUrl): void {
    for (const stream of this.#streams) {
      const state = stream.types.get(type);
      if (state !== undefined) {
        this.#sendTo(stream, type, state);
      }
    }
  }

  #sendTo(stream: StreamState, type: TypeUrl, state: TypeStream): void {
    this.#scheduler.after(0, 'xds response', () => {
      if (!stream.open || this.#held || state.watched === null || !this.#isNews(type, state.watched)) {
        return;
      }
      const version = this.version(type);
      const resources = this.#type(type).getResources(state.last, state.wanted);
      if (resources === null) {
        state.watched = version;
        return;
      }
      state.watched = null;
      state.version = version;
      state.names = resources.map(({ name }) => name);
      state.refused = false;
      this.#record('processRequestStream', 'agent', 'envoy', `${shortType(type)} version ${version}: ${resources.length} resources`);
      stream.onResponse({ typeUrl: type, versionInfo: String(version), nonce: String(version), resources });
    });
  }

  #recordAnswer({ typeUrl, responseNonce, errorDetail }: DiscoveryRequest, accepted: boolean): void {
    const what = `${accepted ? 'ACK' : 'NACK'} ${shortType(typeUrl)} version ${responseNonce}`;
    this.#record('HandleResourceVersionAck', 'envoy', 'agent', what, errorDetail);
  }

  #record(fn: string, from: string, to: string, what: string, error?: string): void {
    if (this.#journey.recording) {
      const see = `cilium:pkg/envoy/xds/${fn === 'processRequestStream' ? 'server.go#Server' : 'ack.go#AckingResourceMutatorWrapper'}.${fn}`;
      this.#journey.add({ kind: 'message', actor: 'agent', fn, see, from, to, what, ...(error === undefined ? {} : { data: { error } }) });
    }
  }

  #type(type: TypeUrl): AckingResources {
    let resources = this.#types.get(type);
    if (resources === undefined) {
      resources = new AckingResources(() => this.#broadcast(type));
      this.#types.set(type, resources);
    }
    return resources;
  }
}

function shortType(type: TypeUrl): string {
  return type.slice(type.lastIndexOf('.') + 1);
}
