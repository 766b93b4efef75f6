import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coverageWanted, writeCoverage } from '../../src/cli/coverage.ts';
import {
  type Coverage,
  coverageReport,
  lcov,
  mergeCoverage,
  parseScenario,
  plainText,
  runCovered,
  runScenario,
  type Scenario,
} from '../../src/index.ts';
import { checkCoverage } from '../../src/testing.ts';
import { expectGolden } from '../golden/golden.ts';
import { TOP } from '../house/support/source.ts';

const POD = 'spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}';
const TEXT = `name: small
cluster: {pins: {pods: {default/server: {ip: 10.0.0.50}}}}
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
            toPorts:
              - ports: [{port: "80", protocol: TCP}]
                rules:
                  http:
                    - {method: GET, path: /a}
                    - {method: GET, path: /b}
          - fromEndpoints: [{matchLabels: {org: rebels}}]
        ingressDeny:
          - fromEndpoints: [{matchLabels: {org: traitor}}]
`;

function scenarioOf(steps: string, rest = ''): Scenario {
  const parsed = parseScenario(TEXT + steps + rest, { file: 'small.yaml', readFile: () => ({ error: 'none' }) });
  if (!parsed.ok) {
    throw new Error(parsed.issues[0]?.message);
  }
  return parsed.scenario;
}

const ask = (from: string, path: string): string => `  - request: {from: ${from}, url: 10.0.0.50${path}, connectTimeout: 1s}\n`;

/** The last parts of the elements that were hit. */
function hit({ elements }: Coverage): string[] {
  return elements.filter(({ hits }) => hits > 0).map(({ kind, element }) => `${kind} ${element}`);
}

function seen(list: Coverage['drops']): string[] {
  return list.filter(({ hits }) => hits > 0).map(({ name }) => name);
}

describe('coverage of a run', () => {
  it('a request that is allowed hits its element, ports and HTTP rule, and no more', () => {
    const { coverage } = runCovered(scenarioOf(ask('client', '/a')));
    expect(hit(coverage)).toEqual([
      'element spec.ingress[0]',
      'ports spec.ingress[0].toPorts[0]',
      'http spec.ingress[0].toPorts[0].rules.http[0]',
    ]);
    expect(seen(coverage.branches)).toEqual(['cilium.network: a rule admits the identity', 'cilium.l7policy: an HTTP rule matches']);
    expect(coverage.entries.filter(({ verdict }) => verdict === 'redirect')).toEqual([
      expect.objectContaining({ endpoint: 'default/server', direction: 'ingress', port: 80, protocol: 6, hits: expect.any(Number) }),
    ]);
  });

  it('a denied request hits no HTTP rule, a dropped one the rule that closed the door', () => {
    const denied = runCovered(scenarioOf(ask('client', '/c'))).coverage;
    expect(hit(denied)).toEqual(['element spec.ingress[0]', 'ports spec.ingress[0].toPorts[0]']);
    expect(seen(denied.branches)).toContain('cilium.l7policy: no HTTP rule matches');
    const dropped = runCovered(scenarioOf(ask('other', '/a'))).coverage;
    expect(hit(dropped)).toEqual(['rule spec.endpointSelector']);
    expect(seen(dropped.drops)).toEqual(['Policy denied']);
    expect(seen(dropped.branches)).toEqual([]);
  });

  it('does not change the run, and sums up', () => {
    const scenario = scenarioOf(ask('client', '/a') + ask('other', '/a'));
    const { result, coverage } = runCovered(scenario);
    expect(result).toEqual(runScenario(scenario));
    expect(runCovered(scenario).coverage).toEqual(coverage);
    const twice = mergeCoverage([coverage, coverage]);
    expect(twice.elements.map(({ hits }) => hits)).toEqual(coverage.elements.map(({ hits }) => 2 * hits));
    expect(twice.entries).toHaveLength(coverage.entries.length);
  });

  it('knows policies that came and went', () => {
    const gone = scenarioOf(
      '  - delete: [{kind: cnp, name: guard}]\n'.replace('[{kind: cnp, name: guard}]', 'cnp/guard') + ask('client', '/a'),
    );
    expect(runCovered(gone).coverage.elements.length).toBeGreaterThan(5);
  });

  it('lcov has a line for each element', () => {
    const { coverage } = runCovered(scenarioOf(ask('client', '/a')));
    const text = lcov(coverage);
    expect(text).toMatch(/^TN:trenchrun\nSF:small\.yaml\nDA:15,0\n(DA:\d+,\d+\n)+LF:7\nLH:3\nend_of_record\n$/);
    const lines = new Map([...text.matchAll(/DA:(\d+),(\d+)/g)].map(([, line, hits]) => [Number(line), Number(hits)]));
    const source = TEXT.split('\n');
    expect([...lines].filter(([, hits]) => hits > 0).map(([line]) => source[line - 1]?.trim())).toEqual([
      '- fromEndpoints: [{matchLabels: {org: empire}}]',
      '- ports: [{port: "80", protocol: TCP}]',
      '- {method: GET, path: /a}',
    ]);
  });

  it('the article', () => {
    const file = 'scenarios/star-wars/article.yaml';
    const readFile = (path: string) => ({ text: readFileSync(join(TOP, path), 'utf8') });
    const parsed = parseScenario(readFile(file).text, { file, readFile });
    const { coverage } = runCovered((parsed as { readonly scenario: Scenario }).scenario);
    expectGolden('coverage/article.txt', plainText(coverageReport(coverage)));
    expectGolden('coverage/article.lcov', lcov(coverage));
  });
});

describe('coverage of a check', () => {
  it('is that of a sample of its cases, made-up pods included', () => {
    const properties =
      'properties:\n  - name: only what is allowed\n    only: {from: {labels: {org: empire}}, to: {pod: server}, http: [{method: GET, path: "/[ab]"}]}\n';
    const coverage = checkCoverage(scenarioOf('', properties), { seed: 1, sample: 60, builtins: true });
    expect(hit(coverage)).toContain('rule spec.endpointSelector');
    expect(seen(coverage.drops)).toContain('Policy denied');
    expect(coverage.entries.some(({ hits }) => hits > 0)).toBe(true);
    expect(checkCoverage(scenarioOf('', properties), { seed: 1, sample: 60, builtins: true })).toEqual(coverage);
  });
});

describe('the option', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'trenchrun-coverage-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('takes a format and a file', () => {
    expect(coverageWanted(undefined)).toBeNull();
    expect(coverageWanted(true)).toEqual({ format: 'text', file: null });
    expect(coverageWanted('lcov=a=b.info')).toEqual({ format: 'lcov', file: 'a=b.info' });
    expect(coverageWanted('xml')).toEqual({ error: expect.stringContaining('there are: text, json, lcov') });
    expect(coverageWanted('lcov=')).toEqual({ error: expect.stringContaining('names no file') });
  });

  it('writes the file, or says why not', async () => {
    const { coverage } = runCovered(scenarioOf(ask('client', '/a')));
    const file = join(folder, 'x.json');
    expect(await writeCoverage(coverage, { format: 'json', file }, () => '', true)).toBeNull();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(coverage);
    expect(await writeCoverage(coverage, { format: 'lcov', file: join(folder, 'no', 'x') }, () => '', true)).toContain(
      'cannot be written (ENOENT)',
    );
  });
});
