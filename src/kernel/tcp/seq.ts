/** Sequence numbers: 32 bits that wrap. @see linux:include/net/tcp.h#before */

/** `a + n`, wrapped. */
export function seqAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** Signed distance from `b` to `a`. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}
