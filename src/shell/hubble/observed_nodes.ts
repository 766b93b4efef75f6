/** Whose flows a hubble command sees: in an agent's pod those of its node, outside, through the relay, those of all nodes. */
import { agentNode } from '../agent_node.ts';
import type { NodeView } from '../cluster_view.ts';
import type { ToolContext } from '../tool.ts';

/** The nodes, or an error message. */
export function observedNodes(context: ToolContext): readonly NodeView[] | string {
  if (context.agentPod === null && context.nodeName === null) {
    return context.cluster.nodes;
  }
  const node = agentNode(context);
  return typeof node === 'string' ? node : [node];
}

/** Where the command gets its answers from: the agent's socket, or the relay's port. @see hubble:pkg/defaults/defaults.go */
export function serverTarget(context: ToolContext): string {
  return context.agentPod === null && context.nodeName === null ? 'localhost:4245' : 'unix:///var/run/cilium/hubble.sock';
}
