/**
 * `kubectl apply`, on the client's side.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/apply/apply.go
 */
import { LAST_APPLIED } from '../../k8s/apply_merge.ts';
import { meetsRequirements, parseLabelSelector } from '../../k8s/label_selector.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, ready, refused, type ToolContext } from '../tool.ts';
import { FILE_FLAGS, type FileObject, readManifests } from './manifest_files.ts';
import { OUTPUT_CHOICES, parseOutput, printObjects, type TypedObject } from './output/printer.ts';
import { Report } from './report.ts';
import { applyObject, statusText } from './requests.ts';
import { qualifiedSingular } from './resource_types.ts';
import { isRefused } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** The verb. */
export const applyVerb: KubectlVerb = {
  name: 'apply',
  summary: 'create or change objects as files say',
  flags: [
    ...FILE_FLAGS,
    { name: 'selector', short: 'l', value: true },
    { name: 'output', short: 'o', value: true, choices: OUTPUT_CHOICES },
    { name: 'dry-run', value: true, bare: 'unchanged', choices: ['none', 'client', 'server'] },
    { name: 'validate', value: true, bare: 'strict' },
    { name: 'force' },
    { name: 'overwrite' },
    { name: 'wait' },
    { name: 'record' },
  ],
  parse: parseApply,
};

function parseApply(flags: Flags): Parsed {
  if (flags.positional.length > 0) {
    return refused(`error: Unexpected args: [${flags.positional.join(' ')}]`, 1, "See 'kubectl apply -h' for help and examples");
  }
  if (flags.count('filename') === 0) {
    return refused('error: must specify one of -f and -k');
  }
  const selector = parseLabelSelector(flags.value('selector') ?? '');
  if (!selector.ok) {
    return refused(`error: ${selector.error}`);
  }
  const output = flags.value('output') === null ? null : parseOutput(flags.value('output'));
  if (output !== null && isRefused(output)) {
    return output;
  }
  return ready((context) => {
    const read = readManifests(context, flags, 'creating');
    const chosen = read.objects.filter(({ object }) => meetsRequirements(selector.requirements, object.metadata.labels ?? {}));
    const report = new Report();
    const applied: TypedObject[] = [];
    for (const one of chosen) {
      const line = applyOne(context, one, flags.value('dry-run') ?? 'none', report);
      const live = context.cluster.api.get(one.type.kind, one.object.metadata.namespace ?? '', one.object.metadata.name);
      if (line !== null) {
        applied.push({ type: one.type, object: live ?? one.object });
        if (output === null || output.kind === 'table') {
          report.print(line);
        }
      }
    }
    for (const error of read.errors) {
      report.fail(error);
    }
    if (chosen.length === 0 && read.errors.length === 0) {
      report.fail('error: no objects passed to apply');
    }
    if (output !== null && output.kind !== 'table') {
      report.add(printObjects(output, applied, applied.length === 1));
    }
    context.cluster.advance(0);
    return report.result();
  });
}

/** The line about an object that was applied, or `null`. */
function applyOne({ cluster }: ToolContext, one: FileObject, dryRun: string, report: Report): string | null {
  const { type, object, source } = one;
  const name = `${qualifiedSingular(type)}/${object.metadata.name}`;
  const live = cluster.api.get(type.kind, object.metadata.namespace ?? '', object.metadata.name);
  if (dryRun === 'client' || dryRun === 'server') {
    return `${name} ${live === undefined ? 'created' : 'configured'} (${dryRun === 'client' ? 'dry run' : 'server dry run'})`;
  }
  if (live !== undefined && live.metadata.annotations?.[LAST_APPLIED] === undefined) {
    report.warn(
      `Warning: resource ${type.plural}/${object.metadata.name} is missing the ${LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.`,
    );
  }
  const answer = applyObject(cluster, one);
  if (!answer.ok) {
    report.fail(statusText(answer.status, `error when ${live === undefined ? 'creating' : 'applying patch'} "${source}"`));
    return null;
  }
  return `${name} ${answer.did}`;
}
