import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessLogEntry } from '../../src/envoy/cilium/accesslog.ts';
import { PolicyInstanceImpl } from '../../src/envoy/cilium/network_policy.ts';
import { HeaderMap } from '../../src/envoy/http/header_map.ts';
import { literalHint } from '../../src/envoy/literal_hint.ts';
import { compileRegex } from '../../src/envoy/regex.ts';
import type { PortNetworkPolicyRule } from '../../src/xds/npds.ts';
import { policyRules, question } from '../support/proxy_policies.ts';

const part = fc.constantFrom(
  '/',
  'a',
  'b',
  '/a',
  '.',
  '\\.',
  '.*',
  '[ab]',
  '(a|b)',
  'a*',
  'b+',
  'a?',
  'a{2}',
  '(?i)a',
  '$',
  '^',
  '|',
  '\\Qa.\\E',
  '\\d',
  '-',
);
const pattern = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
const value = fc.array(fc.constantFrom('/', 'a', 'b', 'A', '.', '-', '1'), { maxLength: 7 }).map((parts) => parts.join(''));

describe('literal hints', () => {
  it('hold for every value that matches', () => {
    fc.assert(
      fc.property(pattern, value, (expression, text) => {
        const regex = compileRegex(expression, 100);
        const hint = literalHint(expression);
        if (!('error' in regex) && hint !== null && regex.matches(text)) {
          expect([expression, hint.kind === 'exact' ? text : text.slice(0, hint.text.length)]).toEqual([expression, hint.text]);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['/v1/request-landing', 'exact', '/v1/request-landing'],
    ['^/v1/status$', 'exact', '/v1/status'],
    ['/public.*', 'prefix', '/public'],
    ['/ab*', 'prefix', '/a'],
    ['/ab+', 'prefix', '/ab'],
    ['example\\.com', 'exact', 'example.com'],
    ['/(a|b)', 'prefix', '/'],
  ])('of %s', (expression, kind, text) => {
    expect(literalHint(expression)).toEqual({ kind, text });
  });

  it.each(['a|b', '.*', '(a)', '\\Qa|b\\E', '(?i)a', 'a?', ''])('there is none for %s', (expression) => {
    expect(literalHint(expression)).toBeNull();
  });
});

describe('many rules', () => {
  it('say what they say one by one', () => {
    const many = fc.array(policyRules, { minLength: 4, maxLength: 8 }).map((lists) => lists.flat());
    fc.assert(
      fc.property(many, question, (rules: PortNetworkPolicyRule[], ask) => {
        const policy = PolicyInstanceImpl.compile(
          { endpoint_ips: ['10.0.0.1'], endpoint_id: 1, ingress_per_port_policies: [{ port: ask.port, rules }] },
          100,
        );
        if (typeof policy === 'string') {
          throw new Error(policy);
        }
        const context = {
          ingress: true,
          port: ask.port,
          remoteId: ask.remote,
          headers: HeaderMap.of(ask.headers),
          log: new AccessLogEntry(),
        };
        expect(policy.allowed(context, null)).toBe(policy.allowed(context, []));
      }),
      { numRuns: 600 },
    );
  });
});
