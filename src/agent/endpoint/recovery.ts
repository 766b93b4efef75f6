/**
 * The controller that regenerates an endpoint again after a failure.
 * @see cilium:pkg/endpoint/policy.go#Endpoint.startRegenerationFailureHandler
 * @see cilium:pkg/controller/controller.go#Controller.runController
 */
import { SECOND } from '../../sim/clock.ts';
import type { Scheduler } from '../../sim/scheduler.ts';

/** How much longer the wait gets with each failure in a row. */
const ERROR_RETRY_BASE = 2 * SECOND;

/** What the controller works with. */
export interface RecoveryDeps {
  readonly scheduler: Scheduler;
  /** Asks for a regeneration; `false` if one is asked for already, and `ended` is never called. */
  readonly regenerate: (ended: (success: boolean) => void) => boolean;
  /** The quirk `recoveryOnlyOnce`. */
  readonly onlyOnce: boolean;
}

/** The controller of one endpoint. */
export class RegenerationRecovery {
  readonly #deps: RecoveryDeps;
  #state: 'waiting' | 'running' | 'sleeping' | 'done' = 'waiting';
  /** A failure that nobody has dealt with; of several there is one. @see cilium:pkg/endpoint/endpoint.go#Endpoint `regenFailedChan` */
  #signal = false;
  #errors = 0;

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
  }

  /** Whether nobody will try again after the next failure. */
  get usedUp(): boolean {
    return this.#state === 'done';
  }

  /** A regeneration has failed. */
  failed(): void {
    this.#signal = true;
    this.#react();
  }

  #react(): void {
    if (this.#state !== 'waiting' || !this.#signal) {
      return;
    }
    this.#signal = false;
    this.#state = 'running';
    if (!this.#deps.regenerate((success) => this.#ended(success))) {
      // As 1.13.3: another regeneration that waits counts as a success of this one.
      this.#ended(true);
    }
  }

  #ended(success: boolean): void {
    if (success) {
      this.#errors = 0;
      // A controller without an interval ends with its first success, and nobody starts it again.
      this.#state = this.#deps.onlyOnce ? 'done' : 'waiting';
      this.#react();
      return;
    }
    this.#errors += 1;
    this.#state = 'sleeping';
    // A failure that comes again and again is no work that will ever be finished: not counted as such.
    this.#deps.scheduler.after(this.#errors * ERROR_RETRY_BASE, 'periodic:endpoint-regeneration-recovery', () => {
      this.#state = 'waiting';
      this.#react();
    });
  }
}
