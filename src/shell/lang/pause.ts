/**
 * Where a running script lets its driver look up: to draw, to notice Ctrl-C, to let real time pass. The interpreter is a generator for this alone;
 * who needs no pauses runs it through.
 */

/** `step`: a command ended. `wait`: a command waits for what comes, and a tenth of a second of virtual time has passed. */
export type Pause = 'step' | 'wait';

/** Runs a generator to its end. */
export function runThrough<T>(running: Generator<Pause, T>): T {
  for (;;) {
    const { done, value } = running.next();
    if (done === true) {
      return value;
    }
  }
}
