/**
 * `hubble status`: how full the ring buffers are.
 * @see hubble:cmd/status/status.go#runStatus
 * @see hubble:pkg/printer/printer.go#Printer.WriteServerStatusResponse
 */
import { formatDuration } from '../../monitor/hubble/time_layout.ts';
import { tabwriter } from '../../net/go_tabwriter.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, failed, printed } from '../table.ts';
import { type Parsed, ready, refused, type ToolContext } from '../tool.ts';
import { type HubbleCommand, SERVER_FLAGS } from './command.ts';
import { observedNodes, serverTarget } from './observed_nodes.ts';

/** The command. */
export const statusCommand: HubbleCommand = {
  words: 'status',
  summary: 'how full the ring buffers are',
  flags: [{ name: 'output', short: 'o', value: true, choices: ['compact', 'dict', 'json', 'table'] }, ...SERVER_FLAGS],
  prepare,
};

/** What a server says of itself. @see cilium:api/v1/observer/observer.proto#ServerStatusResponse */
export interface ServerStatus {
  readonly numFlows: number;
  readonly maxFlows: number;
  readonly seenFlows: number;
  readonly uptimeNanos: number;
  /** `null` when the agent itself answers. */
  readonly connectedNodes: number | null;
  readonly version: string;
}

function prepare(flags: Flags): Parsed {
  const output = flags.value('output') ?? 'compact';
  if (!['compact', 'dict', 'json', 'JSON', 'jsonpb', 'tab', 'table'].includes(output)) {
    return refused(`invalid output format: ${output}`);
  }
  return ready((context) => run(context, output));
}

function run(context: ToolContext, output: string): CommandResult {
  const nodes = observedNodes(context);
  if (typeof nodes === 'string') {
    return failed(nodes);
  }
  const status = serverStatus(context, nodes);
  switch (output) {
    case 'compact':
      return printed(`Healthcheck (via ${serverTarget(context)}): Ok\n${compact(status)}`);
    case 'dict':
      return printed(dict(status));
    case 'tab':
    case 'table':
      return printed(table(status));
    default:
      return printed(`${JSON.stringify(json(status))}\n`);
  }
}

/** One node's ring, or the sum of all. @see cilium:pkg/hubble/observer/local_observer.go#LocalObserverServer.ServerStatus */
export function serverStatus(context: ToolContext, nodes: readonly NodeView[]): ServerStatus {
  const sum = (of: (node: NodeView) => number): number => nodes.reduce((total, node) => total + of(node), 0);
  return {
    numFlows: sum(({ events }) => events.since(0).length),
    maxFlows: sum((node) => node.hubbleCapacity),
    seenFlows: sum(seenFlows),
    uptimeNanos: Math.max(0, ...nodes.map((node) => context.cluster.now() - node.startedAt)),
    connectedNodes: context.agentPod === null && context.nodeName === null ? nodes.length : null,
    version: `cilium v${nodes[0]?.status().ciliumVersion ?? ''}`,
  };
}

/** @remarks Simplified: all events that have left the ring count as flows. */
function seenFlows({ events }: NodeView): number {
  const held = events.since(0);
  return events.total - held.filter(({ kind }) => kind === 'agent').length;
}

function rate({ seenFlows, uptimeNanos }: ServerStatus): string {
  return uptimeNanos > 0 ? (seenFlows / (uptimeNanos / 1_000_000_000)).toFixed(2) : 'N/A';
}

function compact(status: ServerStatus): string {
  const ratio = status.maxFlows > 0 ? ` (${((status.numFlows / status.maxFlows) * 100).toFixed(2)}%)` : '';
  const nodes = status.connectedNodes === null ? '' : `Connected Nodes: ${status.connectedNodes}/${status.connectedNodes}\n`;
  return `Current/Max Flows: ${grouped(status.numFlows)}/${grouped(status.maxFlows)}${ratio}\nFlows/s: ${rate(status)}\n${nodes}`;
}

function dict(status: ServerStatus): string {
  return [
    `          NUM FLOWS: ${grouped(status.numFlows)}`,
    `          MAX FLOWS: ${grouped(status.maxFlows)}`,
    `         SEEN FLOWS: ${grouped(status.seenFlows)}`,
    '   FLOWS PER SECOND: N/A',
    `             UPTIME: ${formatDuration(status.uptimeNanos)}`,
    `NUM CONNECTED NODES: ${status.connectedNodes ?? 'N/A'}`,
    ` NUM UNAVAIL. NODES: ${status.connectedNodes === null ? 'N/A' : 0}`,
    `            VERSION: ${status.version}`,
    '',
  ].join('\n');
}

function table(status: ServerStatus): string {
  const header = [
    'NUM FLOWS',
    'MAX FLOWS',
    'SEEN FLOWS',
    'FLOWS PER SECOND',
    'UPTIME',
    'NUM CONNECTED NODES',
    'NUM UNAVAILABLE NODES',
    'VERSION',
  ];
  const row = [
    grouped(status.numFlows),
    grouped(status.maxFlows),
    grouped(status.seenFlows),
    'N/A',
    formatDuration(status.uptimeNanos),
    status.connectedNodes === null ? 'N/A' : String(status.connectedNodes),
    status.connectedNodes === null ? 'N/A' : '0',
    status.version,
  ];
  return tabwriter([header, row], { minWidth: 2, tabWidth: 0, padding: 3 });
}

function json(status: ServerStatus): Readonly<Record<string, unknown>> {
  const counts = [
    ['num_flows', status.numFlows],
    ['max_flows', status.maxFlows],
    ['seen_flows', status.seenFlows],
    ['uptime_ns', status.uptimeNanos],
  ].flatMap(([name, value]) => (value === 0 ? [] : [[name, String(value)]]));
  return {
    ...(Object.fromEntries(counts) as Record<string, string>),
    ...(status.connectedNodes === null ? {} : { num_connected_nodes: status.connectedNodes, num_unavailable_nodes: 0 }),
    version: status.version,
  };
}

/** `4,095` @see hubble:pkg/printer/formatter.go#uint64Grouping */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
