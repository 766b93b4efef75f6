/** What header matches with actions do to a request, and whether they let it go on, against a table of their definitions. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AccessLogEntry } from '../../src/envoy/cilium/accesslog.ts';
import { HttpRule } from '../../src/envoy/cilium/http_rule.ts';
import { HeaderMap } from '../../src/envoy/http/header_map.ts';

const action = fc.record({
  name: fc.constantFrom('x-a', 'x-b'),
  value: fc.constantFrom('', '1', '2'),
  match_action: fc.constantFrom('CONTINUE_ON_MATCH' as const, 'FAIL_ON_MATCH' as const, 'DELETE_ON_MATCH' as const),
  mismatch_action: fc.constantFrom(
    'FAIL_ON_MISMATCH' as const,
    'CONTINUE_ON_MISMATCH' as const,
    'ADD_ON_MISMATCH' as const,
    'DELETE_ON_MISMATCH' as const,
    'REPLACE_ON_MISMATCH' as const,
  ),
});
const have = fc.record({ 'x-a': fc.constantFrom(null, '1', '2'), 'x-b': fc.constantFrom(null, '1') });

/** @see proxy:cilium/network_policy.cc#HttpNetworkPolicyRule::HeaderMatches */
it('header actions do what they are called', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 1, maxLength: 3 }), have, (actions, given) => {
      const rule = HttpRule.compile({ header_matches: actions }, 100) as HttpRule;
      const headers = new HeaderMap();
      const model = new Map<string, string>();
      for (const [name, value] of Object.entries(given)) {
        if (value !== null) {
          headers.add(name, value);
          model.set(name, value);
        }
      }
      let wanted = true;
      for (const { name, value, match_action: onMatch, mismatch_action: onMismatch } of actions) {
        const now = model.get(name);
        if (now !== undefined && (value === '' || now === value)) {
          wanted &&= onMatch !== 'FAIL_ON_MATCH';
          if (onMatch === 'DELETE_ON_MATCH') {
            model.delete(name);
          }
          continue;
        }
        wanted &&= onMismatch !== 'FAIL_ON_MISMATCH';
        if (onMismatch === 'ADD_ON_MISMATCH') {
          model.set(name, now === undefined ? value : `${now},${value}`);
        } else if (onMismatch === 'REPLACE_ON_MISMATCH') {
          model.set(name, value);
        } else if (onMismatch === 'DELETE_ON_MISMATCH' && value !== '') {
          model.delete(name);
        }
      }
      expect(rule.runActions(headers, new AccessLogEntry())).toBe(wanted);
      expect([headers.getAll('x-a'), headers.getAll('x-b')]).toEqual([model.get('x-a') ?? null, model.get('x-b') ?? null]);
    }),
    { numRuns: 300 },
  );
});
