/**
 * One packet of an established connection through both pods' programs, nothing recorded, against the same look-ups on plain Maps whose keys are
 * ready made.
 */

import { HashMap } from '../../src/kernel/hash_map.ts';
import { LpmTrie } from '../../src/kernel/lpm_trie.ts';
import { Skb } from '../../src/kernel/skb.ts';
import { ENDPOINT_KEY_IPV4 } from '../../src/maps/ipcache.ts';
import { NO_BYTES } from '../../src/net/bytes.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import { makePacket, type Packet } from '../../src/net/packet.ts';
import { TCP_ACK, TCP_SYN } from '../../src/net/protocol.ts';
import { starWars } from './clusters.ts';
import { type Figure, median, seconds } from './measure.ts';

/** Packets of one measurement. */
export const PACKETS = 200_000;

/** The figures. */
export function benchPackets(): Figure[] {
  const cluster = starWars(false);
  const node = cluster.nodes[0];
  const client = node?.agent.endpoints.ofPod('default', 'tiefighter');
  const service = node?.agent.services.frontends().find((frontend) => frontend.name === 'deathstar');
  if (node === undefined || client === undefined || service === undefined || client.device.ingress === null) {
    throw new Error('the bench cluster has no tiefighter or no deathstar');
  }
  const program = client.device.ingress;
  const packet = (flags: number): Packet =>
    makePacket({
      id: 1,
      src: client.ipv4,
      dst: service.address,
      protocol: 6,
      l4: { kind: 'tcp', sport: 40000, dport: 80, seq: 1, ack: 1, flags, window: 64240, options: null, headerLength: 32 },
      payload: NO_BYTES,
    });
  program(new Skb(packet(TCP_SYN)));
  const ack = packet(TCP_ACK);
  program(new Skb(ack));
  const lookups = countLookups(() => program(new Skb(ack)));
  const perPacket =
    median(() =>
      seconds(() => {
        for (let i = 0; i < PACKETS; i++) {
          program(new Skb(ack));
        }
      }),
    ) / PACKETS;
  const bare = median(() => bareLookups(lookups)) / PACKETS;
  return [
    {
      name: 'established packet through both programs',
      value: 1 / perPacket,
      unit: 'packets/s',
      note: `${(perPacket * 1e9).toFixed(0)} ns, ${lookups} map look-ups a packet`,
    },
    { name: 'the same look-ups on plain Maps with prepared keys', value: bare * 1e9, unit: 'ns/packet', note: '' },
    { name: 'cost of a packet over its bare look-ups', value: perPacket / bare, unit: 'times', note: 'aim: at most 5' },
  ];
}

/** How often the BPF map types are asked during a run. */
export function countLookups(run: () => void): number {
  let count = 0;
  const hash = HashMap.prototype.lookup;
  const lpm = LpmTrie.prototype.lookup4;
  HashMap.prototype.lookup = function (this: never, key: never): never {
    count += 1;
    return hash.call(this, key) as never;
  };
  LpmTrie.prototype.lookup4 = function (this: never, space: number, address: number): never {
    count += 1;
    return lpm.call(this, space, address) as never;
  };
  run();
  HashMap.prototype.lookup = hash;
  LpmTrie.prototype.lookup4 = lpm;
  return count;
}

/** As many look-ups per packet in Maps keyed by ready strings: what a key of several fields costs at the very least. */
export function bareLookups(lookups: number): number {
  const maps = Array.from({ length: lookups }, (_, index) => {
    const map = new Map<string, { value: number }>();
    for (let i = 0; i < 64; i++) {
      map.set(`${index} 10.0.0.${i} ${ENDPOINT_KEY_IPV4} ${parseIpv4('10.0.0.1')}`, { value: i });
    }
    return { map, key: `${index} 10.0.0.7 ${ENDPOINT_KEY_IPV4} ${parseIpv4('10.0.0.1')}` };
  });
  let sum = 0;
  const took = seconds(() => {
    for (let i = 0; i < PACKETS; i++) {
      for (let k = 0; k < maps.length; k++) {
        const { map, key } = maps[k] as (typeof maps)[number];
        sum += map.get(key)?.value ?? 0;
      }
    }
  });
  if (sum === 0) {
    throw new Error('the look-ups found nothing');
  }
  return took;
}
