/**
 * The programs of the tunnel's device: what arrives from other nodes, and what leaves for them.
 * @see cilium:bpf/bpf_overlay.c
 */
import { type Skb, TC_ACT_OK, type TcProgram } from '../kernel/skb.ts';
import { type CallsMap, CILIUM_CALL_IPV4_FROM_OVERLAY } from '../maps/callsmap.ts';
import { DROP_FRAG_NOSUPPORT, DROP_INVALID_IDENTITY, DROP_MISSED_TAIL_CALL, DROP_NO_TUNNEL_KEY } from '../maps/drop_reasons.ts';
import { TRACE_FROM_OVERLAY, TRACE_REASON_UNKNOWN } from '../maps/eventsmap.ts';
import { IDENTITY_HOST, IDENTITY_KUBE_APISERVER, IDENTITY_REMOTE_NODE, type Identity } from '../maps/identity.ts';
import { ENDPOINT_F_HOST } from '../maps/lxcmap.ts';
import { MARK_MAGIC_SNAT_DONE } from '../maps/marks.ts';
import { METRIC_EGRESS, METRIC_INGRESS } from '../maps/metricsmap.ts';
import { packetSummary } from '../net/packet.ts';
import { ETH_P_IP } from '../net/protocol.ts';
import type { BpfEnv } from './env.ts';
import { TRACE_PAYLOAD_LEN } from './lib/conntrack.ts';
import { FILE_BPF_OVERLAY, sendDropNotify } from './lib/drop.ts';
import { lookupIp4Endpoint } from './lib/eps.ts';
import { lookupIp4RemoteEndpoint } from './lib/identity.ts';
import { isUntrackedFragment } from './lib/ipv4.ts';
import { ipv4L3, ipv4LocalDelivery } from './lib/l3.ts';
import { handleNatFwd, nodeportLb4 } from './lib/nodeport.ts';
import { sendTraceNotify } from './lib/trace.ts';

/** The entry points. */
export interface OverlayPrograms {
  /** tc ingress of the tunnel's device. */
  readonly cilFromOverlay: TcProgram;
  /** tc egress. */
  readonly cilToOverlay: TcProgram;
}

interface Overlay {
  readonly env: BpfEnv;
  readonly calls: CallsMap;
}

/** The object belongs to no endpoint. @see cilium:bpf/lib/common.h#EVENT_SOURCE */
const EVENT_SOURCE = 0;

/** Lines of 1.13.3's send_drop_notify calls. */
const SITE_FROM_OVERLAY = { file: FILE_BPF_OVERLAY, line: 342 } as const;
const SITE_TO_OVERLAY = { file: FILE_BPF_OVERLAY, line: 564 } as const;

/** Compiles and loads the programs. */
export function loadBpfOverlay(env: BpfEnv, calls: CallsMap): OverlayPrograms {
  const overlay: Overlay = { env, calls };
  calls.set(CILIUM_CALL_IPV4_FROM_OVERLAY, (skb) => tailHandleIpv4(overlay, skb));
  return { cilFromOverlay: (skb) => cilFromOverlay(overlay, skb), cilToOverlay: (skb) => cilToOverlay(overlay, skb) };
}

/** @see cilium:bpf/bpf_overlay.c#cil_from_overlay */
function cilFromOverlay({ env, calls }: Overlay, skb: Skb): ReturnType<TcProgram> {
  skb.cb.fill(0);
  enter(env, skb, 'cil_from_overlay', 'tunnel device ingress');
  sendTraceNotify(env, skb, EVENT_SOURCE, TRACE_FROM_OVERLAY, 0, 0, 0, skb.ifindex, TRACE_REASON_UNKNOWN, TRACE_PAYLOAD_LEN);
  if (skb.packet.eth.type !== ETH_P_IP) {
    return TC_ACT_OK;
  }
  const program = calls.get(CILIUM_CALL_IPV4_FROM_OVERLAY);
  return program === undefined ? dropped(env, skb, 0, DROP_MISSED_TAIL_CALL) : program(skb);
}

/** @see cilium:bpf/bpf_overlay.c#tail_handle_ipv4 */
function tailHandleIpv4({ env }: Overlay, skb: Skb): ReturnType<TcProgram> {
  if (isUntrackedFragment(env, skb.packet)) {
    return dropped(env, skb, 0, DROP_FRAG_NOSUPPORT);
  }
  const translated = env.config.nodePort ? nodeportLb4(env, skb, skb.ifindex, EVENT_SOURCE) : TC_ACT_OK;
  if (translated !== TC_ACT_OK) {
    return translated < 0 ? dropped(env, skb, 0, translated) : (translated as ReturnType<TcProgram>);
  }
  const identity = tunnelIdentity(env, skb);
  if (identity < 0) {
    return dropped(env, skb, 0, identity);
  }
  const local = lookupIp4Endpoint(env, skb, skb.packet.ip.dst);
  const result =
    local !== undefined && (local.flags & ENDPOINT_F_HOST) === 0
      ? ipv4LocalDelivery(env, skb, identity, local, METRIC_INGRESS, false)
      : toHost(env, skb);
  return result < 0 ? dropped(env, skb, identity, result) : (result as ReturnType<TcProgram>);
}

/** Who sent it, as the tunnel's header says; nodes are looked up. @see cilium:bpf/bpf_overlay.c#handle_ipv4 */
function tunnelIdentity(env: BpfEnv, skb: Skb): Identity {
  const info = lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.src);
  if (skb.tunnelKey === null) {
    return DROP_NO_TUNNEL_KEY;
  }
  const { id } = skb.tunnelKey;
  if (id === IDENTITY_HOST) {
    // A node's own packets bear the identity of a remote node.
    return DROP_INVALID_IDENTITY;
  }
  const node = id === IDENTITY_REMOTE_NODE || id === IDENTITY_KUBE_APISERVER;
  const identity = node && info !== undefined ? info.secLabel : id;
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: 'cil_from_overlay',
      see: 'cilium:bpf/bpf_overlay.c#handle_ipv4',
      packet: skb.packet.id,
      verdict: `identity ${identity}`,
      why: `tunnel identifier ${id}`,
    });
  }
  return identity;
}

/** What is for no pod here is for the host: out of cilium_net, and in by cilium_host. */
function toHost(env: BpfEnv, skb: Skb): number {
  const { routerMac, hostMac, hostIfindex } = env.config;
  const error = ipv4L3(skb, routerMac, hostMac);
  return error < 0 ? error : skb.redirect(hostIfindex);
}

/** @see cilium:bpf/bpf_overlay.c#cil_to_overlay */
function cilToOverlay({ env }: Overlay, skb: Skb): ReturnType<TcProgram> {
  enter(env, skb, 'cil_to_overlay', 'tunnel device egress');
  if (!env.config.nodePort || (skb.mark & MARK_MAGIC_SNAT_DONE) === MARK_MAGIC_SNAT_DONE) {
    return TC_ACT_OK;
  }
  const result = handleNatFwd(env, skb, EVENT_SOURCE, true);
  return result < 0
    ? sendDropNotify(env, skb, EVENT_SOURCE, 0, 0, 0, result, METRIC_EGRESS, SITE_TO_OVERLAY)
    : (result as ReturnType<TcProgram>);
}

function dropped(env: BpfEnv, skb: Skb, identity: Identity, reason: number): ReturnType<TcProgram> {
  return sendDropNotify(env, skb, EVENT_SOURCE, identity, 0, 0, reason, METRIC_INGRESS, SITE_FROM_OVERLAY);
}

function enter(env: BpfEnv, skb: Skb, fn: string, where: string): void {
  if (env.journey.recording) {
    const what = packetSummary(skb.packet);
    env.journey.add({ kind: 'enter', actor: 'bpf', fn, see: `cilium:bpf/bpf_overlay.c#${fn}`, packet: skb.packet.id, where, what });
  }
}
