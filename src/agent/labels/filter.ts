/**
 * Which labels of a pod become part of its identity.
 * @see cilium:pkg/labelsfilter/filter.go
 */
import { LABEL_SOURCE_RESERVED, type Label } from './labels.ts';

/** A pattern for the start of a key. */
export interface LabelPrefix {
  /** Only labels of this source, or all when empty. */
  readonly source: string;
  readonly expression: RegExp;
  /** Labels that match are not part of the identity. */
  readonly ignore: boolean;
}

/** Patterns; with a user's inclusive one, nothing else is let in. */
export interface LabelFilter {
  readonly prefixes: readonly LabelPrefix[];
  readonly whitelist: boolean;
}

const DEFAULT_PREFIXES: readonly string[] = [
  `${LABEL_SOURCE_RESERVED}:.*`,
  'io\\.kubernetes\\.pod\\.namespace',
  'io\\.cilium\\.k8s\\.namespace\\.labels',
  'app\\.kubernetes\\.io',
  '!io\\.kubernetes',
  '!kubernetes\\.io',
  '!.*beta\\.kubernetes\\.io',
  '!k8s\\.io',
  '!pod-template-generation',
  '!pod-template-hash',
  '!controller-revision-hash',
  '!annotation.*',
  '!etcd_node',
];

/** The built-in patterns and a user's. @see cilium:pkg/labelsfilter/filter.go#ParseLabelPrefixCfg */
export function newLabelFilter(userPrefixes: readonly string[] = []): LabelFilter {
  const user = userPrefixes.filter((text) => text !== '').map(parsePrefix);
  return { prefixes: [...DEFAULT_PREFIXES.map(parsePrefix), ...user], whitelist: user.some((prefix) => !prefix.ignore) };
}

/** The labels that count for the identity, and the others. @see cilium:pkg/labelsfilter/filter.go#labelPrefixCfg.filterLabels */
export function filterLabels(filter: LabelFilter, labels: readonly Label[]): { readonly identity: Label[]; readonly information: Label[] } {
  const identity: Label[] = [];
  const information: Label[] = [];
  for (const label of labels) {
    (isRelevant(filter, label) ? identity : information).push(label);
  }
  return { identity, information };
}

/** The longest inclusive match must be longer than the shortest ignoring one. */
function isRelevant(filter: LabelFilter, label: Label): boolean {
  let included = 0;
  let ignored = 0;
  for (const prefix of filter.prefixes) {
    const length = prefix.source === '' || prefix.source === label.source ? (prefix.expression.exec(label.key)?.[0].length ?? -1) : -1;
    if (length < 0) {
      continue;
    }
    if (!prefix.ignore) {
      included = Math.max(included, length);
    } else if (ignored === 0 || length < ignored) {
      ignored = length;
    }
  }
  return (!filter.whitelist && ignored === 0) || included > ignored;
}

/** @see cilium:pkg/labelsfilter/filter.go#parseLabelPrefix */
function parsePrefix(text: string): LabelPrefix {
  const colon = text.indexOf(':');
  const pattern = text.slice(colon + 1);
  const ignore = pattern.startsWith('!');
  return { source: colon < 0 ? '' : text.slice(0, colon), expression: new RegExp(`^(?:${ignore ? pattern.slice(1) : pattern})`), ignore };
}
