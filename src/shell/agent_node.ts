/** Which node's agent a command talks to. */
import type { NodeView } from './cluster_view.ts';
import type { ToolContext } from './tool.ts';

/** The node, or an error message. */
export function agentNode({ cluster, agentPod, nodeName }: ToolContext): NodeView | string {
  const pod = agentPod === null ? undefined : cluster.list('Pod', 'kube-system').find(({ metadata }) => metadata.name === agentPod);
  const wanted = nodeName ?? (pod?.spec as { readonly nodeName?: string } | undefined)?.nodeName ?? null;
  const node = wanted === null ? cluster.nodes[0] : cluster.nodes.find(({ name }) => name === wanted);
  if (node === undefined) {
    return `no node "${wanted ?? ''}"`;
  }
  return node.agentRunning() ? node : 'error: unable to upgrade connection: container not found ("cilium-agent")';
}
