/** HTTP/1 message heads as the modelled processes read them. Envoy's codec is its own; see envoy/http. */

/** Start line and headers. */
export interface HttpHead {
  readonly startLine: string;
  /** Names as they came, values trimmed. */
  readonly headers: readonly (readonly [string, string])[];
}

/** Position after the blank line that ends the head, or -1. */
export function findHeadEnd(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) {
      return i + 1;
    }
  }
  return -1;
}

/** A head of the text before the blank line, or `null` if it is malformed. */
export function parseHead(text: string): HttpHead | null {
  const lines = text.split('\r\n');
  const startLine = lines[0] as string;
  if (!/^\S+ \S+/.test(startLine)) {
    return null;
  }
  const headers: [string, string][] = [];
  for (const line of lines.slice(1)) {
    if (line === '') {
      break;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) {
      return null;
    }
    headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return { startLine, headers };
}
