/** Labels and selectors, read as plainly as their definition. */
import type { K8sObject } from '../model/cluster.ts';

/** One label. */
export interface OracleLabel {
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

/** Says whether labels satisfy something. */
export type LabelTest = (labels: readonly OracleLabel[]) => boolean;

/** `source:key=value` */
export function readLabel(text: string): OracleLabel {
  const colon = text.indexOf(':');
  const rest = text.slice(colon + 1);
  const equals = rest.indexOf('=');
  return {
    source: text.slice(0, colon),
    key: equals < 0 ? rest : rest.slice(0, equals),
    value: equals < 0 ? '' : rest.slice(equals + 1),
  };
}

/** The value of a selector's key, `app`, `any:app`, `k8s:app` or `reserved:host`; `null` if no label has it. */
export function valueOf(labels: readonly OracleLabel[], key: string): string | null {
  const { source, name } = splitKey(key);
  return labels.find((label) => label.key === name && (source === 'any' || label.source === source))?.value ?? null;
}

/** Source and name of a selector's key; without a source any will do. */
export function splitKey(key: string): { readonly source: string; readonly name: string } {
  if (key.startsWith('reserved.')) {
    return { source: 'reserved', name: key.slice('reserved.'.length) };
  }
  const colon = key.indexOf(':');
  return colon < 0 ? { source: 'any', name: key } : { source: key.slice(0, colon), name: key.slice(colon + 1) };
}

interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** A selector as written, with keys that may have been given a source. */
export interface OracleSelector {
  readonly labels: readonly (readonly [key: string, value: string])[];
  readonly expressions: readonly Expression[];
}

/** Reads a `LabelSelector`; `keyOf` gives bare keys their place. */
export function readSelector(value: unknown, keyOf: (key: string) => string = (key) => key): OracleSelector {
  const raw = (value ?? {}) as K8sObject;
  const labels = Object.entries((raw['matchLabels'] ?? {}) as Record<string, string>);
  const expressions = (raw['matchExpressions'] ?? []) as readonly Partial<Expression>[];
  return {
    labels: labels.map(([key, text]) => [keyOf(key), text] as const),
    expressions: expressions.map(({ key, operator, values }) => ({
      key: keyOf(key ?? ''),
      operator: operator ?? '',
      values: values ?? [],
    })),
  };
}

/** Both selectors at once. */
export function both(a: OracleSelector, b: OracleSelector): OracleSelector {
  return { labels: [...a.labels, ...b.labels], expressions: [...a.expressions, ...b.expressions] };
}

/** The selector with another value for a key. */
export function replaced(selector: OracleSelector, key: string, value: string): OracleSelector {
  return { ...selector, labels: [...selector.labels.filter(([name]) => name !== key), [key, value]] };
}

/** Nothing is asked for. */
export function isEmpty({ labels, expressions }: OracleSelector): boolean {
  return labels.length + expressions.length === 0;
}

/** Keys that occur, with their source. */
export function keysOf({ labels, expressions }: OracleSelector): { readonly source: string; readonly name: string }[] {
  return [...labels.map(([key]) => key), ...expressions.map(({ key }) => key)].map(splitKey);
}

/** Whether labels satisfy every part of a selector. */
export function selects(selector: OracleSelector, labels: readonly OracleLabel[]): boolean {
  return (
    selector.labels.every(([key, value]) => valueOf(labels, key) === value) &&
    selector.expressions.every(({ key, operator, values }) => {
      const value = valueOf(labels, key);
      switch (operator) {
        case 'In':
          return value !== null && values.includes(value);
        case 'NotIn':
          return value === null || !values.includes(value);
        case 'Exists':
          return value !== null;
        case 'DoesNotExist':
          return value === null;
        default:
          return false;
      }
    })
  );
}
