/**
 * The date of HTTP messages, worked out from the virtual wall clock: the engine has no calendar of its own.
 */

const DAY_NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTH_NAMES = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MILLIS = 86_400_000;

/** A moment in the Gregorian calendar, UTC. */
export interface CivilTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millis: number;
  /** 0 = Sunday. */
  readonly weekday: number;
}

/** The calendar's view of Unix milliseconds. @see https://howardhinnant.github.io/date_algorithms.html#civil_from_days */
export function civilTime(wallMillis: number): CivilTime {
  const days = Math.floor(wallMillis / DAY_MILLIS);
  const inDay = wallMillis - days * DAY_MILLIS;
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
    hour: Math.floor(inDay / 3_600_000),
    minute: Math.floor(inDay / 60_000) % 60,
    second: Math.floor(inDay / 1000) % 60,
    millis: Math.floor(inDay) % 1000,
    weekday: (((days + 4) % 7) + 7) % 7,
  };
}

/** IMF-fixdate of Unix milliseconds: `Tue, 20 Jun 2023 10:00:00 GMT`. @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 */
export function httpDate(wallMillis: number): string {
  const second = Math.floor(wallMillis / 1000);
  if (second !== latest.second) {
    latest = { second, text: imfFixdate(second * 1000) };
  }
  return latest.text;
}

/** The date asked for last: a server says the same one many times a second. */
let latest = { second: Number.NaN, text: '' };

function imfFixdate(wallMillis: number): string {
  const t = civilTime(wallMillis);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${two(t.day)} ${MONTH_NAMES[t.month - 1]} ${String(t.year).padStart(4, '0')}`;
  return `${DAY_NAMES[t.weekday]}, ${date} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} GMT`;
}
