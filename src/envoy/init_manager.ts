/**
 * Waiting for what a configuration refers to: a listener is not used before its routes and secrets have come, a cluster not before its endpoints.
 * @see envoy:source/common/init/manager_impl.cc#ManagerImpl
 */
import { SECOND } from '../sim/clock.ts';
import type { Timer } from '../sim/scheduler.ts';
import type { Dispatcher } from './event/dispatcher.ts';

/** What is not sent within this time counts as empty. @see envoy:api/envoy/config/core/v3/config_source.proto (initial_fetch_timeout) */
const INITIAL_FETCH_TIMEOUT = 15 * SECOND;

/** One thing that is waited for. */
export class InitTarget {
  #ready = false;
  #timer: Timer | null = null;
  #watchers: (() => void)[] = [];
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** The subscription is sent: the time begins. */
  start(): void {
    if (!this.#ready) {
      this.#timer = this.#dispatcher.timer(INITIAL_FETCH_TIMEOUT, 'periodic:envoy initial fetch timeout', () => this.done());
    }
  }

  /** It has come, or will not. */
  done(): void {
    this.#timer?.cancel();
    if (!this.#ready) {
      this.#ready = true;
      for (const watcher of this.#watchers.splice(0)) {
        watcher();
      }
    }
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#timer?.cancel();
    this.#watchers = [];
  }

  /** Calls back once it is ready; at once if it is. */
  whenReady(watcher: () => void): void {
    if (this.#ready) {
      watcher();
    } else {
      this.#watchers.push(watcher);
    }
  }
}

/** Calls back once all targets are ready; at once if they are. */
export function whenAllReady(targets: readonly InitTarget[], callback: () => void): void {
  let missing = targets.filter(({ ready }) => !ready).length;
  if (missing === 0) {
    callback();
    return;
  }
  for (const target of targets) {
    if (!target.ready) {
      target.whenReady(() => {
        missing -= 1;
        if (missing === 0) {
          callback();
        }
      });
    }
  }
}
