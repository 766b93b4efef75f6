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

/** A head read from bytes. */
export interface ReadHead extends HttpHead {
  /** Position after the blank line. */
  readonly end: number;
}

/** The head the bytes begin with: `partial` while its blank line has not come, `malformed` if it is none. */
export function readHead(bytes: Uint8Array): ReadHead | 'partial' | 'malformed' {
  let startLine: string | null = null;
  let malformed = false;
  const headers: HttpHeader[] = [];
  for (let from = 0; ; ) {
    const stop = lineEnd(bytes, from);
    if (stop < 0) {
      return startLine === null && isNoText(bytes) ? 'malformed' : 'partial';
    }
    if (stop === from && startLine !== null) {
      return malformed ? 'malformed' : { startLine, headers, end: stop + 2 };
    }
    const line = fromLatin1(bytes, from, stop);
    from = stop + 2;
    if (startLine === null) {
      startLine = line;
      malformed = !/^\S+ \S+/.test(line);
    } else {
      const header = HEADERS.get(line);
      malformed ||= header === null;
      if (header !== null) {
        headers.push(header);
      }
    }
  }
}

/** A line that ends and is no text, such as a TLS hello: Go reads up to the line feed and refuses. @see go:src/net/http/request.go#readRequest */
function isNoText(bytes: Uint8Array): boolean {
  return bytes.length > 0 && (bytes[0] as number) < 0x20 && bytes[0] !== 13 && bytes.includes(10);
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

/** Position of the CR LF that ends the line, or -1. */
function lineEnd(bytes: Uint8Array, from: number): number {
  for (let at = from + 1; at < bytes.length; at++) {
    if (bytes[at] === LF && bytes[at - 1] === CR) {
      return at - 1;
    }
  }
  return -1;
}
