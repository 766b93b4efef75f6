/**
 * `cilium bpf ipcache list`, `cilium bpf endpoint list`, `cilium bpf metrics list`: maps as tables.
 * @see cilium:cilium/cmd/bpf_ipcache_list.go
 * @see cilium:cilium/cmd/bpf_endpoint_list.go
 * @see cilium:cilium/cmd/bpf_metrics_list.go
 */
import { dropReasonText } from '../../maps/drop_reasons.ts';
import { IPCACHE_NAME, type IpcacheMap, ipcacheKeyText, type RemoteEndpointInfo } from '../../maps/ipcache.ts';
import { ENDPOINT_F_HOST, type EndpointInfo, LXC_MAP_NAME, type LxcMap } from '../../maps/lxcmap.ts';
import { METRICS_MAP_NAME, type MetricsKey, type MetricsMap, type MetricsValue, metricDirectionName } from '../../maps/metricsmap.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { formatMac } from '../../net/mac.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, keyedOutput, OUTPUT_FLAG, output } from './output.ts';

/** `cilium bpf ipcache list`. */
export const bpfIpcacheListCommand: CiliumCommand = {
  words: 'bpf ipcache list',
  summary: 'list identities by address',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: bpfIpcacheList,
};

/** `cilium bpf endpoint list`. */
export const bpfEndpointListCommand: CiliumCommand = {
  words: 'bpf endpoint list',
  summary: 'list local endpoints',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: bpfEndpointList,
};

/** `cilium bpf metrics list`. */
export const bpfMetricsListCommand: CiliumCommand = {
  words: 'bpf metrics list',
  summary: 'list packet and byte counters',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: bpfMetricsList,
};

/** `cilium bpf ipcache list`. Rows come in the map's order; the real order is that of a Go map. */
function bpfIpcacheList(node: NodeView, flags: Flags): CommandResult {
  const entries = [...(node.map<IpcacheMap>(IPCACHE_NAME)?.entries() ?? [])];
  const data = new Map(entries.map(([key, value]) => [ipcacheKeyText(key), [ipcacheValueText(value)]]));
  return data.size === 0 && !hasOutput(flags)
    ? { exitCode: 0, stdout: '', stderr: 'No entries found.\n' }
    : keyedOutput(flags, 'IP PREFIX/ADDRESS', 'IDENTITY', data);
}

/** `cilium bpf endpoint list`. */
function bpfEndpointList(node: NodeView, flags: Flags): CommandResult {
  const entries = [...(node.map<LxcMap>(LXC_MAP_NAME)?.entries() ?? [])];
  const data = new Map(entries.map(([key, value]) => [`${formatIpv4(key.address)}:0`, [endpointInfoText(value)]]));
  return keyedOutput(flags, 'IP ADDRESS', 'LOCAL ENDPOINT INFO', data);
}

/** `cilium bpf metrics list`: rows in the order of their texts. */
function bpfMetricsList(node: NodeView, flags: Flags): CommandResult {
  const entries = [...(node.map<MetricsMap>(METRICS_MAP_NAME)?.entries() ?? [])];
  if (hasOutput(flags)) {
    return output(flags, metricsModel(entries));
  }
  if (entries.length === 0) {
    return { exitCode: 0, stdout: '', stderr: 'No entries found.\n' };
  }
  const rows = entries.map(([key, value]) => [
    dropReasonText(key.reason),
    metricDirectionName(key.dir),
    String(value.count),
    String(value.bytes),
  ]);
  rows.sort((a, b) => {
    const i = a.findIndex((cell, at) => cell !== b[at]);
    return i < 0 ? 0 : (a[i] as string) < (b[i] as string) ? -1 : 1;
  });
  return printed(ciliumTable([['REASON', 'DIRECTION', 'PACKETS', 'BYTES'], ...rows]));
}

/** By reason, then by direction. @see cilium:cilium/cmd/bpf_metrics_list.go#listJSONMetrics */
function metricsModel(entries: readonly (readonly [MetricsKey, MetricsValue])[]): object[] {
  const reasons = [...new Set(entries.map(([{ reason }]) => reason))].sort((a, b) => a - b);
  return reasons.map((reason) => ({
    reason,
    description: dropReasonText(reason),
    values: Object.fromEntries(
      entries
        .filter(([key]) => key.reason === reason)
        .map(([key, { count, bytes }]) => [metricDirectionName(key.dir).toLowerCase(), { packets: count, bytes }] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  }));
}

/** @see cilium:pkg/maps/ipcache/ipcache.go#RemoteEndpointInfo.String */
export function ipcacheValueText(value: RemoteEndpointInfo): string {
  return `identity=${value.secLabel} encryptkey=${value.key} tunnelendpoint=${formatIpv4(value.tunnelEndpoint)} nodeid=${value.nodeId}`;
}

/** @see cilium:pkg/maps/lxcmap/lxcmap.go#EndpointInfo.String */
export function endpointInfoText(value: EndpointInfo): string {
  if ((value.flags & ENDPOINT_F_HOST) !== 0) {
    return '(localhost)';
  }
  const flags = value.flags.toString(16).toUpperCase().padStart(4, '0');
  return (
    `id=${String(value.lxcId).padEnd(5)} flags=0x${flags} ifindex=${String(value.ifindex).padEnd(3)} ` +
    `mac=${formatMac(value.mac)} nodemac=${formatMac(value.nodeMac)} `
  );
}
