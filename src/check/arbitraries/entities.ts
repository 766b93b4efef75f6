/** Entities of Cilium policies. */
import fc from 'fast-check';

/** All that 1.13 knows; the first is the simplest. */
export const ENTITIES = [
  'cluster',
  'all',
  'world',
  'host',
  'remote-node',
  'kube-apiserver',
  'health',
  'init',
  'unmanaged',
  'ingress',
  'none',
] as const;

/** `fromEntities` or `toEntities`. */
export function entities(): fc.Arbitrary<string[]> {
  const one = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('cluster', 'all', 'world', 'host') },
    { weight: 1, arbitrary: fc.constantFrom(...ENTITIES) },
  );
  return fc.uniqueArray(one, { minLength: 1, maxLength: 2 }).map((list): string[] => list);
}
