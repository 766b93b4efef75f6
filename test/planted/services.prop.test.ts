/** A service's connections, as the load balancer's functions alone see them. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CtState } from '../../src/bpf/lib/ct_state.ts';
import { lb4Local, lb4LookupService, lb4RevNat } from '../../src/bpf/lib/lb.ts';
import { BE_STATE_ACTIVE, LB_LOOKUP_SCOPE_EXT, SVC_FLAG_AFFINITY } from '../../src/maps/lbmap.ts';
import type { Packet } from '../../src/net/packet.ts';
import { TCP_ACK, TCP_SYN } from '../../src/net/protocol.ts';
import { tcp, testEnv } from '../bpf/support.ts';

const CLIENTS = [0x0a00000a, 0x0a00000b];
const SERVICES = [
  { address: 0x0a2b0032, port: 80, revNatIndex: 3, backends: [11, 12] },
  { address: 0x0a2b0033, port: 8080, revNatIndex: 4, backends: [12, 13, 14] },
];
const BACKENDS: Readonly<Record<number, { readonly address: number; readonly port: number }>> = {
  11: { address: 0x0a000065, port: 8080 },
  12: { address: 0x0a000066, port: 80 },
  13: { address: 0x0a000067, port: 9000 },
  14: { address: 0x0a000068, port: 80 },
};
/** Seconds. */
const AFFINITY = 30;

function world(affinity: boolean): ReturnType<typeof testEnv> {
  const t = testEnv({ sessionAffinity: affinity });
  const { services, backends, reverseNat, affinityMatch } = t.env.maps;
  for (const [id, { address, port }] of Object.entries(BACKENDS)) {
    backends.update(Number(id), { address, port, proto: 0, state: BE_STATE_ACTIVE });
  }
  for (const { address, port, revNatIndex, backends: ids } of SERVICES) {
    const key = { address, dport: port, backendSlot: 0, proto: 0, scope: LB_LOOKUP_SCOPE_EXT } as const;
    const value = {
      count: ids.length,
      revNatIndex,
      flags: affinity ? SVC_FLAG_AFFINITY : 0,
      backendId: affinity ? AFFINITY : 0,
      flags2: 0,
    };
    services.update(key, value as never);
    ids.forEach((backendId, i) => {
      services.update({ ...key, backendSlot: i + 1 }, { ...value, count: 0, backendId } as never);
      affinityMatch.update({ revNatId: revNatIndex, backendId } as never, 0 as never);
    });
    reverseNat.update(revNatIndex, { address, port });
  }
  return t;
}

interface Step {
  readonly client: number;
  readonly sport: number;
  readonly service: number;
  readonly wait: number;
}

const steps = fc.array(
  fc.record({
    client: fc.constantFrom(...CLIENTS),
    sport: fc.constantFrom(40_001, 40_002, 40_003),
    service: fc.nat(1),
    wait: fc.constantFrom(0, 0, 1, 20, 31),
  }),
  { minLength: 1, maxLength: 20 },
);

const end = ({ l4 }: Packet, which: 'sport' | 'dport'): number => (l4.kind === 'tcp' ? l4[which] : 0);

/** Sends one packet and its answer through; the backend that got it. */
function exchange({ env }: ReturnType<typeof testEnv>, { client, sport, service }: Step, first: boolean): number {
  const { address, port, revNatIndex, backends } = SERVICES[service] as (typeof SERVICES)[number];
  const skb = tcp({ address: client, port: sport }, { address, port }, first ? TCP_SYN : TCP_ACK);
  const found = lb4LookupService(env, skb, address, port, true);
  expect(found?.revNatIndex).toBe(revNatIndex);
  const state = new CtState();
  expect(lb4Local(env, env.maps.ct4, skb, env.scratch.serviceTuple, found as never, state)).toBe(0);
  expect(state.revNatIndex).toBe(revNatIndex);
  const chosen = backends.find((id) => BACKENDS[id]?.address === skb.packet.ip.dst && BACKENDS[id]?.port === end(skb.packet, 'dport'));
  expect(backends).toContain(chosen);
  expect([skb.packet.ip.src, end(skb.packet, 'sport')]).toEqual([client, sport]);
  // The answer, by the reverse translation of the connection.
  const backend = BACKENDS[chosen as number] as { address: number; port: number };
  const answer = tcp(backend, { address: client, port: sport }, TCP_ACK);
  expect(lb4RevNat(env, answer, state, env.scratch.tuple, false)).toBe(0);
  expect([answer.packet.ip.src, end(answer.packet, 'sport'), answer.packet.ip.dst, end(answer.packet, 'dport')]).toEqual([
    address,
    port,
    client,
    sport,
  ]);
  return chosen as number;
}

it('a connection keeps its backend, which is one of its service’s, and its answers come from the service', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const t = world(false);
      const known = new Map<string, number>();
      for (const step of list) {
        t.advance(step.wait);
        const key = `${step.client} ${step.sport} ${step.service}`;
        const before = known.get(key);
        const chosen = exchange(t, step, before === undefined);
        expect(chosen).toBe(before ?? chosen);
        known.set(key, chosen);
      }
    }),
    { numRuns: 60 },
  );
});

it('with affinity a client keeps the backend of a service until it has been silent for its time', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const t = world(true);
      const last = new Map<string, { readonly backend: number; readonly at: number }>();
      list.forEach((step, i) => {
        t.advance(step.wait);
        const now = t.env.clock.seconds();
        const key = `${step.client} ${step.service}`;
        // Every packet is of a new connection.
        const chosen = exchange(t, { ...step, sport: 41_000 + i }, true);
        const before = last.get(key);
        if (before !== undefined && before.at + AFFINITY > now) {
          expect(chosen).toBe(before.backend);
        }
        last.set(key, { backend: chosen, at: now });
      });
    }),
    { numRuns: 60 },
  );
});

it('affinity ends: a client that comes back late is not always sent to the same', () => {
  const t = world(true);
  const seen = new Set(
    Array.from({ length: 40 }, (_, i) => {
      t.advance(AFFINITY + 1);
      return exchange(t, { client: CLIENTS[0] as number, sport: 42_000 + i, service: 0, wait: 0 }, true);
    }),
  );
  expect([...seen].length).toBe(2);
});
