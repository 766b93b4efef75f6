/** DNS names and patterns of policies (quirk 30). */
import type { K8sObject } from '../model/cluster.ts';

/** The addresses of resolved names that a selector matches. */
export function namesMatching(selector: K8sObject, dns: Readonly<Record<string, readonly string[]>>): string[] {
  const name = String(selector['matchName'] ?? '');
  const pattern = String(selector['matchPattern'] ?? '');
  const test = (text: string): boolean => (name !== '' ? rooted(name) === rooted(text) : pattern !== '' && matches(pattern, rooted(text)));
  return Object.entries(dns).flatMap(([text, addresses]) => (test(text) ? addresses : []));
}

/** Label by label: `*` stands for characters of one label; alone it stands for every name. */
function matches(pattern: string, name: string): boolean {
  if (pattern === '*') {
    return true;
  }
  const [wanted, have] = [rooted(pattern).split('.'), name.split('.')];
  return wanted.length === have.length && wanted.every((label, i) => matchesLabel(label, have[i] ?? ''));
}

function matchesLabel(pattern: string, label: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) {
    return pattern === label;
  }
  if (!label.startsWith(first)) {
    return false;
  }
  let left = label.slice(first.length);
  const last = rest.pop() ?? '';
  for (const part of rest) {
    const at = left.indexOf(part);
    if (at < 0) {
      return false;
    }
    left = left.slice(at + part.length);
  }
  return left.endsWith(last);
}

function rooted(name: string): string {
  return `${name.toLowerCase().replace(/\.$/, '')}.`;
}
