/**
 * `cilium status`.
 * @see cilium:cilium/cmd/status.go
 * @see cilium:pkg/client/client.go#FormatStatusResponse
 * @remarks Simplified: lines that depend on features which are not modelled print what a cluster without them prints (BPF host routing, which a real
 * agent switches on together with node ports and BPF masquerading, among them). Controllers are counted,
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
    ['KubeProxyReplacement:', s.kubeProxyReplacement.mode, devicesText(s) === '' ? '' : `[${devicesText(s)}]`],
    s.hostFirewall ? ['Host firewall:', 'Enabled', `[${s.devices.map(({ name }) => name).join(', ')}]`] : ['Host firewall:', 'Disabled'],
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
    ['Masquerading:', ...masquerading(s)],
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

/** `eth0 192.168.1.13 (Direct Routing)`; nothing where kube-proxy is not replaced. */
function devicesText({ devices, kubeProxyReplacement }: StatusView): string {
  return kubeProxyReplacement.mode === 'Disabled'
    ? ''
    : devices.map(({ name, ip, directRouting }) => `${name} ${ip}${directRouting ? ' (Direct Routing)' : ''}`).join(', ');
}

/** @see cilium:daemon/cmd/status.go#Daemon.getMasqueradingStatus */
function masquerading({ masquerading: { mode, exclusion }, devices }: StatusView): string[] {
  const protocols = '[IPv4: Enabled, IPv6: Disabled]';
  switch (mode) {
    case 'BPF':
      return ['BPF', `[${devices.map(({ name }) => name).join(', ')}]`, `${exclusion} ${protocols}`];
    case 'IPTables':
      return [`IPTables ${protocols}`];
    case null:
      return ['Disabled'];
  }
}

/** @see cilium:daemon/cmd/status.go#Daemon.getKubeProxyReplacementStatus */
function kubeProxyDetails(s: StatusView): string[][] {
  const { mode, socketLb, nodePort, hostPort, externalIps, sessionAffinity, gracefulTermination } = s.kubeProxyReplacement;
  const state = (enabled: boolean): string => (enabled ? 'Enabled' : 'Disabled');
  const devices = devicesText(s);
  return [
    ['KubeProxyReplacement Details:'],
    ...nested([
      ['  Status:', mode],
      ['  Socket LB:', state(socketLb)],
      ['  Socket LB Tracing:', state(socketLb)],
      ...(devices === '' ? [] : [['  Devices:', devices]]),
      ...(nodePort
        ? [
            ['  Mode:', 'SNAT'],
            ['  Backend Selection:', 'Random'],
          ]
        : []),
      ['  Session Affinity:', state(sessionAffinity)],
      ['  Graceful Termination:', state(gracefulTermination)],
      ['  NAT46/64 Support:', 'Disabled'],
      ...(nodePort ? [['  XDP Acceleration:', 'Disabled']] : []),
      ['  Services:'],
      ['  - ClusterIP:', 'Enabled'],
      ['  - NodePort:', `${nodePort ? 'Enabled (Range: 30000-32767)' : 'Disabled'} `],
      ['  - LoadBalancer:', `${state(nodePort)} `],
      ['  - externalIPs:', `${state(externalIps)} `],
      ['  - HostPort:', state(hostPort)],
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
