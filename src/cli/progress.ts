/** A progress bar with rate and time to go, on a terminal; elsewhere nothing is shown. */

const WIDTH = 24;
/** Milliseconds between two looks of the bar. */
const INTERVAL = 100;

/** Shows how far a search is. */
export interface Progress {
  /** So many cases were tried, and so many need not be. */
  advance(tried: number, skipped: number): void;
  /** The bar goes. */
  end(): void;
}

/** A bar on standard error. */
export function newProgress(planned: number): Progress {
  const { stderr } = process;
  const start = performance.now();
  let tried = 0;
  let left = planned;
  let shown = 0;
  return {
    advance: (more, skipped) => {
      tried += more;
      left -= more + skipped;
      const now = performance.now();
      if (stderr.isTTY && now - shown > INTERVAL) {
        shown = now;
        stderr.write(`\r\x1b[K${progressLine({ tried, left, seconds: (now - start) / 1000 })}`);
      }
    },
    end: () => {
      if (stderr.isTTY && shown > 0) {
        stderr.write('\r\x1b[K');
      }
    },
  };
}

/** `[############------------]  50 %  5000 cases  812/s  6s to go` */
export function progressLine({
  tried,
  left,
  seconds,
}: {
  readonly tried: number;
  readonly left: number;
  readonly seconds: number;
}): string {
  const share = tried + left === 0 ? 1 : tried / (tried + left);
  const filled = Math.round(share * WIDTH);
  const rate = tried / Math.max(seconds, 0.001);
  const eta = rate === 0 ? '' : `  ${Math.ceil(left / rate)}s to go`;
  const bar = '#'.repeat(filled) + '-'.repeat(WIDTH - filled);
  return `[${bar}] ${String(Math.floor(share * 100)).padStart(3)} %  ${tried} cases  ${Math.round(rate)}/s${eta}`;
}
