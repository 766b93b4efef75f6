/** Notifications about socket calls. @see cilium:bpf/lib/trace_sock.h */
import type { SockAddrContext } from '../../kernel/cgroup.ts';
import { CILIUM_NOTIFY_TRACE_SOCK, L4_PROTOCOL_TCP, L4_PROTOCOL_UDP, L4_PROTOCOL_UNKNOWN, type XlatePoint } from '../../maps/eventsmap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../net/protocol.ts';
import type { BpfEnv } from '../env.ts';

/** Tells the monitor of a call, whatever monitor-aggregation says. @see cilium:bpf/lib/trace_sock.h#send_trace_sock_notify4 */
export function sendTraceSockNotify4(env: BpfEnv, context: SockAddrContext, xlatePoint: XlatePoint, dstIp: Ipv4, dstPort: number): void {
  const { events } = env.maps;
  if (!events.hasReaders) {
    return;
  }
  const { protocol, cookie, cgroupId } = context;
  events.output({
    type: CILIUM_NOTIFY_TRACE_SOCK,
    at: env.clock.now(),
    xlatePoint,
    dstIp,
    dstPort,
    sockCookie: cookie,
    cgroupId,
    l4Proto: protocol === IPPROTO_TCP ? L4_PROTOCOL_TCP : protocol === IPPROTO_UDP ? L4_PROTOCOL_UDP : L4_PROTOCOL_UNKNOWN,
  });
}
