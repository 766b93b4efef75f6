/**
 * All listeners: what an LDS update adds, changes and removes.
 * @see envoy:source/server/listener_manager_impl.cc#ListenerManagerImpl
 */
import { SECOND } from '../../sim/clock.ts';
import type { Listener } from '../../xds/listener.ts';
import type { ServerContext } from '../server_context.ts';
import { ActiveListener } from './active_listener.ts';

/** Removed listeners let their connections live this long. @see envoy:source/server/options_impl.cc#OptionsImpl (drain-time-s) */
const DRAIN_TIME = 600 * SECOND;

/** A listener in force, for the admin pages. */
export interface ListenerEntry {
  readonly listener: ActiveListener;
  readonly version: string;
  /** Wall milliseconds of its last change. */
  readonly lastUpdated: number;
}

/** The manager. */
export class ListenerManager {
  readonly #context: ServerContext;
  readonly #listeners = new Map<string, ListenerEntry>();
  /** Listeners that wait for their routes and secrets. */
  readonly #warming = new Map<string, ActiveListener>();
  readonly #draining = new Set<ActiveListener>();
  #version = '';

  constructor(context: ServerContext) {
    this.#context = context;
  }

  /** Version of the last accepted update. */
  get version(): string {
    return this.#version;
  }

  /** Listeners in order of their creation. */
  entries(): readonly ListenerEntry[] {
    return [...this.#listeners.values()];
  }

  /**
   * Applies a whole update. What is good of it stays applied even if the rest is refused; the text is the reason of the refusal.
   * @see envoy:source/server/lds_api.cc#LdsApiImpl::onConfigUpdate
   */
  update(resources: readonly Listener[], version: string): string | null {
    const names = new Set(resources.map((listener) => listener.name));
    for (const name of [...this.#listeners.keys(), ...this.#warming.keys()]) {
      if (!names.has(name)) {
        this.#remove(name);
      }
    }
    let errors = '';
    for (const config of resources) {
      const error = this.#addOrUpdate(config, version);
      if (error !== null) {
        errors += `Error adding/updating listener(s) ${config.name}: ${error}\n`;
        this.#context.stats.get('listener_manager.listener_create_failure').value += 1;
      }
    }
    if (errors !== '') {
      return errors;
    }
    this.#version = version;
    return null;
  }

  /** The process is gone. */
  abort(): void {
    for (const { listener } of this.#listeners.values()) {
      listener.abort();
    }
    for (const listener of this.#draining) {
      listener.abort();
    }
    this.#listeners.clear();
    this.#warming.clear();
    this.#draining.clear();
  }

  #addOrUpdate(config: Listener, version: string): string | null {
    const known = this.#warming.get(config.name) ?? this.#listeners.get(config.name)?.listener;
    if (known !== undefined && JSON.stringify(known.config) === JSON.stringify(config)) {
      return null;
    }
    const listener = ActiveListener.create(this.#context, config);
    if (typeof listener === 'string') {
      return listener;
    }
    this.#warming.get(config.name)?.release();
    this.#warming.set(config.name, listener);
    let error: string | null = null;
    listener.whenReady(() => {
      if (this.#warming.get(config.name) === listener) {
        this.#warming.delete(config.name);
        error = this.#activate(listener, version);
      }
    });
    return error;
  }

  /** The listener is warm: it takes the place of the one before. @see envoy:source/server/listener_manager_impl.cc#ListenerManagerImpl::onListenerWarmed */
  #activate(listener: ActiveListener, version: string): string | null {
    const { config } = listener;
    const old = this.#listeners.get(config.name);
    old?.listener.stopListening();
    const error = listener.listen();
    if (error !== null) {
      old?.listener.listen();
      return error;
    }
    if (old !== undefined) {
      this.#drain(old.listener);
    }
    this.#listeners.set(config.name, { listener, version, lastUpdated: this.#context.dispatcher.clock.wallMillis() });
    this.#context.stats.get(old === undefined ? 'listener_manager.listener_added' : 'listener_manager.listener_modified').value += 1;
    this.#record(config.name, old === undefined ? null : 'active', 'active');
    return null;
  }

  #remove(name: string): void {
    this.#warming.get(name)?.release();
    this.#warming.delete(name);
    const entry = this.#listeners.get(name);
    if (entry !== undefined) {
      this.#listeners.delete(name);
      this.#context.stats.get('listener_manager.listener_removed').value += 1;
      this.#record(name, 'active', null);
      this.#drain(entry.listener);
    }
  }

  #drain(listener: ActiveListener): void {
    listener.stopListening();
    listener.draining = true;
    this.#draining.add(listener);
    this.#context.dispatcher.timer(DRAIN_TIME, 'periodic:envoy listener drain', () => {
      this.#draining.delete(listener);
      listener.closeConnections();
      listener.release();
    });
  }

  #record(name: string, before: string | null, after: string | null): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'change',
        actor: 'envoy',
        fn: after === null ? 'ListenerManagerImpl::removeListener' : 'ListenerManagerImpl::addOrUpdateListener',
        see: 'envoy:source/server/listener_manager_impl.cc#ListenerManagerImpl',
        target: 'listeners',
        key: name,
        before,
        after,
      });
    }
  }
}
