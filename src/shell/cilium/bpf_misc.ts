/**
 * `cilium bpf ipcache get`, `bpf endpoint delete`, `bpf tunnel list`.
 * @see cilium:cilium/cmd/bpf_ipcache_get.go
 * @see cilium:cilium/cmd/bpf_endpoint_delete.go
 * @see cilium:cilium/cmd/bpf_tunnel_list.go
 */
import { IPCACHE_NAME, type IpcacheMap, ipcacheKey4 } from '../../maps/ipcache.ts';
import { LXC_MAP_NAME, type LxcMap } from '../../maps/lxcmap.ts';
import { TUNNEL_MAP_NAME, type TunnelMap, type TunnelMapValue } from '../../maps/tunnel.ts';
import { formatIpv4, parseIpv4 } from '../../net/ipv4.ts';
import { parseIp } from '../../net/prefix.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, printed } from '../table.ts';
import { type Refused, refused } from '../tool.ts';
import { ipcacheValueText } from './bpf_lists.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, fatal, keyedOutput, OUTPUT_FLAG, usage } from './output.ts';

/** `cilium bpf ipcache get`. */
export const bpfIpcacheGetCommand: CiliumCommand = {
  words: 'bpf ipcache get',
  summary: 'the identity of an address',
  flags: [],
  check: checkAddress,
  run: ipcacheGet,
};

/** `cilium bpf endpoint delete`. */
export const bpfEndpointDeleteCommand: CiliumCommand = {
  words: 'bpf endpoint delete',
  summary: 'delete the entry of a local endpoint',
  flags: [],
  check: checkDelete,
  run: endpointDelete,
};

/** `cilium bpf tunnel list`. */
export const bpfTunnelListCommand: CiliumCommand = {
  words: 'bpf tunnel list',
  summary: 'list tunnel endpoints',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: tunnelList,
};

function tunnelList(node: NodeView, flags: Flags): CommandResult {
  const entries = [...(node.map<TunnelMap>(TUNNEL_MAP_NAME)?.entries() ?? [])];
  const rows = entries.map(([key, value]) => [formatIpv4(key.address), [tunnelValueText(value)]] as const);
  return keyedOutput(flags, 'TUNNEL', 'VALUE', new Map(rows));
}

/** @see cilium:pkg/maps/tunnel/tunnel.go#TunnelValue.String */
export function tunnelValueText({ address, key, nodeId }: TunnelMapValue): string {
  return `${formatIpv4(address)}:${key} ${nodeId}`;
}

const ADDRESS = 'IP address must be in dotted decimal (192.168.1.1) or IPv6 (feab::f02b) form';

function checkAddress(flags: Flags): Refused | null {
  const text = flags.positional[0] ?? '';
  if (text === '') {
    return usage(`No ip provided. ${ADDRESS}`, 'bpf ipcache get <ip>');
  }
  return parseIp(text) === null ? usage(`Invalid ip address. ${ADDRESS}`, 'bpf ipcache get <ip>') : null;
}

function ipcacheGet(node: NodeView, flags: Flags): CommandResult {
  const text = flags.positional[0] ?? '';
  const address = parseIpv4(text);
  const found = address === null ? undefined : node.map<IpcacheMap>(IPCACHE_NAME)?.match(ipcacheKey4(address));
  return found === undefined
    ? { exitCode: 1, stdout: `${text} does not map to any identity\n`, stderr: '' }
    : printed(`${text} maps to identity ${ipcacheValueText(found.value)}\n`);
}

function checkDelete(flags: Flags): Refused | null {
  if (flags.positional.length !== 1) {
    return refused(`Error: accepts 1 arg(s), received ${flags.positional.length}`);
  }
  const text = flags.positional[0] ?? '';
  return parseIp(text) === null ? refused(`Error: Unable to parse IP '${text}'`) : null;
}

function endpointDelete(node: NodeView, flags: Flags): CommandResult {
  const address = parseIpv4(flags.positional[0] ?? '');
  const map = node.map<LxcMap>(LXC_MAP_NAME);
  if (address === null || map === undefined || map.lookup({ address }) === undefined) {
    return fatal(
      `Unable to delete endpoint entry: unable to delete element ${flags.positional[0] ?? ''}:0 from map ${LXC_MAP_NAME}: no such file or directory`,
    );
  }
  map.delete({ address });
  return printed('');
}
