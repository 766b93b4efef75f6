/** However a connection is cut into pieces, the same comes out (I32). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../src/net/bytes.ts';
import type { PortNetworkPolicyRule } from '../../../src/xds/npds.ts';
import { cut } from '../../support/http_messages.ts';
import { REQUESTS, RULES } from '../../support/proxylib_messages.ts';
import { kafkaRules, Library, l7Rules, through } from './library.ts';

const PROTOCOLS = Object.keys(REQUESTS);
const protoOf = (name: string): string => name.split(' ')[0] as string;

function rulesOf(name: string): PortNetworkPolicyRule {
  return name === 'kafka'
    ? kafkaRules({ api_version: -1, topic: 'a' }, { api_version: -1, api_keys: [3, 18], topic: 'plans' })
    : l7Rules(protoOf(name), ...(RULES[name] ?? []));
}

/** Both sides and the log, requests cut as told. */
function run(name: string, parts: readonly Uint8Array[]): unknown {
  const library = new Library([rulesOf(name)]);
  return through(
    library,
    protoOf(name),
    parts.map((bytes) => ({ reply: false, bytes })),
  );
}

describe.each(PROTOCOLS)('%s', (name) => {
  const stream = fc.array(REQUESTS[name] as fc.Arbitrary<Uint8Array>, { minLength: 1, maxLength: 5 }).map(concatBytes);

  it('cut at each byte', () => {
    fc.assert(
      fc.property(stream, (all) => {
        const whole = run(name, [all]);
        for (let at = 1; at < all.length; at++) {
          expect(run(name, [all.subarray(0, at), all.subarray(at)])).toEqual(whole);
        }
        expect(run(name, cut(all, [...all.keys()]))).toEqual(whole);
      }),
      { numRuns: 8 },
    );
  });

  it('cut anywhere', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(1000), { maxLength: 6 }), (all, points) => {
        expect(run(name, cut(all, points))).toEqual(run(name, [all]));
      }),
      { numRuns: 60 },
    );
  });

  it('no rule more makes a request denied that was allowed', () => {
    fc.assert(
      fc.property(REQUESTS[name] as fc.Arbitrary<Uint8Array>, fc.nat(1), (request, left) => {
        if (name === 'kafka') {
          return;
        }
        const all = RULES[name] ?? [];
        const passed = (rules: typeof all): boolean => {
          const library = new Library([l7Rules(protoOf(name), ...rules)]);
          return through(library, protoOf(name), [{ reply: false, bytes: request }]).toServer !== '';
        };
        expect(passed(all) || !passed(all.filter((_, i) => i !== left))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
