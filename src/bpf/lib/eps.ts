/** Local endpoints. @see cilium:bpf/lib/eps.h */
import type { Skb } from '../../kernel/skb.ts';
import type { EndpointInfo } from '../../maps/lxcmap.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import type { BpfEnv } from '../env.ts';

/** @see cilium:bpf/lib/eps.h#lookup_ip4_endpoint */
export function lookupIp4Endpoint(env: BpfEnv, skb: Skb, address: Ipv4): EndpointInfo | undefined {
  const key = env.scratch.endpointKey;
  key.address = address;
  const { lxc } = env.maps;
  const info = lxc.lookup(key);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: 'lookup_ip4_endpoint',
      see: 'cilium:bpf/lib/eps.h#lookup_ip4_endpoint',
      packet: skb.packet.id,
      map: lxc.spec.name,
      key: { ip: formatIpv4(address) },
      entry: info === undefined ? null : lxc.spec.valueToJson(info),
    });
  }
  return info;
}
