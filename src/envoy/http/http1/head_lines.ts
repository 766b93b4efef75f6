/**
 * The grammar of start lines and header lines, as strict as http-parser is.
 * @see https://github.com/nodejs/http-parser (http_parser.c, HTTP_PARSER_STRICT), which Envoy 1.23 uses
 */
import { Memo } from '../../../net/memo.ts';

const METHODS: ReadonlySet<string> = new Set(
  (
    'DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT ' +
    'MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE'
  ).split(' '),
);

/** Characters of the longest method. */
export const LONGEST_METHOD = 11;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters that are refused in values; a carriage return must be followed by the end of the line. */
const BAD_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const VISIBLE = /^[!-~]*$/;
/** Where the server part of a target ends, its characters being right; an `@` may not follow another at once. */
const SERVER = /^(?:[A-Za-z0-9\-_.!~*'()%;:&=+$,[\]]|@(?!@))*/;

/** A request line taken apart. */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly major: number;
  readonly minor: number;
}

/** A request line taken apart, or the name of the error. @see https://github.com/nodejs/http-parser (parse_url_char) */
export const REQUEST_LINES: Memo<RequestLine | string> = new Memo((line: string): RequestLine | string => {
  const match = /^([A-Z-]+) +([^ ]*)( [\s\S]*)?$/.exec(line);
  const method = match?.[1] ?? line.split(' ', 1)[0] ?? '';
  if (!METHODS.has(method)) {
    return 'HPE_INVALID_METHOD';
  }
  const target = match?.[2] ?? '';
  if (match === null || !targetIsValid(method, target)) {
    return 'HPE_INVALID_URL';
  }
  if (match[3] === undefined) {
    return { method, target, major: 0, minor: 9 };
  }
  const version = match[3].replace(/^ +/, '');
  const digits = /^HTTP\/([0-9])\.([0-9])$/.exec(method === 'SOURCE' ? version.replace(/^ICE\//, 'HTTP/') : version);
  if (digits === null) {
    return version.startsWith('HTTP/') ? 'HPE_INVALID_VERSION' : 'HPE_INVALID_CONSTANT';
  }
  return { method, target, major: Number(digits[1]), minor: Number(digits[2]) };
});

/** A path, `*`, or `letters://server`; for CONNECT the server alone. */
function targetIsValid(method: string, target: string): boolean {
  if (!VISIBLE.test(target)) {
    return false;
  }
  if (method !== 'CONNECT') {
    if (target.startsWith('/') || target.startsWith('*')) {
      return true;
    }
    const scheme = /^[A-Za-z]+:\/\//.exec(target);
    return scheme !== null && serverIsValid(target.slice(scheme[0].length));
  }
  return serverIsValid(target);
}

/** At least one character of server, path or query. */
function serverIsValid(text: string): boolean {
  const rest = text.slice((SERVER.exec(text)?.[0] ?? '').length);
  return text !== '' && (rest === '' || rest.startsWith('/') || rest.startsWith('?'));
}

/** A status line taken apart. */
export interface StatusLine {
  readonly major: number;
  readonly minor: number;
  readonly status: number;
}

/** A status line taken apart, or the name of the error. */
export function parseStatusLine(line: string): StatusLine | string {
  const match = /^HTTP\/([0-9])\.([0-9]) +(0*[0-9]{1,3})(?: [^\r]*)?$/.exec(line);
  if (match === null) {
    return line.startsWith('HTTP/') ? 'HPE_INVALID_STATUS' : 'HPE_INVALID_CONSTANT';
  }
  return { major: Number(match[1]), minor: Number(match[2]), status: Number(match[3]) };
}

/** A header line taken apart. */
export interface HeaderLine {
  /** In lower case. */
  readonly name: string;
  /** Without blanks at both ends. */
  readonly value: string;
  /** The value with the blanks behind it: what a folded line is appended to, and what framing headers are judged by. */
  readonly raw: string;
  /** A folded line added something to a value that was not empty. */
  readonly folded: boolean;
}

/** A header line taken apart, or `null`. */
export const HEADER_LINES: Memo<HeaderLine | null> = new Memo((line: string): HeaderLine | null => {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const raw = line.slice(colon + 1).replace(/^[ \t]+/, '');
  return TOKEN.test(name) && !BAD_VALUE.test(raw) ? { name: name.toLowerCase(), value: withoutBlanks(raw), raw, folded: false } : null;
});

/** A header with a folded line behind it, blanks included, or `null` if that line is not acceptable. */
export function foldLine(header: HeaderLine, line: string): HeaderLine | null {
  if (BAD_VALUE.test(line)) {
    return null;
  }
  if (header.raw === '') {
    const raw = line.replace(/^[ \t]+/, '');
    return { name: header.name, value: withoutBlanks(raw), raw, folded: false };
  }
  if (header.name === 'content-length') {
    // Nothing but spaces may follow the number; the blank that folds the line may be a tab.
    return /^[ \t] *$/.test(line) ? { ...header, folded: true } : null;
  }
  const raw = header.raw + line;
  return { name: header.name, value: withoutBlanks(raw), raw, folded: true };
}

/** The number a content-length header holds, or `null`; only spaces may follow it. */
export function parseContentLength(raw: string): number | null {
  const match = /^0*([0-9]+) *$/.exec(raw);
  const digits = match?.[1] ?? '';
  if (match === null || digits.length > 20 || BigInt(digits) / 10n > 1_844_674_407_370_955_160n) {
    return null;
  }
  return Number(digits);
}

/** Whether a transfer-encoding header makes the message chunked: its last coding does, and blanks behind it are spaces. */
export function saysChunked(header: HeaderLine): boolean {
  return !header.folded && /^(?:[^,][^\r]*,)?[ \t]*chunked *$/i.test(header.raw);
}

/** Whether a token stands in a connection header. @param token in lower case */
export function hasConnectionToken(raw: string, token: 'close' | 'keep-alive'): boolean {
  return raw
    .toLowerCase()
    .split(',')
    .some((part) => part.replace(/^[ \t]+/, '').replace(/ +$/, '') === token);
}

/** Whether an incomplete request or status line may still become one. */
export function startLineIsPossible(type: 'request' | 'response', text: string): boolean {
  const cr = text.indexOf('\r');
  if (cr >= 0 && cr < text.length - 1) {
    return false;
  }
  if (type === 'response') {
    return 'HTTP/'.startsWith(text.slice(0, 5));
  }
  const space = text.indexOf(' ');
  const method = space < 0 ? text : text.slice(0, space);
  if (space >= 0) {
    return METHODS.has(method);
  }
  return isMethodPrefix(text);
}

function isMethodPrefix(text: string): boolean {
  if (text.length > LONGEST_METHOD) {
    return false;
  }
  for (const method of METHODS) {
    if (method.startsWith(text)) {
      return true;
    }
  }
  return false;
}

/** Whether an incomplete header line may still become one. @param mayFold there is a header before it */
export function headerLineIsPossible(text: string, mayFold: boolean): boolean {
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (line === '') {
    return true;
  }
  if (line.startsWith(' ') || line.startsWith('\t')) {
    return mayFold && !BAD_VALUE.test(line);
  }
  const colon = line.indexOf(':');
  return colon < 0
    ? TOKEN.test(line) && line.length === text.length
    : TOKEN.test(line.slice(0, colon)) && !BAD_VALUE.test(line.slice(colon + 1));
}

/** The text without spaces and tabs at its end. */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) {
    end -= 1;
  }
  return text.slice(0, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Responses that end with their headers. */
export function withoutBody(status: number): boolean {
  return (status >= 100 && status < 200) || status === 204 || status === 304;
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) {
    return byte - 48;
  }
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
