/**
 * `kubectl logs`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/logs/logs.go
 * @remarks Not modelled: what the programs in containers write. The command finds the pod and its container, and says so.
 */
import type { Flags } from '../flags.ts';
import { failed } from '../table.ts';
import { type Parsed, ready, refused } from '../tool.ts';
import { get, text } from './columns/cell.ts';
import { containerNames } from './exec.ts';
import { findPodFor } from './pods_of.ts';
import { type KubectlVerb, namespaceOf } from './verb.ts';

/** The verb. */
export const logsVerb: KubectlVerb = {
  name: 'logs',
  summary: 'what a container has written',
  flags: [
    { name: 'container', short: 'c', value: true },
    { name: 'follow', short: 'f' },
    { name: 'previous', short: 'p' },
    { name: 'tail', value: true },
    { name: 'since', value: true },
    { name: 'timestamps' },
    { name: 'all-containers' },
    { name: 'selector', short: 'l', value: true },
    { name: 'prefix' },
  ],
  parse: parseLogs,
  complete: (_before, cluster, flags) =>
    cluster.list('Pod', flags === null ? 'default' : namespaceOf(flags)).map(({ metadata }) => metadata.name),
};

function parseLogs(flags: Flags): Parsed {
  const [target, inPlace] = flags.positional;
  if (target === undefined) {
    return flags.count('selector') > 0
      ? refused('error: kubectl logs -l is not modelled; name a pod')
      : refused(
          "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
          1,
          "See 'kubectl logs -h' for help and examples",
        );
  }
  return ready(({ cluster }) => {
    const found = findPodFor(cluster, namespaceOf(flags), target);
    if (!found.ok) {
      return failed(found.error);
    }
    const { name } = found.pod.metadata;
    const container = flags.value('container') ?? inPlace ?? containerNames(found.pod)[0] ?? '';
    if (!containerNames(found.pod).includes(container)) {
      return failed(`error: container ${container} is not valid for pod ${name}`);
    }
    if (flags.has('previous')) {
      return failed(`Error from server (BadRequest): previous terminated container "${container}" in pod "${name}" not found`);
    }
    if (text(get(found.pod, 'status', 'phase'), 'Pending') === 'Pending') {
      return failed(`Error from server (BadRequest): container "${container}" in pod "${name}" is waiting to start: ContainerCreating`);
    }
    return { exitCode: 0, stdout: '', stderr: `trenchrun: what container ${container} of pod ${name} has written is not modelled\n` };
  });
}
