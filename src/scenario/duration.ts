/** Durations as Go writes them: `1h30m`, `1.5s`, `200ms`; a bare number is seconds. */

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86400e9 };
/** Largest duration accepted, in nanoseconds: a hundred days keep nanoseconds exact. */
const MAX = 100 * 86400e9;

/** Nanoseconds of a duration, or `null`. */
export function parseDuration(value: string | number): number | null {
  const text = typeof value === 'number' ? `${value}s` : value.trim();
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/.test(text)) {
    return null;
  }
  let nanos = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    nanos += Number(amount) * (UNITS[unit as string] as number);
  }
  return nanos <= MAX ? Math.round(nanos) : null;
}

/** A short text of a duration: `2s`, `1.5ms`, `21600s`. */
export function durationText(nanos: number): string {
  if (nanos === 0) {
    return '0s';
  }
  const [size, unit] = nanos >= 1e9 ? [1e9, 's'] : nanos >= 1e6 ? [1e6, 'ms'] : nanos >= 1e3 ? [1e3, 'us'] : [1, 'ns'];
  return `${Number((nanos / size).toFixed(3))}${unit}`;
}
