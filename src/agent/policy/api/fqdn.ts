/**
 * Names and patterns of DNS names.
 * @see cilium:pkg/policy/api/fqdn.go
 * @see cilium:pkg/fqdn/matchpattern/matchpattern.go
 */
import type { FqdnSelector, Path } from './rule.ts';

/** Takes an issue. */
export type Report = (code: string, path: Path, message: string, hint?: string | null) => void;

/** Lower case with a dot at the end. @see cilium:pkg/fqdn/dns/dns.go#FQDN */
export function fqdn(name: string): string {
  const lower = name.trim().toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

/** Whether a name selector covers a DNS name. @see cilium:pkg/policy/api/fqdn.go#FQDNSelector.ToRegex */
export function fqdnSelectorMatches(selector: FqdnSelector, name: string): boolean {
  if (selector.matchName !== '') {
    return fqdn(selector.matchName) === fqdn(name);
  }
  return patternMatches(selector.matchPattern, name);
}

/**
 * Whether a pattern covers a DNS name: `*` stands for characters of one label, alone for any name.
 * @see cilium:pkg/fqdn/matchpattern/matchpattern.go#ToRegexp
 */
export function patternMatches(pattern: string, name: string): boolean {
  const wanted = pattern.trim().toLowerCase();
  const text = fqdn(name);
  if (wanted === '*') {
    return /^([-a-z0-9_]+[.])+$/.test(text) || text === '.';
  }
  const source = fqdn(wanted).replaceAll('.', '[.]').replaceAll('*', '[-a-z0-9_]*');
  return new RegExp(`^${source}$`).test(text);
}

/** The expression a selector stands for, as the agent shows it. @see cilium:pkg/policy/api/fqdn.go#FQDNSelector.ToRegex */
export function selectorExpression(selector: FqdnSelector): string {
  const characters = '[-a-zA-Z0-9_]';
  const wanted = (selector.matchName === '' ? selector.matchPattern : selector.matchName).trim().toLowerCase();
  if (wanted === '*') {
    return `(^(${characters}+[.])+$)|(^[.]$)`;
  }
  return `^${fqdn(wanted).replaceAll('*', `${characters}*`).replaceAll('.', '[.]')}$`;
}

/** Characters of a name and a pattern. @see cilium:pkg/policy/api/fqdn.go#FQDNSelector.sanitize */
export function checkFqdn(report: Report, fqdn: FqdnSelector, path: Path): void {
  if (fqdn.matchName !== '' && !/^[-a-zA-Z0-9_.]+$/.test(fqdn.matchName)) {
    report(
      'fqdn-name',
      [...path, 'matchName'],
      `Invalid characters in MatchName: "${fqdn.matchName}". Only 0-9, a-z, A-Z and . and - characters are allowed`,
    );
  }
  if (fqdn.matchPattern !== '' && !/^[-a-zA-Z0-9_.*]+$/.test(fqdn.matchPattern)) {
    report(
      'fqdn-pattern',
      [...path, 'matchPattern'],
      `Invalid characters in MatchPattern: "${fqdn.matchPattern}". Only 0-9, a-z, A-Z and ., - and * characters are allowed`,
    );
  }
}
