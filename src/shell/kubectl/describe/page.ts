/**
 * The layout of `kubectl describe`: indented lines of `Name:<tab>value`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#PrefixWriter
 */

import { LAST_APPLIED } from '../../../k8s/apply_merge.ts';
import { tabwriter } from '../../../net/go_tabwriter.ts';
import { httpDate } from '../../../net/http_date.ts';
import { parseRfc3339 } from '../../../net/rfc3339.ts';
import { members } from '../columns/cell.ts';

/** A page under construction. */
export class Page {
  readonly #lines: string[] = [];

  /** A line at a level; cells are separated by tabs. */
  line(level: number, text: string): void {
    this.#lines.push(...`${'  '.repeat(level)}${text}`.split('\n'));
  }

  /** `Labels:` and the like: one pair in each line. */
  pairs(title: string, pairs: readonly string[], indent = ''): void {
    if (pairs.length === 0) {
      this.line(0, `${indent}${title}:\t<none>`);
    }
    pairs.forEach((pair, i) => {
      this.line(0, i === 0 ? `${indent}${title}:\t${pair}` : `${indent}\t${pair}`);
    });
  }

  /** The text. @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#tabbedString */
  text(): string {
    return tabwriter(
      this.#lines.map((line) => line.split('\t')),
      { minWidth: 0, tabWidth: 8, padding: 2 },
    );
  }
}

/** `key=value` of labels, sorted. */
export function labelPairs(labels: unknown): string[] {
  return members(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort();
}

/** `key: value` of annotations, sorted, without kubectl's own. @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#printAnnotationsMultiline */
export function annotationPairs(annotations: unknown): string[] {
  return members(annotations)
    .filter(([key]) => key !== LAST_APPLIED)
    .map(([key, value]) => `${key}: ${String(value)}`)
    .sort();
}

/** `Mon, 12 Jun 2023 03:04:05 +0000` */
export function longTime(timestamp: unknown): string {
  const millis = typeof timestamp === 'string' ? parseRfc3339(timestamp) : null;
  return millis === null ? '<unset>' : httpDate(millis).replace('GMT', '+0000');
}
