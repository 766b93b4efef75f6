/** Requests to services whose traffic the proxy has: the answer is about the backend that the proxy chose, and about who asks it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainScenario, parseScenario } from '../../../src/index.ts';
import { TOP } from '../../house/support/source.ts';

const INGRESS = `
name: ingress
cluster: {options: {enable-ingress-controller: true, kube-proxy-replacement: strict}}
steps:
  - apply: |
      apiVersion: v1
      kind: Pod
      metadata: {name: client, labels: {app: client}}
      spec: {containers: [{name: c, image: quay.io/cilium/alpine-curl:v1.6.0}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: web, labels: {app: web}}
      spec: {containers: [{name: c, image: registry.k8s.io/echoserver:1.4, ports: [{containerPort: 8080}]}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: web}
      spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: closed}
      spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{fromEndpoints: [{matchLabels: {app: client}}]}PEER]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: basic}
      spec:
        ingressClassName: cilium
        rules:
          - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
`;

function explain(text: string, afterStep: number | null, to: string, path: string, from: string) {
  const readFile = (name: string) => ({ text: readFileSync(join(TOP, name), 'utf8') });
  const parsed = parseScenario(text, { file: 'test.yaml', readFile });
  const http = { method: 'GET', path, headers: [], body: null };
  const found = parsed.ok ? explainScenario(parsed.scenario, { from, to, http, port: null, protocol: 'TCP' }, afterStep) : null;
  if (found?.ok !== true) {
    throw new Error(found?.error ?? 'the scenario does not parse');
  }
  return found.value;
}

describe('an Ingress', () => {
  const asked = (peer: string) => explain(INGRESS.replace('PEER', peer), null, 'cilium-ingress-basic', '/', 'client');

  it('is asked as the ingress, not as the client', () => {
    const { verdict, decidedBy, destination, checks } = asked('');
    expect([verdict, decidedBy, destination.name]).toEqual(['denied', 'ingress policy', 'default/web']);
    expect(checks.at(-1)).toMatchObject({
      leg: 'proxy',
      direction: 'ingress',
      verdict: 'drop',
      tried: [{ identity: 8 }, {}, {}, {}, {}, {}],
    });
  });

  it('may when the ingress may', () => {
    const { verdict, proxy } = asked(', {fromEntities: [ingress]}');
    expect([verdict, proxy?.listener]).toEqual(['allowed', 'default/cilium-ingress-default-basic/listener']);
  });
});

describe('a CiliumClusterwideEnvoyConfig', () => {
  it.each([
    ['/bar', 'denied'],
    ['/foo', 'allowed'],
  ])('%s is %s by the policy of the client, after the rewrite', (path, verdict) => {
    const scenario = readFileSync(join(TOP, 'scenarios/ingress/envoy-load-balancing.yaml'), 'utf8');
    const found = explain(scenario, 3, 'echo-2', path, 'client2');
    expect([found.verdict, found.decidedBy]).toEqual([verdict, 'cilium.l7policy']);
    expect(found.proxy?.rules[0]?.matched).toBe(verdict === 'allowed');
  });
});

describe('a service by the socket', () => {
  it.each([
    ['client', 'allowed'],
    ['other', 'denied'],
  ])('for app=%s is %s', (app, verdict) => {
    const closed = INGRESS.replace('PEER', '').replace(
      'fromEndpoints: [{matchLabels: {app: client}}]',
      `fromEndpoints: [{matchLabels: {app: ${app}}}]`,
    );
    const found = explain(closed, null, 'web', '/', 'client');
    expect([found.verdict, found.decidedBy, found.service?.name, found.destination.name]).toEqual([
      verdict,
      'ingress policy',
      'default/web',
      'default/web',
    ]);
  });
});
