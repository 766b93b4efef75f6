/**
 * Listeners that redirects share: the first user adds one, the last one takes it away.
 * @see cilium:pkg/envoy/server.go#XDSServer.addListener
 */
import type { Listener } from '../../xds/listener.ts';
import { LISTENER_TYPE_URL } from '../../xds/stream.ts';
import type { Completion, WaitGroup } from '../completion/completion.ts';
import type { Undo } from './acking_resources.ts';
import type { XdsCacheServer } from './xds_server.ts';

/** @see cilium:pkg/envoy/server.go#Listener */
interface SharedListener {
  /** Redirects that use it. */
  count: number;
  acked: boolean;
  nacked: boolean;
  /** Who came while the proxy had not answered yet. */
  waiters: Completion[];
}

/** The listeners of a node's proxy. */
export class ProxyListeners {
  readonly #xds: XdsCacheServer;
  readonly #listeners = new Map<string, SharedListener>();
  #count = 0;

  constructor(xds: XdsCacheServer) {
    this.#xds = xds;
  }

  /** Whether there is one: without, the proxy asks for no policies and will acknowledge none. */
  get any(): boolean {
    return this.#count > 0;
  }

  /** One more user; `group` waits until the proxy listens. Returns whether a resource was sent. */
  add(conf: Listener, group: WaitGroup): boolean {
    const { name } = conf;
    let listener = this.#listeners.get(name);
    if (listener === undefined) {
      listener = { count: 0, acked: false, nacked: false, waiters: [] };
      this.#listeners.set(name, listener);
      this.#count += 1;
    }
    listener.count += 1;
    if (listener.count > 1 && !listener.nacked) {
      if (!listener.acked) {
        listener.waiters.push(group.addCompletion());
      }
      return false;
    }
    if (listener.nacked) {
      listener.acked = false;
      listener.nacked = false;
    }
    this.#xds.upsert(LISTENER_TYPE_URL, name, conf, { group, callback: answered(listener) });
    return true;
  }

  /** One user less; `group` waits until the proxy has stopped listening. @see cilium:pkg/envoy/server.go#XDSServer.removeListener */
  remove(name: string, group: WaitGroup | null): { readonly removed: boolean; readonly revert: Undo } {
    const listener = this.#listeners.get(name);
    if (listener === undefined) {
      return { removed: false, revert: () => undefined };
    }
    listener.count -= 1;
    let undo: Undo | null = null;
    if (listener.count === 0) {
      this.#count -= 1;
      this.#listeners.delete(name);
      undo = this.#xds.delete(LISTENER_TYPE_URL, name, group);
    }
    const revert = (): void => {
      if (undo !== null) {
        undo();
        this.#count += 1;
      }
      listener.count += 1;
      this.#listeners.set(name, listener);
    };
    return { removed: undo !== null, revert };
  }
}

/** Who shares the listener hears what the one hears that added it; a listener that was refused is sent anew for the next user. */
function answered(listener: SharedListener): (error: string | null) => void {
  return (error) => {
    listener.acked ||= error === null;
    listener.nacked ||= error !== null;
    for (const waiter of listener.waiters.splice(0)) {
      waiter.complete(error);
    }
  };
}
