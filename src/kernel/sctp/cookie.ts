/**
 * The state cookie: what a listener would have to remember of an INIT, given to the peer to bring back.
 * @see linux:net/sctp/sm_make_chunk.c#sctp_pack_cookie
 * @remarks Simplified: only tags and sequence numbers, unsigned; Linux puts a signed structure of some hundred bytes there.
 */
import { uint32, words } from '../../net/sctp.ts';

/** What is in it. */
export interface SctpCookie {
  readonly peerTag: number;
  readonly ownTag: number;
  readonly peerTsn: number;
  readonly ownTsn: number;
}

const LENGTH = 16;

/** The cookie's bytes. */
export function encodeCookie(cookie: SctpCookie): Uint8Array {
  return words([cookie.peerTag, cookie.ownTag, cookie.peerTsn, cookie.ownTsn]);
}

/** Reads it back; `null` for bytes that are no cookie of ours. */
export function decodeCookie(bytes: Uint8Array): SctpCookie | null {
  return bytes.length !== LENGTH
    ? null
    : { peerTag: uint32(bytes, 0), ownTag: uint32(bytes, 4), peerTsn: uint32(bytes, 8), ownTsn: uint32(bytes, 12) };
}
