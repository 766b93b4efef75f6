/** Durations of proto messages. */

/** Milliseconds of a duration text (`3600s`, `0.250s`). */
export function durationMillis(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)s$/.exec(text);
  return match === null ? 0 : Math.round(Number(match[1]) * 1000);
}
