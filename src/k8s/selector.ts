/**
 * Label selectors of the Kubernetes API.
 * @see kubernetes:staging/src/k8s.io/apimachinery/pkg/labels/selector.go
 */
import type { LabelSelector } from './objects.ts';

/** Whether all wanted labels are there with their values. */
export function matchesLabels(wanted: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Whether a selector takes an object with these labels; an empty selector takes all. */
export function matchesSelector(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return (
    matchesLabels(selector.matchLabels ?? {}, labels) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && (values ?? []).includes(value);
        case 'NotIn':
          return value === undefined || !(values ?? []).includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
      }
    })
  );
}

/** The selector of a `-l` flag (`a=b,c!=d,e in (f,g),h,!i`), or `null` if it is not well formed. */
export function parseSelector(text: string): LabelSelector | null {
  const matchExpressions: NonNullable<LabelSelector['matchExpressions']>[number][] = [];
  for (const part of text.split(/,(?![^(]*\))/).map((one) => one.trim())) {
    const set = /^([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part);
    const equals = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(part);
    const exists = /^(!?)\s*([\w./-]+)$/.exec(part);
    if (set !== null) {
      const values = (set[3] as string).split(',').map((value) => value.trim());
      matchExpressions.push({ key: set[1] as string, operator: set[2] === 'in' ? 'In' : 'NotIn', values });
    } else if (equals !== null) {
      matchExpressions.push({ key: equals[1] as string, operator: equals[2] === '!=' ? 'NotIn' : 'In', values: [equals[3] as string] });
    } else if (exists !== null) {
      matchExpressions.push({ key: exists[2] as string, operator: exists[1] === '!' ? 'DoesNotExist' : 'Exists' });
    } else if (part !== '') {
      return null;
    }
  }
  return { matchExpressions };
}
