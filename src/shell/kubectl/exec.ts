/**
 * `kubectl exec`: a program in a pod. The agent's pods hold the agent's tools; every other pod runs its own programs.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/exec/exec.go
 */
import { AGENT_TOOLS } from '../agent_tools.ts';
import type { ClusterView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { findTool, type Parsed, ready, refused, type ToolContext } from '../tool.ts';
import { type KubectlVerb, namespaceOf } from './verb.ts';

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
  const [target, ...argv] = flags.positional;
  if (target === undefined || flags.dash === 0) {
    return refused('error: pod, type/name or --filename must be specified');
  }
  if (argv.length === 0) {
    return refused('error: you must specify at least one command for the container');
  }
  const namespace = namespaceOf(flags);
  const pod = target.replace(/^pods?\//, '');
  const tool = isAgent(namespace, pod) ? findTool(argv[0] as string, AGENT_TOOLS) : null;
  if (tool === null) {
    return ready(({ cluster }) => cluster.exec(namespace, pod, argv));
  }
  const parsed = tool.parse(argv.slice(1));
  if (!parsed.ok) {
    return parsed;
  }
  const { follow } = parsed;
  const inPod = (context: ToolContext): ToolContext => ({ ...context, agentPod: pod });
  return {
    ok: true,
    run: (context) => parsed.run(inPod(context)),
    ...(follow === undefined ? {} : { follow: (context) => follow(inPod(context)) }),
  };
}

/** Whether a name is that of an agent's pod; `$agent` stands for one in scenario steps. */
function isAgent(namespace: string, pod: string): boolean {
  return /^(?:(?:ds|daemonset)\/cilium|cilium(?:-[a-z0-9]+)?|\$\{?(?:agent|AGENT)\}?)$/.test(pod) && namespace === 'kube-system';
}

function podNames(cluster: ClusterView, namespace: string): string[] {
  return cluster.list('Pod', namespace).map(({ metadata }) => metadata.name);
}
