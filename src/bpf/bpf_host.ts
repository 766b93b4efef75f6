/**
 * The programs of cilium_host and cilium_net: what the host (and the proxies in it) send to pods, and what reaches the host.
 * @see cilium:bpf/bpf_host.c
 */
import { type Skb, TC_ACT_OK, type TcProgram } from '../kernel/skb.ts';
import { type CallsMap, CILIUM_CALL_IPV4_FROM_HOST } from '../maps/callsmap.ts';
import { DROP_MISSED_TAIL_CALL, DROP_UNROUTABLE } from '../maps/drop_reasons.ts';
import { TRACE_FROM_HOST, TRACE_FROM_PROXY, TRACE_REASON_UNKNOWN, TRACE_TO_STACK } from '../maps/eventsmap.ts';
import { IDENTITY_HOST, IDENTITY_WORLD, type Identity } from '../maps/identity.ts';
import { ENDPOINT_F_HOST } from '../maps/lxcmap.ts';
import { MARK_MAGIC_HOST_MASK, MARK_MAGIC_PROXY_EGRESS, MARK_MAGIC_PROXY_INGRESS, MARK_MAGIC_TO_PROXY } from '../maps/marks.ts';
import { METRIC_INGRESS } from '../maps/metricsmap.ts';
import { packetSummary, withEth } from '../net/packet.ts';
import { ETH_P_IP } from '../net/protocol.ts';
import type { BpfEnv } from './env.ts';
import { TRACE_PAYLOAD_LEN } from './lib/conntrack.ts';
import { FILE_BPF_HOST, sendDropNotify } from './lib/drop.ts';
import { lookupIp4Endpoint } from './lib/eps.ts';
import { identityIsReserved, inheritIdentityFromHost, lookupIp4RemoteEndpoint } from './lib/identity.ts';
import { ipv4LocalDelivery } from './lib/l3.ts';
import { CB_PROXY_MAGIC, CB_SRC_LABEL } from './lib/meta.ts';
import { sendTraceNotify } from './lib/trace.ts';

/** Configuration of the host endpoint. */
export interface HostConfig {
  readonly endpointId: number;
}

/** The entry points of the host's object. */
export interface HostPrograms {
  /** tc egress of cilium_host. */
  readonly cilFromHost: TcProgram;
  /** tc ingress of cilium_host and cilium_net. */
  readonly cilToHost: TcProgram;
}

interface Host {
  readonly env: BpfEnv;
  readonly config: HostConfig;
  readonly calls: CallsMap;
}

const SITE_FROM_HOST = { file: FILE_BPF_HOST, line: 653 } as const;

/** Compiles and loads the host's programs. */
export function loadBpfHost(env: BpfEnv, config: HostConfig, calls: CallsMap): HostPrograms {
  const host: Host = { env, config, calls };
  calls.set(CILIUM_CALL_IPV4_FROM_HOST, (skb) => tailHandleIpv4FromHost(host, skb));
  return { cilFromHost: (skb) => cilFromHost(host, skb), cilToHost: (skb) => cilToHost(host, skb) };
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
    sendDropNotify(env, skb, config.endpointId, inherited, 0, 0, DROP_MISSED_TAIL_CALL, METRIC_INGRESS, SITE_FROM_HOST);
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
  const secctx = skb.cb[CB_SRC_LABEL];
  skb.cb[CB_SRC_LABEL] = 0;
  const result = handleIpv4(host, skb, secctx);
  return result < 0
    ? sendDropNotify(host.env, skb, host.config.endpointId, secctx, 0, 0, result, METRIC_INGRESS, SITE_FROM_HOST)
    : (result as ReturnType<TcProgram>);
}

/**
 * @see cilium:bpf/bpf_host.c#handle_ipv4
 * @remarks Not modelled: encapsulation to other nodes, NodePort, the host firewall.
 */
function handleIpv4(host: Host, skb: Skb, secctx: Identity): number {
  const { env } = host;
  const { eth } = skb.packet;
  skb.packet = withEth(skb.packet, { dst: env.config.ciliumNetMac, src: eth.src, type: eth.type });
  const local = lookupIp4Endpoint(env, skb, skb.packet.ip.dst);
  if (local !== undefined) {
    return (local.flags & ENDPOINT_F_HOST) !== 0 ? TC_ACT_OK : ipv4LocalDelivery(env, skb, secctx, local, METRIC_INGRESS, true);
  }
  const info = lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.dst);
  return info === undefined || info.secLabel === IDENTITY_WORLD ? DROP_UNROUTABLE : TC_ACT_OK;
}

/** @see cilium:bpf/bpf_host.c#cil_to_host */
function cilToHost(host: Host, skb: Skb): ReturnType<TcProgram> {
  const { env, config } = host;
  if (env.journey.recording) {
    enter(host, skb, 'cil_to_host', 'cilium_host ingress');
  }
  const magic = skb.cb[CB_PROXY_MAGIC];
  if ((magic & 0xffff) === MARK_MAGIC_TO_PROXY) {
    skb.cb[CB_PROXY_MAGIC] = 0;
    skb.mark = magic;
    return TC_ACT_OK;
  }
  sendTraceNotify(env, skb, config.endpointId, TRACE_TO_STACK, 0, 0, 0, 0, TRACE_REASON_UNKNOWN, 0);
  return TC_ACT_OK;
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
