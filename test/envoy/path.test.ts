import { describe, expect, it } from 'vitest';
import { canonicalPath, maybeNormalizePath } from '../../src/envoy/http/path_utility.ts';
import { parseAbsoluteUrl } from '../../src/envoy/http/url.ts';

describe('canonical paths', () => {
  it.each([
    ['/a%zz', '/a%zz'],
    ['/%', '/%'],
    ['/a%2', '/a%2'],
    ['/%7euser/%41', '/~user/A'],
    ['/%7Cx|y', '/%7Cx%7Cy'],
    ['/{a}^`"<>', '/%7Ba%7D%5E%60%22%3C%3E'],
    ['/[a]@:;=+,$', '/[a]@:;=+,$'],
    ['/a/..', '/'],
    ['/a/.', '/a/'],
    ['//..', '/'],
    ['/a/%2e%2E\\b', '/b'],
    ['/a..b/...', '/a..b/...'],
    ['/a?b/../c%zz|', '/a?b/../c%zz|'],
  ])('%s is %s', (path, canonical) => {
    expect(canonicalPath(path)).toBe(canonical);
  });

  it.each(['/%00', '/a/%00/..', '/\u0000'])('%j is refused', (path) => {
    expect(canonicalPath(path)).toBeNull();
  });

  it('are not always canonical: a percent sign makes an escape of what was decoded behind it', () => {
    expect(canonicalPath('/public/%%32e%%32e/admin')).toBe('/public/%2e%2e/admin');
    expect(canonicalPath('/public/%2e%2e/admin')).toBe('/admin');
  });

  it('a fragment is refused, with or without normalisation', () => {
    const off = { normalizePath: false, mergeSlashes: false, escapedSlashes: 'KEEP_UNCHANGED' as const };
    expect(maybeNormalizePath('/a#b', off)).toEqual({ action: 'reject' });
    expect(maybeNormalizePath('/a//../%2f', off)).toEqual({ action: 'continue', path: '/a//../%2f' });
  });
});

describe('absolute targets', () => {
  it.each([
    ['http://h', 'h', '/'],
    ['http://u:p@h:80/x?y', 'h:80', '/x?y'],
    ['http://[::1]:8080/', '[::1]:8080', '/'],
    ['http://h?x', 'h', '?x'],
    ['http://h/a#b', 'h', '/a#b'],
  ])('%s', (url, hostAndPort, path) => {
    expect(parseAbsoluteUrl(url)).toMatchObject({ scheme: 'http', hostAndPort, path });
  });

  it.each(['http://', 'http:///x', 'http://h:', 'http://h:70000', 'http://a_b/', 'http://u@@h/', 'h/x', '/x', 'a+b://h', 'http://h h/'])(
    '%s is none',
    (url) => {
      expect(parseAbsoluteUrl(url)).toBeNull();
    },
  );
});
