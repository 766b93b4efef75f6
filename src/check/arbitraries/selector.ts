/** Label selectors of policies. */
import fc from 'fast-check';
import { label, labelKey, namespaceName, VOCABULARY } from './labels.ts';

/** A Kubernetes label selector. */
export interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

const NAMESPACE = 'k8s:io.kubernetes.pod.namespace';

/** `matchLabels` and `matchExpressions` over the vocabulary; shrinks towards `{}`. */
export function selector(): fc.Arbitrary<Selector> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant<Selector>({}) },
    {
      weight: 5,
      arbitrary: fc.array(label(), { minLength: 1, maxLength: 2 }).map((pairs): Selector => ({ matchLabels: Object.fromEntries(pairs) })),
    },
    { weight: 2, arbitrary: expression().map((one): Selector => ({ matchExpressions: [one] })) },
  );
}

/** Whom a policy is for: often everyone of the namespace. */
export function subjectSelector(): fc.Arbitrary<Selector> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant<Selector>({}) },
    { weight: 3, arbitrary: label().map(([key, value]): Selector => ({ matchLabels: { [key]: value } })) },
    { weight: 1, arbitrary: selector() },
  );
}

/** One expression over the vocabulary. */
export function expression(): fc.Arbitrary<{ key: string; operator: string; values?: string[] }> {
  return labelKey().chain((key) =>
    fc.oneof(
      fc
        .tuple(fc.constantFrom('In', 'NotIn'), fc.subarray<string>([...VOCABULARY[key]], { minLength: 1 }))
        .map(([operator, values]) => ({ key, operator, values })),
      fc.constantFrom('Exists', 'DoesNotExist').map((operator) => ({ key, operator })),
    ),
  );
}

/** A peer of a Cilium policy: a selector, with or without a namespace, or a reserved label. */
export function peerSelector(): fc.Arbitrary<Selector> {
  const elsewhere = fc
    .tuple(selector(), namespaceName())
    .map(([one, namespace]): Selector => ({ ...one, matchLabels: { ...one.matchLabels, [NAMESPACE]: namespace } }));
  const anywhere = fc
    .tuple(
      selector(),
      fc.constantFrom<{ key: string; operator: string; values?: string[] }>(
        { key: NAMESPACE, operator: 'Exists' },
        { key: NAMESPACE, operator: 'NotIn', values: ['prod'] },
        { key: NAMESPACE, operator: 'In', values: ['default', 'dev'] },
      ),
    )
    .map(([one, extra]): Selector => ({ ...one, matchExpressions: [...(one.matchExpressions ?? []), extra] }));
  const reserved = fc
    .constantFrom('host', 'world', 'health', 'remote-node')
    .map((name): Selector => ({ matchLabels: { [`reserved:${name}`]: '' } }));
  return fc.oneof(
    { weight: 6, arbitrary: selector() },
    { weight: 2, arbitrary: elsewhere },
    { weight: 2, arbitrary: anywhere },
    { weight: 1, arbitrary: reserved },
  );
}
