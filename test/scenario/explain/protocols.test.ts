import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { ExplainQuestion, Explanation } from '../../../src/scenario/explain/explanation.ts';
import { explainScenario } from '../../../src/scenario/explain/state.ts';
import { parseScenario } from '../../../src/scenario/parse.ts';
import { explanationJsonSchema } from '../../../src/scenario/schema/explanation.ts';

const ROUTED = '{enable-sctp: true, tunnel: disabled, auto-direct-node-routes: true, ipv4-native-routing-cidr: 10.0.0.0/8}';

function scenario(options: string): string {
  return `name: two nodes
cluster:
  nodes:
    - {name: n1, ip: 192.168.1.1, podCIDR: 10.0.0.0/24}
    - {name: n2, ip: 192.168.1.2, podCIDR: 10.0.1.0/24}
  options: ${options}
  world:
    - {name: one.example.com, ip: 203.0.113.1, servers: [{port: 80}, {port: 443, tls: true}]}
    - {name: two.example.com, ip: 203.0.113.2, servers: [{port: 80}]}
steps:
  - apply: |
      apiVersion: v1
      kind: Pod
      metadata: {name: client, labels: {app: client}}
      spec: {nodeName: n1, containers: [{name: c, image: docker.io/tgraf/netperf}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: other, labels: {app: other}}
      spec: {nodeName: n1, containers: [{name: c, image: docker.io/tgraf/netperf}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: star, labels: {app: star}}
      spec: {nodeName: n2, containers: [{name: c, image: docker.io/cilium/starwars, ports: [{containerPort: 80}]}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: star}
      spec: {selector: {app: star}, ports: [{port: 80}]}
      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: star}
      spec:
        endpointSelector: {matchLabels: {app: star}}
        ingress:
          - fromEndpoints: [{matchLabels: {app: client}}]
            toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{method: POST, path: "/v1/request-landing", headers: ["X-A: 1"]}]}}]
          - fromEndpoints: [{matchLabels: {app: client}}]
            icmps: [{fields: [{type: 8, family: IPv4}]}]
          - fromEndpoints: [{matchLabels: {app: client}}]
            toPorts: [{ports: [{port: "9000", protocol: SCTP}]}]
      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: out}
      spec:
        endpointSelector: {matchLabels: {app: other}}
        egress:
          - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]
            toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]
          - toFQDNs: [{matchName: one.example.com}]
            toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{method: GET, path: "/ok"}]}}]
`;
}

const valid = new Ajv2020({ strict: false }).compile(explanationJsonSchema());

function ask(question: Partial<ExplainQuestion>, options = ROUTED): Explanation {
  const parsed = parseScenario(scenario(options), { file: 's.yaml', readFile: () => ({ error: 'no files' }) });
  if (!parsed.ok) {
    throw new Error(parsed.issues[0]?.message);
  }
  const answer = explainScenario(parsed.scenario, { from: 'client', to: 'star', http: null, port: null, protocol: 'TCP', ...question });
  if (!answer.ok) {
    throw new Error(answer.error);
  }
  expect(valid(JSON.parse(JSON.stringify(answer.value))), JSON.stringify(valid.errors)).toBe(true);
  return answer.value;
}

const LAND = { method: 'POST', path: '/v1/request-landing', headers: ['X-A: 1'], body: 'hello=1' };

describe('questions across nodes and protocols', () => {
  it.each<readonly [Partial<ExplainQuestion>, string, string, string]>([
    [{ http: LAND }, 'allowed', 'cilium.l7policy', '200 Ship landed'],
    [{ http: { ...LAND, headers: [] } }, 'denied', 'cilium.l7policy', '403 Access denied'],
    [{ protocol: 'ICMP', port: 8 }, 'allowed', 'ingress policy', 'answered'],
    [{ from: 'other', protocol: 'ICMP' }, 'denied', 'egress policy', 'no answer'],
    [{ to: 'pod/star', protocol: 'SCTP', port: 9000 }, 'allowed', 'ingress policy', 'refused'],
    [{ to: 'pod/star', protocol: 'SCTP', port: 9001 }, 'denied', 'ingress policy', 'timed out'],
    [{ to: '10.0.1.117' }, 'allowed', 'ingress policy', 'connected'],
    [
      { from: 'other', to: 'one.example.com', http: { ...LAND, method: 'GET', path: '/ok' } },
      'allowed',
      'cilium.l7policy',
      '200 one.example.com',
    ],
    [
      { from: 'other', to: 'one.example.com', http: { ...LAND, method: 'GET', path: '/no' } },
      'denied',
      'cilium.l7policy',
      '403 Access denied',
    ],
    // Without the question for the name the address is only the world.
    [{ from: 'other', to: '203.0.113.1' }, 'denied', 'egress policy', 'timed out'],
    [{ from: 'other', to: 'two.example.com' }, 'denied', 'egress policy', 'timed out'],
  ])('%j %s', (question, verdict, decidedBy, outcome) => {
    expect(ask(question)).toMatchObject({ verdict, decidedBy, outcome });
    expect(ask(question, '{enable-sctp: true}'), 'through the tunnel').toMatchObject({ verdict, decidedBy, outcome });
  });

  it('a packet that masquerading rewrites is one packet', () => {
    const { checks, verdict } = ask({ to: 'pod/star', port: 80 }, '{tunnel: disabled, auto-direct-node-routes: true}');
    expect(verdict).toBe('denied');
    expect(checks.map(({ direction, leg, tried }) => [direction, leg, tried[0]?.identity])).toEqual([
      ['egress', 'client', 33029],
      ['ingress', 'client', 7],
    ]);
  });

  it('what does not arrive is not called allowed without a word', () => {
    expect(ask({ to: 'pod/star' }, '{tunnel: disabled}').notes[0]).toContain(
      'does not come to n2, so the policy of default/star was not asked',
    );
    expect(ask({ to: 'pod/star', protocol: 'SCTP', port: 9000 }, '{}').notes[0]).toContain('enable-sctp');
  });

  it('a name nobody knows is told as such', () => {
    expect(() => ask({ from: 'other', to: 'three.example.com' })).toThrow('default/other cannot resolve it as a host name');
    expect(() => ask({ to: '10.0.0.0/8' })).toThrow('is a range');
  });
});
