/**
 * Port texts of policies: numbers as Go reads them, and IANA service names.
 * @see cilium:pkg/iana/svcname.go
 */

const SERVICE_NAME = /^(?:[a-zA-Z0-9]-?)*[a-zA-Z](?:-?[a-zA-Z0-9])*$/;

/** Whether a text is a port name rather than a number: "0x50" is a name. @see cilium:pkg/iana/svcname.go#IsSvcName */
export function isSvcName(text: string): boolean {
  return text.length > 0 && text.length <= 15 && SERVICE_NAME.test(text);
}

/** A parsed unsigned number, or Go's reason why not; out of range numbers come with the largest possible value. */
export type ParsedUint =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly value: number; readonly reason: 'invalid syntax' | 'value out of range' };

/**
 * An unsigned number of at most 16 bits with Go's base prefixes (0x, 0o, 0b, leading 0 = octal) and underscores between digits.
 * @see https://pkg.go.dev/strconv#ParseUint
 */
export function parseUint16(text: string): ParsedUint {
  const bad: ParsedUint = { ok: false, value: 0, reason: 'invalid syntax' };
  const match = /^(?:0([xXbBoO])(_?[0-9a-fA-F_]+)|0(_?[0-7_]+)|([0-9][0-9_]*))$/.exec(text);
  if (match === null || /__|_$/.test(text)) {
    return bad;
  }
  const letter = match[1]?.toLowerCase();
  const base = letter === 'x' ? 16 : letter === 'b' ? 2 : letter === 'o' || match[3] !== undefined ? 8 : 10;
  const digits = (match[2] ?? match[3] ?? match[4] ?? '').replaceAll('_', '');
  if (base === 10 && digits.length > 1 && digits.startsWith('0')) {
    return bad;
  }
  let value = 0;
  for (const digit of digits) {
    const number = Number.parseInt(digit, 16);
    if (number >= base) {
      return bad;
    }
    value = Math.min(value * base + number, 0x10000);
  }
  return value > 0xffff ? { ok: false, value: 0xffff, reason: 'value out of range' } : { ok: true, value };
}

/** The number of a port text where errors are ignored, as in deny rules: nonsense is 0, too much is 65535. */
export function parsePortLenient(text: string): number {
  return parseUint16(text).value;
}
