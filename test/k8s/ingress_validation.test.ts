/** Ingresses and CiliumEnvoyConfigs the API server refuses, with the place of what is wrong. */
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/k8s/manifest.ts';

function issues(text: string): string[] {
  return parseManifest(text, 'x.yaml').issues.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

function ingress(spec: string): string[] {
  return issues(`apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n${spec}`);
}

const path = (text: string): string[] =>
  ingress(`  rules:\n  - http:\n      paths:\n      - ${text}\n        backend: {service: {name: a, port: {number: 80}}}`);

describe('an Ingress', () => {
  it('is taken', () => {
    expect(
      path(
        '{path: /, pathType: Prefix, backend: {service: {name: a, port: {name: http}}}}'
          .slice(1, -1)
          .split(', backend')[0]
          ?.replace(', ', '\n        ') ?? '',
      ),
    ).toEqual([]);
    expect(ingress('  defaultBackend: {service: {name: a, port: {number: 80}}}')).toEqual([]);
  });

  it.each([
    ['path: a\n        pathType: Prefix', '8:9 Invalid value: "a": must be an absolute path'],
    ['path: /a//b\n        pathType: Exact', '8:9 Invalid value: "/a//b": must not contain \'//\''],
    ['path: /a/..\n        pathType: Prefix', '8:9 Invalid value: "/a/..": cannot end with \'/..\''],
    ['path: /\n        pathType: prefix', '9:9 Unsupported value: "prefix": supported values: "Exact", "ImplementationSpecific", "Prefix"'],
  ])('%j', (text, issue) => {
    expect(path(text)).toEqual([issue]);
  });

  it('needs a type for each path', () => {
    expect(path('path: /')).toEqual(['8:9 an element of paths has no pathType']);
  });

  it.each([
    ['  {}', '4:1 Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must be specified'],
    ['  defaultBackend: {}', '5:3 Required value: must set resource or service'],
    ['  defaultBackend: {service: {name: a}}', '5:20 Required value: port name or number is required'],
    [
      '  defaultBackend: {service: {name: a, port: {number: 80, name: b}}}',
      '5:39 Invalid value: 80: cannot set both port name & port number',
    ],
    ['  defaultBackend: {service: {name: a, port: {number: 70000}}}', '5:46 Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ['  rules: [{host: 10.0.0.1}]', '5:12 Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    [
      '  rules: [{host: "a.*.com"}]',
      '5:12 Invalid value: "a.*.com": a wildcard DNS-1123 subdomain must start with \'*.\', followed by a valid DNS subdomain',
    ],
    ['  rules: [{hots: a.com}]', '5:12 unknown field "spec.rules.0.hots"; did you mean host?'],
  ])('%j', (spec, issue) => {
    const found = ingress(spec);
    expect(found).toHaveLength(1);
    expect(found[0]?.startsWith(issue), `${found[0]} / ${issue}`).toBe(true);
  });
});

describe('a CiliumEnvoyConfig', () => {
  it.each([
    ['spec: {services: [{namespace: a}], resources: []}', '4:19 an element of services has no name'],
    ['spec: {}', '4:1 spec has no resources'],
    ['spec: {resources: [text]}', '4:20 an element of resources must be a map, not "text"'],
    [
      'spec: {resources: [], backendServices: [{name: a, number: [80]}]}',
      '4:60 an element of number must be a text, not 80; write it in quotes',
    ],
  ])('%j', (spec, issue) => {
    expect(issues(`apiVersion: cilium.io/v2\nkind: CiliumEnvoyConfig\nmetadata: {name: c}\n${spec}`)).toEqual([issue]);
  });

  it('needs a specification', () => {
    expect(issues('apiVersion: cilium.io/v2\nkind: CiliumClusterwideEnvoyConfig\nmetadata: {name: c}')).toEqual([
      '1:1 the object has no spec',
    ]);
  });
});
