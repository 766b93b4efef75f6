/** Audit mode: policy drops nothing, says so, and redirects as it would. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { policyCanAccessIngress, policyCanEgress } from '../../src/bpf/lib/policy.ts';
import { newPolicyMap } from '../../src/maps/policymap.ts';
import { tcp, testEnv } from '../bpf/support.ts';

const entry = fc.record({
  secLabel: fc.constantFrom(0, 5, 6),
  dport: fc.constantFrom(0, 80),
  egress: fc.constantFrom<0 | 1>(0, 1),
  deny: fc.boolean(),
  proxyPort: fc.constantFrom(0, 10_000),
});

it('what would be dropped passes and is told, and nothing else changes', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 4 }), fc.constantFrom(5, 7), fc.boolean(), (entries, identity, egress) => {
      const verdicts = [false, true].map((audit) => {
        const map = newPolicyMap(1);
        for (const { secLabel, dport, egress: way, deny, proxyPort } of entries) {
          map.update(
            { secLabel, dport, protocol: dport === 0 ? 0 : 6, egress: way },
            { deny, authType: 0, proxyPort: deny ? 0 : proxyPort, packets: 0, bytes: 0 },
          );
        }
        const { env } = testEnv();
        env.scratch.policyAuditMode = audit;
        const skb = tcp({ address: 1, port: 40_000 }, { address: 2, port: 80 }, 2);
        const verdict = egress
          ? policyCanEgress(env, map, skb, 1, identity, 80, 6)
          : policyCanAccessIngress(env, map, skb, identity, 80, 6);
        return { verdict, audited: env.scratch.audited };
      });
      const [plain, audited] = verdicts as [(typeof verdicts)[0], (typeof verdicts)[0]];
      expect(plain.audited).toBe(false);
      expect(audited).toEqual(plain.verdict < 0 ? { verdict: 0, audited: true } : plain);
    }),
    { numRuns: 200 },
  );
});
