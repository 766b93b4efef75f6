/** DNS names and patterns. */
import fc from 'fast-check';
import type { K8sObject } from '../model/cluster.ts';

/** Names that resolve in generated clusters. */
export const RESOLVED: Readonly<Record<string, readonly string[]>> = {
  'www.example.org': ['10.1.2.3', '192.0.2.10'],
  'example.org': ['192.0.2.10'],
  'a.b.example.org': ['198.51.100.7'],
};

/** `toFQDNs`, or the rules of a DNS port. */
export function fqdnSelectors(): fc.Arbitrary<K8sObject[]> {
  const one = fc.constantFrom<K8sObject>(
    { matchName: 'example.org' },
    { matchName: 'WWW.example.org' },
    { matchPattern: '*.example.org' },
    { matchPattern: 'w*w.example.*' },
    { matchPattern: '*' },
    { matchName: 'nowhere.test' },
  );
  return fc.array(one, { minLength: 1, maxLength: 2 });
}
