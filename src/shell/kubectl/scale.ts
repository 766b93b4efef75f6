/**
 * `kubectl scale`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/scale/scale.go
 */
import type { KubeObject } from '../../k8s/objects.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, ready, refused } from '../tool.ts';
import { get, number } from './columns/cell.ts';
import { Report } from './report.ts';
import { statusText, updateObject } from './requests.ts';
import { qualifiedSingular } from './resource_types.ts';
import { completeTargets, findTargets, isRefused, parseTargets, TARGET_FLAGS } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** Kinds that can be scaled. */
const SCALABLE = ['Deployment', 'ReplicaSet'];

/** The verb. */
export const scaleVerb: KubectlVerb = {
  name: 'scale',
  summary: 'set the number of replicas',
  flags: [
    ...TARGET_FLAGS,
    { name: 'replicas', value: true },
    { name: 'current-replicas', value: true },
    { name: 'all' },
    { name: 'timeout', value: true },
  ],
  parse: parseScale,
  complete: completeTargets,
};

function parseScale(flags: Flags): Parsed {
  const text = flags.value('replicas');
  if (text === null) {
    return refused('error: required flag(s) "replicas" not set');
  }
  if (!/^\+?\d+$/.test(text)) {
    return /^-\d+$/.test(text)
      ? refused(`error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0`)
      : refused(
          `error: invalid argument "${text}" for "--replicas" flag: strconv.ParseInt: parsing "${text}": invalid syntax`,
          1,
          "See 'kubectl scale --help' for usage.",
        );
  }
  if (flags.positional.length === 0) {
    return refused('error: You must provide one or more resources by argument or filename.');
  }
  const targets = parseTargets(flags.positional, flags);
  if (isRefused(targets)) {
    return targets;
  }
  if (targets.targets.every(({ name }) => name === null) && !flags.has('all') && targets.selector === '') {
    return refused('error: resource(s) were provided, but no name was specified');
  }
  const replicas = Number(text);
  const wanted = flags.value('current-replicas');
  return ready(({ cluster }) => {
    const found = findTargets(cluster, targets);
    const report = new Report();
    for (const { type, object } of found.objects) {
      const spec = (object['spec'] ?? {}) as Readonly<Record<string, unknown>>;
      const now = number(get(object, 'spec', 'replicas'), 1);
      if (!SCALABLE.includes(type.kind)) {
        report.fail('Error from server (NotFound): the server could not find the requested resource');
      } else if (wanted !== null && Number(wanted) >= 0 && Number(wanted) !== now) {
        report.fail(`error: Expected replicas to be ${wanted}, was ${now}`);
      } else {
        const scaled = { ...object, spec: { ...spec, replicas } } as unknown as KubeObject;
        const answer = now === replicas ? { ok: true as const } : updateObject(cluster, { type, object: scaled, origin: null });
        if (answer.ok) {
          report.print(`${qualifiedSingular(type)}/${object.metadata.name} scaled`);
        } else {
          report.fail(statusText(answer.status));
        }
      }
    }
    for (const error of found.errors) {
      report.fail(error);
    }
    cluster.advance(0);
    return report.result();
  });
}
