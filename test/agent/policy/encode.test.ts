import { describe, expect, it } from 'vitest';
import { parseCnp, parseRuleList } from '../../../src/agent/k8s/cnp.ts';
import { encodeRule } from '../../../src/agent/policy/api/encode.ts';
import { DEFAULT_POLICY_CONFIG } from '../../../src/agent/policy/config.ts';
import { cnp } from './support.ts';

describe('printed rules', () => {
  it('have namespaces, sources and labels', () => {
    const spec = {
      description: 'd',
      ingress: [{ fromEndpoints: [{ matchLabels: { org: 'empire' } }], toPorts: [{ ports: [{ port: '80', protocol: 'tcp' }] }] }],
    };
    const [rule] = parseCnp(cnp('rule1', spec), DEFAULT_POLICY_CONFIG).rules;
    expect(rule && JSON.stringify(encodeRule(rule))).toBe(
      JSON.stringify({
        endpointSelector: { matchLabels: { 'any:app': 'web', 'k8s:io.kubernetes.pod.namespace': 'default' } },
        ingress: [
          {
            fromEndpoints: [{ matchLabels: { 'any:org': 'empire', 'k8s:io.kubernetes.pod.namespace': 'default' } }],
            toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }] }],
          },
        ],
        labels: [
          { key: 'io.cilium.k8s.policy.derived-from', value: 'CiliumNetworkPolicy', source: 'k8s' },
          { key: 'io.cilium.k8s.policy.name', value: 'rule1', source: 'k8s' },
          { key: 'io.cilium.k8s.policy.namespace', value: 'default', source: 'k8s' },
          { key: 'io.cilium.k8s.policy.uid', source: 'k8s' },
        ],
        description: 'd',
      }),
    );
  });

  it('read back as the same rules', () => {
    const list = [
      {
        endpointSelector: { matchExpressions: [{ key: 'k8s:a', operator: 'In', values: ['b'] }] },
        ingress: [
          { fromCIDRSet: [{ cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }], icmps: [{ fields: [{ family: 'IPv6', type: 128 }] }] },
          {
            toPorts: [
              {
                ports: [{ port: 'http', protocol: 'TCP' }],
                terminatingTLS: { secret: { namespace: 'n', name: 's' }, trustedCA: 'ca' },
                serverNames: ['x'],
                rules: { http: [{ path: '/a', headers: ['X: 1'], headerMatches: [{ mismatch: 'LOG', name: 'h', value: 'v' }] }] },
              },
            ],
          },
        ],
        egress: [
          { toFQDNs: [{ matchPattern: '*.io' }], toPorts: [{ ports: [{ port: '53' }], rules: { dns: [{ matchName: 'a.b' }] } }] },
          { toServices: [{ k8sService: { serviceName: 's', namespace: 'n' } }] },
        ],
        egressDeny: [{ toEntities: ['world'], toPorts: [{ ports: [{ port: '80' }] }] }],
      },
    ];
    const once = parseRuleList(list, DEFAULT_POLICY_CONFIG);
    expect(once.issues).toEqual([]);
    const again = parseRuleList(once.rules.map(encodeRule), DEFAULT_POLICY_CONFIG);
    expect(again.rules).toEqual(once.rules);
  });
});
