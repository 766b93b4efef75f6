/**
 * Patterns of DNS and node names in flow filters: `*` stands for any number of name characters, dots included.
 * @see cilium:pkg/hubble/filters/patterns.go
 */

const ANY_NAME = '(?:[-0-9_a-z]+(?:\\.[-0-9_a-z]+)*)';

/** The expression of a DNS name pattern, or what is wrong with it. @see cilium:pkg/hubble/filters/patterns.go#compileFQDNPattern */
export function fqdnPattern(pattern: string): RegExp | { readonly error: string } {
  const source = fqdnSource(pattern);
  return typeof source === 'string' ? new RegExp(`^(?:${source})$`) : source;
}

/** The expression of `[cluster/]node`; either may be empty. @see cilium:pkg/hubble/filters/patterns.go#appendNodeNamePatternRegexp */
export function nodeNamePattern(pattern: string): RegExp | { readonly error: string } {
  if (pattern === '') {
    return { error: 'empty pattern' };
  }
  const parts = pattern.split('/');
  if (parts.length > 2) {
    return { error: 'too many slashes in pattern' };
  }
  const [cluster, node] = parts.length === 1 ? ['', parts[0] as string] : (parts as [string, string]);
  const sources: string[] = [];
  for (const part of [cluster, node]) {
    const source = part === '' ? ANY_NAME : fqdnSource(part);
    if (typeof source !== 'string') {
      return source;
    }
    sources.push(source);
  }
  return new RegExp(`^(?:${sources.join('/')})$`);
}

function fqdnSource(pattern: string): string | { readonly error: string } {
  const name = pattern.trim().replace(/\.$/, '').toLowerCase();
  if (name === '') {
    return { error: 'empty pattern' };
  }
  if (name.endsWith('.')) {
    return { error: 'multiple trailing dots in pattern' };
  }
  const wrong = /[^-.*0-9_a-z]/u.exec(name);
  if (wrong !== null) {
    return { error: `'${wrong[0]}': invalid rune in pattern` };
  }
  return name.replaceAll('.', '\\.').replaceAll('*', '[-.0-9a-z]*');
}
