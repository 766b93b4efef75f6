/**
 * `kubectl patch`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/patch/patch.go
 */
import { mergePatch } from '../../k8s/apply_merge.ts';
import { parseYamlValue } from '../../k8s/manifest.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import { goJson } from '../../net/go_json.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, ready, refused } from '../tool.ts';
import { Report } from './report.ts';
import { statusText, updateObject } from './requests.ts';
import { qualifiedSingular } from './resource_types.ts';
import { completeTargets, findTargets, isRefused, parseTargets } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** The verb. */
export const patchVerb: KubectlVerb = {
  name: 'patch',
  summary: 'change members of objects',
  flags: [
    { name: 'patch', short: 'p', value: true },
    { name: 'type', value: true, choices: ['merge', 'strategic'] },
  ],
  parse: parsePatch,
  complete: completeTargets,
};

function parsePatch(flags: Flags): Parsed {
  const kind = (flags.value('type') ?? 'strategic').toLowerCase();
  const patch = flags.value('patch');
  if (patch === null || patch === '') {
    return refused('error: must specify --patch or --patch-file containing the contents of the patch');
  }
  if (kind === 'json') {
    return refused('error: kubectl patch --type json is not modelled; use merge or strategic');
  }
  if (kind !== 'merge' && kind !== 'strategic') {
    return refused(`error: --type must be one of [json merge strategic], not "${kind}"`);
  }
  const value = parseYamlValue(patch);
  if (!value.ok || typeof value.value !== 'object' || value.value === null || Array.isArray(value.value)) {
    return refused(`error: unable to parse ${JSON.stringify(patch)}: ${value.ok ? 'a patch is a map' : value.error}`);
  }
  if (flags.positional.length === 0) {
    return refused('error: You must provide one or more resources by argument or filename.');
  }
  const targets = parseTargets(flags.positional, flags);
  if (isRefused(targets)) {
    return targets;
  }
  if (targets.targets.some(({ name }) => name === null)) {
    return refused('error: resource(s) were provided, but no name was specified');
  }
  const members = value.value as Readonly<Record<string, unknown>>;
  return ready(({ cluster }) => {
    const found = findTargets(cluster, targets);
    const report = new Report();
    for (const { type, object } of found.objects) {
      const name = `${qualifiedSingular(type)}/${object.metadata.name}`;
      if (kind === 'strategic' && type.group === 'cilium.io') {
        report.fail(
          'Error from server (UnsupportedMediaType): the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
        );
        continue;
      }
      const patched = mergePatch(object as KubeObject, members, kind === 'strategic');
      if (goJson(patched) === goJson(object)) {
        report.print(`${name} patched (no change)`);
        continue;
      }
      const answer = updateObject(cluster, { type, object: patched, origin: null });
      if (answer.ok) {
        report.print(`${name} patched`);
      } else {
        report.fail(statusText(answer.status));
      }
    }
    for (const error of found.errors) {
      report.fail(error);
    }
    cluster.advance(0);
    return report.result();
  });
}
