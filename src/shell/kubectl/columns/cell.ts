/** Cells of the tables of `kubectl get`. */
import { parseRfc3339 } from '../../../net/rfc3339.ts';
import type { ObjectView } from '../../cluster_view.ts';
import { humanDuration } from '../human_duration.ts';

/** One column. */
export interface Column {
  readonly title: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  readonly cell: (object: ObjectView, wallMillis: number) => string;
}

/** The first column. */
export const NAME: Column = { title: 'NAME', cell: (object) => object.metadata.name };
/** The last column. */
export const AGE: Column = { title: 'AGE', cell: age };

/** The time since creation. */
export function age(object: ObjectView, wallMillis: number): string {
  return since(object.metadata.creationTimestamp, wallMillis);
}

/** The time since a timestamp. @see kubernetes:pkg/printers/internalversion/printers.go#translateTimestampSince */
export function since(timestamp: unknown, wallMillis: number): string {
  const then = parseRfc3339(typeof timestamp === 'string' ? timestamp : '');
  return then === null ? '<unknown>' : humanDuration(wallMillis - then);
}

/** A member deep inside, or `undefined`. */
export function get(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce(
    (at: unknown, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    value,
  );
}

/** A list, empty if it is none. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The members of a map, none if it is none. */
export function members(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/** A scalar's text, or what stands for an absent one. */
export function text(value: unknown, absent: string): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) || absent : absent;
}

/** A number, or what stands for an absent one. */
export function number(value: unknown, absent = 0): number {
  return typeof value === 'number' ? value : absent;
}

/** `a=b,c=d`, sorted. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/labels/labels.go#FormatLabels */
export function labelsCell(value: unknown): string {
  const pairs = members(value).map(([key, one]) => `${key}=${String(one)}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

/** A label selector's text. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go#FormatLabelSelector */
export function selectorCell(selector: unknown): string {
  const expressions = items(get(selector, 'matchExpressions')).map((one) => {
    const [key, operator] = [text(get(one, 'key'), ''), text(get(one, 'operator'), '')];
    const values = items(get(one, 'values')).map(String).sort().join(',');
    const texts: Readonly<Record<string, string>> = {
      In: `${key} in (${values})`,
      NotIn: `${key} notin (${values})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    return texts[operator] ?? '<error>';
  });
  const pairs = members(get(selector, 'matchLabels')).map(([key, one]) => `${key}=${String(one)}`);
  const all = [...pairs, ...expressions].sort();
  return all.length === 0 ? '<none>' : all.join(',');
}
