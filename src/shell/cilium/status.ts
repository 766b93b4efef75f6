/**
 * `cilium status`.
 * @see cilium:pkg/client/client.go#FormatStatusResponse
 * @remarks Simplified: lines that depend on features which are not modelled print what a cluster without them prints.
 */
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';

/** `cilium status`. */
export const statusCommand: CiliumCommand = {
  words: 'status',
  summary: 'the state of the agent',
  flags: [{ name: 'brief' }, { name: 'verbose' }],
  run: status,
};

/** Runs the command. */
function status(node: NodeView, flags: Flags): CommandResult {
  if (flags.has('brief')) {
    return printed('OK\n');
  }
  const s = node.status();
  const proxy =
    s.proxy === null ? 'No managed proxy redirect' : `OK, ip ${s.proxy.ip}, ${s.proxy.redirects} redirects active on ports 10000-20000`;
  const apis = `[${s.kubernetesApis.map((api) => JSON.stringify(api)).join(', ')}]`;
  const rows: string[][] = [
    ['KVStore:', 'Ok   Disabled'],
    ['Kubernetes:', `Ok   ${s.kubernetesVersion}`],
    ['Kubernetes APIs:', apis],
    ['KubeProxyReplacement:', 'Disabled'],
    ['Host firewall:', 'Disabled'],
    ['CNI Chaining:', 'none'],
    ['Cilium:', `Ok   ${s.ciliumVersion}`],
    ['NodeMonitor:', 'Listening for events on 1 CPUs with 64x4096 of shared memory'],
    ['Cilium health daemon:', 'Ok'],
    ['IPAM:', `IPv4: ${s.ipam.used}/${s.ipam.total} allocated from ${s.podCIDR}, `],
    ['IPv6 BIG TCP:', 'Disabled'],
    ['BandwidthManager:', 'Disabled'],
    ['Host Routing:', s.routing],
    ['Masquerading:', s.masquerading],
    ['Controller Status:', `${s.controllers.healthy}/${s.controllers.total} healthy`],
    ['Proxy Status:', proxy],
    ['Global Identity Range:', 'min 256, max 65535'],
    ['Hubble:', 'Ok'],
    ['Encryption:', 'Disabled'],
    ['Cluster health:', `${s.reachableNodes.reachable}/${s.reachableNodes.total} reachable`],
  ];
  return printed(ciliumTable(rows, 2));
}
