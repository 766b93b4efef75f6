/**
 * `kubectl delete`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/delete/delete.go
 */
import { SECOND } from '../../sim/clock.ts';
import type { ClusterView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import type { CommandResult } from '../table.ts';
import { type Parsed, ready, refused } from '../tool.ts';
import { FILE_FLAGS, readManifests } from './manifest_files.ts';
import { Report } from './report.ts';
import { qualifiedPlural, qualifiedSingular, type ResourceType } from './resource_types.ts';
import { completeTargets, findTargets, isRefused, parseTargets, TARGET_FLAGS } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** How long the command waits for objects to be gone. */
const WAIT_LIMIT = 60 * SECOND;

/** The verb. */
export const deleteVerb: KubectlVerb = {
  name: 'delete',
  summary: 'delete objects',
  flags: [
    ...FILE_FLAGS,
    ...TARGET_FLAGS,
    { name: 'all' },
    { name: 'force' },
    { name: 'now' },
    { name: 'grace-period', value: true },
    { name: 'cascade', value: true, bare: 'background', choices: ['background', 'foreground', 'orphan'] },
    { name: 'ignore-not-found' },
    { name: 'wait', value: true, bare: 'true', choices: ['true', 'false'] },
    { name: 'timeout', value: true },
    { name: 'output', short: 'o', value: true, choices: ['name'] },
  ],
  parse: parseDelete,
  complete: completeTargets,
};

interface Doomed {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
}

function parseDelete(flags: Flags): Parsed {
  const output = flags.value('output');
  if (output !== null && output !== 'name') {
    return refused(`error: unexpected -o output mode: ${output}. We only support '-o name'`);
  }
  if (flags.count('filename') > 0) {
    return ready((context) => {
      const read = readManifests(context, flags, 'deleting');
      const doomed = read.objects.map(({ type, object }) => ({
        type,
        namespace: object.metadata.namespace ?? '',
        name: object.metadata.name,
      }));
      const sources = new Map(doomed.map((one, i) => [one, read.objects[i]?.source ?? '']));
      return remove(context.cluster, flags, doomed, read.errors, (one) => sources.get(one) ?? null);
    });
  }
  if (flags.positional.length === 0) {
    return refused('error: You must provide one or more resources by argument or filename.');
  }
  const targets = parseTargets(flags.positional, flags);
  if (isRefused(targets)) {
    return targets;
  }
  const all = targets.targets.every(({ name }) => name === null);
  if (all && !flags.has('all') && targets.selector === '' && targets.fieldSelector === '') {
    return refused('error: resource(s) were provided, but no name was specified');
  }
  if (flags.has('all') && targets.selector !== '') {
    return refused('error: cannot set --all and --selector at the same time');
  }
  return ready(({ cluster }) => {
    const found = findTargets(cluster, targets);
    const doomed = found.objects.map(({ type, object }) => ({
      type,
      namespace: object.metadata.namespace ?? '',
      name: object.metadata.name,
    }));
    const errors = flags.has('ignore-not-found') ? [] : found.errors;
    return doomed.length === 0 && errors.length === 0 && all
      ? { exitCode: 0, stdout: 'No resources found\n', stderr: '' }
      : remove(cluster, flags, doomed, errors, () => null);
  });
}

function remove(
  cluster: ClusterView,
  flags: Flags,
  doomed: readonly Doomed[],
  errors: readonly string[],
  source: (one: Doomed) => string | null,
): CommandResult {
  const report = new Report();
  const force = flags.has('force');
  if (force) {
    report.warn(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    );
  }
  const deleted: Doomed[] = [];
  for (const one of doomed) {
    const graceless = force || flags.has('now') || flags.value('grace-period') === '0';
    if (!cluster.api.delete(one.type.kind, one.namespace, one.name, graceless)) {
      const file = source(one);
      if (!flags.has('ignore-not-found')) {
        report.fail(
          `Error from server (NotFound): ${file === null ? '' : `error when deleting "${file}": `}${qualifiedPlural(one.type)} "${one.name}" not found`,
        );
      }
      continue;
    }
    deleted.push(one);
    const word = qualifiedSingular(one.type);
    report.print(flags.value('output') === 'name' ? `${word}/${one.name}` : `${word} "${one.name}" ${force ? 'force deleted' : 'deleted'}`);
  }
  for (const error of errors) {
    report.fail(error);
  }
  cluster.advance(0);
  if (flags.value('wait') !== 'false' && !force) {
    cluster.runUntil(
      () => deleted.every(({ type, namespace, name }) => cluster.api.get(type.kind, namespace, name) === undefined),
      WAIT_LIMIT,
    );
  }
  return report.result();
}
