/** What a listener's filters follow: routes and secrets by name. */
import type { InitTarget } from '../init_manager.ts';

/** Collected while a listener is made. */
export class ListenerUses {
  /** What has to come before the listener is used. */
  readonly init: InitTarget[] = [];
  #releases: (() => void)[] = [];

  /** Something is followed; `release` is called when the listener ends. */
  add(init: readonly InitTarget[], release: () => void): void {
    this.init.push(...init);
    this.#releases.push(release);
  }

  /** The listener ends. */
  release(): void {
    for (const release of this.#releases.splice(0)) {
      release();
    }
  }
}
