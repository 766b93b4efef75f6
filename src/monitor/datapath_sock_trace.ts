/**
 * Socket traces as `cilium monitor -v` prints them; neither without -v nor with -vv does it show them, and a line ends in a blank.
 * @see cilium:pkg/monitor/datapath_sock_trace.go#TraceSockNotify.DumpDebug
 * @see cilium:pkg/monitor/format/format.go#MonitorFormatter.traceSockEvents
 */
import { type TraceSockNotify, XLATE_POINT_NAMES } from '../maps/eventsmap.ts';
import { formatIpv4 } from '../net/ipv4.ts';

const PROTOCOL_NAMES = ['unknown', 'tcp', 'udp'] as const;

/** The line of a record. */
export function traceSockDebug(record: TraceSockNotify, cpu: string): string {
  const { xlatePoint, cgroupId, sockCookie, dstIp, dstPort, l4Proto } = record;
  const point = XLATE_POINT_NAMES[xlatePoint];
  return `${cpu} [${point}] cgroup_id: ${cgroupId} sock_cookie: ${sockCookie}, dst [${formatIpv4(dstIp)}]:${dstPort} ${PROTOCOL_NAMES[l4Proto]} `;
}
