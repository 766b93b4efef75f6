/**
 * Writes HTTP/1.1 messages.
 * @see envoy:source/common/http/http1/codec_impl.cc#StreamEncoderImpl::encodeHeadersBase
 */
import { concatBytes, latin1 } from '../../../net/bytes.ts';
import type { HeaderMap } from '../header_map.ts';
import { isUpgrade } from '../header_utility.ts';

/** How the body of an encoded message is framed. */
export type Framing = 'plain' | 'chunked';

/** What decides about the framing headers. */
export interface HeadOptions {
  readonly endStream: boolean;
  /** Status of a response, `null` for requests. */
  readonly status: number | null;
  /** The response answers a HEAD request. */
  readonly headResponse: boolean;
  /** A request method without content, or a message that must not be framed (CONNECT). */
  readonly bodiless: boolean;
}

/** A message head as bytes, and how the body goes on. */
export interface EncodedHead {
  readonly bytes: Uint8Array;
  readonly framing: Framing;
}

/** Encodes a start line with headers; `:authority` becomes `host`, other pseudo headers are left out. */
export function encodeHead(startLine: string, headers: HeaderMap, options: HeadOptions): EncodedHead {
  let text = `${startLine}\r\n`;
  let sawContentLength = false;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (name.charCodeAt(0) === 0x3a) {
      if (name === ':authority') {
        text += `host: ${headers.valueAt(i)}\r\n`;
      }
      continue;
    }
    sawContentLength ||= name === 'content-length';
    text += `${name}: ${headers.valueAt(i)}\r\n`;
  }
  let framing: Framing = 'plain';
  const status = options.status;
  const neverBody = status !== null && (status < 200 || status === 204 || status === 304);
  if (!sawContentLength && !neverBody) {
    if (options.endStream && !options.headResponse) {
      if (!options.bodiless) {
        text += 'content-length: 0\r\n';
      }
    } else {
      text += 'transfer-encoding: chunked\r\n';
      framing = options.headResponse || isUpgrade(headers) ? 'plain' : 'chunked';
    }
  }
  return { bytes: latin1(`${text}\r\n`), framing };
}

const CRLF = latin1('\r\n');

/** The end of a chunked body. */
export const LAST_CHUNK: Uint8Array = latin1('0\r\n\r\n');

/** One chunk: size in lower-case hexadecimal, data, line end. */
export function encodeChunk(data: Uint8Array): Uint8Array {
  return concatBytes([latin1(`${data.length.toString(16)}\r\n`), data, CRLF]);
}
