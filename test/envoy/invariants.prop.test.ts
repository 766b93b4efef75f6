/** The 40 invariants of the proxy's policies: those not stated elsewhere, and where the others are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePortPolicies, comparePortRules } from '../../src/agent/envoy/sort.ts';
import { CtMaps } from '../../src/envoy/cilium/conntrack.ts';
import { NetworkPolicyMap } from '../../src/envoy/cilium/network_policy_map.ts';
import { parseInet } from '../../src/envoy/network/address.ts';
import { SECOND } from '../../src/sim/clock.ts';
import type { NetworkPolicy } from '../../src/xds/npds.ts';
import { policyRules, type Question, question, verdict } from '../support/proxy_policies.ts';
import { allowAll, answer, CLIENT, EXHAUST, ip, LANDING, landingPolicy, OK_RESPONSE, POD, Rig, sentText } from './support.ts';

/** Where each invariant is tested. The words in brackets are in the title of the test. */
const WHERE: Readonly<Record<string, 'policy.prop.test.ts' | 'invariants.prop.test.ts' | string>> = {
  ...Object.fromEntries(
    [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 23, 26, 28, 29, 30, 35, 36, 39, 40].map((n) => [
      `I${n}`,
      'policy.prop.test.ts',
    ]),
  ),
  ...Object.fromEntries([2, 3, 18, 20, 21, 22, 24, 25, 27, 31, 37, 38].map((n) => [`I${n}`, 'invariants.prop.test.ts'])),
  I32: 'proxylib/segments.prop.test.ts',
  I33: 'not of 1.23: no precedence, no deny',
  I34: 'not of 1.23: no port ranges',
};

const status = (text: string): number => Number(text.slice(9, 12));

it('all forty invariants are tested, or said not to be', () => {
  expect(Object.keys(WHERE).sort()).toEqual(Array.from({ length: 40 }, (_, i) => `I${i + 1}`).sort());
  for (const [id, where] of Object.entries(WHERE)) {
    if (where.endsWith('.test.ts') && !where.includes(' ')) {
      const titles = readFileSync(join(import.meta.dirname, where), 'utf8').match(/\((?:I[0-9]+[-, ]*)+\)/g) ?? [];
      const named = titles.flatMap((title) => expand(title));
      expect({ id, where, named: named.includes(id) }).toEqual({ id, where, named: true });
    }
  }
});

/** `(I1, I12-I14)` as its members. */
function expand(title: string): string[] {
  return title
    .slice(1, -1)
    .split(',')
    .flatMap((part) => {
      const [from = '', to] = part.trim().split('-');
      const [first, last] = [Number(from.slice(1)), Number((to ?? from).trim().slice(1))];
      return Array.from({ length: last - first + 1 }, (_, i) => `I${first + i}`);
    });
}

describe('policies', () => {
  it('[{}] allows everything, and nothing denies everything (I2, I3)', () => {
    fc.assert(
      fc.property(question, (ask) => {
        expect(verdict([{}], ask)).toBe(true);
        expect(verdict([], ask)).toBe(false);
      }),
    );
  });

  it('sorted as the agent sorts them say the same (I39)', () => {
    fc.assert(
      fc.property(policyRules, policyRules, question, (exact, any, ask) => {
        const ports = [{ port: ask.port, rules: exact }, { rules: any }];
        const sorted = ports.map((port) => ({ ...port, rules: [...port.rules].sort(comparePortRules) })).sort(comparePortPolicies);
        expect(verdict(sorted, ask)).toBe(verdict(ports, ask));
      }),
    );
  });
});

const policyOf = (id: number, rules: NetworkPolicy['ingress_per_port_policies']): NetworkPolicy => ({
  endpoint_ips: [`10.0.1.${id}`],
  endpoint_id: id,
  ...(rules === undefined ? {} : { ingress_per_port_policies: rules }),
});

const policies = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 20 }), policyRules), { selector: ([id]) => id, maxLength: 6 })
  .map((list) => list.map(([id, rules]) => policyOf(id, [{ port: 80, rules }])));

describe('updates', () => {
  const verdicts = (map: NetworkPolicyMap, list: readonly NetworkPolicy[], asks: readonly Question[]): (boolean | null)[] =>
    list.flatMap((one) => asks.map((ask) => ask.of(map.get(one.endpoint_ips[0] as string))));

  it('that are refused change nothing (I21)', () => {
    const bad = fc.constantFrom<NetworkPolicy>(
      policyOf(99, [{ port: 80 }, { port: 80 }]),
      { endpoint_ips: [], endpoint_id: 98 },
      policyOf(97, [{ port: 80, rules: [{ remote_policies: [1, 1] }] }]),
      policyOf(96, [
        { rules: [{ http_rules: { http_rules: [{ headers: [{ name: 'x', safe_regex_match: { google_re2: {}, regex: '(' } }] }] } }] },
      ]),
    );
    fc.assert(
      fc.property(
        policies,
        policies,
        bad,
        fc.nat(5),
        fc.array(question, { minLength: 1, maxLength: 3 }),
        (before, after, wrong, at, asks) => {
          const map = new NetworkPolicyMap(100);
          expect(map.update(before)).toBeNull();
          const said = verdicts(map, before, asks);
          expect(map.update([...after.slice(0, at), wrong, ...after.slice(at)])).toBeTypeOf('string');
          expect(verdicts(map, before, asks)).toEqual(said);
          expect(map.dump().map(([, policy]) => policy)).toHaveLength(before.length);
        },
      ),
    );
  });

  it('without an endpoint take away that one alone, and the same update twice keeps the objects (I37, I38)', () => {
    fc.assert(
      fc.property(policies, fc.nat(5), fc.array(question, { minLength: 1, maxLength: 3 }), (list, at, asks) => {
        const map = new NetworkPolicyMap(100);
        map.update(list);
        const objects = list.map((one) => map.get(one.endpoint_ips[0] as string));
        map.update(JSON.parse(JSON.stringify(list)) as NetworkPolicy[]);
        list.forEach((one, i) => expect(map.get(one.endpoint_ips[0] as string)).toBe(objects[i]));
        const fewer = list.filter((_, i) => i !== at);
        const said = verdicts(map, fewer, asks);
        map.update(fewer);
        expect(verdicts(map, fewer, asks)).toEqual(said);
        const gone = list[at];
        expect(gone === undefined ? null : map.get(gone.endpoint_ips[0] as string)).toBeNull();
      }),
    );
  });
});

describe('paths', () => {
  const piece = fc.constantFrom('a', 'b', 'admin', '.', '..', '%2e', '%2E%2e', '', '%2f', '%5C', '\\', 'x%20y', ';p', '*', '%41', '~');
  const path = fc
    .tuple(fc.array(piece, { minLength: 1, maxLength: 5 }), fc.constantFrom('', '?q', '?/../x//%2f'))
    .map(([pieces, query]) => `/${pieces.join('/')}${query}`);

  it('are judged and sent as normalised; what is normalised already is judged the same (I18, I20)', () => {
    fc.assert(
      fc.property(path, fc.constantFrom('/a.*', '/admin.*', '/[^/]*', '/a/b'), (text, regex) => {
        const policy: NetworkPolicy = {
          ...landingPolicy(),
          ingress_per_port_policies: [
            {
              port: 80,
              rules: [{ http_rules: { http_rules: [{ headers: [{ name: ':path', safe_regex_match: { google_re2: {}, regex } }] }] } }],
            },
          ],
        };
        const ask = (target: string): { code: number; sent: string; judged: string } => {
          const rig = new Rig({ policies: [policy] });
          const received = rig.ask(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
          return { code: status(received), sent: rig.backendReceived.join('').split(' ')[1] ?? '', judged: rig.logs[0]?.http?.path ?? '' };
        };
        const first = ask(text);
        if (first.code === 200) {
          expect(first.sent).toBe(first.judged);
        }
        if (first.code === 200 || first.code === 403) {
          expect(ask(first.judged)).toEqual(first);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('identities', () => {
  it('come from connection tracking, else from the ipcache, else are the world; never 0 (I22)', () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 1, max: 0xffffff })), fc.option(fc.integer({ min: 1, max: 0xffffff })), (tracked, cached) => {
        const rig = new Rig({ policies: [allowAll()] });
        const address = '172.16.0.9';
        const client = rig.client(address);
        if (tracked !== null) {
          rig.conntrack(address, client.socket.local.port, POD, 80, true, tracked);
        }
        if (cached !== null) {
          rig.identity(address, cached);
        }
        client.send(LANDING);
        rig.settle();
        expect(rig.logs[0]?.source_security_id).toBe(tracked ?? cached ?? 2);
      }),
      { numRuns: 40 },
    );
  });

  it('are looked up under the key that the datapath wrote (I31)', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.boolean(), (clientPort, port, ingress) => {
        const rig = new Rig({ listener: null });
        rig.conntrack(CLIENT, clientPort, POD, port, ingress, 4711);
        const maps = new CtMaps(rig.bpffs);
        const [source, destination] = [parseInet(CLIENT, clientPort), parseInet(POD, port)];
        if (source === null || destination === null) {
          throw new Error('addresses');
        }
        expect(maps.lookupSrcIdentity('global', source, destination, ingress)?.identity).toBe(4711);
        expect(maps.lookupSrcIdentity('global', source, destination, !ingress)?.identity).toBe(0);
        expect(maps.lookupSrcIdentity('00863', source, destination, ingress)?.identity).toBe(0);
      }),
    );
  });
});

describe('records and bytes', () => {
  const requests = fc.array(fc.constantFrom(LANDING, EXHAUST), { minLength: 1, maxLength: 4 });

  it('each request has one Request or Denied and one Response, and one Request more for each repetition (I24)', () => {
    fc.assert(
      fc.property(requests, fc.nat(3), (list, failures) => {
        let left = failures;
        const rig = new Rig({
          backend: (socket, received, all) => {
            left -= 1;
            (left >= 0 ? answer('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n') : answer(OK_RESPONSE))(socket, received, all);
          },
        });
        const client = rig.client();
        for (const text of list) {
          client.send(text);
          rig.settle(3 * SECOND);
        }
        const allowed = list.filter((text) => text === LANDING).length;
        const types = rig.logTypes();
        expect(types.filter((type) => type === 'Response')).toHaveLength(list.length);
        expect(types.filter((type) => type === 'Denied')).toHaveLength(list.length - allowed);
        expect(types.filter((type) => type === 'Request')).toHaveLength(allowed === 0 ? 0 : allowed + failures);
      }),
      { numRuns: 40 },
    );
  });

  it('a denied request sends nothing upstream (I25), and is told so in 124 bytes and the body (I27)', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,20}$/), fc.constantFrom('GET', 'PUT', 'DELETE'), fc.nat(50), (word, method, body) => {
        const rig = new Rig();
        const received = rig.ask(`${method} /${word} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body}\r\n\r\n${'x'.repeat(body)}`);
        expect(rig.upstreams()).toHaveLength(1);
        expect(rig.upstreams().map(sentText).join('')).toBe('');
        expect(received).toHaveLength(124 + 'Access denied\r\n'.length);
        expect(rig.net.connections.every(([one]) => one.remote.address !== ip('0.0.0.0'))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
