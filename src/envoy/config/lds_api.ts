/**
 * The listener subscription.
 * @see envoy:source/server/lds_api.cc#LdsApiImpl::onConfigUpdate
 */
import type { Listener } from '../../xds/listener.ts';
import { LISTENER_TYPE_URL } from '../../xds/stream.ts';
import type { ListenerManager } from '../network/listener_manager.ts';
import type { ServerContext } from '../server_context.ts';
import { Subscription } from './subscription.ts';

/** LDS. */
export class LdsApi {
  readonly #subscription: Subscription;

  constructor(context: ServerContext, listeners: ListenerManager) {
    this.#subscription = new Subscription(context, LISTENER_TYPE_URL, (resources, version) =>
      listeners.update(
        resources.map((named) => named.resource as Listener),
        version,
      ),
    );
  }

  /** Opens the stream. */
  start(): void {
    this.#subscription.start();
  }

  /** Closes the stream. */
  close(): void {
    this.#subscription.close();
  }
}
