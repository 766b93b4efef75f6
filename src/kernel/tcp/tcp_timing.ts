/** Constants of TCP's clock, as Linux has them. Times in nanoseconds. */
import { MILLISECOND, SECOND } from '../../sim/clock.ts';

/** Payload of a full segment: 1500 MTU minus 40 bytes of headers and 12 of timestamps. @see linux:net/ipv4/tcp_output.c#tcp_sync_mss */
export const TCP_MSS = 1448;
/** What a SYN advertises. */
export const TCP_ADVERTISED_MSS = 1460;
/** Bytes in flight at most. @remarks Simplified: a fixed window instead of congestion control. */
export const TCP_WINDOW = 64240;
/** Retransmission time-out before any measurement. @see linux:include/net/tcp.h#TCP_TIMEOUT_INIT */
export const TCP_TIMEOUT_INIT = SECOND;
/** Smallest retransmission time-out. @see linux:include/net/tcp.h#TCP_RTO_MIN */
export const TCP_RTO_MIN = 200 * MILLISECOND;
/** Largest. @see linux:include/net/tcp.h#TCP_RTO_MAX */
export const TCP_RTO_MAX = 120 * SECOND;
/** net.ipv4.tcp_syn_retries */
export const TCP_SYN_RETRIES = 6;
/** net.ipv4.tcp_synack_retries */
export const TCP_SYNACK_RETRIES = 5;
/** net.ipv4.tcp_retries2 */
export const TCP_RETRIES2 = 15;
/** Retries of a socket whose process is gone. @see linux:net/ipv4/tcp_timer.c#tcp_orphan_retries */
export const TCP_ORPHAN_RETRIES = 8;
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
