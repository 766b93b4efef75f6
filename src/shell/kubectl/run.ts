/**
 * `kubectl run`: one pod; with `-i` or `--attach`, its program's output.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/run/run.go
 * @remarks Simplified: without `-i` or `--attach` the program of a container is what its image is taken to run; the words after `--` are kept
 * in the object and not run.
 */
import type { KubeObject } from '../../k8s/objects.ts';
import { SECOND } from '../../sim/clock.ts';
import type { ClusterView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, failed } from '../table.ts';
import { type Parsed, ready, refused } from '../tool.ts';
import { get, text } from './columns/cell.ts';
import { CREATE_FLAGS, createGenerated } from './generated_object.ts';
import { createObject, statusText } from './requests.ts';
import { findResourceType } from './resource_types.ts';
import { type KubectlVerb, namespaceOf } from './verb.ts';

/** How long the pod may take to run. */
const RUNNING_LIMIT = 60 * SECOND;

/** The verb. */
export const runVerb: KubectlVerb = {
  name: 'run',
  summary: 'run an image in a pod',
  flags: [
    ...CREATE_FLAGS,
    { name: 'image', value: true },
    { name: 'labels', short: 'l', value: true },
    { name: 'env', value: true },
    { name: 'port', value: true },
    { name: 'command' },
    { name: 'restart', value: true, choices: ['Always', 'Never', 'OnFailure'] },
    { name: 'rm' },
    { name: 'stdin', short: 'i' },
    { name: 'tty', short: 't' },
    { name: 'attach' },
    { name: 'quiet', short: 'q' },
    { name: 'expose' },
    { name: 'image-pull-policy', value: true },
    { name: 'annotations', value: true },
    { name: 'overrides', value: true },
  ],
  parse: parseRun,
};

function parseRun(flags: Flags): Parsed {
  const [name, ...words] = flags.positional;
  const image = flags.value('image');
  if (name === undefined || flags.dash === 0) {
    return refused('error: NAME is required for run');
  }
  if (words.length > 0 && flags.dash === null) {
    return refused(`error: exactly one NAME is required, got ${words.length + 1}: write the program after --`);
  }
  if (image === null || image === '') {
    return refused('error: required flag(s) "image" not set');
  }
  for (const flag of ['overrides', 'expose'].filter((one) => flags.count(one) > 0)) {
    return refused(`error: kubectl run --${flag} is not modelled`);
  }
  const restart = flags.value('restart') ?? 'Always';
  if (!['Always', 'Never', 'OnFailure'].includes(restart)) {
    return refused(`error: invalid restart policy: ${restart}`);
  }
  const attach = flags.has('stdin') || flags.has('attach') || flags.has('tty');
  if (flags.has('rm') && !attach) {
    return refused('error: --rm should only be used for attached containers');
  }
  if (flags.has('tty') && !flags.has('stdin')) {
    return refused('error: -i/--stdin is required for containers with -t/--tty=true');
  }
  const labels = pairs(flags.value('labels'));
  if (labels === null) {
    return refused(`error: unexpected label spec: ${flags.value('labels') ?? ''}`);
  }
  const pod = podObject({ name, image, restart, words, labels }, flags);
  return attach && (flags.value('dry-run') ?? 'none') === 'none'
    ? ready(({ cluster }) => runAttached(cluster, pod, words, flags))
    : createGenerated(flags, () => pod);
}

interface Wanted {
  readonly name: string;
  readonly image: string;
  readonly restart: string;
  readonly words: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

function podObject({ name, image, restart, words, labels }: Wanted, flags: Flags): KubeObject {
  const env = (flags.count('env') === 0 ? [] : flags.list('env'))
    .map((pair) => pair.split('='))
    .map(([key = '', ...rest]) => ({ name: key, value: rest.join('=') }));
  const port = flags.value('port');
  const container = {
    name,
    image,
    ...(words.length === 0 ? {} : { [flags.has('command') ? 'command' : 'args']: [...words] }),
    ...(env.length === 0 ? {} : { env }),
    ...(port === null ? {} : { ports: [{ containerPort: Number(port) }] }),
    ...(flags.has('stdin') ? { stdin: true, stdinOnce: true } : {}),
    ...(flags.has('tty') ? { tty: true } : {}),
  };
  const annotations = pairs(flags.value('annotations'));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: namespaceOf(flags),
      labels: flags.value('labels') === null ? { run: name } : labels,
      ...(annotations === null || Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: { containers: [container], restartPolicy: restart, dnsPolicy: 'ClusterFirst' },
  };
}

/** Creates the pod, waits for it, runs the program, and deletes the pod again if asked to. */
function runAttached(cluster: ClusterView, pod: KubeObject, words: readonly string[], flags: Flags): CommandResult {
  const type = findResourceType('pod');
  const { name, namespace = 'default' } = pod.metadata;
  const answer = type === null ? null : createObject(cluster, { type, object: pod, origin: null });
  if (answer === null || !answer.ok) {
    return failed(answer === null ? '' : statusText(answer.status));
  }
  const argv = program(text(get(pod, 'spec', 'containers', '0', 'image'), ''), words);
  const running = cluster.runUntil(() => get(cluster.api.get('Pod', namespace, name), 'status', 'phase') === 'Running', RUNNING_LIMIT);
  let result: CommandResult;
  if (!running) {
    result = failed('error: timed out waiting for the condition');
  } else if (argv.length === 0) {
    result = { exitCode: 0, stdout: '', stderr: 'error: an interactive program in a pod is not modelled; give a command after --\n' };
  } else {
    result = cluster.exec(namespace, name, argv);
  }
  const prompt = flags.has('tty') && !flags.has('quiet') ? "If you don't see a command prompt, try pressing enter.\n" : '';
  if (flags.has('rm')) {
    cluster.api.delete('Pod', namespace, name);
    cluster.runUntil(() => cluster.api.get('Pod', namespace, name) === undefined, RUNNING_LIMIT);
  } else {
    finish(cluster, namespace, name, result.exitCode);
  }
  cluster.advance(0);
  const failure = result.exitCode !== 0 && running ? `pod ${namespace}/${name} terminated (Error)\n` : '';
  return {
    exitCode: result.exitCode,
    stdout: result.stdout + (flags.has('rm') && !flags.has('quiet') ? `pod "${name}" deleted\n` : ''),
    stderr: prompt + result.stderr + failure,
  };
}

/** The words after `--`; an image of curl runs curl. */
function program(image: string, words: readonly string[]): readonly string[] {
  const isCurl = /(^|\/)curl(:[^/]*)?$/.test(image);
  return isCurl && words.length > 0 && !['curl', 'sh', '/bin/sh'].includes(words[0] ?? '') ? ['curl', ...words] : words;
}

/** A pod whose program has ended and that is not restarted. */
function finish(cluster: ClusterView, namespace: string, name: string, exitCode: number): void {
  const pod = cluster.api.get<KubeObject>('Pod', namespace, name);
  if (pod === undefined || get(pod, 'spec', 'restartPolicy') === 'Always') {
    return;
  }
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const status = (pod['status'] ?? {}) as Readonly<Record<string, unknown>>;
  const statuses = ((status['containerStatuses'] ?? []) as readonly object[]).map((one) => ({
    ...one,
    ready: false,
    state: { terminated: { exitCode, reason } },
  }));
  cluster.api.updateStatus('Pod', namespace, name, {
    ...status,
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: statuses,
  });
}

/** `a=b,c=d`; `null` if a part is none. */
function pairs(text: string | null): Readonly<Record<string, string>> | null {
  const parts = text === null || text === '' ? [] : text.split(',').map((part) => part.split('='));
  return parts.every((part) => part.length === 2) ? Object.fromEntries(parts as [string, string][]) : null;
}
