/** Durations as Go reads them: `30s`, `1m30s`, `-1s`, `0`. @see https://pkg.go.dev/time#ParseDuration */
import { SECOND } from '../../sim/clock.ts';

const UNITS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Nanoseconds, or `null`. */
export function parseDuration(text: string): number | null {
  const match = /^([-+]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (match === null) {
    return /^[-+]?0$/.test(text) ? 0 : null;
  }
  let seconds = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    seconds += Number(amount) * (UNITS[unit] ?? 0);
  }
  return Math.round(seconds * SECOND) * (match[1] === '-' ? -1 : 1);
}
