/**
 * `hubble observe`: the node's flows.
 * @see hubble:cmd/observe/flows.go
 */

import { IPCACHE_NAME, type IpcacheMap, ipcacheKey4 } from '../maps/ipcache.ts';
import type { Flow, FlowEndpoint, FlowNames } from '../monitor/hubble/flow.ts';
import { observe } from '../monitor/hubble/observer.ts';
import { compactFlow, dictFlow } from '../monitor/hubble/printer.ts';
import { parseIpv4 } from '../net/ipv4.ts';
import type { NodeView } from './cluster_view.ts';
import { type FlagSpec, type Flags, parseFlags } from './flags.ts';
import { type CommandResult, printed } from './table.ts';
import { type Follower, type Parsed, type Ready, refused, type Tool, type ToolContext, unknownWord } from './tool.ts';

/** How many flows are printed when nothing else is asked for. @see hubble:pkg/defaults/defaults.go#FlowPrintCount */
const DEFAULT_LAST = 20;

const FLAGS: readonly FlagSpec[] = [
  { name: 'last', value: true },
  { name: 'all' },
  { name: 'output', short: 'o', value: true, choices: ['compact', 'dict'] },
  { name: 'namespace', short: 'n', value: true },
  { name: 'pod', value: true },
  { name: 'from-pod', value: true },
  { name: 'to-pod', value: true },
  { name: 'verdict', value: true },
  { name: 'type', short: 't', value: true },
  { name: 'protocol', value: true },
  { name: 'port', value: true },
  { name: 'follow', short: 'f' },
];

/** The tool. */
export const hubbleTool: Tool = {
  name: 'hubble',
  summary: 'hubble observe: the flows the nodes saw',
  parse,
  complete: (words) => (words.length <= 1 ? ['observe'] : FLAGS.map(({ name }) => `--${name}`)),
};

function parse(words: readonly string[]): Parsed {
  const [command, ...args] = words;
  if (command !== 'observe') {
    return unknownWord(`Error: unknown command "${command ?? ''}" for "hubble"`, command ?? '', ['observe']);
  }
  const parsed = parseFlags(args, FLAGS);
  if (!parsed.ok) {
    return refused(`Error: ${parsed.error}`);
  }
  const { flags } = parsed;
  const format = flags.value('output') ?? 'compact';
  if (format !== 'compact' && format !== 'dict') {
    return refused(`invalid output format: ${format}`);
  }
  const run: Ready['run'] = ({ cluster }) => {
    const flows = flowsOf(cluster.nodes).filter((flow) => passes(flow, flags));
    return print(shownFlows(flows, flags), format, true);
  };
  return flags.has('follow') ? { ok: true, run, follow: (context) => follow(context, flags, format) } : { ok: true, run };
}

/** The flows that are listed when nobody follows. */
function shownFlows(flows: readonly Flow[], flags: Flags): readonly Flow[] {
  const filtered = ['pod', 'from-pod', 'to-pod', 'verdict', 'type', 'protocol', 'port', 'namespace'].some((name) => flags.count(name) > 0);
  const last =
    flags.value('last') === null
      ? filtered || flags.has('all') || flags.has('follow')
        ? flows.length
        : DEFAULT_LAST
      : Number(flags.value('last'));
  return last === 0 ? [] : flows.slice(-last);
}

function print(flows: readonly Flow[], format: 'compact' | 'dict', first: boolean): CommandResult {
  const lines = format === 'dict' ? flows.flatMap((flow, i) => dictFlow(flow, first && i === 0)) : flows.map(compactFlow);
  return printed(lines.map((line) => `${line}\n`).join(''));
}

/** New flows as they come; `--last` first shows some of the old ones. */
function follow({ cluster }: ToolContext, flags: Flags, format: 'compact' | 'dict'): Follower {
  const old = flowsOf(cluster.nodes);
  let first = true;
  let waiting =
    flags.value('last') === null
      ? []
      : shownFlows(
          old.filter((flow) => passes(flow, flags)),
          flags,
        );
  let seen = cluster.nodes.map(({ events }) => events.total);
  return {
    next: () => {
      const fresh = flowsOf(cluster.nodes, seen).filter((flow) => passes(flow, flags));
      const result = print([...waiting, ...fresh], format, first);
      seen = cluster.nodes.map(({ events }) => events.total);
      first &&= waiting.length + fresh.length === 0;
      waiting = [];
      return result;
    },
  };
}

/** The flows of all nodes in order of time; with `since`, those of the events after the first so many of each node. */
export function flowsOf(nodes: readonly NodeView[], since: readonly number[] = []): Flow[] {
  return nodes.flatMap((node, i) => observe(node.events.since(since[i] ?? 0), flowNames(node))).sort((a, b) => a.time - b.time);
}

/** What flows ask a node about. */
export function flowNames(node: NodeView): FlowNames {
  const endpoints = new Map(node.endpoints().map((endpoint) => [endpoint.ipv4, endpoint]));
  const labels = new Map(node.identities().map((identity) => [identity.id, identity.labels]));
  return {
    nodeName: node.name,
    endpointByIp: (ip) => {
      const endpoint = endpoints.get(ip);
      return endpoint === undefined || endpoint.podName === '' ? null : { ...endpoint, identity: endpoint.identity ?? 0 };
    },
    identityByIp: (ip) => {
      const address = parseIpv4(ip);
      return address === null ? 0 : (node.map<IpcacheMap>(IPCACHE_NAME)?.match(ipcacheKey4(address))?.value.secLabel ?? 0);
    },
    identityLabels: (identity) => labels.get(identity) ?? [],
  };
}

function passes(flow: Flow, flags: Flags): boolean {
  const any = (name: string, test: (value: string) => boolean): boolean => flags.count(name) === 0 || flags.list(name).some(test);
  const { source, destination } = flow;
  return (
    any('namespace', (name) => source.namespace === name || destination.namespace === name) &&
    any('pod', (pod) => isPod(source, pod) || isPod(destination, pod)) &&
    any('from-pod', (pod) => isPod(source, pod)) &&
    any('to-pod', (pod) => isPod(destination, pod)) &&
    any('verdict', (verdict) => flow.verdict === verdict.toUpperCase()) &&
    any('type', (type) => flow.event.kind === type) &&
    any('protocol', (protocol) => isProtocol(flow, protocol)) &&
    any('port', (port) => source.port === Number(port) || destination.port === Number(port))
  );
}

/** `[namespace/]name-prefix`. @see cilium:pkg/hubble/filters/k8s.go#parsePodFilter */
function isPod(end: FlowEndpoint, filter: string): boolean {
  const slash = filter.indexOf('/');
  const namespace = slash < 0 ? 'default' : filter.slice(0, slash);
  return end.namespace === namespace && end.podName !== '' && end.podName.startsWith(filter.slice(slash + 1));
}

function isProtocol(flow: Flow, protocol: string): boolean {
  const wanted = protocol.toLowerCase();
  if (flow.event.kind === 'l7') {
    const { record } = flow.event;
    return (record.http !== undefined && wanted === 'http') || (record.dns !== undefined && wanted === 'dns');
  }
  return flow.protocol.toLowerCase() === wanted;
}
