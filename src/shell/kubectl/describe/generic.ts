/**
 * Objects of kinds that kubectl knows nothing of: all their members.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#printUnstructuredContent
 */
import type { ObjectView } from '../../cluster_view.ts';
import { annotationPairs, labelPairs, Page } from './page.ts';

const SKIPPED = ['.metadata.managedFields', '.metadata.name', '.metadata.namespace', '.metadata.labels', '.metadata.annotations'];
const ACRONYMS = ['API', 'URL', 'UID', 'OSB', 'GUID'];

/** The page of an object. */
export function describeGeneric(object: ObjectView): string {
  const page = new Page();
  page.line(0, `Name:\t${object.metadata.name}`);
  page.line(0, `Namespace:\t${object.metadata.namespace ?? ''}`);
  page.pairs('Labels', labelPairs(object.metadata.labels));
  page.pairs('Annotations', annotationPairs((object.metadata as { readonly annotations?: unknown }).annotations));
  content(page, 0, object as Readonly<Record<string, unknown>>, '');
  page.line(0, 'Events:\t<none>');
  return page.text();
}

function content(page: Page, level: number, map: Readonly<Record<string, unknown>>, prefix: string): void {
  for (const field of Object.keys(map).sort()) {
    const value = map[field];
    const path = `${prefix}.${field}`;
    if (SKIPPED.includes(path) || value === undefined) {
      continue;
    }
    if (Array.isArray(value)) {
      page.line(level, `${smartLabel(field)}:`);
      for (const child of value as readonly unknown[]) {
        if (isMap(child)) {
          content(page, level + 1, child, path);
        } else {
          page.line(level + 1, scalar(child));
        }
      }
    } else if (isMap(value)) {
      page.line(level, `${smartLabel(field)}:`);
      content(page, level + 1, value, path);
    } else {
      page.line(level, `${smartLabel(field)}:\t${scalar(value)}`);
    }
  }
}

function scalar(value: unknown): string {
  return value === null ? '<nil>' : Array.isArray(value) ? `[${value.map(scalar).join(' ')}]` : String(value);
}

/** `endpointSelector` is `Endpoint Selector`; names with other characters stay. @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#smartLabelFor */
export function smartLabel(field: string): string {
  if (!/^[\p{L}-]*$/u.test(field)) {
    return field;
  }
  return camelCase(field)
    .map((part) => (ACRONYMS.includes(part.toUpperCase()) ? part.toUpperCase() : part.charAt(0).toUpperCase() + part.slice(1)))
    .join(' ');
}

/** Runs of capitals keep their last one for the word that follows. @see https://pkg.go.dev/github.com/fatih/camelcase#Split */
function camelCase(text: string): string[] {
  return text.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|-+/gu) ?? [];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
