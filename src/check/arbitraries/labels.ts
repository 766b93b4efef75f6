/** Labels of pods and namespaces: a small vocabulary, so that selectors hit and pods share identities. */
import fc from 'fast-check';
import type { LabelMap } from '../model/cluster.ts';

/** Values of each key. */
export const VOCABULARY = {
  app: ['web', 'api', 'db'],
  org: ['empire', 'alliance'],
  tier: ['front', 'back'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Namespaces that generated clusters use. */
export const NAMESPACES = ['default', 'prod', 'dev'] as const;

/** A key of {@link VOCABULARY}. */
export function labelKey(): fc.Arbitrary<keyof typeof VOCABULARY> {
  return fc.constantFrom('app', 'org', 'tier');
}

/** A key with one of its values. */
export function label(): fc.Arbitrary<readonly [string, string]> {
  return labelKey().chain((key) => fc.constantFrom<string>(...VOCABULARY[key]).map((value) => [key, value] as const));
}

/** Labels of a pod; shrinks towards none. */
export function labels(): fc.Arbitrary<LabelMap> {
  return fc
    .tuple(
      ...Object.entries(VOCABULARY).map(([key, values]) =>
        fc.option(fc.constantFrom<string>(...values), { freq: 4 }).map((value) => [key, value] as const),
      ),
    )
    .map((pairs) => Object.fromEntries(pairs.filter((pair): pair is [keyof typeof VOCABULARY, string] => pair[1] !== null)));
}

/** A namespace's name. */
export function namespaceName(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant<string>('default') },
    { weight: 1, arbitrary: fc.constantFrom<string>(...NAMESPACES) },
  );
}

/** Labels of a namespace. */
export function namespaceLabels(): fc.Arbitrary<LabelMap> {
  return fc.constantFrom<LabelMap>({}, { team: 'red' }, { team: 'blue' });
}
