import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { unifiedDiff } from '../../src/check/mutate/diff.ts';
import { applyEdit } from '../../src/check/mutate/edit.ts';
import { mutationsOf } from '../../src/check/mutate/operators.ts';
import { parseScenario, plainText, type Scenario } from '../../src/index.ts';
import { mutateReport, mutateScenario, policies } from '../../src/testing.ts';
import { expectGolden } from '../golden/golden.ts';
import { TOP } from '../house/support/source.ts';

const OPTIONS = { seed: 1, max: null, runs: 300 };

function scenarioOf(text: string, file = 'test.yaml'): Scenario {
  const parsed = parseScenario(text, { file, readFile: (path) => ({ text: readFileSync(join(TOP, path), 'utf8') }) });
  if (!parsed.ok) {
    throw new Error(parsed.issues[0]?.message);
  }
  return parsed.scenario;
}

/** Operator and changed value of each mutation of a spec. */
function changes(spec: string): [string, unknown][] {
  const text = `kind: CiliumNetworkPolicy\nspec:\n${spec}`;
  const [document] = parseAllDocuments(text);
  return mutationsOf(document?.contents).map(({ operator, edit }) => {
    const changed = applyEdit(text, edit);
    const [again] = parseAllDocuments(changed);
    expect(again?.errors, changed).toEqual([]);
    return [operator, (again?.toJS() as { readonly spec?: unknown } | undefined)?.spec];
  });
}

const POD = 'spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}';

/** A server that only empire may call, and expectations about one client. */
function small(expectations: string, properties = ''): string {
  return `name: small
steps:
  - apply: |
      {apiVersion: v1, kind: Pod, metadata: {name: server, labels: {app: server}}, ${POD}}
      ---
      {apiVersion: v1, kind: Pod, metadata: {name: client, labels: {org: empire}}, ${POD}}
      ---
      {apiVersion: v1, kind: Pod, metadata: {name: other, labels: {org: alliance}}, ${POD}}
      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: guard}
      spec:
        endpointSelector: {matchLabels: {app: server}}
        ingress:
          - fromEndpoints: [{matchLabels: {org: empire}}]
            toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{method: GET, path: /a}]}}]
${expectations}${properties}`;
}

describe('operators', () => {
  test('labels, expressions, selectors', () => {
    expect(changes('  endpointSelector: {matchLabels: {a: x, b: y}, matchExpressions: [{key: c, operator: Exists}]}\n')).toEqual([
      ['widen-selector', { endpointSelector: {} }],
      ['drop-label', { endpointSelector: { matchLabels: { b: 'y' }, matchExpressions: [{ key: 'c', operator: 'Exists' }] } }],
      ['drop-label', { endpointSelector: { matchLabels: { a: 'x' }, matchExpressions: [{ key: 'c', operator: 'Exists' }] } }],
      ['drop-expression', { endpointSelector: { matchLabels: { a: 'x', b: 'y' } } }],
    ]);
  });

  test('rules, denies and peers, in block style', () => {
    const spec =
      '  ingress:\n  - fromEndpoints:\n    - matchLabels:\n        a: x\n    - matchLabels: {b: y}\n  # a word between\n  - fromEntities: [world]\n  ingressDeny:\n  - fromCIDR: [10.0.0.0/8]\n';
    const first = { fromEndpoints: [{ matchLabels: { a: 'x' } }, { matchLabels: { b: 'y' } }] };
    const second = { fromEntities: ['world'] };
    const deny = [{ fromCIDR: ['10.0.0.0/8'] }];
    const found = changes(spec);
    const expected: [string, unknown][] = [
      ['drop-rule', { ingress: [second], ingressDeny: deny }],
      ['drop-rule', { ingress: [first], ingressDeny: deny }],
      ['drop-deny', { ingress: [first, second] }],
      ['drop-peer', { ingress: [{ fromEndpoints: [{ matchLabels: { b: 'y' } }] }, second], ingressDeny: deny }],
      ['drop-peer', { ingress: [{ fromEndpoints: [{ matchLabels: { a: 'x' } }] }, second], ingressDeny: deny }],
      ['drop-peer', { ingress: [first, {}], ingressDeny: deny }],
      ['drop-peer', { ingress: [first, second], ingressDeny: [{}] }],
      ['drop-label', { ingress: [{ fromEndpoints: [{ matchLabels: {} }, { matchLabels: { b: 'y' } }] }, second], ingressDeny: deny }],
      ['drop-label', { ingress: [{ fromEndpoints: [{ matchLabels: { a: 'x' } }, { matchLabels: {} }] }, second], ingressDeny: deny }],
      ['widen-entity', { ingress: [first, { fromEntities: ['all'] }], ingressDeny: deny }],
      ['widen-prefix', { ingress: [first, second], ingressDeny: [{ fromCIDR: ['0.0.0.0/0'] }] }],
    ];
    for (const one of expected) {
      expect(found).toContainEqual(one);
    }
    expect(found).toHaveLength(expected.length);
  });

  test('HTTP rules', () => {
    const http = (rule: object): object => ({ ingress: [{ toPorts: [{ ports: [{ port: '80' }], rules: { http: [rule] } }] }] });
    const found = changes(
      '  ingress:\n  - toPorts:\n    - ports: [{port: "80"}]\n      rules: {http: [{method: GET, path: /a, headers: ["X: 1"]}]}\n',
    );
    expect(found).toContainEqual(['drop-method', http({ path: '/a', headers: ['X: 1'] })]);
    expect(found).toContainEqual(['loosen-regex', http({ method: 'GET', path: '/a.*', headers: ['X: 1'] })]);
    expect(found).toContainEqual(['drop-headers', http({ method: 'GET', path: '/a' })]);
    expect(found).toContainEqual(['drop-l7', { ingress: [{ toPorts: [{ ports: [{ port: '80' }] }] }] }]);
    expect(found).toContainEqual(['drop-ports', { ingress: [{}] }]);
  });

  test('names, prefixes with exceptions, NetworkPolicy peers', () => {
    expect(changes('  egress: [{toFQDNs: [{matchName: a.io}]}]\n')).toContainEqual([
      'widen-name',
      { egress: [{ toFQDNs: [{ matchPattern: '*' }] }] },
    ]);
    const set = changes('  egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]}]\n');
    expect(set).toContainEqual(['drop-except', { egress: [{ toCIDRSet: [{ cidr: '10.0.0.0/8' }] }] }]);
    expect(set).toContainEqual(['widen-prefix', { egress: [{ toCIDRSet: [{ cidr: '0.0.0.0/0', except: ['10.1.0.0/16'] }] }] }]);
    const peers = changes('  podSelector: {}\n  ingress: [{from: [{podSelector: {matchLabels: {a: b}}}], ports: [{port: 80}]}]\n');
    expect(peers.map(([operator]) => operator)).toEqual(expect.arrayContaining(['drop-rule', 'drop-peer', 'drop-label', 'drop-ports']));
  });

  it('changes one thing of any policy, in either style, and leaves YAML behind', () => {
    fc.assert(
      fc.property(policies({ maxLength: 2 }), fc.boolean(), (objects, flow) => {
        for (const object of objects) {
          const text = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, ...(flow ? { collectionStyle: 'flow' } : {}) });
          const [document] = parseAllDocuments(text);
          for (const { edit, operator } of mutationsOf(document?.contents)) {
            const [again] = parseAllDocuments(applyEdit(text, edit));
            expect(again?.errors, operator).toEqual([]);
            expect(again?.toJS(), operator).not.toEqual(object);
          }
        }
      }),
      { numRuns: 150, seed: 3 },
    );
  });
});

describe('diff', () => {
  test('of a text that is indented in its file', () => {
    expect(unifiedDiff('x.yaml', '\n\na: 1\nb: 2\nc: 3\n', '\n\na: 1\nc: 3\n', 2)).toBe(
      '--- a/x.yaml\n+++ b/x.yaml\n@@ -3,3 +3,2 @@\n   a: 1\n-  b: 2\n   c: 3\n',
    );
  });
});

describe('mutateScenario', () => {
  it('needs a scenario that holds', () => {
    const text = small('  - request: {from: client, url: 10.0.0.9/a, connectTimeout: 1s}\n    expect: {outcome: answered}\n');
    expect(mutateScenario(scenarioOf(text), OPTIONS)).toMatchObject({ error: expect.stringContaining('step 2'), mutants: [] });
  });

  const pinned = (text: string): Scenario =>
    scenarioOf(text.replace('name: small', 'name: small\ncluster: {pins: {pods: {default/server: {ip: 10.0.0.50}}}}'));
  const ask = (from: string, method: string, path: string, outcome: string): string =>
    `  - request: {from: ${from}, method: ${method}, url: 10.0.0.50${path}, connectTimeout: 2s}\n    expect: {outcome: ${outcome}}\n`;

  it('tells what nobody watches, and what watches the rest', () => {
    const happy = mutateScenario(pinned(small(ask('client', 'GET', '/a', 'answered'))), OPTIONS);
    const names = (verdict: string): string[] => happy.mutants.filter((one) => one.verdict === verdict).map(({ operator }) => operator);
    expect(names('survived')).toEqual([
      'drop-policy',
      'drop-label',
      'drop-rule',
      'drop-peer',
      'drop-label',
      'drop-ports',
      'drop-l7',
      'drop-method',
      'loosen-regex',
      'drop-path',
      'loosen-regex',
    ]);
    const watched =
      ask('client', 'GET', '/a', 'answered') +
      ask('client', 'GET', '/ab', 'denied') +
      ask('client', 'PUT', '/a', 'denied') +
      ask('other', 'GET', '/a', 'dropped');
    const all = mutateScenario(pinned(small(watched)), OPTIONS);
    expect(all.mutants.filter(({ verdict }) => verdict === 'survived').map(({ operator }) => operator)).toEqual([
      'drop-label',
      'loosen-regex',
    ]);
    expect(all.mutants.find(({ operator }) => operator === 'drop-path')).toMatchObject({
      verdict: 'noticed',
      by: expect.stringContaining('outcome'),
    });
    expect(plainText(mutateReport(all, true))).toMatch(/mutants: \d+ noticed, 2 survived/);
  });

  it('properties notice too', () => {
    const property =
      'properties:\n  - name: only GET /a\n    only: {from: {pod: client}, to: {pod: server}, http: [{method: GET, path: /a}]}\n';
    const found = mutateScenario(pinned(small(ask('client', 'GET', '/a', 'answered'), property)), OPTIONS);
    expect(found.mutants.find(({ operator }) => operator === 'drop-method')).toMatchObject({
      verdict: 'noticed',
      by: 'property "only GET /a"',
    });
  });

  it('draws the same mutants for the same seed, in order', () => {
    const scenario = pinned(small(ask('client', 'GET', '/a', 'answered')));
    const some = mutateScenario(scenario, { ...OPTIONS, max: 3, seed: 5 });
    expect(some.mutants).toHaveLength(3);
    expect(mutateScenario(scenario, { ...OPTIONS, max: 3, seed: 5 })).toEqual(some);
    const numbers = some.mutants.map(({ number }) => number);
    expect([...numbers].sort((a, b) => a - b)).toEqual(numbers);
  });

  it('the article', () => {
    const file = 'scenarios/star-wars/article.yaml';
    const result = mutateScenario(scenarioOf(readFileSync(join(TOP, file), 'utf8'), file), OPTIONS);
    expectGolden('mutate/article.txt', plainText(mutateReport(result, true)));
  });
});
