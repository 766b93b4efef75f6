/** The API of the article's agent, made by hand. */
import type { AgentApi, EndpointApi } from '../../src/shell/agent_api.ts';

const OPTIONS = { Debug: 'Disabled', DropNotification: 'Enabled', MonitorAggregationLevel: 'Medium', PolicyAuditMode: 'Disabled' };

/** An endpoint of a pod. */
export interface FakePod {
  readonly id: number;
  readonly podName: string;
  readonly identity: number;
  readonly ipv4: string;
  readonly labels: readonly string[];
}

function endpoint({ id, podName, identity, ipv4, labels }: FakePod): EndpointApi {
  const enforced = id === 863;
  const rule = JSON.stringify({
    port: 80,
    protocol: 'TCP',
    'l7-rules': [
      { '&LabelSelector{MatchLabels:map[string]string{any.org: empire,},}': { http: [{ path: '/v1/request-landing', method: 'POST' }] } },
    ],
  });
  const policy = {
    'allowed-egress-identities': [0],
    'allowed-ingress-identities': enforced ? [1] : [0],
    build: 2,
    'denied-egress-identities': null,
    'denied-ingress-identities': null,
    id: identity,
    l4: { egress: [], ingress: enforced ? [{ 'derived-from-rules': [['k8s:io.cilium.k8s.policy.name=rule1']], rule }] : [] },
    'policy-enabled': enforced ? 'ingress' : 'none',
    'policy-revision': 2,
  };
  const configuration = { 'label-configuration': {}, options: OPTIONS };
  return {
    id,
    spec: configuration,
    status: {
      'external-identifiers': {
        'container-id': `c${id}`,
        'k8s-namespace': 'default',
        'k8s-pod-name': podName,
        'pod-name': `default/${podName}`,
      },
      health: { bpf: 'OK', connected: true, overallHealth: 'OK', policy: 'OK' },
      identity: { id: identity, labels },
      labels: { derived: id === 863 ? ['k8s:pod-template-hash=7848d6c4d5'] : [], realized: {}, 'security-relevant': labels },
      log: [{ code: 'OK', message: 'Successfully regenerated endpoint program', state: 'ready', timestamp: '2023-06-12T03:04:00Z' }],
      networking: {
        addressing: [{ ipv4 }],
        'host-mac': 'ee:00:00:00:00:01',
        'interface-index': 14,
        'interface-name': 'lxc0f00',
        mac: '0a:1b:2c:3d:4e:5f',
      },
      policy: { 'proxy-statistics': [], realized: policy, spec: policy },
      realized: configuration,
      state: 'ready',
    },
  };
}

/** The API; `calls` is the list of what was changed. */
export function fakeAgentApi(pods: readonly FakePod[], calls: string[] = []): AgentApi {
  const policy = '[\n  {\n    "endpointSelector": {}\n  }\n]';
  return {
    endpoints: () => pods.map(endpoint).sort((a, b) => a.id - b.id),
    endpointLog: (id) => [
      { code: 'OK', message: `endpoint ${id} regenerated`, state: 'ready', timestamp: '2023-06-12T03:04:00Z' },
      { code: 'OK', message: 'Endpoint creation', state: 'waiting-for-identity', timestamp: '2023-06-12T03:03:59Z' },
    ],
    nodes: () => [{ name: 'ubuntu-dev3', ip: '192.168.1.13', allocRange: '10.0.0.0/24', healthIp: '10.0.0.243', routerIp: '10.0.0.67' }],
    policyGet: (labels) =>
      labels.includes('none')
        ? { ok: false, error: '[GET /policy][404] getPolicyNotFound ' }
        : { ok: true, value: { policy, revision: 2 } },
    policyCheck: (rules) => (rules.some((rule) => typeof rule !== 'object') ? 'a rule is an object' : null),
    policyPut: (rules) => {
      calls.push(`put ${JSON.stringify(rules)}`);
      return { ok: true, value: { policy, revision: 3 } };
    },
    endpointSetAuditMode: (id, enabled) => {
      calls.push(`audit ${id} ${enabled}`);
      return true;
    },
    policyDelete: (labels) => {
      calls.push(`delete ${labels.join(' ')}`);
      return { ok: true, value: { policy: '[]', revision: 4 } };
    },
    policyResolve: ({ from, to, dports }) => ({
      log: `\nTracing From: [${from.join(', ')}] => To: [${to.join(', ')}] Ports: [${dports.map((one) => `${one.name || one.port}/${one.protocol}`).join(', ')}]\n`,
      verdict: 'allowed',
    }),
    policySelectors: () => [
      { selector: '&LabelSelector{MatchLabels:map[string]string{any.org: empire,},}', users: 1, identities: [2033, 29439] },
      { selector: '&LabelSelector{MatchLabels:map[string]string{reserved.none: ,},}', users: 1, identities: [] },
    ],
    fqdnCache: (pattern) =>
      pattern === null || pattern.includes('*')
        ? [
            {
              endpointId: 775,
              source: 'lookup',
              fqdn: 'cilium.io.',
              ttl: 3600,
              lookupTime: 1_686_539_045_000,
              expirationTime: 1_686_542_645_101,
              ips: ['1.2.3.4', '1.2.3.5'],
            },
            {
              endpointId: 775,
              source: 'connection',
              fqdn: 'old.io.',
              ttl: 0,
              lookupTime: 1_686_539_045_000,
              expirationTime: 1_686_539_045_000,
              ips: ['9.9.9.9'],
            },
          ]
        : [],
    fqdnClean: (pattern) => void calls.push(`clean ${pattern ?? 'all'}`),
    fqdnNames: () => [{ selectorString: 'MatchName: cilium.io, MatchPattern: ', regexString: '^cilium[.]io[.]$' }],
    config: () => ({
      options: OPTIONS,
      policyEnforcement: 'default',
      monitorNumPages: 64,
      readOnly: { EnableL7Proxy: true, HTTPRetryCount: 3, Tunnel: 'vxlan' },
      k8sConfiguration: '',
      k8sEndpoint: '',
    }),
    metrics: () => [
      { name: 'cilium_endpoint_state', labels: { endpoint_state: 'ready' }, value: 3 },
      { name: 'cilium_policy_max_revision', labels: {}, value: 2 },
    ],
    redirects: () => [{ proxy: 'cilium-http-ingress', name: '863:ingress:TCP:80', port: 19313 }],
    allocations: () => [
      { ip: '10.0.0.67', owner: 'router' },
      { ip: '10.0.0.243', owner: 'health' },
      ...pods.map(({ ipv4, podName }) => ({ ip: ipv4, owner: `default/${podName}` })),
    ],
  };
}
