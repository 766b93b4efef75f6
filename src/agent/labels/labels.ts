/**
 * Labels: a key and value with a source. Identities carry them, selectors match them.
 * @see cilium:pkg/labels/labels.go
 */

export const LABEL_SOURCE_UNSPEC = 'unspec';
/** Matches any source; the default of a selector's key. */
export const LABEL_SOURCE_ANY = 'any';
export const LABEL_SOURCE_K8S = 'k8s';
export const LABEL_SOURCE_RESERVED = 'reserved';
export const LABEL_SOURCE_CIDR = 'cidr';

/** @see cilium:pkg/k8s/apis/cilium.io/const.go#PodNamespaceLabel */
export const POD_NAMESPACE_LABEL = 'io.kubernetes.pod.namespace';
export const POD_NAMESPACE_META_LABELS = 'io.cilium.k8s.namespace.labels';
export const POLICY_LABEL_CLUSTER = 'io.cilium.k8s.policy.cluster';
export const POLICY_LABEL_SERVICE_ACCOUNT = 'io.cilium.k8s.policy.serviceaccount';
export const POLICY_LABEL_NAME = 'io.cilium.k8s.policy.name';
export const POLICY_LABEL_NAMESPACE = 'io.cilium.k8s.policy.namespace';
export const POLICY_LABEL_UID = 'io.cilium.k8s.policy.uid';
export const POLICY_LABEL_DERIVED_FROM = 'io.cilium.k8s.policy.derived-from';

/** One label. @see cilium:pkg/labels/labels.go#Label */
export interface Label {
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

/** Labels in the order of their keys. @see cilium:pkg/labels/array.go#LabelArray */
export type LabelArray = readonly Label[];

/** Parses `source:key=value`; without a source it is `unspec`. `$x` is `reserved:x`. @see cilium:pkg/labels/labels.go#ParseLabel */
export function parseLabel(text: string): Label {
  const [source, rest] = parseSource(text, ':');
  const equals = rest.indexOf('=');
  const known = source === '' ? LABEL_SOURCE_UNSPEC : source;
  if (equals < 0) {
    return { source: known, key: rest, value: '' };
  }
  if (equals === 0 && source === LABEL_SOURCE_RESERVED) {
    return { source: known, key: rest.slice(1), value: '' };
  }
  return { source: known, key: rest.slice(0, equals), value: rest.slice(equals + 1) };
}

/** Parses labels and sorts them by key. */
export function parseLabelArray(texts: readonly string[]): LabelArray {
  return sortLabels(texts.map(parseLabel));
}

/** A copy in the order of the keys; equal keys keep their order. */
export function sortLabels(labels: readonly Label[]): LabelArray {
  return [...labels].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** `source:key=value`, or `source:key` for an empty value. @see cilium:pkg/labels/labels.go#Label.String */
export function labelText(label: Label): string {
  return label.value === '' ? `${label.source}:${label.key}` : `${label.source}:${label.key}=${label.value}`;
}

/** `[a b]` as Go prints a label array. */
export function labelsText(labels: LabelArray): string {
  return `[${labels.map(labelText).join(' ')}]`;
}

/** Sorted texts with only the most specific CIDR label. @see cilium:pkg/labels/labels.go#Labels.GetPrintableModel */
export function printableLabels(labels: LabelArray): string[] {
  let cidr: string | null = null;
  let longest = -1;
  const texts: string[] = [];
  for (const label of labels) {
    if (label.source !== LABEL_SOURCE_CIDR) {
      texts.push(labelText(label));
      continue;
    }
    const length = Number(label.key.slice(label.key.indexOf('/') + 1));
    if (length > longest) {
      longest = length;
      cidr = `cidr:${label.key.replaceAll('-', ':')}`;
    }
  }
  if (cidr !== null) {
    texts.push(cidr);
  }
  return texts.sort();
}

/** Whether every needed label is present; a needed label of any source is found under each. @see cilium:pkg/labels/array.go#LabelArray.Contains */
export function containsLabels(labels: LabelArray, needed: LabelArray): boolean {
  return needed.every((want) =>
    labels.some(
      (have) => have.key === want.key && have.value === want.value && (want.source === LABEL_SOURCE_ANY || have.source === want.source),
    ),
  );
}

/** Labels to search for: without a source they stand for any. @see cilium:pkg/labels/array.go#NewSelectLabelArrayFromModel */
export function parseSelectLabelArray(texts: readonly string[]): LabelArray {
  return parseLabelArray(texts).map((label) => (label.source === LABEL_SOURCE_UNSPEC ? { ...label, source: LABEL_SOURCE_ANY } : label));
}

/** The selector form of a key: `k8s:a` becomes `k8s.a`, `a` becomes `any.a`. @see cilium:pkg/labels/labels.go#GetExtendedKeyFrom */
export function extendedKeyFrom(text: string): string {
  const [source, rest] = parseSource(text, ':');
  const equals = rest.indexOf('=');
  return `${source === '' ? LABEL_SOURCE_ANY : source}.${equals < 0 ? rest : rest.slice(0, equals)}`;
}

/** The inverse: `k8s.a` becomes `k8s:a`. @see cilium:pkg/labels/labels.go#GetCiliumKeyFrom */
export function ciliumKeyFrom(extendedKey: string): string {
  const dot = extendedKey.indexOf('.');
  return dot < 0 ? `${LABEL_SOURCE_ANY}:${extendedKey}` : `${extendedKey.slice(0, dot)}:${extendedKey.slice(dot + 1)}`;
}

/** `source.key` of a label. */
export function extendedKey(label: Label): string {
  return `${label.source}.${label.key}`;
}

/**
 * Labels indexed by extended key, once with their source and once as `any.`; the first of equal keys wins.
 * @see cilium:pkg/labels/array.go#LabelArray.Get
 */
export type LabelIndex = ReadonlyMap<string, string>;

/** Builds the index that selectors look keys up in. */
export function indexLabels(labels: LabelArray): LabelIndex {
  const index = new Map<string, string>();
  for (const label of labels) {
    for (const key of [extendedKey(label), `${LABEL_SOURCE_ANY}.${label.key}`]) {
      if (!index.has(key)) {
        index.set(key, label.value);
      }
    }
  }
  return index;
}

/** @see cilium:pkg/labels/labels.go#parseSource */
function parseSource(text: string, delimiter: ':' | '.'): [string, string] {
  if (text.startsWith('$')) {
    return [LABEL_SOURCE_RESERVED, text.slice(1)];
  }
  const at = text.indexOf(delimiter);
  if (at < 0) {
    return text.startsWith('reserved.') ? [LABEL_SOURCE_RESERVED, text.slice('reserved.'.length)] : ['', text];
  }
  return [text.slice(0, at), text.slice(at + 1)];
}
