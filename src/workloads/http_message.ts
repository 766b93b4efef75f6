/** HTTP/1 message heads as the modelled processes read them. Envoy's codec is its own; see envoy/http. */
import { fromLatin1 } from '../net/bytes.ts';
import { Memo } from '../net/memo.ts';

/** One header. */
export interface HttpHeader {
  /** As it came. */
  readonly name: string;
  /** In lower case. */
  readonly key: string;
  /** Trimmed. */
  readonly value: string;
}

/** Start line and headers. */
export interface HttpHead {
  readonly startLine: string;
  readonly headers: readonly HttpHeader[];
}

const CR = 13;
const LF = 10;

/** Position after the blank line that ends the head, or -1. */
export function findHeadEnd(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === LF && bytes[i - 1] === CR && bytes[i - 2] === LF && bytes[i - 3] === CR) {
      return i + 1;
    }
  }
  return -1;
}

/** The head that ends at `end`, or `null` if it is malformed. */
export function parseHead(bytes: Uint8Array, end: number): HttpHead | null {
  let startLine: string | null = null;
  const headers: HttpHeader[] = [];
  for (let from = 0; from < end; ) {
    const stop = lineEnd(bytes, from);
    const line = fromLatin1(bytes, from, stop);
    from = stop + 2;
    if (startLine === null) {
      if (!/^\S+ \S+/.test(line)) {
        return null;
      }
      startLine = line;
    } else if (line === '') {
      break;
    } else {
      const header = HEADERS.get(line);
      if (header === null) {
        return null;
      }
      headers.push(header);
    }
  }
  return startLine === null ? null : { startLine, headers };
}

/** A header's value. */
export function header(head: HttpHead, key: string): string | null {
  for (const one of head.headers) {
    if (one.key === key) {
      return one.value;
    }
  }
  return null;
}

const HEADERS = new Memo((line: string): HttpHeader | null => {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  return name === '' ? null : { name, key: name.toLowerCase(), value: line.slice(colon + 1).trim() };
});

/** Position of the CR LF that ends the line. */
function lineEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] !== CR || bytes[at + 1] !== LF)) {
    at += 1;
  }
  return at;
}
