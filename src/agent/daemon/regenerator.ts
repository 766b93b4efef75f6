/**
 * When endpoints regenerate: requests, build slots, triggers, retries.
 * @see cilium:pkg/endpoint/policy.go#Endpoint.Regenerate
 * @see cilium:pkg/endpoint/events.go#EndpointRegenerationEvent.Handle
 */
import { SECOND } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import { type RegenerationDeps, regenerateBPF } from '../endpoint/bpf.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { syncPolicyMapWithDump } from '../endpoint/policy_map.ts';
import { RegenerationRecovery } from '../endpoint/recovery.ts';
import {
  REGENERATE_WITH_DATAPATH_REWRITE,
  REGENERATE_WITHOUT_DATAPATH,
  REGENERATION_LEVELS,
  type RegenerationLevel,
} from '../endpoint/state.ts';

/** Concurrent builds: max(2, CPUs). */
const BUILD_SLOTS = 2;
/** @see cilium:pkg/option/config.go#PolicyTriggerInterval */
const POLICY_TRIGGER_INTERVAL = 1 * SECOND;
/** How often a policy map is compared with what it should hold. */
const SYNC_POLICY_MAP_INTERVAL = 60 * SECOND;

/** What the regenerator works with. */
export interface RegeneratorDeps extends Omit<RegenerationDeps, 'releaseSlot'> {
  /** Called after each successful regeneration. */
  readonly regenerated: (endpoint: Endpoint) => void;
  /** The quirk of this name. */
  readonly recoveryOnlyOnce: boolean;
}

/** Hears whether a regeneration succeeded. */
type Ended = (success: boolean) => void;

/** Regenerates endpoints in turn. */
export class Regenerator {
  readonly #deps: RegeneratorDeps;
  #busySlots = 0;
  readonly #waitingForSlot: (() => void)[] = [];
  readonly #firstDone = new Map<number, () => void>();
  readonly #restored = new Map<number, () => void>();
  #trigger: Timer | null = null;
  #lastTrigger = Number.NEGATIVE_INFINITY;
  #running = 0;

  constructor(deps: RegeneratorDeps) {
    this.#deps = deps;
  }

  /** Whether nothing runs or is about to. */
  get idle(): boolean {
    return this.#running === 0 && this.#busySlots === 0 && this.#trigger === null;
  }

  /** The first regeneration of an endpoint; `ready` is called once it has succeeded. */
  regenerateFirst(endpoint: Endpoint, ready: () => void): void {
    this.#firstDone.set(endpoint.id, ready);
    this.regenerateIfAlive(endpoint, REGENERATE_WITH_DATAPATH_REWRITE, 'Initial build on endpoint creation');
  }

  /** The first regeneration under a new agent; `done` is called when it has ended, well or not. @see cilium:pkg/endpoint/restore.go#Endpoint.RegenerateAfterRestore */
  regenerateRestored(endpoint: Endpoint, done: () => void): void {
    this.#restored.set(endpoint.id, done);
    endpoint.queue.enqueue((next) => this.#handle(endpoint, REGENERATE_WITH_DATAPATH_REWRITE, 'syncing state to host', next));
  }

  /** Whether it will; `ended` is called then. @see cilium:pkg/endpoint/policy.go#Endpoint.RegenerateIfAlive */
  regenerateIfAlive(endpoint: Endpoint, level: RegenerationLevel, reason: string, ended: Ended = () => undefined): boolean {
    if (!endpoint.alive) {
      return false;
    }
    if (endpoint.state === 'waiting-to-regenerate' || endpoint.state === 'restoring') {
      // One that waits already will see everything that is new; only its level may have to rise.
      endpoint.skippedLevel = Math.max(endpoint.skippedLevel, level) as RegenerationLevel;
      return false;
    }
    const asked = endpoint.setState('waiting-to-regenerate', `Triggering endpoint regeneration due to ${reason}`);
    if (asked) {
      endpoint.queue.enqueue((done) => this.#handle(endpoint, level, reason, done, ended));
    }
    return asked;
  }

  /** Regenerates all endpoints soon, at most once a second. @see cilium:pkg/policy/trigger.go#Updater.TriggerPolicyUpdates */
  triggerPolicyUpdates(endpoints: () => readonly Endpoint[], reason: string): void {
    if (this.#trigger !== null) {
      return;
    }
    const { scheduler } = this.#deps;
    const wait = Math.max(0, this.#lastTrigger + POLICY_TRIGGER_INTERVAL - scheduler.clock.now());
    this.#trigger = scheduler.after(wait, 'policy_update trigger', () => {
      this.#trigger = null;
      this.#lastTrigger = scheduler.clock.now();
      for (const endpoint of endpoints()) {
        this.regenerateIfAlive(endpoint, REGENERATE_WITHOUT_DATAPATH, reason);
      }
    });
  }

  #handle(endpoint: Endpoint, asked: RegenerationLevel, reason: string, done: () => void, ended: Ended = () => undefined): void {
    this.#running += 1;
    const finish = (): void => {
      this.#running -= 1;
      done();
    };
    this.#takeSlot(() => {
      if (!endpoint.alive || !endpoint.builderSetState('regenerating', `Regenerating endpoint: ${reason}`)) {
        this.#freeSlot();
        finish();
        return;
      }
      const level = Math.max(asked, endpoint.skippedLevel) as RegenerationLevel;
      endpoint.skippedLevel = 0;
      this.#record(endpoint, level, reason);
      if (this.#deps.died('regenerate', endpoint)) {
        return;
      }
      let held = true;
      const releaseSlot = (): void => {
        if (held) {
          held = false;
          this.#freeSlot();
        }
      };
      regenerateBPF({ ...this.#deps, releaseSlot }, endpoint, level, (error) => {
        this.#completed(endpoint, error);
        ended(error === null);
        finish();
      });
    });
  }

  #completed(endpoint: Endpoint, error: string | null): void {
    endpoint.builderSetState('ready', 'Completed endpoint regeneration with no pending regeneration requests');
    endpoint.lastError = error;
    const restored = this.#restored.get(endpoint.id);
    this.#restored.delete(endpoint.id);
    restored?.();
    if (error === null) {
      endpoint.failures = 0;
      this.#keepSynced(endpoint);
      this.#deps.regenerated(endpoint);
      const ready = this.#firstDone.get(endpoint.id);
      this.#firstDone.delete(endpoint.id);
      ready?.();
      return;
    }
    endpoint.failures += 1;
    endpoint.recovery ??= new RegenerationRecovery({
      scheduler: this.#deps.scheduler,
      onlyOnce: this.#deps.recoveryOnlyOnce,
      regenerate: (ended) => this.regenerateIfAlive(endpoint, REGENERATE_WITH_DATAPATH_REWRITE, 'retrying regeneration', ended),
    });
    endpoint.recovery.failed();
  }

  /** From its first policy on, the map is put right once a minute. @see cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMapController */
  #keepSynced(endpoint: Endpoint): void {
    if (endpoint.kept) {
      return;
    }
    endpoint.kept = true;
    const again = (): void => {
      this.#deps.scheduler.after(SYNC_POLICY_MAP_INTERVAL, 'periodic:sync-policymap', () => {
        if (endpoint.alive) {
          syncPolicyMapWithDump(endpoint, this.#deps.journey);
          again();
        }
      });
    };
    again();
  }

  #takeSlot(run: () => void): void {
    if (this.#busySlots < BUILD_SLOTS) {
      this.#busySlots += 1;
      run();
    } else {
      this.#waitingForSlot.push(run);
    }
  }

  #freeSlot(): void {
    const next = this.#waitingForSlot.shift();
    if (next === undefined) {
      this.#busySlots -= 1;
    } else {
      next();
    }
  }

  #record(endpoint: Endpoint, level: RegenerationLevel, reason: string): void {
    if (this.#deps.journey.recording) {
      this.#deps.journey.add({
        kind: 'decide',
        actor: 'agent',
        fn: 'regenerate',
        see: 'cilium:pkg/endpoint/policy.go#Endpoint.regenerate',
        verdict: REGENERATION_LEVELS[level] as string,
        why: `endpoint ${endpoint.id} (${endpoint.name}): ${reason}`,
      });
    }
  }
}
