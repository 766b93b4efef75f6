/** Durations as sleep(1) and timeout(1) take them: seconds, or with `s`, `m`, `h`, `d`; also Go's `500ms`, `1h30m`. */

const UNITS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86_400e9 };

/** Nanoseconds, or `null` if the text is no duration. */
export function parseSleep(text: string): number | null {
  if (!/^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ms|s|m|h|d)?(?:[0-9.]+(?:ms|s|m|h|d))*$/.test(text)) {
    return text === 'infinity' || text === 'inf' ? Number.POSITIVE_INFINITY : null;
  }
  let nanos = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h|d)?/g)) {
    nanos += Number(amount) * (UNITS[unit ?? 's'] as number);
  }
  return Number.isNaN(nanos) ? null : Math.round(nanos);
}
