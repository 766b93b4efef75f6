/**
 * Socket traces as flows: one end is the pod whose control group the process is in, the other what it talks to.
 * @see cilium:pkg/hubble/parser/sock/parser.go#Parser.Decode
 */
import {
  L4_PROTOCOL_TCP,
  L4_PROTOCOL_UDP,
  type TraceSockNotify,
  XLATE_POINT_NAMES,
  XLATE_POST_DIRECTION_FWD,
  XLATE_POST_DIRECTION_REV,
  XLATE_PRE_DIRECTION_REV,
} from '../../maps/eventsmap.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import type { Flow, FlowL4, FlowNames } from './flow.ts';
import { flowEndpoint } from './threefour.ts';

/** The flow of a record; `null` where nobody knows the control group (`hubble-skip-unknown-cgroup-ids`). */
export function sockFlow(record: TraceSockNotify, time: number, names: FlowNames): Flow | null {
  const { xlatePoint, cgroupId, sockCookie } = record;
  const pod = names.addressOfCgroup(cgroupId);
  if (pod === null) {
    return null;
  }
  // The process's own port is not known.
  const process = flowEndpoint(names, pod, 0, 0);
  const peer = flowEndpoint(names, formatIpv4(record.dstIp), record.dstPort, 0);
  const backwards = xlatePoint === XLATE_PRE_DIRECTION_REV || xlatePoint === XLATE_POST_DIRECTION_REV;
  const [source, destination] = backwards ? [peer, process] : [process, peer];
  const translated = xlatePoint === XLATE_POST_DIRECTION_FWD || xlatePoint === XLATE_POST_DIRECTION_REV;
  return {
    time,
    nodeName: names.nodeName,
    verdict: translated ? 'TRANSLATED' : 'TRACED',
    dropReason: 0,
    ethernet: null,
    encrypted: false,
    l4: l4Of(record),
    source,
    destination,
    sourceNames: names.namesOf(destination.id, source.ip),
    destinationNames: names.namesOf(source.id, destination.ip),
    sourceService: names.serviceByAddress(source.ip, source.port),
    destinationService: names.serviceByAddress(destination.ip, destination.port),
    event: { kind: 'trace-sock', xlatePoint, point: XLATE_POINT_NAMES[xlatePoint], cookie: sockCookie, cgroupId },
    isReply: null,
    direction: null,
    interface: null,
    proxyPort: 0,
    summary: record.l4Proto === L4_PROTOCOL_TCP ? 'TCP' : record.l4Proto === L4_PROTOCOL_UDP ? 'UDP' : 'Unknown',
  };
}

function l4Of({ l4Proto }: TraceSockNotify): FlowL4 | null {
  switch (l4Proto) {
    case L4_PROTOCOL_TCP:
      return { kind: 'TCP', flags: null };
    case L4_PROTOCOL_UDP:
      return { kind: 'UDP' };
    default:
      return null;
  }
}
