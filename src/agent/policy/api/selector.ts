/**
 * Label selectors over extended keys (`k8s.app`, `any.app`, `reserved.host`).
 * @see cilium:pkg/policy/api/selector.go#EndpointSelector
 */
import type { LabelIndex } from '../../labels/labels.ts';
import { isLabelValue, isQualifiedName } from './label_syntax.ts';

/** One expression. @see cilium:pkg/k8s/slim/k8s/apis/meta/v1/types.go#LabelSelectorRequirement */
export interface Requirement {
  readonly key: string;
  /** In, NotIn, Exists or DoesNotExist; anything else came from an unchecked object and never matches. */
  readonly operator: string;
  readonly values: readonly string[];
}

/** A selector; immutable. */
export interface EndpointSelector {
  /** Extended keys in the order of the source. */
  readonly matchLabels: readonly (readonly [string, string])[];
  readonly matchExpressions: readonly Requirement[];
  /** Canonical text; equal texts are the same cached selector. */
  readonly text: string;
  /** Whether the expressions are well-formed; a selector that is not matches nothing. */
  readonly valid: boolean;
}

/** Makes a selector of extended keys; a key given twice keeps its last value. */
export function newSelector(
  matchLabels: readonly (readonly [string, string])[],
  matchExpressions: readonly Requirement[] = [],
): EndpointSelector {
  const labels = [...new Map(matchLabels)];
  return { matchLabels: labels, matchExpressions, text: selectorText(labels, matchExpressions), valid: isValid(labels, matchExpressions) };
}

const RESERVED = new Map<string, EndpointSelector>();

/** The selector of one reserved label; there are few. */
export function reservedSelector(name: string): EndpointSelector {
  let selector = RESERVED.get(name);
  if (selector === undefined) {
    selector = newSelector([[`reserved.${name}`, '']]);
    RESERVED.set(name, selector);
  }
  return selector;
}

/** Selects everything, never enumerated. @see cilium:pkg/policy/api/selector.go#WildcardEndpointSelector */
export const WILDCARD_SELECTOR: EndpointSelector = newSelector([]);
/** Selects nothing. @see cilium:pkg/policy/api/entity.go#EndpointSelectorNone */
export const NONE_SELECTOR: EndpointSelector = reservedSelector('none');

/** No labels and no expressions. */
export function isWildcard(selector: EndpointSelector): boolean {
  return selector.matchLabels.length + selector.matchExpressions.length === 0;
}

/** Whether labels satisfy every part. @see cilium:pkg/policy/api/selector.go#EndpointSelector.Matches */
export function selectorMatches(selector: EndpointSelector, labels: LabelIndex): boolean {
  if (!selector.valid) {
    return false;
  }
  for (const [key, value] of selector.matchLabels) {
    if (labels.get(key) !== value) {
      return false;
    }
  }
  for (const requirement of selector.matchExpressions) {
    if (!requirementMatches(requirement, labels)) {
      return false;
    }
  }
  return true;
}

/** @see cilium:pkg/k8s/slim/k8s/apis/labels/selector.go#Requirement.Matches */
function requirementMatches(requirement: Requirement, labels: LabelIndex): boolean {
  const value = labels.get(requirement.key);
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/** Whether a key appears in labels or expressions. */
export function hasKey(selector: EndpointSelector, key: string): boolean {
  return selector.matchLabels.some(([name]) => name === key) || selector.matchExpressions.some((one) => one.key === key);
}

/** Whether a key with this start appears in labels or expressions. */
export function hasKeyPrefix(selector: EndpointSelector, prefix: string): boolean {
  return (
    selector.matchLabels.some(([name]) => name.startsWith(prefix)) || selector.matchExpressions.some((one) => one.key.startsWith(prefix))
  );
}

/** The values a key is confined to by a label or an `In`, or `null`. @see cilium:pkg/policy/api/selector.go#EndpointSelector.GetMatch */
export function getMatch(selector: EndpointSelector, key: string): readonly string[] | null {
  for (const [name, value] of selector.matchLabels) {
    if (name === key) {
      return [value];
    }
  }
  const expression = selector.matchExpressions.find((one) => one.key === key && one.operator === 'In');
  return expression?.values ?? null;
}

/** The selector with one more label, or with that label replaced. */
export function withMatch(selector: EndpointSelector, key: string, value: string): EndpointSelector {
  return newSelector([...selector.matchLabels, [key, value]], selector.matchExpressions);
}

/** The selector with more expressions. */
export function withExpressions(selector: EndpointSelector, more: readonly Requirement[]): EndpointSelector {
  return newSelector(selector.matchLabels, [...selector.matchExpressions, ...more]);
}

/**
 * All parts as expressions, expressions first, then labels by key.
 * @see cilium:pkg/policy/api/selector.go#EndpointSelector.ConvertToLabelSelectorRequirementSlice
 * @remarks Simplified: upstream leaves the order of the labels open.
 */
export function toRequirements(selector: EndpointSelector): Requirement[] {
  const labels = [...selector.matchLabels].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...selector.matchExpressions, ...labels.map(([key, value]) => ({ key, operator: 'In', values: [value] }))];
}

function isValid(labels: readonly (readonly [string, string])[], expressions: readonly Requirement[]): boolean {
  return (
    labels.every(([key, value]) => isQualifiedName(key) && isLabelValue(value)) &&
    expressions.every(({ key, operator, values }) => {
      const list = operator === 'In' || operator === 'NotIn';
      const sized = list ? values.length > 0 : (operator === 'Exists' || operator === 'DoesNotExist') && values.length === 0;
      return sized && isQualifiedName(key) && values.every(isLabelValue);
    })
  );
}

/** The text `cilium policy selectors` shows. @see cilium:pkg/k8s/slim/k8s/apis/meta/v1/generated.pb.go#LabelSelector.String */
function selectorText(labels: readonly (readonly [string, string])[], expressions: readonly Requirement[]): string {
  const pairs = [...labels].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}: ${value},`);
  const list = expressions.map(
    ({ key, operator, values }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${pairs.join('')}},MatchExpressions:[]LabelSelectorRequirement{${list.join('')}},}`;
}
