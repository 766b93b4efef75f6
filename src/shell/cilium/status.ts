/**
 * `cilium status`.
 * @see cilium:cilium/cmd/status.go
 * @see cilium:pkg/client/client.go#FormatStatusResponse
 * @remarks Simplified: lines that depend on features which are not modelled print what a cluster without them prints. Controllers are counted,
 * one an endpoint, and have no names. Not modelled: the health daemon's probes; every node is reachable.
 */
import type { NodeView, StatusView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output } from './output.ts';
import { statusModel } from './status_model.ts';

/** `cilium status`. */
export const statusCommand: CiliumCommand = {
  words: 'status',
  summary: 'the state of the agent',
  flags: [
    { name: 'brief' },
    { name: 'verbose' },
    ...['all-addresses', 'all-controllers', 'all-nodes', 'all-redirects', 'all-clusters', 'all-health'].map((name) => ({ name })),
    { name: 'timeout', value: true },
    OUTPUT_FLAG,
  ],
  check: checkOutput,
  run: status,
};

/** Runs the command. */
function status(node: NodeView, flags: Flags, context: { readonly cluster: { now(): number } }): CommandResult {
  if (hasOutput(flags)) {
    return output(flags, statusModel(node, context.cluster.now()));
  }
  if (flags.has('brief')) {
    return printed('OK\n');
  }
  const all = flags.has('verbose');
  const rows = [
    ...head(node.status()),
    ...(all || flags.has('all-addresses') ? addresses(node) : []),
    ...network(node.status()),
    ...(all ? [['Clock Source for BPF:', 'ktime']] : []),
    ...tail(node, context.cluster.now(), all || flags.has('all-redirects')),
    ...(all ? kubeProxyDetails(node.status()) : []),
    ['Encryption:', 'Disabled'],
    ['Cluster health:', `${node.status().reachableNodes.reachable}/${node.status().reachableNodes.total} reachable`],
  ];
  return printed(ciliumTable(rows, 2));
}

function head(s: StatusView): string[][] {
  return [
    ['KVStore:', 'Ok', 'Disabled'],
    ['Kubernetes:', 'Ok', s.kubernetesVersion],
    [
      'Kubernetes APIs:',
      `[${[...s.kubernetesApis]
        .sort()
        .map((api) => `"${api}"`)
        .join(', ')}]`,
    ],
    ['KubeProxyReplacement:', 'Disabled', ''],
    ['Host firewall:', 'Disabled'],
    ['CNI Chaining:', 'none'],
    ['Cilium:', `Ok   ${s.ciliumVersion}`],
    ['NodeMonitor:', 'Listening for events on 1 CPUs with 64x4096 of shared memory'],
    ['Cilium health daemon:', 'Ok', ''],
    ['IPAM:', `IPv4: ${s.ipam.used}/${s.ipam.total} allocated from ${s.podCIDR}, `],
  ];
}

function addresses(node: NodeView): string[][] {
  const lines = node.api.allocations().map(({ ip, owner }) => [`  ${ip} (${owner})`]);
  return [['Allocated addresses:'], ...lines.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))];
}

function network(s: StatusView): string[][] {
  return [
    ['IPv6 BIG TCP:', 'Disabled'],
    ['BandwidthManager:', 'Disabled'],
    ['Host Routing:', s.routing],
    ['Masquerading:', s.masquerading],
  ];
}

function tail(node: NodeView, now: number, allRedirects: boolean): string[][] {
  const s = node.status();
  const redirects = allRedirects ? node.api.redirects() : [];
  const proxy =
    s.proxy === null ? 'No managed proxy redirect' : `OK, ip ${s.proxy.ip}, ${s.proxy.redirects} redirects active on ports 10000-20000`;
  return [
    ['Controller Status:', `${s.controllers.healthy}/${s.controllers.total} healthy`],
    ['Proxy Status:', proxy],
    ...nested(redirects.length === 0 ? [] : [['  Protocol', 'Redirect', 'Proxy Port'], ...redirects.map(redirectRow).sort(byText)]),
    ['Global Identity Range:', 'min 256, max 65535'],
    ['Hubble:', 'Ok', hubbleText(node, now), 'Metrics: Disabled'],
  ];
}

function redirectRow({ proxy, name, port }: { readonly proxy: string; readonly name: string; readonly port: number }): string[] {
  return [`  ${proxy}`, name, String(port)];
}

/** @see cilium:daemon/cmd/hubble.go#Daemon.getHubbleStatus */
function hubbleText(node: NodeView, now: number): string {
  const current = node.events.since(0).length;
  const ratio = ((current / node.hubbleCapacity) * 100).toFixed(2);
  const seconds = (now - node.startedAt) / 1_000_000_000;
  const rate = seconds > 0 ? `, Flows/s: ${(node.events.total / seconds).toFixed(2)}` : '';
  return `Current/Max Flows: ${current}/${node.hubbleCapacity} (${ratio}%)${rate}`;
}

function kubeProxyDetails(_status: StatusView): string[][] {
  return [
    ['KubeProxyReplacement Details:'],
    ...nested([
      ['  Status:', 'Disabled'],
      ['  Socket LB:', 'Disabled'],
      ['  Socket LB Tracing:', 'Disabled'],
      ['  Session Affinity:', 'Disabled'],
      ['  Graceful Termination:', 'Enabled'],
      ['  NAT46/64 Support:', 'Disabled'],
      ['  Services:'],
      ['  - ClusterIP:', 'Enabled'],
      ['  - NodePort:', 'Disabled '],
      ['  - LoadBalancer:', 'Disabled '],
      ['  - externalIPs:', 'Disabled '],
      ['  - HostPort:', 'Disabled'],
    ]),
  ];
}

/** A table inside of the table: lines without columns of the outer one. */
function nested(rows: readonly (readonly string[])[]): string[][] {
  return ciliumTable(rows, 0)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => [line]);
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join('\t') < b.join('\t') ? -1 : 1;
}
