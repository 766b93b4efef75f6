/**
 * `kubectl exec`: a program in a pod. The agent's pods hold the agent's tools; every other pod runs its own programs.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/exec/exec.go
 */
import { AGENT_TOOLS } from '../agent_tools.ts';
import type { ClusterView, ObjectView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, failed } from '../table.ts';
import { findTool, type Parsed, ready, refused, type ToolContext } from '../tool.ts';
import { splitWords } from '../words.ts';
import { get, items, text } from './columns/cell.ts';
import { findPodFor } from './pods_of.ts';
import { type KubectlVerb, namespaceOf } from './verb.ts';

const WITHOUT_DASHES =
  'kubectl exec [POD] [COMMAND] is DEPRECATED and will be removed in a future version. Use kubectl exec [POD] -- [COMMAND] instead.\n';

/** Exit code of a shell for what it cannot run. */
const EXIT_CANNOT_RUN = 126;

/** The verb. */
export const execVerb: KubectlVerb = {
  name: 'exec',
  summary: 'run a program in a pod',
  flags: [
    { name: 'container', short: 'c', value: true },
    { name: 'stdin', short: 'i' },
    { name: 'tty', short: 't' },
    { name: 'quiet', short: 'q' },
  ],
  parse,
  complete: (before, cluster, flags) =>
    before.length > 0 ? ['--', 'curl', 'cilium', 'hubble'] : podNames(cluster, flags === null ? 'default' : namespaceOf(flags)),
};

function parse(flags: Flags): Parsed {
  const [target, ...typed] = flags.positional;
  if (target === undefined || flags.dash === 0) {
    return refused('error: pod, type/name or --filename must be specified');
  }
  if (typed.length === 0) {
    return refused('error: you must specify at least one command for the container');
  }
  const namespace = namespaceOf(flags);
  const argv = withoutShell(typed, isAgent(namespace, target.replace(/^pods?\//, '')));
  if (typeof argv === 'string') {
    return refused(argv, EXIT_CANNOT_RUN);
  }
  const tool = isAgent(namespace, target.replace(/^pods?\//, '')) ? findTool(argv[0] as string, AGENT_TOOLS) : null;
  if (tool === null) {
    const notice = flags.dash === null ? WITHOUT_DASHES : '';
    return ready(({ cluster, stdin }) => {
      const result = execute(cluster, { namespace, target, container: flags.value('container') }, argv, flags.has('stdin') ? stdin : '');
      return { ...result, stderr: notice + result.stderr };
    });
  }
  const parsed = tool.parse(argv.slice(1));
  if (!parsed.ok) {
    return parsed;
  }
  const { follow } = parsed;
  const inPod = (context: ToolContext): ToolContext => ({ ...context, agentPod: agentPodName(context.cluster, namespace, target) });
  return {
    ok: true,
    run: (context) => terminated(parsed.run(inPod(context))),
    ...(follow === undefined ? {} : { follow: (context) => follow(inPod(context)) }),
  };
}

/**
 * The command in `sh -c 'command'`, or why it cannot be run. What is more than one command is for the shell of the pod.
 * @remarks Simplified: the agent's pods have no shell of their own; one plain command is run as it is.
 */
function withoutShell(argv: readonly string[], agent: boolean): readonly string[] | string {
  const [program, flag, text] = argv;
  if (program === undefined || !/^(?:\/(?:usr\/)?bin\/)?(?:ba|a|da)?sh$/.test(program) || flag !== '-c' || text === undefined) {
    return argv;
  }
  const split = splitWords(text);
  if (!split.ok && !agent) {
    return argv;
  }
  if (!split.ok) {
    return `error: in a pod ${program} -c runs one plain command: ${split.error}`;
  }
  return split.words.length === 0 ? ['true'] : split.words;
}

interface Place {
  readonly namespace: string;
  /** A pod's name or `type/name`. */
  readonly target: string;
  readonly container: string | null;
}

/** Runs a program in a pod's container. */
export function execute(cluster: ClusterView, { namespace, target, container }: Place, argv: readonly string[], stdin = ''): CommandResult {
  const found = findPodFor(cluster, namespace, target);
  if (!found.ok) {
    return failed(found.error);
  }
  const { name } = found.pod.metadata;
  const phase = text(get(found.pod, 'status', 'phase'), 'Pending');
  if (phase === 'Succeeded' || phase === 'Failed') {
    return failed(`error: cannot exec into a container in a completed pod; current phase is ${phase}`);
  }
  const names = containerNames(found.pod);
  const [first = ''] = names;
  if (container !== null && !names.includes(container)) {
    return failed(`Error from server (BadRequest): container ${container} is not valid for pod ${name}`);
  }
  if (phase !== 'Running') {
    return failed(`error: unable to upgrade connection: container not found ("${container ?? first}")`);
  }
  const result = terminated(cluster.exec(namespace, name, argv, undefined, stdin));
  return container === null && names.length > 1
    ? { ...result, stderr: `Defaulted container "${first}" out of: ${names.join(', ')}\n${result.stderr}` }
    : result;
}

/**
 * The line about an exit code that is not 0, and the runtime's own error in kubectl's words.
 * @remarks Simplified: containerd's message also names the id of the exec session, which is random.
 */
function terminated(result: CommandResult): CommandResult {
  if (result.stderr.startsWith('OCI runtime exec failed')) {
    const text = `error: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec: ${result.stderr}`;
    return { ...result, exitCode: 1, stderr: text };
  }
  return result.exitCode === 0 ? result : { ...result, stderr: `${result.stderr}command terminated with exit code ${result.exitCode}\n` };
}

/** Names of a pod's containers. */
export function containerNames(pod: ObjectView): string[] {
  return items(get(pod, 'spec', 'containers')).map((one) => text(get(one, 'name'), ''));
}

/** The name of the agent's pod; the text itself where it only stands for one. */
function agentPodName(cluster: ClusterView, namespace: string, target: string): string {
  const found = findPodFor(cluster, namespace, target);
  return found.ok ? found.pod.metadata.name : target;
}

/** Whether a name is that of an agent's pod; `$agent` stands for one in scenario steps. */
function isAgent(namespace: string, pod: string): boolean {
  return /^(?:(?:ds|daemonset)\/cilium|cilium(?:-[a-z0-9]+)?|\$\{?(?:agent|AGENT)\}?)$/.test(pod) && namespace === 'kube-system';
}

function podNames(cluster: ClusterView, namespace: string): string[] {
  return cluster.list('Pod', namespace).map(({ metadata }) => metadata.name);
}
