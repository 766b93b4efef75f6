/** The built-in safety and liveness of `trenchrun check` on small clusters that use one mechanism each: what finds bugs of the packet's and the policy's whole way. */
import { describe, expect, it } from 'vitest';
import { faultSearch } from '../../src/check/faults/search.ts';
import { subjectOf } from '../../src/check/run/subject.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const PODS = `{apiVersion: v1, kind: Pod, metadata: {name: server, labels: {app: server}}, spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client, labels: {app: client}}, spec: {containers: [{name: c, image: curl}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: stranger, labels: {app: stranger}}, spec: {containers: [{name: c, image: curl}]}}
`;

const policy = (name: string, app: string, rest: string): string =>
  `---\n{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: ${name}}, spec: {endpointSelector: {matchLabels: {app: ${app}}}, ${rest}}}\n`;
const port = (rules = ''): string => `toPorts: [{ports: [{port: "80", protocol: TCP}]${rules}}]`;
const CLIENT = 'fromEndpoints: [{matchLabels: {app: client}}]';

const SCENES: Readonly<Record<string, string>> = {
  'HTTP rules at the server': [
    policy('a', 'server', `ingress: [{${CLIENT}, ${port(', rules: {http: [{method: GET, path: "/a.*"}]}')}}]`),
    policy('b', 'server', `ingress: [{${CLIENT}, ${port(', rules: {http: [{method: POST, path: /b}]}')}}]`),
  ].join(''),
  'HTTP rules at the client': policy(
    'out',
    'client',
    `egress: [{toEndpoints: [{matchLabels: {app: server}}], ${port(', rules: {http: [{method: GET, path: "/a.*"}]}')}}]`,
  ),
  'ports and denies': [
    policy('allow', 'server', `ingress: [{fromEntities: [all], ${port()}}]`),
    policy('deny', 'server', 'ingressDeny: [{fromEndpoints: [{matchLabels: {app: stranger}}]}]'),
    policy('closed', 'client', 'ingress: [{}]'),
  ].join(''),
  'ports at the client': [
    policy('closed', 'client', 'egress: [{}]'),
    policy('out', 'client', `egress: [{toEndpoints: [{matchLabels: {app: server}}], ${port()}}]`),
  ].join(''),
  'ports at the server': [policy('closed', 'server', 'ingress: [{}]'), policy('in', 'server', `ingress: [{${CLIENT}, ${port()}}]`)].join(
    '',
  ),
  'addresses outside': policy(
    'world',
    'server',
    `ingress: [{fromCIDRSet: [{cidr: 198.51.100.0/24, except: [198.51.100.128/25]}], ${port()}}]`,
  ),
};

describe('whatever fails', () => {
  it.each(Object.keys(SCENES))('%s', (name) => {
    const text = JSON.stringify({ name, steps: [{ apply: PODS + (SCENES[name] ?? '') }] });
    const parsed = parseScenario(text, { file: 'test.yaml', readFile: () => ({ error: 'no files' }) });
    if (!parsed.ok) {
      throw new Error(JSON.stringify(parsed.issues));
    }
    const found = faultSearch(subjectOf(parsed.scenario)).run({ seed: 1, count: Number(process.env['RUNS'] ?? 20), path: '', number: 1 });
    expect(found.counterexample?.summary ?? null).toBe(null);
  });
});
