/**
 * The library's own subscription to network policies: a second client beside Envoy's, with a node id and acknowledgements of its own.
 * @see cilium:proxylib/npds/client.go#Client.Run
 * @remarks Not modelled: connecting again after the agent's socket was gone: a new agent starts a new proxy.
 */
import type { NetworkPolicy } from '../../xds/npds.ts';
import { type DiscoveryResponse, NETWORK_POLICY_TYPE_URL, type XdsStream } from '../../xds/stream.ts';
import type { ServerContext } from '../server_context.ts';

/** Takes policies, or says what is wrong with them. @see cilium:proxylib/proxylib/instance.go#PolicyUpdater */
export interface PolicyUpdater {
  readonly nodeId: string;
  policyUpdate(resources: readonly NetworkPolicy[]): string | null;
}

/** The client. */
export class NpdsClient {
  readonly #context: Pick<ServerContext, 'xds' | 'journey'>;
  readonly #updater: PolicyUpdater;
  #stream: XdsStream | null = null;
  /** Version of the last accepted update. */
  #version = '';
  /** Stays set until an update is accepted. */
  #error: string | null = null;

  constructor(context: Pick<ServerContext, 'xds' | 'journey'>, updater: PolicyUpdater) {
    this.#context = context;
    this.#updater = updater;
  }

  /** Opens the stream and subscribes. */
  start(): void {
    this.#stream = this.#context.xds.open((response) => this.#onResponse(response));
    this.#send('');
  }

  /** Closes the stream. */
  close(): void {
    this.#stream?.close();
    this.#stream = null;
  }

  #onResponse(response: DiscoveryResponse): void {
    if (this.#stream === null || response.typeUrl !== NETWORK_POLICY_TYPE_URL) {
      return;
    }
    const error = this.#updater.policyUpdate(response.resources.map((named) => named.resource as NetworkPolicy));
    if (error === null) {
      this.#error = null;
      this.#version = response.versionInfo;
    } else {
      this.#error = `NPDS: Client ${this.#updater.nodeId} rejecting invalid policy on /var/run/cilium/xds.sock: ${error}`;
    }
    this.#record(response);
    this.#send(response.nonce);
  }

  #send(nonce: string): void {
    this.#stream?.send({
      typeUrl: NETWORK_POLICY_TYPE_URL,
      nodeId: this.#updater.nodeId,
      versionInfo: this.#version,
      responseNonce: nonce,
      resourceNames: [],
      ...(this.#error === null ? {} : { errorDetail: this.#error }),
    });
  }

  #record(response: DiscoveryResponse): void {
    const { journey } = this.#context;
    if (journey.recording) {
      journey.add({
        kind: 'message',
        actor: 'envoy',
        fn: 'Client.Run',
        see: 'cilium:proxylib/npds/client.go#Client.Run',
        from: 'envoy',
        to: 'agent',
        what: `${this.#error === null ? 'ACK' : 'NACK'} NetworkPolicy version ${response.versionInfo} by proxylib`,
        data: { version: response.versionInfo, error: this.#error },
      });
    }
  }
}
