import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RESOURCE_TYPES } from '../../src/xds/envoy_messages.ts';
import { type ProtoIssue, readAny } from '../../src/xds/proto_json.ts';

const ROUTE = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';
const CLUSTER = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';

function read(value: unknown): { readonly message: unknown; readonly issues: readonly string[] } {
  const issues: ProtoIssue[] = [];
  const message = readAny(value, RESOURCE_TYPES, [], issues);
  return { message, issues: issues.map(({ path, message: text }) => `${path.join('.')}: ${text}`) };
}

describe('resources as JSON', () => {
  it('names may have either spelling, numbers may be texts, enum values numbers, null is absent', () => {
    const given = {
      '@type': CLUSTER,
      name: 'a',
      lbPolicy: 0,
      connectTimeout: '0.25s',
      type: 'EDS',
      outlierDetection: { consecutive5xx: '3' },
    };
    expect(read({ ...given, outlierDetection: null })).toEqual({
      message: { '@type': CLUSTER, name: 'a', lb_policy: 'ROUND_ROBIN', connect_timeout: '0.25s', type: 'EDS' },
      issues: [],
    });
  });

  it.each([
    [
      { '@type': CLUSTER, nmae: 'a' },
      'nmae: unknown field "nmae" of envoy.config.cluster.v3.Cluster, or one that is not modelled; did you mean name?',
    ],
    [{ '@type': CLUSTER, connect_timeout: 5 }, 'connect_timeout: must be a duration such as 1.5s, not 5'],
    [{ '@type': CLUSTER, type: 'STRICT_DNS' }, 'type: "STRICT_DNS" is none of STATIC, EDS, ORIGINAL_DST'],
    [{ '@type': CLUSTER, lb_policy: 'RANDOM', lbPolicy: 'RANDOM' }, 'lbPolicy: lb_policy and lbPolicy are the same field'],
    [{ '@type': ROUTE, virtual_hosts: [{ name: 'x' }] }, 'virtual_hosts.0: envoy.config.route.v3.VirtualHost needs domains'],
    [
      { '@type': ROUTE, virtual_hosts: [{ name: 'x', domains: ['*'], routes: [{ match: {}, redirect: {} }] }] },
      'virtual_hosts.0.routes.0.match: envoy.config.route.v3.RouteMatch needs one of prefix, path, safe_regex, path_separated_prefix',
    ],
    [
      {
        '@type': ROUTE,
        virtual_hosts: [{ name: 'x', domains: ['*'], routes: [{ match: { prefix: '/', path: '/' }, route: { cluster: 'a' } }] }],
      },
      'virtual_hosts.0.routes.0.match.path: only one of prefix, path may be given',
    ],
    [{ name: 'a' }, ': the message has no @type'],
    ['x', ': "x" has no @type'],
  ])('says what is wrong: %j', (value, issue) => {
    expect(read(value).issues).toEqual([issue]);
  });

  it('an unknown type suggests a known one', () => {
    expect(read({ '@type': `${CLUSTER}s` }).issues).toEqual([`@type: no model of type "${CLUSTER}s"; did you mean ${CLUSTER}?`]);
  });

  it('never throws, and what it takes it takes again as it is', () => {
    const types = Object.keys(RESOURCE_TYPES);
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.jsonValue(), (type, value) => {
        read(value);
        const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { name: value, virtual_hosts: value };
        const { message, issues } = read({ ...object, '@type': type });
        if (issues.length === 0) {
          expect(read(message)).toEqual({ message, issues: [] });
        }
      }),
      { numRuns: 300 },
    );
  });
});
