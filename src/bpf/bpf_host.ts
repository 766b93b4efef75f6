/**
 * The programs of cilium_host and cilium_net: what the host (and the proxies in it) send to pods, and what reaches the host.
 * @see cilium:bpf/bpf_host.c
 */
import { type Skb, TC_ACT_OK, type TcProgram } from '../kernel/skb.ts';
import { type CallsMap, CILIUM_CALL_IPV4_FROM_HOST, CILIUM_CALL_IPV4_FROM_NETDEV } from '../maps/callsmap.ts';
import { DROP_FRAG_NOSUPPORT, DROP_MISSED_TAIL_CALL, DROP_NO_TUNNEL_ENDPOINT, DROP_UNROUTABLE } from '../maps/drop_reasons.ts';
import {
  TRACE_FROM_HOST,
  TRACE_FROM_NETWORK,
  TRACE_FROM_PROXY,
  TRACE_REASON_UNKNOWN,
  TRACE_TO_NETWORK,
  TRACE_TO_STACK,
} from '../maps/eventsmap.ts';
import { IDENTITY_HOST, IDENTITY_WORLD, type Identity } from '../maps/identity.ts';
import type { RemoteEndpointInfo } from '../maps/ipcache.ts';
import { ENDPOINT_F_HOST } from '../maps/lxcmap.ts';
import {
  MARK_MAGIC_HOST,
  MARK_MAGIC_HOST_MASK,
  MARK_MAGIC_IDENTITY,
  MARK_MAGIC_PROXY_EGRESS,
  MARK_MAGIC_PROXY_INGRESS,
  MARK_MAGIC_SNAT_DONE,
  MARK_MAGIC_TO_PROXY,
  markIdentity,
} from '../maps/marks.ts';
import { METRIC_EGRESS, METRIC_INGRESS } from '../maps/metricsmap.ts';
import { packetSummary, withEth } from '../net/packet.ts';
import { ETH_P_IP } from '../net/protocol.ts';
import type { BpfEnv } from './env.ts';
import { TRACE_PAYLOAD_LEN } from './lib/conntrack.ts';
import { FILE_BPF_HOST, sendDropNotify } from './lib/drop.ts';
import { encapAndRedirectNetdev, encapAndRedirectWithNodeid } from './lib/encap.ts';
import { lookupIp4Endpoint } from './lib/eps.ts';
import { type HostFirewall, ipv4HostPolicyEgress, ipv4HostPolicyIngress } from './lib/host_firewall.ts';
import { identityIsReserved, inheritIdentityFromHost, lookupIp4RemoteEndpoint } from './lib/identity.ts';
import { isUntrackedFragment } from './lib/ipv4.ts';
import { ipv4LocalDelivery } from './lib/l3.ts';
import { isFromL7Lb, tailCallEgressPolicy } from './lib/l7_lb.ts';
import { CB_DST_ENDPOINT_ID, CB_FROM_HOST, CB_PROXY_MAGIC, CB_SRC_LABEL } from './lib/meta.ts';
import { handleNatFwd, nodeportLb4 } from './lib/nodeport.ts';
import { sendTraceNotify } from './lib/trace.ts';
import { passUnjudged } from './lxc_drops.ts';

/** Configuration of the host endpoint. */
export interface HostConfig {
  readonly endpointId: number;
  /** Index of the network card the object is for; 0: cilium_host. */
  readonly nativeIfindex: number;
  /** The host's policy and its POLICY_VERDICT_LOG_FILTER, with the host firewall. */
  readonly firewall: HostFirewall | null;
}

/** The entry points of the host's object. */
export interface HostPrograms {
  /** tc egress of cilium_host. */
  readonly cilFromHost: TcProgram;
  /** tc ingress of cilium_host and cilium_net. */
  readonly cilToHost: TcProgram;
  /** Slot of the host in cilium_call_policy, for pods with routes of their own. */
  readonly handleLxcTraffic: TcProgram;
  /** tc ingress and egress of a network card. */
  readonly cilFromNetdev: TcProgram;
  readonly cilToNetdev: TcProgram;
}

interface Host {
  readonly env: BpfEnv;
  readonly config: HostConfig;
  readonly calls: CallsMap;
}

/** Lines of the send_drop_notify calls of 1.13.3. */
const SITE_HANDLE_IPV4 = { file: FILE_BPF_HOST, line: 650 } as const;
const SITE_DO_NETDEV = { file: FILE_BPF_HOST, line: 854 } as const;
const SITE_TO_NETDEV_L7_LB = { file: FILE_BPF_HOST, line: 1094 } as const;
const SITE_TO_NETDEV = { file: FILE_BPF_HOST, line: 1131 } as const;
const SITE_TO_NETDEV_NAT = { file: FILE_BPF_HOST, line: 1160 } as const;
const SITE_TO_HOST = { file: FILE_BPF_HOST, line: 1253 } as const;

/** Compiles and loads the host's programs. */
export function loadBpfHost(env: BpfEnv, config: HostConfig, calls: CallsMap): HostPrograms {
  const host: Host = { env, config, calls };
  calls.set(CILIUM_CALL_IPV4_FROM_HOST, (skb) => tailHandleIpv4FromHost(host, skb));
  calls.set(CILIUM_CALL_IPV4_FROM_NETDEV, (skb) => tailHandleIpv4FromNetdev(host, skb));
  return {
    cilFromHost: (skb) => cilFromHost(host, skb),
    cilToHost: (skb) => cilToHost(host, skb),
    handleLxcTraffic: (skb) => handleLxcTraffic(host, skb),
    cilFromNetdev: (skb) => cilFromNetdev(host, skb),
    cilToNetdev: (skb) => cilToNetdev(host, skb),
  };
}

/** @see cilium:bpf/bpf_host.c#cil_from_host */
function cilFromHost(host: Host, skb: Skb): ReturnType<TcProgram> {
  const { env, config } = host;
  if (env.journey.recording) {
    enter(host, skb, 'cil_from_host', 'cilium_host egress');
  }
  if (skb.packet.eth.type !== ETH_P_IP) {
    return TC_ACT_OK;
  }
  if (isFromL7Lb(env, skb)) {
    return tailCallEgressPolicy(env, skb) ?? passUnjudged(env, skb, DROP_MISSED_TAIL_CALL);
  }
  const magic = skb.mark & MARK_MAGIC_HOST_MASK;
  const inherited = inheritIdentityFromHost(env, skb);
  const point = magic === MARK_MAGIC_PROXY_INGRESS || magic === MARK_MAGIC_PROXY_EGRESS ? TRACE_FROM_PROXY : TRACE_FROM_HOST;
  sendTraceNotify(env, skb, config.endpointId, point, inherited, 0, 0, 0, TRACE_REASON_UNKNOWN, TRACE_PAYLOAD_LEN);
  skb.cb[0] = 0;
  skb.cb[1] = 0;
  skb.cb[2] = 0;
  skb.cb[3] = 0;
  skb.cb[4] = 0;
  skb.cb[CB_SRC_LABEL] = resolveSrcidIpv4(host, skb, inherited);
  const program = host.calls.get(CILIUM_CALL_IPV4_FROM_HOST);
  if (program === undefined) {
    // Unlike a pod's program this one lets the packet pass when its tail call is missing.
    sendDropNotify(env, skb, config.endpointId, inherited, 0, 0, DROP_MISSED_TAIL_CALL, METRIC_INGRESS, SITE_DO_NETDEV);
    return TC_ACT_OK;
  }
  return program(skb);
}

/** The identity of a sender that the mark leaves open, from its address. @see cilium:bpf/bpf_host.c#resolve_srcid_ipv4 */
function resolveSrcidIpv4(host: Host, skb: Skb, inherited: Identity): Identity {
  if (!identityIsReserved(inherited)) {
    return inherited;
  }
  const info = lookupIp4RemoteEndpoint(host.env, skb, skb.packet.ip.src);
  return info === undefined || info.secLabel === 0 || info.secLabel === IDENTITY_HOST ? inherited : info.secLabel;
}

/** @see cilium:bpf/bpf_host.c#tail_handle_ipv4_from_host */
function tailHandleIpv4FromHost(host: Host, skb: Skb): ReturnType<TcProgram> {
  const { env } = host;
  const secctx = skb.cb[CB_SRC_LABEL];
  skb.cb[CB_SRC_LABEL] = 0;
  const refused = host.config.firewall === null ? 0 : ipv4HostPolicyEgress(env, host.config.firewall, skb, secctx);
  const result = refused < 0 ? refused : handleIpv4FromHost(host, skb, secctx);
  return result < 0
    ? sendDropNotify(env, skb, host.config.endpointId, secctx, 0, 0, result, METRIC_INGRESS, SITE_HANDLE_IPV4)
    : (result as ReturnType<TcProgram>);
}

/** @see cilium:bpf/bpf_host.c#handle_ipv4 */
function handleIpv4FromHost(host: Host, skb: Skb, secctx: Identity): number {
  const { env } = host;
  if (isUntrackedFragment(env, skb.packet)) {
    return DROP_FRAG_NOSUPPORT;
  }
  const { eth } = skb.packet;
  skb.packet = withEth(skb.packet, { dst: env.config.ciliumNetMac, src: eth.src, type: eth.type });
  const local = lookupIp4Endpoint(env, skb, skb.packet.ip.dst);
  if (local !== undefined) {
    return (local.flags & ENDPOINT_F_HOST) !== 0 ? TC_ACT_OK : ipv4LocalDelivery(env, skb, secctx, local, METRIC_INGRESS, true);
  }
  const info = lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.dst);
  if (env.config.tunnel) {
    const result = toOtherNode(host, skb, secctx, info);
    if (result !== DROP_NO_TUNNEL_ENDPOINT) {
      return result;
    }
  }
  return info === undefined || info.secLabel === IDENTITY_WORLD ? DROP_UNROUTABLE : TC_ACT_OK;
}

/** Into the tunnel, by what the ipcache says of the address, or by the range it is in. @see cilium:bpf/bpf_host.c#handle_ipv4 */
function toOtherNode({ env, config }: Host, skb: Skb, secLabel: Identity, info: RemoteEndpointInfo | undefined): number {
  const tunnelEndpoint = info?.tunnelEndpoint ?? 0;
  const told = { secLabel, source: config.endpointId, reason: TRACE_REASON_UNKNOWN, monitor: TRACE_PAYLOAD_LEN };
  return info !== undefined && tunnelEndpoint !== 0
    ? encapAndRedirectWithNodeid(env, skb, { ...told, tunnelEndpoint, dstId: info.secLabel })
    : encapAndRedirectNetdev(env, skb, { ...told, tunnelEndpoint, dstId: 0 });
}

/** @see cilium:bpf/bpf_host.c#cil_from_netdev */
function cilFromNetdev(host: Host, skb: Skb): ReturnType<TcProgram> {
  const { env, config } = host;
  if (env.journey.recording) {
    enter(host, skb, 'cil_from_netdev', 'network card ingress');
  }
  if (skb.packet.eth.type !== ETH_P_IP) {
    return TC_ACT_OK;
  }
  sendTraceNotify(env, skb, config.endpointId, TRACE_FROM_NETWORK, 0, 0, 0, 0, TRACE_REASON_UNKNOWN, TRACE_PAYLOAD_LEN);
  skb.cb.fill(0);
  // With the host's own routing an address says nothing about who sent: SECCTX_FROM_IPCACHE is off.
  skb.cb[CB_SRC_LABEL] = IDENTITY_WORLD;
  return tailHandleIpv4FromNetdev(host, skb);
}

/**
 * @see cilium:bpf/bpf_host.c#tail_handle_ipv4_from_netdev
 * @remarks Simplified: an answer that NAT sends through this program once more (a tail call with SKIP_NODEPORT) just goes on.
 */
function tailHandleIpv4FromNetdev(host: Host, skb: Skb): ReturnType<TcProgram> {
  const { env, config } = host;
  const secctx = skb.cb[CB_SRC_LABEL];
  let result: number = isUntrackedFragment(env, skb.packet) ? DROP_FRAG_NOSUPPORT : TC_ACT_OK;
  if (result === TC_ACT_OK && env.config.nodePort) {
    result = nodeportLb4(env, skb, config.nativeIfindex, config.endpointId);
  }
  if (result === TC_ACT_OK && config.firewall !== null) {
    result = ipv4HostPolicyIngress(env, config.firewall, skb);
  }
  // The rest is the stack's: without BPF host routing a redirect would bypass its connection tracking (NO_REDIRECT).
  return result < 0
    ? sendDropNotify(env, skb, config.endpointId, secctx, 0, 0, result, METRIC_INGRESS, SITE_HANDLE_IPV4)
    : (result as ReturnType<TcProgram>);
}

/** @see cilium:bpf/bpf_host.c#cil_to_netdev */
function cilToNetdev(host: Host, skb: Skb): ReturnType<TcProgram> {
  const { env, config } = host;
  if (env.journey.recording) {
    enter(host, skb, 'cil_to_netdev', 'network card egress');
  }
  if (isFromL7Lb(env, skb)) {
    const result = tailCallEgressPolicy(env, skb);
    return result ?? sendDropNotify(env, skb, config.endpointId, 0, 0, 0, DROP_MISSED_TAIL_CALL, METRIC_EGRESS, SITE_TO_NETDEV_L7_LB);
  }
  let reason: number = TRACE_REASON_UNKNOWN;
  if (config.firewall !== null && skb.packet.eth.type === ETH_P_IP) {
    const refused = handleToNetdevIpv4(host, config.firewall, skb);
    if (refused < 0) {
      return sendDropNotify(env, skb, config.endpointId, 0, 0, 0, refused, METRIC_EGRESS, SITE_TO_NETDEV);
    }
    reason = env.scratch.ctStatus;
  }
  if (env.config.nodePort && (skb.mark & MARK_MAGIC_SNAT_DONE) !== MARK_MAGIC_SNAT_DONE) {
    const result = handleNatFwd(env, skb, config.endpointId, false);
    return result < 0
      ? sendDropNotify(env, skb, config.endpointId, 0, 0, 0, result, METRIC_EGRESS, SITE_TO_NETDEV_NAT)
      : (result as ReturnType<TcProgram>);
  }
  sendTraceNotify(env, skb, config.endpointId, TRACE_TO_NETWORK, 0, 0, 0, 0, reason, env.scratch.monitor);
  return TC_ACT_OK;
}

/** The identity of what leaves, then the host's policy. @see cilium:bpf/bpf_host.c#handle_to_netdev_ipv4 */
function handleToNetdevIpv4(host: Host, firewall: HostFirewall, skb: Skb): number {
  const { mark } = skb;
  const magic = mark & MARK_MAGIC_HOST_MASK;
  let source: Identity = magic === MARK_MAGIC_HOST ? IDENTITY_HOST : magic === MARK_MAGIC_IDENTITY ? markIdentity(mark) : 0;
  if (source === 0) {
    // An address of the host says nothing: a pod's packets may have it by now, or a proxy's.
    const label = lookupIp4RemoteEndpoint(host.env, skb, skb.packet.ip.src)?.secLabel ?? 0;
    source = label === IDENTITY_HOST ? 0 : label;
  }
  return ipv4HostPolicyEgress(host.env, firewall, skb, source);
}

/** @see cilium:bpf/bpf_host.c#cil_to_host */
function cilToHost(host: Host, skb: Skb): ReturnType<TcProgram> {
  const { env, config } = host;
  if (env.journey.recording) {
    enter(host, skb, 'cil_to_host', 'cilium_host ingress');
  }
  const magic = skb.cb[CB_PROXY_MAGIC];
  const toProxy = (magic & 0xffff) === MARK_MAGIC_TO_PROXY;
  if (toProxy) {
    skb.cb[CB_PROXY_MAGIC] = 0;
    skb.mark = magic;
  }
  const { scratch } = env;
  scratch.remoteId = 0;
  scratch.ctStatus = TRACE_REASON_UNKNOWN;
  scratch.monitor = 0;
  if (config.firewall !== null && skb.packet.eth.type === ETH_P_IP) {
    const refused = ipv4HostPolicyIngress(env, config.firewall, skb);
    if (refused < 0) {
      return sendDropNotify(env, skb, config.endpointId, scratch.remoteId, 0, 0, refused, METRIC_INGRESS, SITE_TO_HOST);
    }
  }
  if (!toProxy) {
    const { remoteId, ctStatus, monitor } = scratch;
    sendTraceNotify(env, skb, config.endpointId, TRACE_TO_STACK, remoteId, 0, 0, env.config.ciliumIfindex, ctStatus, monitor);
  }
  return TC_ACT_OK;
}

/**
 * With endpoint routes: what a pod sends to the host, and what the host sends to a pod, which then goes on to the pod's program.
 * @see cilium:bpf/bpf_host.c#handle_lxc_traffic
 */
function handleLxcTraffic({ env, config }: Host, skb: Skb): ReturnType<TcProgram> {
  const { firewall, endpointId } = config;
  if (firewall === null) {
    return TC_ACT_OK;
  }
  if (skb.cb[CB_FROM_HOST] === 0) {
    env.scratch.remoteId = 0;
    const refused = ipv4HostPolicyIngress(env, firewall, skb);
    return refused < 0
      ? sendDropNotify(env, skb, endpointId, env.scratch.remoteId, 0, 0, refused, METRIC_INGRESS, SITE_TO_HOST)
      : TC_ACT_OK;
  }
  const pod = skb.cb[CB_DST_ENDPOINT_ID];
  const refused = ipv4HostPolicyEgress(env, firewall, skb, IDENTITY_HOST);
  if (refused < 0) {
    return sendDropNotify(env, skb, endpointId, IDENTITY_HOST, 0, 0, refused, METRIC_EGRESS, SITE_TO_HOST);
  }
  skb.cb[CB_SRC_LABEL] = IDENTITY_HOST;
  return (
    env.maps.policyCall.get(pod)?.(skb) ??
    sendDropNotify(env, skb, endpointId, IDENTITY_HOST, 0, 0, DROP_MISSED_TAIL_CALL, METRIC_EGRESS, SITE_TO_HOST)
  );
}

function enter(host: Host, skb: Skb, fn: string, where: string): void {
  host.env.journey.add({
    kind: 'enter',
    actor: 'bpf',
    fn,
    see: `cilium:bpf/bpf_host.c#${fn}`,
    packet: skb.packet.id,
    where,
    what: packetSummary(skb.packet),
  });
}
