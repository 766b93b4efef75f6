/**
 * `hubble list nodes`, `hubble list namespaces`.
 * @see hubble:cmd/list/node.go#runListNodes
 * @see hubble:cmd/list/namespaces.go#runListNamespaces
 */
import { observe } from '../../monitor/hubble/observer.ts';
import { formatDuration } from '../../monitor/hubble/time_layout.ts';
import { tabwriter } from '../../net/go_tabwriter.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import { type CommandResult, failed, jsonOutput, printed } from '../table.ts';
import { type Parsed, ready, refused, type ToolContext } from '../tool.ts';
import { type HubbleCommand, SERVER_FLAGS } from './command.ts';
import { flowNames } from './flow_names.ts';
import { observedNodes } from './observed_nodes.ts';
import { serverStatus } from './server_status.ts';

const FLAGS: readonly FlagSpec[] = [{ name: 'output', short: 'o', value: true, choices: ['table', 'wide', 'json'] }, ...SERVER_FLAGS];

/** `hubble list nodes`. */
export const listNodesCommand: HubbleCommand = {
  words: 'list nodes',
  aliases: ['list node'],
  summary: 'nodes and how full their rings are',
  flags: FLAGS,
  prepare: (flags) => prepare(flags, nodes),
};

/** `hubble list namespaces`. */
export const listNamespacesCommand: HubbleCommand = {
  words: 'list namespaces',
  aliases: ['list namespace', 'list ns'],
  summary: 'namespaces of the flows',
  flags: FLAGS,
  prepare: (flags) => prepare(flags, namespaces),
};

function prepare(flags: Flags, run: (context: ToolContext, output: string) => CommandResult): Parsed {
  const output = flags.value('output') ?? 'table';
  return ['table', 'wide', 'json'].includes(output)
    ? ready((context) => run(context, output))
    : refused(`unknown output format: ${output}`);
}

/** @remarks Simplified: only the relay lists nodes; the agent's own server answers that it cannot. */
function nodes(context: ToolContext, output: string): CommandResult {
  if (context.agentPod !== null || context.nodeName !== null) {
    return failed('rpc error: code = Unimplemented desc = GetNodes not implemented');
  }
  const rows = [...context.cluster.nodes]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((node) => ({ node, status: serverStatus(context, [node]) }));
  if (output === 'json') {
    return printed(
      jsonOutput(
        rows.map(({ node, status }) => ({
          name: node.name,
          version: status.version,
          address: `${node.ip}:4244`,
          state: 'NODE_CONNECTED',
          uptime_ns: String(status.uptimeNanos),
          num_flows: String(status.numFlows),
          max_flows: String(status.maxFlows),
          seen_flows: String(status.seenFlows),
        })),
      ),
    );
  }
  const wide = output === 'wide' ? ['VERSION', 'ADDRESS', 'TLS'] : [];
  const lines = rows.map(({ node, status }) => {
    const seconds = Math.round(status.uptimeNanos / 1_000_000_000);
    return [
      node.name,
      'Connected',
      seconds > 0 ? formatDuration(seconds * 1_000_000_000) : 'N/A',
      seconds > 0 ? (status.seenFlows / seconds).toFixed(2) : 'N/A',
      `${status.numFlows}/${status.maxFlows} (${((status.numFlows / status.maxFlows) * 100).toFixed(2).padStart(6)}%)`,
      ...(output === 'wide' ? [status.version, `${node.ip}:4244`, 'Enabled'] : []),
    ];
  });
  return printed(
    tabwriter([['NAME', 'STATUS', 'AGE', 'FLOWS/S', 'CURRENT/MAX-FLOWS', ...wide], ...lines], { minWidth: 2, tabWidth: 0, padding: 3 }),
  );
}

/** @remarks Simplified: the namespaces of the flows the rings hold; upstream those of the last hour. */
function namespaces(context: ToolContext, output: string): CommandResult {
  const observed = observedNodes(context);
  if (typeof observed === 'string') {
    return failed(observed);
  }
  const flows = observed.flatMap((node) => observe(node.events.since(0), flowNames(context.cluster, node)));
  const names = [...new Set(flows.flatMap(({ source, destination }) => [source.namespace, destination.namespace]))]
    .filter((name) => name !== '')
    .sort();
  if (output === 'json') {
    return printed(jsonOutput(names.map((namespace) => ({ namespace }))));
  }
  const header = output === 'wide' ? ['NAMESPACE', 'CLUSTER'] : ['NAMESPACE'];
  return printed(tabwriter([header, ...names.map((name) => [name])], { minWidth: 2, tabWidth: 0, padding: 3 }));
}
