/** Random HTTP policies of the proxy, and requests to ask them about. */
import fc from 'fast-check';
import { AccessLogEntry } from '../../src/envoy/cilium/accesslog.ts';
import { type PolicyInstance, PolicyInstanceImpl } from '../../src/envoy/cilium/network_policy.ts';
import { HeaderMap, type HeaderPair } from '../../src/envoy/http/header_map.ts';
import type { HeaderMatcher, HttpNetworkPolicyRule, PortNetworkPolicy, PortNetworkPolicyRule } from '../../src/xds/npds.ts';

const paths = fc.constantFrom('/', '/a', '/a/b', '/A', '/a?x', '/public', '/v1/x');
const methods = fc.constantFrom('GET', 'POST', 'PUT', 'post');

/** One header matcher. */
export const headerMatcher: fc.Arbitrary<HeaderMatcher> = fc.oneof(
  paths.map((path) => ({ name: ':path', exact_match: path })),
  methods.map((method) => ({ name: ':method', safe_regex_match: { google_re2: {}, regex: method } })),
  fc.constantFrom('/.*', '/a.*', '/(a|public)', '.*b').map((regex) => ({ name: ':path', safe_regex_match: { google_re2: {}, regex } })),
  fc.record({ name: fc.constantFrom('X-One', 'x-two'), exact_match: fc.constantFrom('', '1', '2'), invert_match: fc.boolean() }),
  fc.record({ name: fc.constantFrom('x-one', 'X-Two'), present_match: fc.boolean(), invert_match: fc.boolean() }),
);

const httpRule: fc.Arbitrary<HttpNetworkPolicyRule> = fc.record({ headers: fc.array(headerMatcher, { maxLength: 3 }) });

/** The rules of a port. */
export const policyRules: fc.Arbitrary<PortNetworkPolicyRule[]> = fc.array(
  fc
    .record({ remotes: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }), http: fc.array(httpRule, { maxLength: 3 }) })
    .map(({ remotes, http }) => ({
      ...(remotes.length === 0 ? {} : { remote_policies: remotes }),
      ...(http.length === 0 ? {} : { http_rules: { http_rules: http } }),
    })),
  { maxLength: 4 },
);

/** A request, and its question to a policy. */
export interface Question {
  readonly remote: number;
  readonly port: number;
  readonly headers: readonly HeaderPair[];
  of(policy: PolicyInstance | null): boolean | null;
}

/** Requests. */
export const question: fc.Arbitrary<Question> = fc
  .tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.constantFrom(80, 81, 8080),
    fc.tuple(methods, paths, fc.array(fc.tuple(fc.constantFrom('x-one', 'X-Two'), fc.constantFrom('', '1', '2')), { maxLength: 3 })),
  )
  .map(([remote, port, [method, path, more]]) => {
    const headers: HeaderPair[] = [[':method', method], [':path', path], [':authority', 'h'], ...more];
    return {
      remote,
      port,
      headers,
      of: (policy) =>
        policy?.allowed({ ingress: true, port, remoteId: remote, headers: HeaderMap.of(headers), log: new AccessLogEntry() }, null) ?? null,
    };
  });

/** The verdict of ingress rules. */
export function verdict(ports: readonly PortNetworkPolicy[], ask: Question): boolean {
  const policy = PolicyInstanceImpl.compile({ endpoint_ips: ['10.0.0.1'], endpoint_id: 1, ingress_per_port_policies: ports }, 100);
  if (typeof policy === 'string') {
    throw new Error(policy);
  }
  return ask.of(policy) === true;
}
