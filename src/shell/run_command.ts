/**
 * Runs one command line against a cluster: text in, text out. No shell language: see `lang` for that.
 */
import type { ClusterView } from './cluster_view.ts';
import { parseCommand } from './invocation.ts';
import type { CommandResult } from './table.ts';
import { NO_FILES, refusal } from './tool.ts';

/**
 * Runs a command line. `nodeName` is the node whose agent answers `cilium …`; without it the first one, unless the line names the agent's pod.
 * An unknown command gives exit code 127 and a message.
 */
export function runCommand(cluster: ClusterView, line: string, nodeName: string | null = null): CommandResult {
  const parsed = parseCommand(line);
  return parsed.ok ? parsed.run({ cluster, agentPod: null, nodeName, stdin: '', readPath: NO_FILES }) : refusal(parsed);
}
