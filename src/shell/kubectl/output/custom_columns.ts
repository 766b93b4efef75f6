/**
 * `-o custom-columns=NAME:.metadata.name,…`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/get/customcolumn.go
 */
import { kubectlTable } from '../../table.ts';
import { findJsonPath, jsonPathText } from './jsonpath.ts';

/** The table or kubectl's message. */
export type CustomColumns = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: string };

/** Prints objects in columns of the user's choice. */
export function customColumns(spec: string, objects: readonly unknown[], noHeaders: boolean): CustomColumns {
  if (spec === '') {
    return { ok: false, error: 'error: custom-columns format specified but no custom columns given' };
  }
  const columns: { readonly header: string; readonly path: string }[] = [];
  for (const part of spec.split(',')) {
    const colon = part.indexOf(':');
    if (colon < 0) {
      return { ok: false, error: `error: unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>` };
    }
    const path = relaxedPath(part.slice(colon + 1));
    if (path === null) {
      return {
        ok: false,
        error: `error: unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
      };
    }
    columns.push({ header: part.slice(0, colon), path });
  }
  const rows: string[][] = noHeaders ? [] : [columns.map(({ header }) => header)];
  for (const object of objects) {
    const row: string[] = [];
    for (const { path } of columns) {
      const found = findJsonPath(path, object);
      if (!found.ok) {
        return { ok: false, error: `error: ${found.error}` };
      }
      const values = found.lists.flat();
      row.push(values.length === 0 ? '<none>' : values.map((value) => (value === null ? '<nil>' : goValue(value))).join(','));
    }
    rows.push(row);
  }
  return { ok: true, text: kubectlTable(rows) };
}

/** `a.b`, `.a.b`, `{a.b}` or `{.a.b}` as a template. @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/get/customcolumn.go#RelaxedJSONPathExpression */
export function relaxedPath(text: string): string | null {
  if (text === '') {
    return '';
  }
  const match = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(text);
  return match === null ? null : `{.${match[1] ?? match[2] ?? ''}}`;
}

/** Containers as Go's fmt prints them. */
function goValue(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(goValue).join(' ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${members.map(([key, one]) => `${key}:${goValue(one)}`).join(' ')}]`;
  }
  return jsonPathText(value);
}
