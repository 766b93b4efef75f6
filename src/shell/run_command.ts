/**
 * Runs a command line against a cluster: text in, text out.
 */
import { findCiliumCommand } from './cilium/cilium.ts';
import type { ClusterView, NodeView } from './cluster_view.ts';
import { hubbleObserve } from './hubble.ts';
import { parseCommand } from './invocation.ts';
import { kubectlGet } from './kubectl/get.ts';
import { type CommandResult, failed, printed } from './table.ts';

/** The exit code of a shell that does not know a command. */
const NOT_FOUND = 127;
/** curl's exit code when nobody accepts the connection. */
const CURL_COULDNT_CONNECT = 7;

/**
 * Runs a command line. `nodeName` is the node whose agent answers `cilium …`; without it the first one, unless the line names the agent's pod.
 * An unknown command gives exit code 127 and a message.
 */
export function runCommand(cluster: ClusterView, line: string, nodeName: string | null = null): CommandResult {
  const parsed = parseCommand(line);
  if (!parsed.ok) {
    return failed(parsed.error, NOT_FOUND);
  }
  const { invocation } = parsed;
  switch (invocation.tool) {
    case 'get':
      return kubectlGet(cluster, invocation.request);
    case 'exec':
      return cluster.exec(invocation.namespace, invocation.pod, invocation.argv);
    case 'hubble':
      return hubbleObserve(cluster.nodes, invocation.args);
    case 'cilium': {
      const node = agentNode(cluster, invocation.agentPod, nodeName);
      const command = findCiliumCommand(invocation.words);
      return typeof node === 'string' ? failed(node) : (command?.run(node, command.args) ?? failed('unknown command', NOT_FOUND));
    }
    case 'envoy-admin': {
      const node = agentNode(cluster, invocation.agentPod, nodeName);
      if (typeof node === 'string') {
        return failed(node);
      }
      const answer = node.envoyAdmin(invocation.path);
      return answer === null ? { exitCode: CURL_COULDNT_CONNECT, stdout: '', stderr: '' } : printed(answer.body);
    }
  }
}

/** The node whose agent a command talks to, or an error message. */
function agentNode(cluster: ClusterView, agentPod: string | null, nodeName: string | null): NodeView | string {
  const pod = agentPod === null ? undefined : cluster.list('Pod', 'kube-system').find(({ metadata }) => metadata.name === agentPod);
  const wanted = nodeName ?? (pod?.spec as { readonly nodeName?: string } | undefined)?.nodeName ?? null;
  const node = wanted === null ? cluster.nodes[0] : cluster.nodes.find(({ name }) => name === wanted);
  return node ?? `no node "${wanted ?? ''}"`;
}
