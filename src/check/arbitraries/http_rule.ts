/** L7 rules of a port. */
import fc from 'fast-check';
import type { K8sObject } from '../model/cluster.ts';
import { fqdnSelectors } from './fqdn.ts';

/** Paths as policies write them: literal, with alternatives, open at the end, a class, a query. */
export const PATH_PATTERNS: readonly string[] = [
  '/v1/request-landing',
  '/v1/.*',
  '/public(/.*)?',
  '/v1/(a|b)',
  '/users/[0-9]+',
  '/.*',
  '/search[?]q=.*',
];
/** Methods as policies write them. */
export const METHOD_PATTERNS: readonly string[] = ['GET', 'POST', 'PUT|POST', '.*'];

/** One element of `http`; shrinks towards `{}`. */
export function httpRule(): fc.Arbitrary<K8sObject> {
  const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 1 });
  return fc
    .tuple(
      fc.option(fc.constantFrom(...METHOD_PATTERNS), { freq: 3 }),
      fc.option(fc.constantFrom(...PATH_PATTERNS), { freq: 5 }),
      some(fc.constantFrom('web.default', 'web[.].*')),
      some(fc.constantFrom(['X-Token: secret'], ['X-Any'], ['X-Token: secret', 'X-Any'])),
      some(fc.constantFrom([{ name: 'X-Token', value: 'other' }], [{ name: 'X-Log', value: 'a', mismatch: 'LOG' }])),
    )
    .map(([method, path, host, headers, headerMatches]) => present({ method, path, host, headers, headerMatches }));
}

/** `rules` of a TCP port: mostly HTTP. */
export function sevenRules(): fc.Arbitrary<K8sObject> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.array(httpRule(), { minLength: 1, maxLength: 3 }).map((http) => ({ http })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<K8sObject>({ kafka: [{ role: 'produce', topic: 'orders' }] }, { l7proto: 'r2d2', l7: [{ cmd: 'READ' }] }),
    },
  );
}

/** `rules` of a DNS port. */
export function dnsRules(): fc.Arbitrary<K8sObject> {
  return fqdnSelectors().map((dns) => ({ dns }));
}

function present(members: Readonly<Record<string, unknown>>): K8sObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}
