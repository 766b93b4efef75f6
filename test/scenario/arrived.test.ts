import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/parse.ts';
import { runScenario } from '../../src/scenario/run_scenario.ts';

const pod = (name: string) =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: ${name}}}, spec: {containers: [{name: c, image: hashicorp/http-echo, ports: [{containerPort: 80}]}]}}`;
const POLICY = `{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p}, spec: {endpointSelector: {matchLabels: {app: server}},
  ingress: [{fromEndpoints: [{matchLabels: {app: client}}], toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{path: /a}]}}]}]}}`;

function passed(step: object, before: readonly object[] = []): boolean[] {
  const steps = [{ apply: [pod('server'), pod('client'), POLICY].join('\n---\n') }, ...before, step];
  const cluster = { pins: { pods: { 'default/server': { ip: '10.0.0.200' } } } };
  const parsed = parseScenario(JSON.stringify({ name: 'x', cluster, steps }), { file: 'x.yaml', readFile: () => ({ error: '' }) });
  if (!parsed.ok) {
    throw new Error(JSON.stringify(parsed.issues));
  }
  return (runScenario(parsed.scenario).steps.at(-1)?.expectations ?? []).map((one) => one.passed);
}

const request = (path: string, expected: object) => ({ request: { from: 'client', url: `10.0.0.200${path}` }, expect: expected });

describe('arrived', () => {
  it('is what the server’s program got', () => {
    expect(passed(request('/a', { outcome: 'answered', arrived: true }))).toEqual([true, true]);
    expect(passed(request('/b', { outcome: 'denied', arrived: false }))).toEqual([true, true]);
    expect(passed(request('/b', { arrived: true }))).toEqual([false]);
  });

  it('does not depend on what the client sees of the answer', () => {
    const open = { connection: { open: 'kept', from: 'client', to: '10.0.0.200:80' } };
    const late = { fault: { kind: 'delay', on: 'default/client', delay: '2s', for: '10s' } };
    const step = { request: { connection: 'kept', path: '/a', timeout: '3s' }, expect: { outcome: 'failed', arrived: true } };
    expect(passed(step, [open, late])).toEqual([true, true]);
  });
});
