/**
 * `kubectl get`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/get/get.go
 */
import type { ClusterView, ObjectView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, printed } from '../table.ts';
import { type Follower, type Parsed, refused } from '../tool.ts';
import { relaxedPath } from './output/custom_columns.ts';
import { findJsonPath } from './output/jsonpath.ts';
import {
  OUTPUT_CHOICES,
  type Output,
  parseOutput,
  printObjects,
  printTable,
  type TableOptions,
  type TypedObject,
} from './output/printer.ts';
import type { ResourceType } from './resource_types.ts';
import { completeTargets, findTargets, isRefused, parseTargets, TARGET_FLAGS, type Targets } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** The verb. */
export const getVerb: KubectlVerb = {
  name: 'get',
  summary: 'list objects',
  flags: [
    ...TARGET_FLAGS,
    { name: 'output', short: 'o', value: true, choices: OUTPUT_CHOICES },
    { name: 'no-headers' },
    { name: 'show-labels' },
    { name: 'show-kind' },
    { name: 'sort-by', value: true },
    { name: 'ignore-not-found' },
    { name: 'watch', short: 'w' },
    { name: 'chunk-size', value: true },
  ],
  parse: parseGet,
  complete: completeTargets,
};

/** What was asked for. */
interface GetRequest {
  readonly targets: Targets;
  readonly output: Output;
  /** A template, or `null`. */
  readonly sortBy: string | null;
  readonly table: Omit<TableOptions, 'withKind'>;
  readonly showKind: boolean;
  readonly ignoreNotFound: boolean;
}

function parseGet(flags: Flags): Parsed {
  if (flags.positional.length === 0) {
    return refused(
      'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\nerror: Required resource not specified.',
      1,
      'Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\nSee \'kubectl get -h\' for help and examples',
    );
  }
  const targets = parseTargets(flags.positional, flags);
  const output = parseOutput(flags.value('output'));
  if (isRefused(targets)) {
    return targets;
  }
  if (isRefused(output)) {
    return output;
  }
  const sortText = flags.value('sort-by');
  const sortBy = sortText === null ? null : relaxedPath(sortText);
  if (sortText !== null && sortBy === null) {
    return refused("error: unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'");
  }
  const request: GetRequest = {
    targets,
    output,
    sortBy,
    table: {
      wide: output.kind === 'table' && output.wide,
      withNamespace: targets.namespace === null,
      showLabels: flags.has('show-labels'),
      noHeaders: flags.has('no-headers'),
    },
    showKind: flags.has('show-kind'),
    ignoreNotFound: flags.has('ignore-not-found'),
  };
  return {
    ok: true,
    run: ({ cluster }) => run(cluster, request),
    ...(flags.has('watch') ? { follow: ({ cluster }) => watch(cluster, request) } : {}),
  };
}

function run(cluster: ClusterView, request: GetRequest): CommandResult {
  const found = findTargets(cluster, request.targets);
  const errors = request.ignoreNotFound ? found.errors.filter((error) => !error.includes('(NotFound)')) : found.errors;
  const stderr = errors.map((error) => `${error}\n`).join('');
  const exitCode = errors.length > 0 ? 1 : 0;
  const named = request.targets.targets.some(({ name }) => name !== null);
  if (found.objects.length === 0 && (errors.length > 0 || (named && request.output.kind !== 'jsonpath'))) {
    return { exitCode, stdout: '', stderr };
  }
  const sorted = sort(found.objects, request.sortBy);
  if (typeof sorted === 'string') {
    return { exitCode: 1, stdout: '', stderr: `${stderr}${sorted}\n` };
  }
  const output = print(cluster, request, sorted);
  return { exitCode: Math.max(exitCode, output.exitCode), stdout: output.stdout, stderr: output.stderr + stderr };
}

function print(cluster: ClusterView, request: GetRequest, objects: readonly TypedObject[]): CommandResult {
  const { output, targets } = request;
  if (output.kind !== 'table') {
    const single = targets.targets.length === 1 && targets.targets[0]?.name !== null;
    return printObjects(output, objects, single, request.table.noHeaders);
  }
  if (objects.length === 0) {
    const { namespace } = targets;
    const everywhere = namespace === null || targets.targets.every(({ type }) => !type.namespaced);
    return { exitCode: 0, stdout: '', stderr: everywhere ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n` };
  }
  return printed(tables(cluster, request, objects));
}

/** One table for each run of objects of a type. */
function tables(cluster: ClusterView, request: GetRequest, objects: readonly TypedObject[]): string {
  const groups: { readonly type: ResourceType; readonly objects: ObjectView[] }[] = [];
  for (const { type, object } of objects) {
    const last = groups.at(-1);
    if (last?.type === type) {
      last.objects.push(object);
    } else {
      groups.push({ type, objects: [object] });
    }
  }
  const options = { ...request.table, withKind: request.showKind || request.targets.mixed };
  return groups.map((group) => printTable(group.type, group.objects, cluster.wallMillis(), options)).join('\n');
}

/** `--sort-by`; the message if no object has the field. @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/get/sorter.go */
function sort(objects: readonly TypedObject[], path: string | null): readonly TypedObject[] | string {
  if (path === null) {
    return objects;
  }
  const keyed = objects.map((one) => {
    const found = findJsonPath(path, one.object);
    return { one, found, value: found.ok ? found.lists.flat()[0] : undefined };
  });
  const bad = keyed.find(({ found }) => !found.ok)?.found;
  if (bad !== undefined && !bad.ok) {
    return `error: ${bad.error}`;
  }
  if (objects.length > 0 && keyed.every(({ value }) => value === undefined)) {
    return `error: couldn't find any field with path ${JSON.stringify(path)} in the list of objects`;
  }
  return keyed.sort((a, b) => compare(a.value, b.value)).map(({ one }) => one);
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) {
    return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  }
  if (typeof a === 'number' && typeof b === 'number') {
    return a - b;
  }
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * `--watch`: the table, then a line for every object that has changed.
 * @remarks Simplified: several changes of an object between two looks are one line.
 */
function watch(cluster: ClusterView, request: GetRequest): Follower {
  let seen: ReadonlyMap<string, unknown> | null = null;
  const versions = (): Map<string, unknown> =>
    new Map(
      findTargets(cluster, request.targets).objects.map(({ type, object }) => [
        `${type.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`,
        object['metadata'],
      ]),
    );
  return {
    next: () => {
      const now = versions();
      const before = seen;
      seen = now;
      if (before === null) {
        return run(cluster, request);
      }
      const changed = findTargets(cluster, request.targets).objects.filter(({ type, object }) => {
        const key = `${type.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
        return before.get(key) !== now.get(key);
      });
      return changed.length === 0 ? printed('') : print(cluster, { ...request, table: { ...request.table, noHeaders: true } }, changed);
    },
  };
}
