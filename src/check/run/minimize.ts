/** Makes a counterexample small beyond what shrinking did: labels of pods, policies and their parts that do not matter go. */
import type { K8sObject } from '../model/cluster.ts';
import type { Party } from './party.ts';
import type { Broken, Case, Prepared } from './property.ts';
import type { Attempt } from './reach.ts';

/** A small counterexample. */
export interface Minimal {
  readonly attempt: Attempt;
  readonly policies: readonly K8sObject[];
  readonly broken: Broken;
}

/** Lists whose elements may go. */
const LISTS = [
  'specs',
  'ingress',
  'ingressDeny',
  'egress',
  'egressDeny',
  'toPorts',
  'http',
  'fromEndpoints',
  'toEndpoints',
  'ports',
  'from',
  'to',
];

/** Plainest first. */
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];

/** Removes what the property's failure does not need. */
export function minimize(prepared: Prepared, found: Case): Minimal {
  const start = prepared.subject.policies.filter((_, i) => i !== found.deleted);
  const breaks = (policies: readonly K8sObject[], attempt: Attempt): Broken | null => {
    const broken = prepared.breaksWith(policies, attempt);
    return broken !== null && sameDecision(broken, original) ? broken : null;
  };
  const original = prepared.breaksWith(start, found) as Broken;
  let policies = start;
  for (const object of start) {
    const fewer = policies.filter((one) => one !== object);
    policies = breaks(fewer, found) === null ? policies : fewer;
  }
  policies = policies.map((object, i) => smaller(object, (one) => breaks(replace(policies, i, one), found) !== null));
  const { from, to, port, protocol, request } = found;
  let attempt: Attempt = { from, to, port, protocol, request };
  for (const name of Object.keys(found.request.headers)) {
    const { [name]: _, ...headers } = attempt.request.headers;
    const fewer = { ...attempt, request: { ...attempt.request, headers } };
    attempt = breaks(policies, fewer) === null ? attempt : fewer;
  }
  if (protocol !== 'TCP') {
    return { attempt, policies, broken: breaks(policies, attempt) ?? original };
  }
  attempt = simplest(attempt, [...METHODS, found.request.method], 'method', (one) => breaks(policies, one) !== null);
  attempt = simplest(attempt, startsOf(found.request.path), 'path', (one) => breaks(policies, one) !== null);
  return { attempt, policies, broken: breaks(policies, attempt) ?? original };
}

/** The first of some texts with which the property is still broken. */
function simplest(attempt: Attempt, texts: readonly string[], part: 'method' | 'path', breaks: (one: Attempt) => boolean): Attempt {
  for (const text of texts) {
    const one = { ...attempt, request: { ...attempt.request, [part]: text } };
    if (breaks(one)) {
      return one;
    }
  }
  return attempt;
}

/** The starts of a path, shortest first. */
function startsOf(path: string): string[] {
  return Array.from({ length: path.length }, (_, i) => path.slice(0, i + 1)).filter((start) => !/\/\.{1,2}$|%.?$/.test(start));
}

/** The same way through or the same way to fail, decided by something if it was before: without any policy everything is open. */
function sameDecision(one: Broken, other: Broken): boolean {
  const [a, b] = [one.reach, other.reach];
  if (a.reaches === 'yes' && b.reaches === 'yes') {
    return a.quirk === b.quirk && a.by.length > 0 === b.by.length > 0;
  }
  return a.reaches === 'no' && b.reaches === 'no' && a.how === b.how && a.at === b.at && a.by.length > 0 === b.by.length > 0;
}

/** The object without the elements of lists that may go. */
function smaller(object: K8sObject, stillBreaks: (one: K8sObject) => boolean): K8sObject {
  let best = object;
  for (let changed = true; changed; ) {
    changed = false;
    for (const one of withoutOne(best)) {
      if (stillBreaks(one)) {
        best = one;
        changed = true;
        break;
      }
    }
  }
  return best;
}

/** Every object that has one element less in one of its lists. A list is never left empty: that would mean something else. */
function* withoutOne(value: K8sObject): Generator<K8sObject> {
  for (const [key, member] of Object.entries(value)) {
    if (Array.isArray(member) && LISTS.includes(key)) {
      const list = member as readonly unknown[];
      for (let i = 0; list.length > 1 && i < list.length; i++) {
        yield { ...value, [key]: list.filter((_, j) => j !== i) };
      }
      for (const [i, one] of list.entries()) {
        for (const less of isObject(one) ? withoutOne(one) : []) {
          yield { ...value, [key]: list.map((old, j) => (j === i ? less : old)) };
        }
      }
    } else if (isObject(member)) {
      for (const less of withoutOne(member)) {
        yield { ...value, [key]: less };
      }
    }
  }
}

function isObject(value: unknown): value is K8sObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function replace<T>(list: readonly T[], index: number, value: T): T[] {
  return list.map((old, i) => (i === index ? value : old));
}

/** `default/xwing`, `198.51.100.1`, `api.example.org`, `the node` */
export function partyText(party: Party): string {
  switch (party.kind) {
    case 'pod':
      return `${party.pod.namespace}/${party.pod.name}`;
    case 'address':
      return party.name ?? party.ip;
    case 'host':
      return 'the node';
  }
}
