/**
 * What the parser and the codecs tell each other.
 * @see envoy:source/common/http/http1/parser.h#ParserCallbacks
 */

/** Why parsing ended. */
export interface ParseError {
  /** Name of the error, http-parser's or the codec's. */
  readonly error: string;
  /** Status of the local reply. */
  readonly status: 400 | 431 | 501;
}

/** How the body of a message is framed, as the user of the parser decides at the end of the headers. */
export type BodyMode = 'default' | 'none' | 'raw';

/** What the parser reports. Returning an error ends parsing for good. */
export interface ParserCallbacks {
  onMessageBegin(): void;
  /** A whole header line, in the message head. */
  onHeader(name: string, value: string): ParseError | null;
  onHeadersComplete(head: MessageHead): BodyMode | ParseError;
  onBody(bytes: Uint8Array): void;
  /** Returns whether parsing pauses before the next message. */
  onMessageComplete(): boolean;
}

/** What the start line and the framing headers said. */
export interface MessageHead {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly major: number;
  readonly minor: number;
  readonly contentLength: number | null;
  /** The body is chunked. */
  readonly chunked: boolean;
  readonly hasTransferEncoding: boolean;
}
