import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolHashKey } from '../../src/envoy/cilium/socket_option.ts';
import type { HeaderPair } from '../../src/envoy/http/header_map.ts';
import { maybeNormalizePath } from '../../src/envoy/http/path_utility.ts';
import { identityMark, markIdentity } from '../../src/maps/marks.ts';
import type { HeaderMatcher, HttpNetworkPolicyRule, PortNetworkPolicyRule } from '../../src/xds/npds.ts';
import { headerMatcher, policyRules, type Question, question, verdict } from '../support/proxy_policies.ts';
import { allowAll, CLIENT, LANDING, Rig } from './support.ts';

/** An independent reading of the sheet: what a matcher accepts. */
function accepts(m: HeaderMatcher, headers: readonly HeaderPair[]): boolean {
  const values = headers.filter(([name]) => name.toLowerCase() === m.name.toLowerCase()).map(([, value]) => value);
  const invert = m.invert_match === true;
  if (m.present_match !== undefined) {
    return values.length > 0 === m.present_match ? !invert : invert;
  }
  if (values.length === 0) {
    return false;
  }
  const value = values.join(',');
  const regex = m.safe_regex_match?.regex;
  const base = regex === undefined ? m.exact_match === '' || value === m.exact_match : new RegExp(`^(?:${regex})$`).test(value);
  return base !== invert;
}

function oracle(list: readonly PortNetworkPolicyRule[], ask: Question): boolean {
  return (
    list.length === 0 ||
    list.some(
      (one) =>
        (one.remote_policies === undefined || one.remote_policies.includes(ask.remote)) &&
        (one.http_rules === undefined ||
          one.http_rules.http_rules.some((http) => (http.headers ?? []).every((m) => accepts(m, ask.headers)))),
    )
  );
}

describe('HTTP verdicts', () => {
  const property = (run: (list: readonly PortNetworkPolicyRule[], ask: Question) => void): void =>
    fc.assert(fc.property(policyRules, question, run), { numRuns: 400 });

  it('agree with an independent reading; deny by default (I1, I8, I9, I10, I12-I16)', () => {
    fc.assert(
      fc.property(policyRules, policyRules, question, (exact, any, ask) => {
        const ports = [{ port: 80, rules: exact }, { rules: any }];
        expect(verdict(ports, ask)).toBe((ask.port === 80 && oracle(exact, ask)) || oracle(any, ask));
        expect(verdict([{ port: 80, rules: exact }], ask)).toBe(ask.port === 80 && oracle(exact, ask));
        expect(verdict([], ask)).toBe(false);
        expect(verdict([{}], ask)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('removing a rule never allows more, unless none is left (I4, I5)', () => {
    property((list, ask) => {
      for (let i = 0; i < list.length && list.length > 1; i++) {
        const fewer = list.filter((_, index) => index !== i);
        if (verdict([{ port: ask.port, rules: fewer }], ask)) {
          expect(verdict([{ port: ask.port, rules: list }], ask)).toBe(true);
        }
      }
    });
  });

  it('do not depend on the order or the split of rules (I6, I35, I36, I39)', () => {
    property((list, ask) => {
      const before = verdict([{ port: ask.port, rules: list }], ask);
      expect(verdict([{ port: ask.port, rules: [...list].reverse() }], ask)).toBe(before);
      const split = list.flatMap((one) =>
        (one.remote_policies ?? [null]).flatMap((remote) =>
          (one.http_rules?.http_rules ?? [null]).map((http) => ({
            ...(remote === null ? {} : { remote_policies: [remote] }),
            ...(http === null ? {} : { http_rules: { http_rules: [http] } }),
          })),
        ),
      );
      expect(verdict([{ port: ask.port, rules: split }], ask)).toBe(before);
    });
  });

  it('CONTINUE actions change nothing (I7); matchers only narrow (I11)', () => {
    fc.assert(
      fc.property(policyRules, question, headerMatcher, (list, ask, more) => {
        const before = verdict([{ port: ask.port, rules: list }], ask);
        const edit = (change: (http: HttpNetworkPolicyRule) => HttpNetworkPolicyRule) =>
          list.map((one) =>
            one.http_rules === undefined ? one : { ...one, http_rules: { http_rules: one.http_rules.http_rules.map(change) } },
          );
        const logging = edit((http) => ({
          ...http,
          header_matches: [{ name: 'x-three', mismatch_action: 'CONTINUE_ON_MISMATCH' as const }],
        }));
        expect(verdict([{ port: ask.port, rules: logging }], ask)).toBe(before);
        const narrower = edit((http) => ({ ...http, headers: [...(http.headers ?? []), more] }));
        if (verdict([{ port: ask.port, rules: narrower }], ask)) {
          expect(before).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('paths', () => {
  const options = { normalizePath: true, mergeSlashes: true, escapedSlashes: 'UNESCAPE_AND_REDIRECT' as const };
  const segment = fc.constantFrom('a', '.', '..', '', '%2e', '%2E%2e', '%2f', '%5C', '\\', 'b c', '%41', '%zz', '%00', 'é', '?x', '%');
  const path = fc.array(segment, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`);

  it('normalise to a fixed point without dots, doubled or escaped slashes (I17, I19)', () => {
    fc.assert(
      fc.property(path, (text) => {
        const once = maybeNormalizePath(text, options);
        if (once.action === 'reject') {
          return;
        }
        const own = once.path.split('?', 1)[0] as string;
        expect(own).toMatch(/^\//);
        expect(own).not.toMatch(/\/\/|\\|\/\.\.?(\/|$)|%2e/i);
        if (once.action === 'continue') {
          expect(text.split('?', 1)[0]).not.toMatch(/%2f|%5c/i);
          expect(maybeNormalizePath(once.path, options)).toEqual({ action: 'continue', path: once.path });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('identities', () => {
  it('survive the mark (I23) and keep pools apart (I30)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffffff }), fc.integer({ min: 1, max: 0xffffff }), (a, b) => {
        expect(markIdentity(identityMark(0xa00, a))).toBe(a);
        const option = (identity: number) => ({ mark: 1, identity, originalSource: null }) as unknown as Parameters<typeof poolHashKey>[0];
        expect(poolHashKey(option(a)) === poolHashKey(option(b))).toBe(a === b);
      }),
    );
  });

  it('a GET is 118 bytes longer upstream, a body-less POST 137 (I26); the request id is one (I28)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'HEAD', 'DELETE', 'POST', 'PUT', 'PATCH'),
        fc.stringMatching(/^[a-z0-9]{0,30}$/),
        (method, word) => {
          const rig = new Rig({ policies: [allowAll()] });
          const text = `${method} /${word} HTTP/1.1\r\nHost: h\r\nX-W: ${word === '' ? 'w' : word}\r\n\r\n`;
          rig.ask(text);
          expect(rig.backendReceived[0]?.length).toBe(text.length + (/^(GET|HEAD|DELETE)$/.test(method) ? 118 : 137));
          const ids = rig.logs.map((entry) => entry.http?.headers.find((header) => header.key === 'x-request-id')?.value);
          expect(ids).toEqual([ids[0], ids[0]]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('the verdict ignores x-forwarded-for and the source port (I29, I40)', () => {
    for (const value of ['10.0.0.1', '1.2.3.4, 5.6.7.8', 'nonsense', CLIENT]) {
      expect(new Rig().ask(LANDING.replace('Accept:', `X-Forwarded-For: ${value}\r\nAccept:`))).toMatch(/^HTTP\/1\.1 200/);
    }
  });
});
