/** A progress bar with rate and time to go, on a terminal; elsewhere nothing is shown. */

const WIDTH = 24;
/** Milliseconds between two looks of the bar; short searches end before the first. */
const INTERVAL = 100;
const DELAY = 300;
/** Seconds over which the rate is taken. */
const SPAN = 3;
/** What a case is thought to take before one was tried, in milliseconds. */
const GUESS = { cheap: 0.02, costly: 10 } as const;
const DEFAULT_COLUMNS = 80;

/** Pieces of work. */
export interface PlannedPiece {
  readonly count: number;
  /** Whether a case takes milliseconds. */
  readonly costly: boolean;
}

/** A piece that is done. */
export interface PieceDone extends PlannedPiece {
  /** Cases tried: fewer than planned where one failed. */
  readonly tried: number;
  /** Cases of other pieces that need not be tried any more. */
  readonly dropped: number;
  readonly millis: number;
  /** The number of the property that is broken, if one is. */
  readonly broken: number | null;
}

/** Shows how far a search is. */
export interface Progress {
  plan(pieces: readonly PlannedPiece[], threads: number): void;
  advance(piece: PieceDone): void;
  /** Makes room for other output. */
  hide(): void;
  /** The bar goes. */
  end(): void;
}

/** What a bar shows. */
export interface ProgressState {
  readonly tried: number;
  readonly left: number;
  readonly broken: number;
  /** Cases a second, lately. */
  readonly rate: number;
  readonly elapsed: number;
  /** Seconds to go. */
  readonly remaining: number;
}

/** Cheap and costly cases are counted apart: their times differ by a factor of a thousand. */
interface Kind {
  left: number;
  tried: number;
  /** What lately tried cases took; those before count less and less, for the first are slow. */
  late: { cases: number; millis: number };
}

const FADING = 0.8;

/** A bar on standard error. */
export function newProgress(): Progress {
  const { stderr } = process;
  const shows = stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  const start = performance.now();
  const kinds: Record<keyof typeof GUESS, Kind> = { cheap: newKind(), costly: newKind() };
  const lately: { readonly at: number; readonly tried: number }[] = [{ at: start, tried: 0 }];
  let threads = 1;
  const broken = new Set<number>();
  let shownAt = start + DELAY - INTERVAL;
  let visible = false;
  const state = (now: number): ProgressState => {
    const tried = kinds.cheap.tried + kinds.costly.tried;
    const [before = { at: start, tried: 0 }] = lately;
    const remaining = Object.entries(kinds).reduce((sum, [kind, { left, late }]) => {
      return sum + (left * (late.cases === 0 ? GUESS[kind as keyof typeof GUESS] : late.millis / late.cases)) / 1000 / threads;
    }, 0);
    return {
      tried,
      left: kinds.cheap.left + kinds.costly.left,
      broken: broken.size,
      rate: ((tried - before.tried) * 1000) / Math.max(1, now - before.at),
      elapsed: (now - start) / 1000,
      remaining,
    };
  };
  const hide = (): void => {
    if (visible) {
      stderr.write('\r\x1b[K');
      visible = false;
    }
  };
  return {
    plan: (pieces, count) => {
      threads = count;
      for (const { costly, count: cases } of pieces) {
        kinds[costly ? 'costly' : 'cheap'].left += cases;
      }
    },
    advance: ({ costly, count, tried, dropped, millis, broken: property }) => {
      const kind = kinds[costly ? 'costly' : 'cheap'];
      kind.left = Math.max(0, kind.left - count - dropped);
      kind.tried += tried;
      if (property !== null) {
        // To make a case small and to tell it takes longer than to find it: it says nothing about the time to go.
        broken.add(property);
      } else {
        kind.late = { cases: kind.late.cases * FADING + tried, millis: kind.late.millis * FADING + millis };
      }
      const now = performance.now();
      if (shows && now - shownAt > INTERVAL) {
        shownAt = now;
        lately.push({ at: now, tried: kinds.cheap.tried + kinds.costly.tried });
        while (lately.length > 2 && now - (lately[0]?.at ?? now) > SPAN * 1000) {
          lately.shift();
        }
        stderr.write(`\r\x1b[K${progressLine(state(now), columnsOf(stderr.columns))}`);
        visible = true;
      }
    },
    hide,
    end: hide,
  };
}

function newKind(): Kind {
  return { left: 0, tried: 0, late: { cases: 0, millis: 0 } };
}

/** Terminals that do not know their width say 0. */
function columnsOf(columns: number | undefined): number {
  return columns || Number(process.env['COLUMNS']) || DEFAULT_COLUMNS;
}

/** `[############------------]  50 %  5000 cases  812/s  6s to go`, or as much of it as there is room for. */
export function progressLine({ tried, left, broken, rate, elapsed, remaining }: ProgressState, columns = DEFAULT_COLUMNS): string {
  const share = left === 0 ? 1 : elapsed / Math.max(elapsed + remaining, 0.001);
  const filled = Math.round(share * WIDTH);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] `;
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
  const words = [
    ...(broken === 0 ? [] : [`  ${broken} broken`]),
    `  ${tried} cases`,
    ...(rate >= 1 ? [`  ${Math.round(rate)}/s`] : []),
    ...(left === 0 ? [] : [`  ${durationText(remaining)} to go`]),
  ].join('');
  // The last column stays free: some terminals go to the next line after it.
  const room = Math.max(1, columns - 1);
  return (
    [`${bar}${percent}${words}`, `${percent}${words}`.trimStart()].find(({ length }) => length <= room) ??
    `${percent}${words}`.trim().slice(0, room)
  );
}

/** `7s`, `3m05s`, `2h10m` */
function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return whole < 60
    ? `${whole}s`
    : whole < 3600
      ? `${Math.floor(whole / 60)}m${two(whole % 60)}s`
      : `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}
