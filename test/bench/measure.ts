/** Medians after a warm-up. */

/** One figure. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly note: string;
}

/** Seconds a run takes. */
export function seconds(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** The median of several runs, after some that do not count. */
export function median(run: () => number, runs = 5, warmUp = 2): number {
  for (let i = 0; i < warmUp; i++) {
    run();
  }
  const values = Array.from({ length: runs }, run).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] as number;
}
