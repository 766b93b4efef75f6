import { describe, expect, it } from 'vitest';
import { cidrLabels, ipStringToLabel } from '../../../src/agent/labels/cidr.ts';
import { filterLabels, newLabelFilter } from '../../../src/agent/labels/filter.ts';
import {
  ciliumKeyFrom,
  containsLabels,
  extendedKeyFrom,
  indexLabels,
  labelText,
  parseLabel,
  parseLabelArray,
  printableLabels,
} from '../../../src/agent/labels/labels.ts';
import { type IpPrefix, parsePrefix } from '../../../src/net/prefix.ts';

describe('labels', () => {
  it.each([
    ['k8s:app=web', { source: 'k8s', key: 'app', value: 'web' }],
    ['reserved:host', { source: 'reserved', key: 'host', value: '' }],
    ['$host', { source: 'reserved', key: 'host', value: '' }],
    ['reserved.host', { source: 'reserved', key: 'host', value: '' }],
    ['app=a=b', { source: 'unspec', key: 'app', value: 'a=b' }],
    ['reserved:=host', { source: 'reserved', key: 'host', value: '' }],
  ])('%s parses', (text, label) => {
    expect(parseLabel(text)).toEqual(label);
  });

  it.each([
    ['k8s:app', 'k8s.app', 'k8s:app'],
    ['app', 'any.app', 'any:app'],
    ['a.b/c', 'any.a.b/c', 'any:a.b/c'],
    ['$init', 'reserved.init', 'reserved:init'],
  ])('%s is %s in selectors', (text, key, back) => {
    expect(extendedKeyFrom(text)).toBe(key);
    expect(ciliumKeyFrom(key)).toBe(back);
  });

  it('are found with their source and with any', () => {
    const index = indexLabels(parseLabelArray(['k8s:app=web', 'container:app=other']));
    expect([index.get('k8s.app'), index.get('container.app'), index.get('any.app'), index.get('any.b')]).toEqual([
      'web',
      'other',
      'web',
      undefined,
    ]);
  });

  it('contain others by source, key and value', () => {
    const labels = parseLabelArray(['k8s:a=1', 'k8s:b=2']);
    expect(containsLabels(labels, parseLabelArray(['k8s:b=2']))).toBe(true);
    expect(containsLabels(labels, parseLabelArray(['k8s:b=1']))).toBe(false);
    expect(containsLabels(labels, parseLabelArray(['any:b=2']))).toBe(true);
    expect(containsLabels(parseLabelArray(['any:b=2']), parseLabelArray(['k8s:b=2']))).toBe(false);
    expect(labels.map(labelText)).toEqual(['k8s:a=1', 'k8s:b=2']);
  });
});

describe('labels of prefixes', () => {
  it('cover every wider prefix and world', () => {
    const labels = cidrLabels(parsePrefix('10.1.2.0/9') as IpPrefix).map(labelText);
    expect(labels).toContain('cidr:10.0.0.0/9');
    expect(labels).toContain('cidr:0.0.0.0/0');
    expect(labels).toContain('reserved:world');
    expect(labels.length).toBe(11);
    expect(printableLabels(cidrLabels(parsePrefix('10.0.0.0/8') as IpPrefix))).toEqual(['cidr:10.0.0.0/8', 'reserved:world']);
  });

  it.each([
    ['10.1.2.3', 'cidr:10.1.2.3/32'],
    ['10.1.2.3/8', 'cidr:10.0.0.0/8'],
    ['fd00::/8', 'cidr:fd00--0/8'],
    ['::/0', 'cidr:0--0/0'],
  ])('%s is %s', (text, label) => {
    const made = ipStringToLabel(text);
    expect(made && labelText(made)).toBe(label);
  });
});

describe('the label filter', () => {
  const relevant = (keys: string[], prefixes: string[] = []): string[] =>
    filterLabels(
      newLabelFilter(prefixes),
      keys.map((key) => ({ source: 'k8s', key, value: '' })),
    ).identity.map(({ key }) => key);

  it('drops what Kubernetes adds and keeps what policies need', () => {
    const keys = [
      'app',
      'pod-template-hash',
      'app.kubernetes.io/name',
      'io.kubernetes.pod.namespace',
      'io.kubernetes.pod.uid',
      'kubernetes.io/os',
      'beta.kubernetes.io/arch',
      'io.cilium.k8s.policy.cluster',
      'annotation.x',
    ];
    expect(relevant(keys)).toEqual(['app', 'app.kubernetes.io/name', 'io.kubernetes.pod.namespace', 'io.cilium.k8s.policy.cluster']);
  });

  it('becomes a whitelist with a prefix of the user', () => {
    expect(relevant(['app', 'org', 'io.cilium.k8s.policy.cluster', 'io.kubernetes.pod.namespace'], ['k8s:app'])).toEqual([
      'app',
      'io.kubernetes.pod.namespace',
    ]);
  });
});
