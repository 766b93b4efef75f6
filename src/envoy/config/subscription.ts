/**
 * A state-of-the-world subscription to one resource type, with its acknowledgements.
 * @see envoy:source/common/config/grpc_mux_impl.cc#GrpcMuxImpl::onDiscoveryResponse
 * @see proxy:cilium/grpc_subscription.cc#subscribe
 */
import type { DiscoveryResponse, NamedResource, TypeUrl, XdsStream } from '../../xds/stream.ts';
import type { ServerContext } from '../server_context.ts';

/** Applies resources; a text is the error that makes the client refuse the update. */
export type OnConfigUpdate = (resources: readonly NamedResource[], version: string) => string | null;

/** The subscription. */
export class Subscription {
  readonly #context: ServerContext;
  readonly #typeUrl: TypeUrl;
  readonly #onUpdate: OnConfigUpdate;
  /** Resources that are wanted; empty: all. */
  readonly #names: readonly string[];
  #stream: XdsStream | null = null;
  /** Version of the last accepted update. */
  #version = '';

  constructor(context: ServerContext, typeUrl: TypeUrl, onUpdate: OnConfigUpdate, names: readonly string[] = []) {
    this.#context = context;
    this.#typeUrl = typeUrl;
    this.#onUpdate = onUpdate;
    this.#names = names;
  }

  /** Version of the last accepted update; empty before the first. */
  get version(): string {
    return this.#version;
  }

  /** Opens the stream and subscribes. */
  start(): void {
    this.#stream = this.#context.xds.open((response) => this.#context.dispatcher.run(() => this.#onResponse(response)));
    this.#send('', null);
  }

  /** Closes the stream. */
  close(): void {
    this.#stream?.close();
    this.#stream = null;
  }

  #onResponse(response: DiscoveryResponse): void {
    if (response.typeUrl !== this.#typeUrl || this.#stream === null) {
      return;
    }
    const stats = this.#context.stats;
    const prefix = `cilium.xds.${this.#typeUrl.slice(this.#typeUrl.lastIndexOf('.') + 1)}`;
    stats.get(`${prefix}.update_attempt`).value += 1;
    const error = this.#onUpdate(response.resources, response.versionInfo);
    if (error === null) {
      this.#version = response.versionInfo;
      stats.get(`${prefix}.update_success`).value += 1;
    } else {
      stats.get(`${prefix}.update_rejected`).value += 1;
    }
    this.#record(response, error);
    this.#send(response.nonce, error);
  }

  #send(nonce: string, error: string | null): void {
    this.#stream?.send({
      typeUrl: this.#typeUrl,
      nodeId: this.#context.options.nodeId,
      versionInfo: this.#version,
      responseNonce: nonce,
      resourceNames: this.#names,
      ...(error === null ? {} : { errorDetail: error }),
    });
  }

  #record(response: DiscoveryResponse, error: string | null): void {
    const journey = this.#context.journey;
    if (journey.recording) {
      const type = this.#typeUrl.slice(this.#typeUrl.lastIndexOf('.') + 1);
      journey.add({
        kind: 'message',
        actor: 'envoy',
        fn: 'GrpcMuxImpl::onDiscoveryResponse',
        see: 'envoy:source/common/config/grpc_mux_impl.cc#GrpcMuxImpl::onDiscoveryResponse',
        from: 'envoy',
        to: 'agent',
        what: `${error === null ? 'ACK' : 'NACK'} ${type} version ${response.versionInfo}`,
        data: { typeUrl: this.#typeUrl, version: response.versionInfo, resources: response.resources.map((named) => named.name), error },
      });
    }
  }
}
