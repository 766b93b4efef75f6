/**
 * `kubectl wait`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/wait/wait.go
 */
import { SECOND } from '../../sim/clock.ts';
import type { ClusterView, ObjectView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, ready, refused } from '../tool.ts';
import { get, items, text } from './columns/cell.ts';
import { parseDuration } from './duration.ts';
import { relaxedPath } from './output/custom_columns.ts';
import { findJsonPath, jsonPathText } from './output/jsonpath.ts';
import type { TypedObject } from './output/printer.ts';
import { Report } from './report.ts';
import { qualifiedSingular } from './resource_types.ts';
import { completeTargets, findTargets, isRefused, parseTargets, TARGET_FLAGS } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** What a negative time-out means: a week. */
const WEEK = 7 * 24 * 3600 * SECOND;

/** The verb. */
export const waitVerb: KubectlVerb = {
  name: 'wait',
  summary: 'wait until objects meet a condition',
  flags: [
    ...TARGET_FLAGS,
    { name: 'for', value: true, choices: ['condition=ready', 'condition=available', 'delete', 'jsonpath='] },
    { name: 'timeout', value: true },
    { name: 'all' },
  ],
  parse: parseWait,
  complete: completeTargets,
};

/** A test of an object that may be gone. */
type Condition = (object: ObjectView | undefined) => boolean;

function parseWait(flags: Flags): Parsed {
  const timeoutText = flags.value('timeout') ?? '30s';
  const timeout = parseDuration(timeoutText);
  if (timeout === null) {
    return refused(
      `error: invalid argument "${timeoutText}" for "--timeout" flag: time: invalid duration "${timeoutText}"`,
      1,
      "See 'kubectl wait --help' for usage.",
    );
  }
  const forText = flags.value('for') ?? '';
  const condition = parseCondition(forText);
  if (condition === null) {
    return refused(`error: unrecognized condition: "${forText}"`);
  }
  if (flags.positional.length === 0) {
    return refused('error: You must provide one or more resources by argument or filename.');
  }
  const targets = parseTargets(flags.positional, flags);
  if (isRefused(targets)) {
    return targets;
  }
  if (targets.targets.every(({ name }) => name === null) && !flags.has('all') && targets.selector === '' && targets.fieldSelector === '') {
    return refused('error: resource(s) were provided, but no name was specified');
  }
  return ready(({ cluster }) => {
    const report = new Report();
    const found = findTargets(cluster, targets);
    if (found.objects.length === 0 && found.errors.length === 0 && forText !== 'delete') {
      report.fail('error: no matching resources found');
    }
    const end = cluster.now() + (timeout < 0 ? WEEK : timeout);
    for (const one of found.objects) {
      waitFor(cluster, one, condition, end, report);
    }
    for (const error of forText === 'delete' ? [] : found.errors) {
      report.fail(error);
    }
    return report.result();
  });
}

function waitFor(cluster: ClusterView, { type, object }: TypedObject, condition: Condition, end: number, report: Report): void {
  const { namespace = '', name } = object.metadata;
  const met = (): boolean => condition(cluster.api.get(type.kind, namespace, name) as ObjectView | undefined);
  if (met() || cluster.runUntil(met, Math.max(0, end - cluster.now()))) {
    report.print(`${qualifiedSingular(type)}/${name} condition met`);
  } else {
    report.fail(`error: timed out waiting for the condition on ${type.plural}/${name}`);
  }
}

/** `delete`, `condition=NAME[=VALUE]`, `jsonpath=EXPRESSION=VALUE`. */
function parseCondition(forText: string): Condition | null {
  const word = forText.toLowerCase();
  if (word === 'delete') {
    return (object) => object === undefined;
  }
  if (word.startsWith('condition=')) {
    const [name = '', wanted = 'true'] = word.slice('condition='.length).split('=');
    return (object) =>
      items(get(object, 'status', 'conditions')).some(
        (one) => text(get(one, 'type'), '').toLowerCase() === name && text(get(one, 'status'), '').toLowerCase() === wanted,
      );
  }
  const match = /^jsonpath='?(\{[^}]*\}|[^=]*)'?=([\s\S]+)$/.exec(forText);
  const path = match === null ? null : relaxedPath(match[1] ?? '');
  if (match === null || path === null) {
    return null;
  }
  const wanted = match[2] ?? '';
  return (object) => {
    const found = findJsonPath(path, object);
    return found.ok && found.lists.flat().map(jsonPathText).join(' ') === wanted;
  };
}
