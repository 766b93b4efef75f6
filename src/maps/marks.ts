/**
 * The layout of skb->mark that BPF programs, iptables rules and the proxy agree on.
 * @see cilium:bpf/lib/common.h#MARK_MAGIC_HOST_MASK
 * @see cilium:pkg/datapath/linux/linux_defaults/mark.go
 */

export const MARK_MAGIC_HOST_MASK = 0x0f00;
export const MARK_MAGIC_TO_PROXY = 0x0200;
export const MARK_MAGIC_PROXY_EGRESS_EPID = 0x0900;
export const MARK_MAGIC_PROXY_INGRESS = 0x0a00;
export const MARK_MAGIC_PROXY_EGRESS = 0x0b00;
export const MARK_MAGIC_HOST = 0x0c00;
export const MARK_MAGIC_DECRYPT = 0x0d00;
export const MARK_MAGIC_ENCRYPT = 0x0e00;
export const MARK_MAGIC_IDENTITY = 0x0f00;

/** All of these bits: translated already. @see cilium:bpf/lib/common.h#MARK_MAGIC_SNAT_DONE */
export const MARK_MAGIC_SNAT_DONE = 0x1500;

/** Bits of skb->tc_index. @see cilium:bpf/lib/common.h#TC_INDEX_F_SKIP_INGRESS_PROXY */
export const TC_INDEX_F_SKIP_INGRESS_PROXY = 1;
export const TC_INDEX_F_SKIP_EGRESS_PROXY = 2;
export const TC_INDEX_F_SKIP_NODEPORT = 4;
export const TC_INDEX_F_SKIP_RECIRCULATION = 8;
export const TC_INDEX_F_SKIP_HOST_FIREWALL = 16;

/** The mark with a magic value and an identity of at most 24 bits. @see cilium:bpf/lib/common.h#set_identity_mark */
export function identityMark(magic: number, identity: number): number {
  return (((identity & 0xffff) << 16) | magic | ((identity >>> 16) & 0xff)) >>> 0;
}

/** The identity in a mark. @see cilium:bpf/lib/common.h#get_identity */
export function markIdentity(mark: number): number {
  return ((mark & 0xff) << 16) | (mark >>> 16);
}

/** A port number in the byte order the mark carries it (a network-order u16 read by a little-endian machine). */
export function swap16(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}

/** The mark of a packet on its way to the proxy listening on `port`; 0 for a reply. @see cilium:bpf/lib/proxy.h#__ctx_redirect_to_proxy */
export function toProxyMark(port: number): number {
  return ((swap16(port) << 16) | MARK_MAGIC_TO_PROXY) >>> 0;
}
