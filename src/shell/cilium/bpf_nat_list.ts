/**
 * `cilium bpf nat list`: what BPF translates for pods and for the node itself.
 * @see cilium:cilium/cmd/bpf_nat_list.go
 * @see cilium:pkg/maps/nat/nat.go#DoDumpEntries
 * @remarks Simplified: entries come in order of creation. Not modelled: the entries with `-o json`, where the list is empty.
 */
import { NAT_DIR_INGRESS, type NatMap, SNAT_V4_EXTERNAL_NAME } from '../../maps/natmap.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { protocolName } from '../../net/protocol.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output } from './output.ts';

const SNAT_PATH = `/sys/fs/bpf/tc/globals/${SNAT_V4_EXTERNAL_NAME}`;

/** `cilium bpf nat list`. */
export const bpfNatListCommand: CiliumCommand = {
  words: 'bpf nat list',
  summary: 'list NAT mappings',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: natList,
};

function natList(node: NodeView, flags: Flags): CommandResult {
  const result = hasOutput(flags) ? output(flags, []) : printed('');
  if (!node.status().kubeProxyReplacement.nodePort) {
    // Without NodePort the map is not made.
    return { ...result, stderr: `Unable to open ${SNAT_PATH}: Unable to get object ${SNAT_PATH}: no such file or directory. Skipping.\n` };
  }
  return hasOutput(flags) ? result : printed(`${lines(node).join('')}\n`);
}

/** @see cilium:pkg/maps/nat/ipv4.go#NatEntry4.Dump */
function lines(node: NodeView): string[] {
  const entries = node.map<NatMap>(SNAT_V4_EXTERNAL_NAME)?.entries() ?? [];
  return [...entries].map(([key, { address, port, created, hostLocal }]) => {
    const incoming = key.flags === NAT_DIR_INGRESS;
    const tuple = `${formatIpv4(key.saddr)}:${key.sport} -> ${formatIpv4(key.daddr)}:${key.dport}`;
    const age = Math.max(0, node.seconds() - created);
    return (
      `${protocolName(key.nexthdr)} ${incoming ? 'IN' : 'OUT'} ${tuple} XLATE_${incoming ? 'DST' : 'SRC'} ${formatIpv4(address)}:${port} ` +
      `Created=${age}sec HostLocal=${hostLocal ? 1 : 0}\n`
    );
  });
}
