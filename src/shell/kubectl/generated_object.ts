/** Objects that verbs make from flags: `run`, `create deployment`, `expose`. What they do with them is the same. */
import type { KubeObject } from '../../k8s/objects.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import { type Parsed, ready, refused, type ToolContext } from '../tool.ts';
import { OUTPUT_CHOICES, parseOutput, printObjects } from './output/printer.ts';
import { Report } from './report.ts';
import { createObject, statusText } from './requests.ts';
import { qualifiedSingular, typeOfKind } from './resource_types.ts';
import { isRefused } from './targets.ts';

/** Flags of all of them. */
export const CREATE_FLAGS: readonly FlagSpec[] = [
  { name: 'dry-run', value: true, bare: 'unchanged', choices: ['none', 'client', 'server'] },
  { name: 'output', short: 'o', value: true, choices: OUTPUT_CHOICES },
  { name: 'save-config' },
  { name: 'validate', value: true, bare: 'strict' },
];

/** Creates an object unless it is a dry run, and prints it or the line about it. `word`: `created`, `exposed`. */
export function createGenerated(flags: Flags, make: (context: ToolContext) => KubeObject | string, word = 'created'): Parsed {
  const outputText = flags.value('output');
  const output = outputText === null ? null : parseOutput(outputText);
  if (output !== null && isRefused(output)) {
    return output;
  }
  const dryRun = flags.value('dry-run') ?? 'none';
  if (dryRun === 'unchanged' || !['none', 'client', 'server'].includes(dryRun)) {
    return refused(
      dryRun === 'unchanged'
        ? 'error: --dry-run flag without a value was specified. A value must be set: client, server, or none.'
        : `error: Invalid dry-run value (${dryRun}). Must be "none", "server", or "client".`,
    );
  }
  return ready((context) => {
    const made = make(context);
    const report = new Report();
    const type = typeof made === 'string' ? null : typeOfKind(made.kind);
    if (typeof made === 'string' || type === null) {
      report.fail(String(made));
      return report.result();
    }
    const answer =
      dryRun === 'none' ? createObject(context.cluster, { type, object: made, origin: null }) : { ok: true as const, did: made };
    if (!answer.ok) {
      report.fail(statusText(answer.status));
    } else if (output !== null && output.kind !== 'table') {
      report.add(printObjects(output, [{ type, object: answer.did }], true));
    } else {
      const suffix = dryRun === 'none' ? '' : dryRun === 'client' ? ' (dry run)' : ' (server dry run)';
      report.print(`${qualifiedSingular(type)}/${made.metadata.name} ${word}${suffix}`);
    }
    context.cluster.advance(0);
    return report.result();
  });
}
