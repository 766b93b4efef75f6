import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainManifests, explainScenario, explanationText, parseScenario, plainText } from '../../../src/index.ts';
import type { ExplainQuestion, Explanation } from '../../../src/scenario/explain/explanation.ts';
import { isHeader, parseHttp, parsePort } from '../../../src/scenario/explain/question.ts';
import { explanationSchema } from '../../../src/scenario/schema/explanation.ts';
import { expectGolden } from '../../golden/golden.ts';
import { TOP } from '../../house/support/source.ts';

const STAR_WARS = 'scenarios/star-wars';
const APP = [`${STAR_WARS}/manifests/app.yaml`];

function ask(question: Partial<ExplainQuestion>): ExplainQuestion {
  return { from: 'tiefighter', to: 'deathstar', http: null, port: null, protocol: 'TCP', ...question };
}

function http(method: string, path: string, ...headers: string[]): ExplainQuestion['http'] {
  return { method, path, headers, body: null };
}

function onArticle(question: Partial<ExplainQuestion>, afterStep: number | null = null): Explanation {
  const file = `${STAR_WARS}/article.yaml`;
  const readFile = (path: string) => ({ text: readFileSync(join(TOP, path), 'utf8') });
  const parsed = parseScenario(readFile(file).text, { file, readFile });
  if (!parsed.ok) {
    throw new Error('the article does not parse');
  }
  return checked(explainScenario(parsed.scenario, ask(question), afterStep));
}

function onManifests(question: Partial<ExplainQuestion>, ...policies: readonly string[]): Explanation {
  const files = APP.map((file) => ({ file, text: readFileSync(join(TOP, file), 'utf8'), indent: 0 }));
  const texts = policies.map((text, i) => ({ file: `p${i}.yaml`, text, indent: 0 }));
  const answer = explainManifests([...files, ...texts], ask(question));
  if ('issues' in answer) {
    throw new Error(answer.issues[0]?.message);
  }
  return checked(answer);
}

function checked(found: ReturnType<typeof explainScenario>): Explanation {
  if (!found.ok) {
    throw new Error(found.error);
  }
  expect(explanationSchema.parse(JSON.parse(JSON.stringify(found.value)))).toEqual(found.value);
  return found.value;
}

const EGRESS = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: lock-xwing}
spec:
  endpointSelector: {matchLabels: {class: xwing}}
  egress:
  - toCIDR: [8.8.8.0/24]
    toPorts: [{ports: [{port: "53", protocol: UDP}]}]
  egressDeny:
  - toEntities: [host]
`;

describe('explanations', () => {
  it.each<readonly [name: string, question: Partial<ExplainQuestion>, verdict: string, decidedBy: string]>([
    ['allow-l7', { http: http('POST', '/v1/request-landing') }, 'allowed', 'cilium.l7policy'],
    ['deny-l7', { http: http('PUT', '/v1/exhaust-port') }, 'denied', 'cilium.l7policy'],
    ['deny-l4', { from: 'xwing', http: http('POST', '/v1/request-landing') }, 'denied', 'ingress policy'],
  ])('%s', (name, question, verdict, decidedBy) => {
    const explanation = onArticle(question);
    expect(explanation).toMatchObject({ verdict, decidedBy });
    expectGolden(`explain/${name}.txt`, plainText(explanationText(explanation)));
  });

  it('no policy: nothing is enforced', () => {
    const explanation = onArticle({ http: http('PUT', '/v1/exhaust-port') }, 1);
    expect(explanation).toMatchObject({ verdict: 'allowed', decidedBy: 'ingress policy', proxy: null });
    expect(explanation.outcome).toMatch(/^503/);
    expectGolden('explain/no-policy.txt', plainText(explanationText(explanation)));
  });

  it.each<readonly [name: string, question: Partial<ExplainQuestion>, verdict: string]>([
    ['deny-egress', { from: 'xwing', to: 'service/deathstar' }, 'denied'],
    ['allow-cidr', { from: 'xwing', to: '8.8.8.8', port: 53, protocol: 'UDP' }, 'allowed'],
    ['deny-entity', { from: 'xwing', to: '192.168.1.10', port: 6443 }, 'denied'],
    ['outside', { from: 'tiefighter', to: '1.1.1.1', port: 443 }, 'allowed'],
    ['pod', { from: 'tiefighter', to: 'deployment/deathstar', http: http('GET', '/v1') }, 'allowed'],
  ])('%s', (name, question, verdict) => {
    const explanation = onManifests(question, EGRESS);
    expect(explanation.verdict).toBe(verdict);
    expectGolden(`explain/${name}.txt`, plainText(explanationText(explanation)));
  });

  it('tell of headers, and of policies that were refused', () => {
    const policy = (name: string, rule: string): string => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ${name}}
spec:
  endpointSelector: {matchLabels: {class: deathstar}}
  ingress:
  - fromEntities: [all]
    toPorts:
    - ports: [{port: "80", protocol: TCP}]
      rules: {http: [${rule}]}
`;
    const explanation = onManifests(
      { http: http('GET', '/v1/', 'X-Has-Force: no') },
      policy('force', '{path: "/v[0-9]+/(a|b)", headers: ["X-Has-Force: yes"]}'),
      policy('bad', '{path: "["}'),
    );
    expect(explanation.proxy?.rules.at(-1)?.matchers).toEqual([
      { header: ':path', value: '/v1/', wanted: 'regex "/v[0-9]+/(a|b)"', matched: false, failsAt: 4 },
      { header: 'x-has-force', value: 'no', wanted: 'exact "yes"', matched: false, failsAt: null },
    ]);
    expect(explanation.notes[0]).toMatch(/^CiliumNetworkPolicy default\/bad was refused: p1\.yaml:/);
  });

  it('name the nearest pods and services', () => {
    const answer = explainManifests(
      APP.map((file) => ({ file, text: readFileSync(join(TOP, file), 'utf8'), indent: 0 })),
      ask({ from: 'xwnig' }),
    );
    expect(answer).toMatchObject({
      ok: false,
      error: expect.stringMatching(/there is no pod "xwnig"; the nearest names are default\/xwing/),
    });
  });
});

describe('questions', () => {
  it.each(['', 'PUT', 'PUT x', 'PUT /a b', '1 /'])('%j is no request', (text) => expect(parseHttp(text).ok).toBe(false));
  it.each(['0', '65536', '80/ICMP', 'http', '80/'])('%j is no port', (text) => expect(parsePort(text).ok).toBe(false));
  it('are read', () => {
    expect(parseHttp('put /a')).toEqual({ ok: true, value: { method: 'PUT', path: '/a' } });
    expect(parseHttp('/a?b=1')).toEqual({ ok: true, value: { method: 'GET', path: '/a?b=1' } });
    expect(parsePort('53/udp')).toEqual({ ok: true, value: { port: 53, protocol: 'UDP' } });
    expect([isHeader('A: b'), isHeader('b')]).toEqual([true, false]);
  });
});
