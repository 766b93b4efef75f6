/** The xDS connection between agent and proxy of a node, with what can be wrong with it: answers that are late, updates that the proxy refuses. */
import type { Nanos } from '../sim/clock.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import type { DiscoveryRequest, DiscoveryResponse, TypeUrl, XdsServer, XdsStream } from '../xds/stream.ts';

/** Stands between the proxy and the agent's server. */
export class XdsLink implements XdsServer {
  readonly #scheduler: Scheduler;
  /** The agent's server of the moment. */
  readonly #server: () => XdsServer;
  /** How late the proxy's answers arrive. */
  ackDelay: Nanos = 0;
  /** Whether the proxy refuses every update. */
  refuse = false;

  constructor(scheduler: Scheduler, server: () => XdsServer) {
    this.#scheduler = scheduler;
    this.#server = server;
  }

  open(onResponse: (response: DiscoveryResponse) => void): XdsStream {
    const accepted = new Map<TypeUrl, DiscoveryRequest>();
    const stream = this.#server().open((response) => {
      const last = accepted.get(response.typeUrl);
      if (this.refuse && last !== undefined) {
        stream.send({ ...last, responseNonce: response.nonce, errorDetail: 'refused by a fault' });
      } else {
        onResponse(response);
      }
    });
    return {
      send: (request) => {
        accepted.set(request.typeUrl, request);
        if (this.ackDelay === 0) {
          stream.send(request);
        } else {
          this.#scheduler.after(this.ackDelay, 'slow ACK', () => stream.send(request));
        }
      },
      close: () => stream.close(),
    };
  }
}
