import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCnp, parseRuleList } from '../../../src/agent/k8s/cnp.ts';
import { parseNetworkPolicy } from '../../../src/agent/k8s/network_policy.ts';
import { translateService, translateServices } from '../../../src/agent/k8s/rule_translate.ts';
import { fqdnSelectorMatches, patternMatches } from '../../../src/agent/policy/api/fqdn.ts';
import { goRegexpError } from '../../../src/agent/policy/api/go_regexp.ts';
import { isSvcName, parseUint16 } from '../../../src/agent/policy/api/port.ts';
import { cidrPrefixes } from '../../../src/agent/policy/cidr.ts';
import { DEFAULT_POLICY_CONFIG } from '../../../src/agent/policy/config.ts';
import { resolveNamedPort } from '../../../src/agent/policy/named_ports.ts';
import { parseProxyId, proxyId } from '../../../src/agent/policy/proxyid.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { cnp } from './support.ts';

const config = DEFAULT_POLICY_CONFIG;
const parse = (spec: object): ReturnType<typeof parseCnp> => parseCnp(cnp('p', spec), config);

describe('issues', () => {
  it('carry code, path and Cilium’s words', () => {
    const { issues, rules } = parse({
      ingress: [{}, { fromEntities: ['world', 'martian'], toPorts: [{ ports: [{ port: '99999', protocol: 'GRE' }] }] }],
    });
    expect(rules).toEqual([]);
    expect(issues).toMatchObject([
      {
        code: 'port',
        path: ['spec', 'ingress', 1, 'toPorts', 0, 'ports', 0, 'port'],
        message: 'Invalid CiliumNetworkPolicy spec: Unable to parse port: strconv.ParseUint: parsing "99999": value out of range',
      },
      {
        code: 'protocol',
        path: ['spec', 'ingress', 1, 'toPorts', 0, 'ports', 0, 'protocol'],
        message: 'Invalid CiliumNetworkPolicy spec: invalid protocol "GRE", must be { tcp | udp | sctp | any }',
      },
      {
        code: 'unsupported-entity',
        path: ['spec', 'ingress', 1, 'fromEntities', 1],
        message: 'Invalid CiliumNetworkPolicy spec: unsupported entity: martian',
      },
    ]);
  });

  it.each([
    [{ egress: [{ toCIDRSet: [{ cidr: '10.0.0.0/8', except: ['192.168.0.0/16'] }] }] }, 'cidr-except'],
    [{ egress: [{ toFQDNs: [{ matchName: 'a', matchPattern: 'b' }] }] }, 'fqdn-both'],
    [{ ingress: [{ fromEndpoints: [{ matchLabels: { 'a b': 'c' } }] }] }, 'selector'],
    [{ ingress: [{ icmps: [{ fields: [{ type: 8 }] }], toPorts: [{ ports: [{ port: '80' }] }] }] }, 'icmp-and-ports'],
    [{ ingress: [{ icmps: [{ fields: [{ type: 256 }] }] }] }, 'decode'],
    [{ ingress: [{ toPorts: [{ ports: [{ port: 80 }] }] }] }, 'decode'],
    [{ ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ path: '(' }] } }] }] }, 'regexp'],
    [{ ingress: [{ toPorts: [{ ports: [{ port: '80' }], rules: { http: [{}] } }] }] }, 'l7-protocol'],
    [{ nodeSelector: {}, ingress: [] }, 'two-subjects'],
  ])('%j is %s', (spec, code) => {
    expect(parse(spec).issues.map((issue) => issue.code)).toContain(code);
  });

  it('are not looked for in deny sections', () => {
    const { issues } = parse({ ingressDeny: [{ fromEntities: ['martian'], toPorts: [{ ports: [{ port: '99999', protocol: 'x' }] }] }] });
    expect(issues).toEqual([]);
  });

  it('never come as exceptions', () => {
    const parsers = [parseCnp, parseNetworkPolicy, parseRuleList];
    const spec = fc.dictionary(
      fc.constantFrom('endpointSelector', 'ingress', 'egress', 'ingressDeny', 'podSelector', 'policyTypes', 'labels'),
      fc.oneof(
        fc.anything({ maxDepth: 4 }),
        fc.array(fc.dictionary(fc.constantFrom('toPorts', 'from', 'ports', 'fromCIDRSet'), fc.anything())),
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          spec.map((value) => ({ metadata: { name: 'p' }, spec: value })),
          fc.array(spec),
        ),
        (object) => {
          for (const parser of parsers) {
            const { issues, rules } = parser(object, config);
            expect(issues.length > 0 && rules.length > 0).toBe(false);
          }
        },
      ),
    );
  });
});

describe('selectors of objects', () => {
  it('get the namespace of the policy', () => {
    const [rule] = parse({
      ingress: [{ fromEndpoints: [{ matchLabels: { app: 'api' } }, { matchLabels: { 'reserved:host': '' } }] }],
    }).rules;
    expect(rule?.endpointSelector?.matchLabels).toEqual([
      ['any.app', 'web'],
      ['k8s.io.kubernetes.pod.namespace', 'default'],
    ]);
    expect(rule?.ingress[0]?.fromEndpoints.map((selector) => selector.matchLabels.map(([key]) => key))).toEqual([
      ['any.app', 'k8s.io.kubernetes.pod.namespace'],
      ['reserved.host'],
    ]);
  });

  it('print as Cilium prints them', () => {
    const [rule] = parse({
      ingress: [{ fromEndpoints: [{ matchExpressions: [{ key: 'k8s:a', operator: 'In', values: ['x', 'y'] }] }] }],
    }).rules;
    expect(rule?.ingress[0]?.fromEndpoints[0]?.text).toBe(
      '&LabelSelector{MatchLabels:map[string]string{k8s.io.kubernetes.pod.namespace: default,},' +
        'MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k8s.a,Operator:In,Values:[x y],},},}',
    );
  });

  it('of a NetworkPolicy make one element a peer', () => {
    const { rules } = parseNetworkPolicy(
      {
        kind: 'NetworkPolicy',
        metadata: { name: 'n', namespace: 'prod' },
        spec: {
          podSelector: {},
          ingress: [{ from: [{ namespaceSelector: {} }, { ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 80 }, {}] }],
        },
      },
      config,
    );
    const ingress = rules[0]?.ingress ?? [];
    expect(ingress.map((element) => element.path)).toEqual([
      ['spec', 'ingress', 0, 'from', 0],
      ['spec', 'ingress', 0, 'from', 1],
    ]);
    expect(ingress[0]?.fromEndpoints[0]?.matchExpressions).toEqual([
      { key: 'k8s.io.kubernetes.pod.namespace', operator: 'Exists', values: [] },
    ]);
    expect(ingress[0]?.toPorts.flatMap(({ ports }) => ports)).toEqual([
      { port: '80', protocol: 'TCP' },
      { port: '0', protocol: 'TCP' },
    ]);
  });
});

describe('prefixes of rules', () => {
  it('come in the order in which they get identities', () => {
    const { rules } = parse({
      egress: [{ toCIDR: ['192.0.2.1'] }],
      ingressDeny: [{ fromCIDR: ['fd00::1/8'] }],
      ingress: [{ fromCIDRSet: [{ cidr: '10.0.0.0/30', except: ['10.0.0.1/32'] }] }],
    });
    expect(cidrPrefixes(rules).map(formatPrefix)).toEqual(['10.0.0.2/31', '10.0.0.0/32', 'fd00::/8', '192.0.2.1/32']);
  });
});

describe('services', () => {
  const { rules } = parse({ egress: [{ toServices: [{ k8sService: { serviceName: 'ext', namespace: 'default' } }] }] });
  const service = { namespace: 'default', name: 'ext', labels: new Map(), isExternal: true, backends: ['198.51.100.7', '2001:db8::1'] };
  const cidrs = (...services: (typeof service)[]): string[] =>
    rules.flatMap((rule) => translateServices(rule, services).egress.flatMap((one) => one.toCIDRSet.map(({ cidr }) => cidr)));

  it('become the addresses of their backends', () => {
    expect(cidrs(service)).toEqual(['198.51.100.7/32', '2001:db8::1/128']);
  });

  it('with a selector do not', () => {
    expect(cidrs({ ...service, isExternal: false })).toEqual([]);
  });

  it('are worked out anew each time, but what a backend leaves stays', () => {
    const [rule] = rules;
    const prefixes = (one: typeof rule): string[] | undefined => one?.egress[0]?.toCIDRSet.map(({ cidr }) => cidr);
    const once = rule && translateServices(rule, [service]);
    const again = once && translateServices(once, [{ ...service, backends: ['198.51.100.8'] }]);
    expect(prefixes(again)).toEqual(['198.51.100.7/32', '2001:db8::1/128', '198.51.100.8/32']);
    expect(prefixes(again && translateService(again, { ...service, backends: ['198.51.100.8'] }, true))).toEqual([
      '198.51.100.7/32',
      '2001:db8::1/128',
    ]);
    expect(prefixes(once && translateService(once, service, true))).toEqual([]);
  });
});

describe('names', () => {
  it.each([
    ['*.cilium.io', 'www.cilium.io', true],
    ['*.cilium.io', 'cilium.io', false],
    ['*.cilium.io', 'a.b.cilium.io', false],
    ['sub*.cilium.io', 'sub.cilium.io', true],
    ['*', 'a.b.c', true],
    ['WWW.Cilium.IO.', 'www.cilium.io', true],
  ])('%s covers %s: %s', (pattern, name, covered) => {
    expect(patternMatches(pattern, name)).toBe(covered);
  });

  it('without a star match like a literal', () => {
    const name = fc.stringMatching(/^[a-z]{1,3}(\.[a-z]{1,3}){0,2}$/);
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(patternMatches(a, b)).toBe(fqdnSelectorMatches({ matchName: a, matchPattern: '' }, b));
        expect(patternMatches(a, b)).toBe(a === b);
      }),
    );
  });
});

describe('expressions', () => {
  it.each(['', '/v1/.*', '(?P<n>a)', '(?i)a', '[(?<]', '\\(?<', '\\Q(?<\\E', '[]a]', '\\p{Greek}'])('%j compile', (text) => {
    expect(goRegexpError(text)).toBeNull();
  });

  it.each([
    ['/(', 'missing closing ): `/(`'],
    ['(?<n>a)', 'invalid or unsupported Perl syntax: `(?<`'],
    ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['a{1001}', 'invalid repeat count: `{1001}`'],
    ['[^]](?<n>a)', 'invalid or unsupported Perl syntax: `(?<`'],
  ])('%j do not', (text, reason) => {
    expect(goRegexpError(text)).toBe(`error parsing regexp: ${reason}`);
  });
});

describe('ports', () => {
  it.each([
    ['80', 80],
    ['010', 8],
    ['0o17', 15],
    ['0b11', 3],
    ['1_000', 1000],
    ['65535', 65535],
    ['0', 0],
  ])('%s is %i', (text, value) => {
    expect(parseUint16(text)).toEqual({ ok: true, value });
  });

  it.each([
    ['', 0, 'invalid syntax'],
    ['-1', 0, 'invalid syntax'],
    ['08', 0, 'invalid syntax'],
    ['1__0', 0, 'invalid syntax'],
    ['65536', 65535, 'value out of range'],
    ['99999999999', 65535, 'value out of range'],
  ])('%s is none', (text, value, reason) => {
    expect(parseUint16(text)).toEqual({ ok: false, value, reason });
  });

  it('are names when they look like IANA service names', () => {
    expect(['http', '0x50', 'a-b', '80', 'a--b', '-a', 'abcdefghijklmnop'].filter(isSvcName)).toEqual(['http', '0x50', 'a-b']);
  });

  it('by name need one number of the protocol', () => {
    const ports = [
      { name: 'http', port: 80, proto: 6 },
      { name: 'http', port: 80, proto: 17 },
      { name: 'dns', port: 53, proto: 17 },
      { name: 'dns', port: 5353, proto: 17 },
    ];
    expect([resolveNamedPort(ports, 'http', 6), resolveNamedPort(ports, 'dns', 17), resolveNamedPort(ports, 'x', 6)]).toEqual([80, 0, 0]);
  });

  it('make redirect names that read back', () => {
    expect(proxyId(863, true, 'TCP', 80)).toBe('863:ingress:TCP:80');
    expect(parseProxyId('863:ingress:TCP:80')).toEqual({ endpointId: 863, ingress: true, protocol: 'TCP', port: 80 });
    expect(parseProxyId('863:in:TCP:80')).toBeNull();
  });
});

describe('what was meant is said', () => {
  const ports = (...list: object[]): object => ({ ingress: [{ toPorts: [{ ports: list }] }] });
  it.each<readonly [spec: object, hint: string]>([
    [{ ingress: [{ fromEntities: ['wrld'] }] }, 'did you mean world?'],
    [ports({ port: '80', protocol: 'TPC' }), 'did you mean TCP?'],
    [ports({ port: 80 }), 'write it in quotes: "80"'],
    [ports({ port: '99999' }), 'a port is a number from 0 to 65535 or the name of a container port'],
    [{ ingress: [{ fromCIDR: ['10.0.0.0/8'], fromEntities: ['all'] }] }, 'an element has one kind of peer: write two elements'],
    [{ egress: [{ toCIDR: ['10.0.0.0/33'] }] }, 'the length is at most 32'],
    [{ egress: [{ toCIDRSet: [{ cidr: '10.0.0.1' }] }] }, 'write the length too: 10.0.0.1/32'],
    [{ ingress: [{ toPorts: [{ ports: [{ port: '80' }], rules: { http: [{}] } }] }] }, 'write protocol: TCP'],
    [{ ingress: [{ fromEndpoints: [{ matchExpressions: [{ key: 'a', operator: 'in', values: ['b'] }] }] }] }, 'did you mean In?'],
  ])('%j', (spec, hint) => {
    expect(parse(spec).issues[0]?.hint).toBe(hint);
  });
});

describe('lists without end', () => {
  it.each(['10.0.0.1', 'nowhere'])('of %s are read', (cidr) => {
    const { rules, issues } = parse({ egress: [{ toCIDR: Array.from({ length: 200_000 }, () => cidr) }] });
    expect(rules.length).toBe(cidr === 'nowhere' ? 0 : 1);
    expect(issues.length).toBe(cidr === 'nowhere' ? 200_000 : 0);
    expect(cidrPrefixes(rules).length).toBe(cidr === 'nowhere' ? 0 : 200_000);
  });
});
