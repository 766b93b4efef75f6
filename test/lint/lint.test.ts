import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { lintManifests, lintOutput, lintReport, plainText, ruleText } from '../../src/index.ts';
import { CATALOGUE } from '../../src/lint/catalogue.ts';
import { deathstarExample, policyExample } from '../../src/lint/example.ts';
import type { Finding, LintResult } from '../../src/lint/finding.ts';
import { expectGolden } from '../golden/golden.ts';

const APP = readFileSync(join(import.meta.dirname, 'app.yaml'), 'utf8');

function lint(policy: string, app = APP): LintResult {
  const texts = [
    { file: 'app.yaml', text: app, indent: 0 },
    { file: 'policy.yaml', text: policy, indent: 0 },
  ];
  const outcome = lintManifests(app === '' ? texts.slice(1) : texts);
  if (!outcome.ok) {
    throw new Error(outcome.issues[0]?.message);
  }
  return outcome.result;
}

function of(code: string, { findings }: LintResult): Finding[] {
  return findings.filter((one) => one.code === code);
}

describe('every rule', () => {
  it.each(CATALOGUE.map((rule) => [rule.code, rule] as const))('%s finds its bad example, and nothing in the good one', (code, rule) => {
    const [found] = of(code, lint(rule.bad));
    expect(found).toMatchObject({ code, position: { file: 'policy.yaml' } });
    expect(found?.position.line).toBeGreaterThan(1);
    expect(found?.why).not.toBe('');
    const good = lint(rule.good);
    expect(of(code, good)).toEqual([]);
    // The fix is no new problem.
    expect(good.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('has a name of its own, and documentation', () => {
    expect(new Set(CATALOGUE.map(({ code }) => code)).size).toBe(CATALOGUE.length);
    for (const rule of CATALOGUE) {
      expect(plainText(ruleText(rule))).toContain(rule.title);
      expect(rule.see).toMatch(/^(cilium|envoy|kubernetes):/);
    }
  });
});

/** What must not be a finding. */
const NEGATIVES: readonly (readonly [string, string, string])[] = [
  ['empty-peers-open-port', 'ports without peers are meant for everyone', 'ingress:\n- toPorts:\n  - ports: [{port: "80", protocol: TCP}]'],
  ['empty-peers-open-port', 'an empty list without ports', 'ingress:\n- fromEndpoints: []'],
  ['deny-without-protocol', 'a deny without ports', 'ingressDeny:\n- fromEntities: [world]'],
  ['deny-without-protocol', 'an allow without protocol', 'ingress:\n- toPorts:\n  - ports: [{port: "80"}]'],
  ['empty-section', 'one empty element', 'ingress: [{}]\negress: [{}]'],
  ['selector-matches-nothing', 'reserved labels', 'ingress:\n- fromEndpoints: [{matchLabels: {"reserved:host": ""}}]'],
  ['selector-matches-nothing', 'everything', 'ingress:\n- fromEndpoints: [{}]'],
  ['named-port-unknown', 'a name in capitals', 'ingress:\n- toPorts:\n  - ports: [{port: HTTP, protocol: TCP}]'],
  ['label-not-in-identity', 'app.kubernetes.io', 'ingress:\n- fromEndpoints: [{matchLabels: {app.kubernetes.io/name: x}}]'],
  [
    'regex-unescaped-dot',
    'a class',
    'ingress:\n- toPorts:\n  - ports: [{port: "80", protocol: TCP}]\n    rules: {http: [{host: \'a[.]b\'}]}',
  ],
  [
    'regex-unescaped-dot',
    'a star',
    'ingress:\n- toPorts:\n  - ports: [{port: "80", protocol: TCP}]\n    rules: {http: [{host: "api.*", method: GET}]}',
  ],
  [
    'method-unknown',
    'an expression',
    'ingress:\n- toPorts:\n  - ports: [{port: "80", protocol: TCP}]\n    rules: {http: [{method: "P.*"}]}',
  ],
  [
    'l7-shadowed',
    'two lists that differ',
    'ingress:\n- fromEndpoints: [{matchLabels: {org: empire}}]\n  toPorts:\n  - ports: [{port: "80", protocol: TCP}]\n    rules: {http: [{method: GET, path: /a}, {method: PUT, path: /a}]}',
  ],
  ['world-and-prefixes', 'both families', 'ingress:\n- fromCIDR: ["::/0", 0.0.0.0/0]'],
  [
    'namespace-not-in',
    'with a label beside it',
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n    matchExpressions: [{key: "k8s:io.kubernetes.pod.namespace", operator: NotIn, values: [x]}]',
  ],
  [
    'header-form',
    'a name alone',
    'ingress:\n- toPorts:\n  - ports: [{port: "80", protocol: TCP}]\n    rules: {http: [{method: GET, headers: [X-Token]}]}',
  ],
  ['port-spelling', 'all ports', 'ingress:\n- toPorts:\n  - ports: [{port: "0", protocol: TCP}]'],
  [
    'rule-without-effect',
    'another port',
    'ingress:\n- toPorts:\n  - ports: [{port: "80", protocol: TCP}]\n- toPorts:\n  - ports: [{port: "81", protocol: TCP}]',
  ],
  ['requires-ignored', 'requirements alone', 'ingress:\n- fromRequires: [{matchLabels: {org: empire}}]'],
];

describe('no finding', () => {
  test.each(NEGATIVES)('%s: %s', (code, _, sections) => {
    expect(of(code, lint(deathstarExample(sections)))).toEqual([]);
  });

  it('about selectors where there are no workloads, and says so', () => {
    const result = lint(policyExample('endpointSelector: {matchLabels: {app: x}}\ningress: [{}]'), '');
    expect(result.findings).toEqual([]);
    expect(result.notes).toEqual([expect.stringContaining('there are no workloads')]);
  });
});

describe('flows', () => {
  const cases = [
    ['services-open-port', { from: 'default/deathstar', to: '198.51.100.77', port: 443, verdict: 'allowed' }],
    ['empty-peers-open-port', { from: 'a pod in elsewhere without labels', to: 'default/deathstar', verdict: 'allowed' }],
    ['deny-without-protocol', { from: 'default/xwing', to: 'default/deathstar', verdict: 'allowed' }],
    ['deny-reopened-by-l7', { from: 'default/tiefighter', request: 'POST /v1/request-landing', verdict: 'allowed' }],
    ['unknown-field', { from: 'default/tiefighter', port: 4444, verdict: 'allowed' }],
    ['namespace-not-in', { from: '198.51.100.77', verdict: 'allowed' }],
    ['world-and-prefixes', { from: '198.51.100.77', verdict: 'allowed' }],
    ['service-port', { to: 'service default/hangar', port: 80, verdict: 'dropped' }],
    ['end-port-ignored', { port: 8010, verdict: 'dropped' }],
    ['regex-unescaped-dot', { request: 'GET / for host apixexample.com', verdict: 'allowed' }],
    ['path-without-query', { request: 'POST /v1/request-landing?x=1', verdict: 'denied' }],
    ['l7-shadowed', { from: 'default/tiefighter', verdict: 'allowed' }],
  ] as const;
  test.each(cases)('%s', (code, flow) => {
    const rule = CATALOGUE.find((one) => one.code === code);
    expect(of(code, lint(rule?.bad ?? ''))[0]?.flow).toMatchObject(flow);
  });

  it('makes a finding an information when something else hides the effect', () => {
    const open = 'ingress:\n- fromEndpoints: []\n  toPorts:\n  - ports: [{port: "80", protocol: TCP}]\n';
    const hidden = `${open}ingressDeny:\n- fromEntities: [all]`;
    expect(of('empty-peers-open-port', lint(deathstarExample(open)))).toMatchObject([{ severity: 'error' }]);
    expect(of('empty-peers-open-port', lint(deathstarExample(hidden)))).toMatchObject([
      { severity: 'info', message: expect.stringContaining('something else hides it'), flow: { verdict: 'dropped' } },
    ]);
  });
});

describe('details', () => {
  it('says what was meant', () => {
    const meant = (sections: string): string[] => lint(deathstarExample(sections)).findings.map((one) => one.meant);
    expect(meant('ingress:\n- fromEndpoints: [{matchLabels: {org: empyre}}]')).toContain('did you mean org=empire?');
    expect(meant('ingress:\n- toPorts:\n  - ports: [{port: htp, protocol: TCP}]')).toContain('did you mean http?');
    expect(meant('ingress:\n- toPorts:\n  - ports: [{port: http, protocol: UDP}]')).toContain('http has protocol TCP');
    expect(meant('ingress:\n- fromEndpoints: [{matchLabel: {org: empire}}]')).toContain('did you mean matchLabels?');
  });

  it('finds the places in indented texts and in specs', () => {
    const text =
      'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x}\nspecs:\n- endpointSelector: {}\n  ingress: []\n';
    const outcome = lintManifests([{ file: 's.yaml', text, indent: 4 }]);
    expect(outcome.ok && outcome.result.findings).toMatchObject([
      { code: 'empty-section', position: { line: 6, column: 7 }, element: 'specs[0].ingress' },
    ]);
  });

  it('two port numbers for a name are none, for egress', () => {
    const second = APP.replace(
      'name: hangar\n        image: nginx\n        ports:\n        - {containerPort: 8080}',
      'name: hangar\n        ports: [{name: http, containerPort: 8080}]',
    );
    const egress = 'egress:\n- toPorts:\n  - ports: [{port: http, protocol: TCP}]';
    expect(of('named-port-unknown', lint(deathstarExample(egress), second))).toMatchObject([
      { message: expect.stringContaining('80 and 8080') },
    ]);
  });

  it('refuses what is no manifest', () => {
    const outcome = lintManifests([{ file: 'x.yaml', text: 'a: [', indent: 0 }]);
    expect(outcome).toMatchObject({ ok: false, issues: [{ position: { file: 'x.yaml', line: 1 } }] });
  });

  it('makes up no pod that a label alone cannot make', () => {
    const http = 'toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{method: GET, path: /a}]}}]';
    const spec = `endpointSelector: {matchLabels: {io.cilium.k8s.policy.serviceaccount: leia}}\ningress: [{fromEndpoints: [{}], ${http}}]`;
    expect(of('l7-shadowed', lint(policyExample(spec)))).toEqual([]);
  });

  it('passes over kinds nobody models', () => {
    const { notes } = lint('apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n');
    expect(notes).toContain('not looked at: objects of kind Application');
  });
});

describe('outputs', () => {
  const bad = [...CATALOGUE.slice(0, 4).map(({ bad: text }, i) => text.replace('name: example', `name: example-${i}`))].join('---\n');
  const result = lint(bad);

  it.each(['sarif', 'github', 'junit', 'json'] as const)('%s', (format) => {
    expectGolden(`lint/${format}.txt`, lintOutput(result, format, 'warning'));
  });

  it('text', () => {
    expectGolden('lint/text.txt', plainText(lintReport(result, 'info')));
    expectGolden('lint/explain.txt', plainText(CATALOGUE.slice(0, 2).flatMap(ruleText)));
  });

  it('the same findings twice', () => {
    expect(lint(bad)).toEqual(result);
  });
});
