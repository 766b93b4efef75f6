/** Constants of TCP's clock and sizes, as Linux has them. Times in nanoseconds. */
import { MILLISECOND, SECOND } from '../../sim/clock.ts';
import type { TcpState } from '../socket.ts';

/** Bytes that timestamps take of each segment. */
export const TCP_TIMESTAMPS_LENGTH = 12;
/**
 * What a SYN advertises for a path: its MTU minus 40 bytes of headers.
 * @see linux:net/ipv4/tcp_output.c#tcp_advertise_mss
 * @remarks Simplified: segments over the loopback device are no larger than those of a network card.
 */
export function tcpAdvertisedMss(mtu: number): number {
  return Math.min(mtu, 1500) - 40;
}
/** Bytes in flight at most. @remarks Simplified: a fixed window instead of congestion control. */
export const TCP_WINDOW = 64240;
/** Retransmission time-out before any measurement. @see linux:include/net/tcp.h#TCP_TIMEOUT_INIT */
export const TCP_TIMEOUT_INIT = SECOND;
/** Smallest retransmission time-out. @see linux:include/net/tcp.h#TCP_RTO_MIN */
export const TCP_RTO_MIN = 200 * MILLISECOND;
/** Largest. @see linux:include/net/tcp.h#TCP_RTO_MAX */
export const TCP_RTO_MAX = 120 * SECOND;
/** net.ipv4.tcp_syn_retries */
const TCP_SYN_RETRIES = 6;
/** net.ipv4.tcp_synack_retries */
const TCP_SYNACK_RETRIES = 5;
/** net.ipv4.tcp_retries2 */
const TCP_RETRIES2 = 15;
/** Retries of a socket whose process is gone. @see linux:net/ipv4/tcp_timer.c#tcp_orphan_retries */
const TCP_ORPHAN_RETRIES = 8;
/** Delayed acknowledgement. @see linux:include/net/tcp.h#TCP_ATO_MIN */
export const TCP_ATO_MIN = 40 * MILLISECOND;
/** Acknowledgements sent at once at the start of a connection. @see linux:net/ipv4/tcp_input.c#TCP_MAX_QUICKACKS */
export const TCP_MAX_QUICKACKS = 16;
/** Replies after which a connection counts as interactive. @see linux:include/net/inet_connection_sock.h#TCP_PINGPONG_THRESH */
export const TCP_PINGPONG_THRESH = 3;
/** TIME-WAIT. @see linux:include/net/tcp.h#TCP_TIMEWAIT_LEN */
export const TCP_TIMEWAIT_LEN = 60 * SECOND;
/** net.ipv4.tcp_fin_timeout */
export const TCP_FIN_TIMEOUT = 60 * SECOND;

/** How often a segment is sent again before the connection is given up. @see linux:net/ipv4/tcp_timer.c#tcp_write_timeout */
export function tcpRetryLimit(state: TcpState, orphan: boolean): number {
  switch (state) {
    case 'SYN-SENT':
      return TCP_SYN_RETRIES;
    case 'SYN-RECV':
      return TCP_SYNACK_RETRIES;
    default:
      return orphan ? TCP_ORPHAN_RETRIES : TCP_RETRIES2;
  }
}
