/**
 * `cilium node list`.
 * @see cilium:cilium/cmd/node_list.go
 */
import type { NodeApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** The command. */
export const nodeListCommand: CiliumCommand = {
  words: 'node list',
  summary: 'list nodes',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run,
};

function run(node: NodeView, flags: Flags): CommandResult {
  const nodes = [...node.api.nodes()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const named = nodes.map((one) => ({ ...one, name: nodeName(node, one.name) }));
  if (hasOutput(flags)) {
    return output(flags, named.map(nodeModel));
  }
  const rows = named.map(({ name, ip, allocRange }) => [name, ip, allocRange, '', '']);
  return printed(ciliumTable([['Name', 'IPv4 Address', 'Endpoint CIDR', 'IPv6 Address', 'Endpoint CIDR'], ...rows], 0));
}

/** Names of other clusters than `default` stand before those of nodes. @see cilium:pkg/node/types/node.go#Node.Fullname */
function nodeName({ clusterName }: NodeView, name: string): string {
  return clusterName === 'default' ? name : `${clusterName}/${name}`;
}

/** @see cilium:pkg/node/types/node.go#Node.GetModel */
function nodeModel({ name, ip, allocRange, healthIp, routerIp }: NodeApi): object {
  return {
    'health-endpoint-address': { ipv4: { enabled: true, ip: healthIp }, ipv6: {} },
    'ingress-address': { ipv4: {}, ipv6: {} },
    name,
    'primary-address': { ipv4: { 'address-type': 'InternalIP', 'alloc-range': allocRange, enabled: true, ip }, ipv6: {} },
    'secondary-addresses': [{ 'address-type': 'CiliumInternalIP', ip: routerIp }],
  };
}
