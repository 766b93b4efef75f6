/** Handing a packet to the proxy through the stack. @see cilium:bpf/lib/proxy.h */
import { PACKET_HOST, type Skb, TC_ACT_OK, type TcAct } from '../../kernel/skb.ts';
import { toProxyMark } from '../../maps/marks.ts';
import type { BpfEnv } from '../env.ts';
import { CT_ESTABLISHED, CT_NEW, CT_REOPENED } from './conntrack.ts';
import { ipv4L3 } from './l3.ts';
import { CB_PROXY_MAGIC } from './meta.ts';

/** Whether a verdict sends this packet to the proxy. @see cilium:bpf/lib/proxy.h#redirect_to_proxy */
export function redirectToProxy(verdict: number, status: number): boolean {
  return verdict > 0 && (status === CT_NEW || status === CT_ESTABLISHED || status === CT_REOPENED);
}

/**
 * Marks the packet for the proxy port (0: the stack finds the socket by itself) and lets the stack have it.
 * @see cilium:bpf/lib/proxy.h#__ctx_redirect_to_proxy
 * @remarks Not modelled: the socket assignment of enable-bpf-tproxy.
 */
export function ctxRedirectToProxy(env: BpfEnv, skb: Skb, proxyPort: number): TcAct {
  const before = skb.mark;
  skb.mark = toProxyMark(proxyPort);
  skb.pktType = PACKET_HOST;
  if (env.journey.recording) {
    env.journey.add({
      kind: 'change',
      actor: 'bpf',
      fn: 'ctx_redirect_to_proxy4',
      see: 'cilium:bpf/lib/proxy.h#__ctx_redirect_to_proxy',
      packet: skb.packet.id,
      target: 'mark',
      before: `0x${before.toString(16).padStart(8, '0')}`,
      after: `0x${skb.mark.toString(16).padStart(8, '0')}`,
    });
  }
  return TC_ACT_OK;
}

/**
 * The same from a pod's own device: the packet turns around and enters the host by cilium_host, whose program marks it.
 * @see cilium:bpf/lib/proxy.h#ctx_redirect_to_proxy_hairpin_ipv4
 */
export function ctxRedirectToProxyHairpin(env: BpfEnv, skb: Skb, proxyPort: number): number {
  const error = ipv4L3(skb, env.config.routerMac, env.config.hostMac);
  if (error < 0) {
    return error;
  }
  skb.cb[CB_PROXY_MAGIC] = toProxyMark(proxyPort);
  return skb.redirect(env.config.hostIfindex);
}
