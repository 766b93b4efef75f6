/** The invariants of the policy look-up against a slow model that ranks all keys. Numbers are those of the list they come from. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CB_POLICY } from '../../src/bpf/lib/meta.ts';
import { policyCanAccessIngress, policyCanEgress } from '../../src/bpf/lib/policy.ts';
import { DROP_ENCAP_PROHIBITED, DROP_POLICY, DROP_POLICY_DENY } from '../../src/maps/drop_reasons.ts';
import {
  POLICY_MATCH_ALL,
  POLICY_MATCH_L3_L4,
  POLICY_MATCH_L3_ONLY,
  POLICY_MATCH_L3_PROTO,
  POLICY_MATCH_L4_ONLY,
  POLICY_MATCH_NONE,
  POLICY_MATCH_PROTO_ONLY,
} from '../../src/maps/eventsmap.ts';
import { newPolicyMap, type PolicyEntry, type PolicyKey, type PolicyMap } from '../../src/maps/policymap.ts';
import { fragment, icmp, tcp, testEnv, udp } from './support.ts';

const BRANCH_POINT = { quirks: { policyIdProtoAny: false, loopbackBypass: false, replyPolicyAccounting: false } };
const IDENTITIES = [0, 2, 2033, 29439];
const PORTS = [0, 80, 443];
const PROTOCOLS = [0, 6, 17];

interface Given {
  readonly key: PolicyKey;
  readonly proxyPort: number;
  readonly deny: boolean;
}

const given: fc.Arbitrary<Given> = fc
  .record({
    secLabel: fc.constantFrom(...IDENTITIES),
    dport: fc.constantFrom(...PORTS),
    protocol: fc.constantFrom(...PROTOCOLS),
    egress: fc.constantFrom<0 | 1>(0, 1),
    proxyPort: fc.constantFrom(0, 0, 19313),
    deny: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  })
  // A port without a protocol is no key of a policy map.
  .filter(({ dport, protocol }) => dport === 0 || protocol !== 0)
  .map(({ proxyPort, deny, ...key }) => ({ key, proxyPort: deny ? 0 : proxyPort, deny }));

const entries = fc.uniqueArray(given, { maxLength: 12, selector: ({ key }) => JSON.stringify(key) });
const question = fc.record({
  identity: fc.constantFrom(2, 2033, 29439, 5513),
  port: fc.constantFrom(80, 443, 8080),
  udp: fc.boolean(),
  egress: fc.boolean(),
  src: fc.integer({ min: 1, max: 0xfffffffe }),
  dst: fc.integer({ min: 1, max: 0xfffffffe }),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

function fill(all: readonly Given[]): PolicyMap {
  const map = newPolicyMap(863);
  for (const { key, proxyPort, deny } of all) {
    map.update(key, { proxyPort, deny, authType: 0, packets: 0, bytes: 0 });
  }
  return map;
}

interface Answer {
  readonly verdict: number;
  readonly match: number;
}

function ask(map: PolicyMap, q: Question, policy = 0, changes = {}): Answer {
  const { env } = testEnv(changes);
  const from = { address: q.src, port: 40000 };
  const to = { address: q.dst, port: q.port };
  const skb = q.udp ? udp(from, to, 10) : tcp(from, to, 2);
  skb.cb[CB_POLICY] = policy;
  const proto = q.udp ? 17 : 6;
  const verdict = q.egress
    ? policyCanEgress(env, map, skb, 863, q.identity, q.port, proto)
    : policyCanAccessIngress(env, map, skb, q.identity, q.port, proto);
  return { verdict, match: env.scratch.matchType };
}

/** The keys that could match, the most specific first, and what a hit on each is called. */
function ranked(q: Question): readonly (readonly [Partial<PolicyKey>, number])[] {
  const protocol = q.udp ? 17 : 6;
  return [
    [{ secLabel: q.identity, dport: q.port, protocol }, POLICY_MATCH_L3_L4],
    [{ secLabel: 0, dport: q.port, protocol }, POLICY_MATCH_L4_ONLY],
    [{ secLabel: q.identity, dport: 0, protocol }, POLICY_MATCH_L3_PROTO],
    [{ secLabel: 0, dport: 0, protocol }, POLICY_MATCH_PROTO_ONLY],
    [{ secLabel: q.identity, dport: 0, protocol: 0 }, POLICY_MATCH_L3_ONLY],
    [{ secLabel: 0, dport: 0, protocol: 0 }, POLICY_MATCH_ALL],
  ];
}

/** The first key of the ranking that is there. */
function model(all: readonly Given[], q: Question): { readonly rank: number; readonly answer: Answer } {
  const direction = q.egress ? 1 : 0;
  for (const [rank, [wanted, match]] of ranked(q).entries()) {
    const hit = all.find(
      ({ key }) =>
        key.egress === direction && key.secLabel === wanted.secLabel && key.dport === wanted.dport && key.protocol === wanted.protocol,
    );
    if (hit !== undefined) {
      return { rank, answer: { verdict: hit.deny ? DROP_POLICY_DENY : hit.proxyPort, match } };
    }
  }
  return { rank: 6, answer: { verdict: DROP_POLICY, match: POLICY_MATCH_NONE } };
}

const counted = (map: PolicyMap): number =>
  [...map.entries()].reduce((sum, [, entry]: readonly [unknown, PolicyEntry]) => sum + entry.packets, 0);

describe('policy look-up invariants', () => {
  test('the first key of the fixed order decides', () => {
    fc.assert(fc.property(entries, question, (all, q) => void expect(ask(fill(all), q)).toEqual(model(all, q).answer)));
  });

  test('17: addresses do not matter', () => {
    fc.assert(
      fc.property(entries, question, fc.nat(), fc.nat(), (all, q, src, dst) => {
        expect(ask(fill(all), { ...q, src, dst })).toEqual(ask(fill(all), q));
      }),
    );
  });

  test('18: a less specific entry never changes what a more specific one said', () => {
    fc.assert(
      fc.property(entries, question, fc.boolean(), (all, q, deny) => {
        const { rank, answer } = model(all, q);
        const less = ranked(q)
          .slice(rank + 1)
          .map(
            ([wanted]): Given => ({ key: { secLabel: 0, dport: 0, protocol: 0, egress: q.egress ? 1 : 0, ...wanted }, proxyPort: 0, deny }),
          );
        const map = fill([...less, ...all]);
        expect(ask(map, q)).toEqual(answer);
      }),
    );
  });

  test('19: what is denied first is denied, whatever the control buffer says', () => {
    fc.assert(
      fc.property(entries, question, (all, q) => {
        fc.pre(model(all, q).answer.verdict === DROP_POLICY_DENY);
        expect(ask(fill(all), q, 1).verdict).toBe(DROP_POLICY_DENY);
      }),
      { numRuns: 50 },
    );
  });

  test('20: at the branch point a proxy port needs an exact port', () => {
    fc.assert(
      fc.property(entries, question, (all, q) => {
        const { verdict, match } = ask(fill(all), q, 0, BRANCH_POINT);
        if (verdict > 0) {
          expect([POLICY_MATCH_L3_L4, POLICY_MATCH_L4_ONLY]).toContain(match);
        }
      }),
    );
  });

  test('21: with an allow-all key and no deny, nothing is dropped', () => {
    fc.assert(
      fc.property(entries, question, (all, q) => {
        const allowAll = [0, 1].map(
          (egress): Given => ({
            key: { secLabel: 0, dport: 0, protocol: 0, egress: egress as 0 | 1 },
            proxyPort: 0,
            deny: false,
          }),
        );
        const others = all.filter(({ deny, key }) => !deny && (key.secLabel !== 0 || key.protocol !== 0));
        expect(ask(fill([...others, ...allowAll]), q).verdict).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('22: exactly the deciding entry counts the packet', () => {
    fc.assert(
      fc.property(entries, question, (all, q) => {
        const map = fill(all);
        const { match } = ask(map, q);
        expect(counted(map)).toBe(match === POLICY_MATCH_NONE ? 0 : 1);
      }),
    );
  });

  test('a packet that skips policy in the control buffer is dropped by a deny entry only', () => {
    fc.assert(
      fc.property(entries, question, (all, q) => {
        const { verdict } = ask(fill(all), q, 1);
        expect(verdict).toBe(model(all, q).rank === 6 ? 0 : model(all, q).answer.verdict);
      }),
    );
  });
});

describe('policy look-up', () => {
  const map = fill([{ key: { secLabel: 29439, dport: 80, protocol: 6, egress: 0 }, proxyPort: 19313, deny: false }]);
  const q: Question = { identity: 29439, port: 80, udp: false, egress: false, src: 1, dst: 2 };

  test("the article's: tiefighter goes to the proxy, xwing is dropped", () => {
    expect(ask(map, q)).toEqual({ verdict: 19313, match: POLICY_MATCH_L3_L4 });
    expect(ask(map, { ...q, identity: 5513 })).toEqual({ verdict: DROP_POLICY, match: POLICY_MATCH_NONE });
  });

  test('the branch point has no key of identity and protocol, and calls the protocol-only hit L4-only', () => {
    const protocolOnly = fill([{ key: { secLabel: 0, dport: 0, protocol: 6, egress: 0 }, proxyPort: 0, deny: false }]);
    expect(ask(protocolOnly, q, 0, BRANCH_POINT).match).toBe(POLICY_MATCH_L4_ONLY);
    expect(ask(protocolOnly, q).match).toBe(POLICY_MATCH_PROTO_ONLY);
    const identityProtocol = fill([{ key: { secLabel: 29439, dport: 0, protocol: 6, egress: 0 }, proxyPort: 0, deny: false }]);
    expect(ask(identityProtocol, q, 0, BRANCH_POINT).verdict).toBe(DROP_POLICY);
    expect(ask(identityProtocol, q).match).toBe(POLICY_MATCH_L3_PROTO);
  });

  test("a pod may not send the tunnel's packets itself", () => {
    const { env } = testEnv();
    const skb = udp({ address: 1, port: 1 }, { address: 2, port: 8472 });
    expect(policyCanEgress(env, newPolicyMap(1), skb, 29439, 2, 8472, 17)).toBe(DROP_ENCAP_PROHIBITED);
  });

  test('"fragmentation needed" passes without a policy, other ICMP needs its type', () => {
    const { env } = testEnv();
    expect(policyCanAccessIngress(env, newPolicyMap(1), icmp(1, 2, 3, 4), 2, 0, 1)).toBe(0);
    const echo = newPolicyMap(1);
    echo.update({ secLabel: 0, dport: 8, protocol: 1, egress: 0 }, { proxyPort: 0, deny: false, authType: 0, packets: 0, bytes: 0 });
    expect(policyCanAccessIngress(env, echo, icmp(1, 2, 8), 2, 0, 1)).toBe(0);
    expect(policyCanAccessIngress(env, echo, icmp(1, 2, 13), 2, 0, 1)).toBe(DROP_POLICY);
  });

  test('without fragment tracking a fragment matches keys without a port only', () => {
    const { env } = testEnv({ enableIpv4Fragments: false });
    const identityOnly = fill([{ key: { secLabel: 2, dport: 0, protocol: 0, egress: 0 }, proxyPort: 0, deny: false }]);
    expect(policyCanAccessIngress(env, identityOnly, fragment(1, 2), 2, 80, 17)).toBe(0);
    const exact = fill([{ key: { secLabel: 2, dport: 80, protocol: 17, egress: 0 }, proxyPort: 0, deny: false }]);
    expect(policyCanAccessIngress(env, exact, fragment(1, 2), 2, 80, 17)).toBeLessThan(0);
  });

  test('audit mode lets pass what would be dropped, and says so', () => {
    const { env } = testEnv();
    env.scratch.policyAuditMode = true;
    const from = { address: 1, port: 1 };
    expect(policyCanAccessIngress(env, newPolicyMap(1), tcp(from, { address: 2, port: 80 }, 2), 5513, 80, 6)).toBe(0);
    expect(env.scratch.audited).toBe(true);
  });
});
