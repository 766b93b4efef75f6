/** Identities from marks, addresses and the ipcache. @see cilium:bpf/lib/identity.h */
import type { Skb } from '../../kernel/skb.ts';
import { IDENTITY_HOST, IDENTITY_KUBE_APISERVER, IDENTITY_REMOTE_NODE, IDENTITY_UNMANAGED, IDENTITY_WORLD } from '../../maps/identity.ts';
import { ENDPOINT_KEY_IPV4, type RemoteEndpointInfo } from '../../maps/ipcache.ts';
import {
  MARK_MAGIC_ENCRYPT,
  MARK_MAGIC_HOST,
  MARK_MAGIC_HOST_MASK,
  MARK_MAGIC_IDENTITY,
  MARK_MAGIC_PROXY_EGRESS,
  MARK_MAGIC_PROXY_INGRESS,
  markIdentity,
  TC_INDEX_F_SKIP_EGRESS_PROXY,
  TC_INDEX_F_SKIP_INGRESS_PROXY,
} from '../../maps/marks.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import type { BpfEnv } from '../env.ts';

/** host, world, unknown, or a node: identities the datapath looks up again. @see cilium:bpf/lib/identity.h#identity_is_reserved */
export function identityIsReserved(identity: number): boolean {
  return identity < IDENTITY_UNMANAGED || identity === IDENTITY_REMOTE_NODE || identity === IDENTITY_KUBE_APISERVER;
}

/**
 * The identity the mark carries; notes in tc_index that a proxy sent the packet, and clears the mark.
 * @see cilium:bpf/lib/identity.h#inherit_identity_from_host
 */
export function inheritIdentityFromHost(env: BpfEnv, skb: Skb): number {
  const { mark } = skb;
  const magic = mark & MARK_MAGIC_HOST_MASK;
  let identity: number;
  if (magic === MARK_MAGIC_PROXY_INGRESS) {
    identity = markIdentity(mark);
    skb.tcIndex |= TC_INDEX_F_SKIP_INGRESS_PROXY;
  } else if (magic === MARK_MAGIC_PROXY_EGRESS) {
    identity = markIdentity(mark);
    skb.tcIndex |= TC_INDEX_F_SKIP_EGRESS_PROXY;
  } else if (magic === MARK_MAGIC_IDENTITY) {
    identity = markIdentity(mark);
  } else if (magic === MARK_MAGIC_HOST) {
    identity = IDENTITY_HOST;
  } else if (magic === MARK_MAGIC_ENCRYPT) {
    identity = markIdentity(mark);
  } else {
    identity = IDENTITY_WORLD;
  }
  skb.mark = 0;
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: 'inherit_identity_from_host',
      see: 'cilium:bpf/lib/identity.h#inherit_identity_from_host',
      packet: skb.packet.id,
      verdict: `identity ${identity}`,
      why: `mark 0x${mark.toString(16).padStart(8, '0')}`,
      data: { mark, identity, tcIndex: skb.tcIndex },
    });
  }
  return identity;
}

/** The ipcache entry of an address. @see cilium:bpf/lib/eps.h#lookup_ip4_remote_endpoint */
export function lookupIp4RemoteEndpoint(env: BpfEnv, skb: Skb, address: Ipv4): RemoteEndpointInfo | undefined {
  const { ipcache } = env.maps;
  const info = ipcache.lookup4(ENDPOINT_KEY_IPV4, address);
  if (env.journey.recording) {
    const found = ipcache.match({ space: ENDPOINT_KEY_IPV4, length: 32, address });
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: 'lookup_ip4_remote_endpoint',
      see: 'cilium:bpf/lib/eps.h#lookup_ip4_remote_endpoint',
      packet: skb.packet.id,
      map: ipcache.spec.name,
      key: { ip: formatIpv4(address) },
      entry: found === undefined ? null : { ...ipcache.spec.key.toJson(found.key), ...ipcache.spec.valueToJson(found.value) },
    });
  }
  return info;
}
