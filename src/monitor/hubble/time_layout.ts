/**
 * The time layouts of the hubble command: what `--time-format` prints and what `--since` and `--until` read.
 * @see hubble:pkg/time/time.go
 */
import { civilTime } from '../../net/http_date.ts';
import { parseRfc3339 } from '../../net/rfc3339.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** Units of a duration in milliseconds. @see https://pkg.go.dev/time#ParseDuration */
const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Unix milliseconds in a named layout, UTC; names in any case, an unknown name is `StampMilli`. @see hubble:pkg/time/time.go#FormatNameToLayout */
export function formatFlowTime(wallMillis: number, layout: string): string {
  const t = civilTime(wallMillis);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${String(t.year).padStart(4, '0')}-${two(t.month)}-${two(t.day)}`;
  const clock = `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
  // The digits after the second are 9s in the layouts: Go leaves trailing zeros out.
  const fraction = t.millis === 0 ? '' : `.${String(t.millis).padStart(3, '0').replace(/0+$/, '')}`;
  switch (layout.toLowerCase()) {
    case 'yearmonthday':
      return date;
    case 'yearmonthdayhour':
      return `${date}T${two(t.hour)}Z`;
    case 'yearmonthdayhourminute':
      return `${date}T${two(t.hour)}:${two(t.minute)}Z`;
    case 'rfc3339':
      return `${date}T${clock}Z`;
    case 'rfc3339milli':
    case 'rfc3339micro':
    case 'rfc3339nano':
      return `${date}T${clock}${fraction}Z`;
    case 'rfc1123z':
      return `${DAYS[t.weekday] as string}, ${two(t.day)} ${MONTHS[t.month - 1] as string} ${t.year} ${clock} +0000`;
    default:
      return `${MONTHS[t.month - 1] as string} ${String(t.day).padStart(2, ' ')} ${clock}.${String(t.millis).padStart(3, '0')}`;
  }
}

/** Unix milliseconds of a time or of a duration before now; `null` if the text is neither. @see hubble:pkg/time/time.go#FromString */
export function parseFlowTime(text: string, now: number): number | null {
  const duration = parseDuration(text);
  if (duration !== null) {
    return now - duration;
  }
  const short = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2}))?$/.exec(text);
  if (short !== null) {
    return parseRfc3339(`${short[1]}T${short[2] ?? '00'}:${short[3] ?? '00'}:00${short[4] ?? 'Z'}`);
  }
  const rfc1123 = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/.exec(text);
  if (rfc1123 !== null) {
    const month = String(MONTHS.indexOf(rfc1123[2] as string) + 1).padStart(2, '0');
    return parseRfc3339(`${rfc1123[3]}-${month}-${rfc1123[1]}T${rfc1123[4]}${rfc1123[5]}:${rfc1123[6]}`);
  }
  return parseRfc3339(text);
}

/** Milliseconds of `1h43m`, `-1.5s`, `0`; `null` if it is no duration. @see https://pkg.go.dev/time#ParseDuration */
export function parseDuration(text: string): number | null {
  const match = /^([+-]?)(0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (match === null) {
    return null;
  }
  let total = 0;
  for (const [, value, unit] of (match[2] as string).matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(value) * (UNITS[unit as string] as number);
  }
  return match[1] === '-' ? -total : total;
}

/** Nanoseconds as Go prints a duration: `1m40s`, `1h0m5.25s`, `12ms`. @see https://pkg.go.dev/time#Duration.String */
export function formatDuration(nanos: number): string {
  if (nanos === 0) {
    return '0s';
  }
  if (nanos < 1_000_000_000) {
    const [unit, size] = nanos < 1000 ? (['ns', 1] as const) : nanos < 1_000_000 ? (['µs', 1000] as const) : (['ms', 1_000_000] as const);
    return `${Number((nanos / size).toFixed(6))}${unit}`;
  }
  const minutes = Math.floor(nanos / 60_000_000_000);
  const seconds = Number(((nanos - minutes * 60_000_000_000) / 1_000_000_000).toFixed(9));
  const hours = Math.floor(minutes / 60);
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes % 60}m` : ''}${seconds}s`;
}
