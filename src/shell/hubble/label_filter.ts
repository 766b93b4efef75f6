/**
 * Label selectors of flow filters: Kubernetes' selector syntax over labels with a source.
 * @see cilium:pkg/hubble/filters/labels.go#parseSelector
 */
import { meetsRequirements, parseLabelSelector } from '../../k8s/label_selector.ts';

/** A test of sorted label texts, or why the selector is none. */
export function labelFilter(selector: string): ((labels: readonly string[]) => boolean) | { readonly error: string } {
  // A source is written with a colon and looked up with a dot.
  const translated = selector.replace(/([^,]\s*[a-z0-9-]+):([a-z0-9-]+)/g, '$1.$2');
  const parsed = parseLabelSelector(translated);
  return parsed.ok ? (labels) => meetsRequirements(parsed.requirements, labelIndex(labels)) : { error: parsed.error };
}

/**
 * Labels by the keys a selector may use: what stands before the first dot of a key is its source, `any` or no dot is any source. A key such
 * as `app.kubernetes.io/name` therefore needs its source in front.
 * @see cilium:pkg/labels/array.go#LabelArray.Get
 */
function labelIndex(labels: readonly string[]): Record<string, string> {
  const index: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const label of labels) {
    const colon = label.indexOf(':');
    const [source, rest] = colon < 0 ? ['unspec', label] : [label.slice(0, colon), label.slice(colon + 1)];
    const equals = rest.indexOf('=');
    const [key, value] = equals < 0 ? [rest, ''] : [rest.slice(0, equals), rest.slice(equals + 1)];
    index[`${source}.${key}`] ??= value;
    index[`any.${key}`] ??= value;
    if (!key.includes('.')) {
      index[key] ??= value;
    }
  }
  return index;
}
