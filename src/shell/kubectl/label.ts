/**
 * `kubectl label` and `kubectl annotate`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/label/label.go
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/annotate/annotate.go
 */
import { labelValueIssues, qualifiedNameIssues } from '../../k8s/label_syntax.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import type { ClusterView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, type Refused, ready, refused, type ToolContext } from '../tool.ts';
import { FILE_FLAGS, readManifests } from './manifest_files.ts';
import { Report } from './report.ts';
import { statusText, updateObject } from './requests.ts';
import { qualifiedSingular, type ResourceType } from './resource_types.ts';
import { completeTargets, findTargets, isRefused, parseTargets, TARGET_FLAGS } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** Which of the two maps is changed. */
type Member = 'labels' | 'annotations';
/** What is set and what is removed. */
interface Changes {
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}

const FLAGS = [
  ...FILE_FLAGS,
  ...TARGET_FLAGS,
  { name: 'all' },
  { name: 'overwrite' },
  { name: 'list' },
  { name: 'dry-run', value: true, bare: 'unchanged', choices: ['none', 'client', 'server'] },
  { name: 'field-manager', value: true },
  { name: 'resource-version', value: true },
];

/** `kubectl label`. */
export const labelVerb: KubectlVerb = {
  name: 'label',
  summary: 'change the labels of objects',
  flags: FLAGS,
  parse: (flags) => parse(flags, 'labels'),
  complete: completeTargets,
};

/** `kubectl annotate`. */
export const annotateVerb: KubectlVerb = {
  name: 'annotate',
  summary: 'change the annotations of objects',
  flags: FLAGS,
  parse: (flags) => parse(flags, 'annotations'),
  complete: completeTargets,
};

function parse(flags: Flags, member: Member): Parsed {
  const word = member === 'labels' ? 'label' : 'annotation';
  const split = resourcesAndPairs(flags.positional, word);
  if (isRefused(split)) {
    return split;
  }
  const changes = parseChanges(split.pairs, member);
  if (isRefused(changes)) {
    return changes;
  }
  if (split.pairs.length === 0 && !flags.has('list')) {
    return refused(`error: at least one ${word} update is required`);
  }
  if (flags.count('filename') > 0) {
    return ready((context) => {
      const read = readManifests(context, flags, 'retrieving');
      const report = new Report();
      for (const { type, object } of read.objects) {
        const live = context.cluster.api.get<KubeObject>(type.kind, object.metadata.namespace ?? '', object.metadata.name);
        if (live === undefined) {
          report.fail(`Error from server (NotFound): ${type.plural} "${object.metadata.name}" not found`);
        } else {
          change(context.cluster, type, live, { member, changes, flags, report });
        }
      }
      for (const error of read.errors) {
        report.fail(error);
      }
      context.cluster.advance(0);
      return report.result();
    });
  }
  if (split.resources.length === 0) {
    return refused(`error: one or more resources must be specified as <resource> <name> or <resource>/<name>`);
  }
  const targets = parseTargets(split.resources, flags);
  if (isRefused(targets)) {
    return targets;
  }
  const all = targets.targets.every(({ name }) => name === null);
  if (all && !flags.has('all') && targets.selector === '' && targets.fieldSelector === '') {
    return refused('error: resource(s) were provided, but no name was specified');
  }
  return ready((context: ToolContext) => {
    const found = findTargets(context.cluster, targets);
    const report = new Report();
    for (const { type, object } of found.objects) {
      change(context.cluster, type, object as KubeObject, { member, changes, flags, report });
    }
    for (const error of found.errors) {
      report.fail(error);
    }
    context.cluster.advance(0);
    return report.result();
  });
}

/** Objects come before changes. @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/util/kubectl_match_version.go#GetResourcesAndPairs */
function resourcesAndPairs(
  args: readonly string[],
  word: string,
): { readonly resources: readonly string[]; readonly pairs: readonly string[] } | Refused {
  const isPair = (arg: string): boolean => (arg.includes('=') && !arg.startsWith('=')) || (arg.endsWith('-') && arg !== '-');
  const first = args.findIndex(isPair);
  const resources = first < 0 ? args : args.slice(0, first);
  const pairs = first < 0 ? [] : args.slice(first);
  const late = pairs.find((arg) => !isPair(arg));
  return late === undefined ? { resources, pairs } : refused(`error: all resources must be specified before ${word} changes: ${late}`);
}

/** @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/label/label.go#parseLabels */
function parseChanges(pairs: readonly string[], member: Member): Changes | Refused {
  const set = new Map<string, string>();
  const remove: string[] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 0) {
      remove.push(pair.slice(0, -1));
      continue;
    }
    const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (member === 'labels' && value.includes('=')) {
      return refused(`error: invalid label spec: ${pair}`);
    }
    const issues = member === 'labels' ? labelValueIssues(value) : [];
    if (issues.length > 0) {
      return refused(`error: invalid label value: ${JSON.stringify(pair)}: ${issues.join('; ')}`);
    }
    set.set(key, value);
  }
  const both = remove.filter((key) => set.has(key));
  return both.length > 0
    ? refused(
        `error: can not both modify and remove ${member === 'labels' ? 'a label' : 'the following annotation(s)'} in the same command${member === 'labels' ? '' : `: ${both.join(',')}`}`,
      )
    : { set, remove };
}

interface Change {
  readonly member: Member;
  readonly changes: Changes;
  readonly flags: Flags;
  readonly report: Report;
}

function change(cluster: ClusterView, type: ResourceType, object: KubeObject, { member, changes, flags, report }: Change): void {
  const before = object.metadata[member] ?? {};
  if (flags.has('list')) {
    report.print(
      Object.entries(before)
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join('\n'),
    );
    return;
  }
  const overlap = [...changes.set].filter(
    ([key, value]) => Object.hasOwn(before, key) && (member === 'annotations' || before[key] !== value),
  );
  if (overlap.length > 0 && !flags.has('overwrite')) {
    report.fail(
      overlapText(
        overlap.map(([key]) => `'${key}' already has a value (${before[key] ?? ''})`),
        member,
      ),
    );
    return;
  }
  const after: Record<string, string> = { ...before };
  for (const key of changes.remove) {
    if (member === 'labels' && !Object.hasOwn(before, key)) {
      report.print(`label "${key}" not found.`);
    }
    delete after[key];
  }
  for (const [key, value] of changes.set) {
    const issues = qualifiedNameIssues(member === 'annotations' ? key.toLowerCase() : key);
    if (issues.length > 0) {
      report.fail(
        `The ${type.kind} "${object.metadata.name}" is invalid: metadata.${member}: Invalid value: ${JSON.stringify(key)}: ${issues.join('; ')}`,
      );
      return;
    }
    after[key] = value;
  }
  const changed = JSON.stringify(before) !== JSON.stringify(after);
  const dryRun =
    ({ client: ' (dry run)', server: ' (server dry run)' } as Readonly<Record<string, string>>)[flags.value('dry-run') ?? ''] ?? '';
  if (changed && dryRun === '') {
    const answer = updateObject(cluster, { type, object: { ...object, metadata: { ...object.metadata, [member]: after } }, origin: null });
    if (!answer.ok) {
      report.fail(statusText(answer.status));
      return;
    }
  }
  const fewer = Object.keys(after).length < Object.keys(before).length && !flags.has('overwrite');
  const word = member === 'annotations' ? 'annotated' : !changed ? 'not labeled' : fewer ? 'unlabeled' : 'labeled';
  report.print(`${qualifiedSingular(type)}/${object.metadata.name} ${word}${dryRun}`);
}

function overlapText(overlaps: readonly string[], member: Member): string {
  return member === 'labels'
    ? `error: ${overlaps.map((one) => `${one}, and --overwrite is false`).join('; ')}`
    : `error: --overwrite is false but found the following declared annotation(s): ${overlaps.join('; ')}`;
}
