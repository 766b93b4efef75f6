/**
 * `cilium map list`, `cilium map get`: the maps the agent keeps, with what it remembers of them.
 * @see cilium:cilium/cmd/map_list.go
 * @see cilium:cilium/cmd/map_get.go
 * @see cilium:pkg/bpf/map_linux.go#Map.GetModel
 */
import { IPCACHE_NAME, type IpcacheMap, ipcacheKeyText } from '../../maps/ipcache.ts';
import {
  LB_LOOKUP_SCOPE_INT,
  LB4_BACKENDS_NAME,
  LB4_REVERSE_NAT_NAME,
  LB4_SERVICES_NAME,
  type Lb4BackendsMap,
  type Lb4ReverseNatMap,
  type Lb4ServicesMap,
} from '../../maps/lbmap.ts';
import { LXC_MAP_NAME, type LxcMap } from '../../maps/lxcmap.ts';
import { TUNNEL_MAP_NAME, type TunnelMap } from '../../maps/tunnel.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import { refused } from '../tool.ts';
import { lbBackendText, lbServiceText } from './bpf_lb_list.ts';
import { endpointInfoText, ipcacheValueText } from './bpf_lists.ts';
import { tunnelValueText } from './bpf_misc.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** `cilium map list`. */
export const mapListCommand: CiliumCommand = {
  words: 'map list',
  summary: 'list the maps of the agent',
  flags: [{ name: 'verbose' }, OUTPUT_FLAG],
  check: checkOutput,
  run: list,
};

/** `cilium map get`. */
export const mapGetCommand: CiliumCommand = {
  words: 'map get',
  summary: 'what the agent remembers of a map',
  flags: [OUTPUT_FLAG],
  check: (flags) => ((flags.positional[0] ?? '') === '' ? refused('Error: map name must be specified') : checkOutput(flags)),
  run: get,
  complete: (cluster) => cluster.nodes.flatMap((node) => agentMaps(node)),
};

type Rows = ReadonlyMap<string, string>;

const PATH = '/sys/fs/bpf/tc/globals';

/** Maps the agent opens itself: not the programs of endpoints. */
function agentMaps(node: NodeView): readonly string[] {
  return node.mapNames().filter((name) => !/^cilium_(?:calls|call_policy|events|signals)/.test(name));
}

/**
 * Texts of the entries of a map by text of their key; `null`: the agent does not remember them. Keys with the same text are one.
 * @see cilium:pkg/bpf/map_linux.go#Map.WithCache
 */
function cacheOf(node: NodeView, name: string): Rows | null {
  switch (name) {
    case IPCACHE_NAME:
      return rows(node.map<IpcacheMap>(name), ([key, value]) => [ipcacheKeyText(key), ipcacheValueText(value)]);
    case LXC_MAP_NAME:
      return rows(node.map<LxcMap>(name), ([key, value]) => [`${formatIpv4(key.address)}:0`, endpointInfoText(value)]);
    case LB4_SERVICES_NAME: {
      // The key's text has no slot, and the frontend is written last.
      const entries = [...(node.map<Lb4ServicesMap>(name)?.entries() ?? [])].sort(([a], [b]) => b.backendSlot - a.backendSlot);
      return new Map(
        entries.map(([key, value]) => [
          `${formatIpv4(key.address)}:${key.dport}${key.scope === LB_LOOKUP_SCOPE_INT ? '/i' : ''}`,
          lbServiceText(value),
        ]),
      );
    }
    case LB4_BACKENDS_NAME:
      return rows(node.map<Lb4BackendsMap>(name), ([id, backend]) => [String(id), lbBackendText(backend)]);
    case LB4_REVERSE_NAT_NAME:
      return rows(node.map<Lb4ReverseNatMap>(name), ([id, { address, port }]) => [String(id), `${formatIpv4(address)}:${port}`]);
    case TUNNEL_MAP_NAME:
      return rows(node.map<TunnelMap>(name), ([key, value]) => [formatIpv4(key.address), tunnelValueText(value)]);
    default:
      return null;
  }
}

function rows<K, V>(
  map: { entries(): Iterable<readonly [K, V]> } | undefined,
  text: (entry: readonly [K, V]) => readonly [string, string],
): Rows {
  return new Map([...(map?.entries() ?? [])].map(text));
}

function list(node: NodeView, flags: Flags): CommandResult {
  const maps = agentMaps(node).map((name) => ({ name, cache: cacheOf(node, name) }));
  if (hasOutput(flags)) {
    return output(flags, { maps: maps.map(({ name, cache }) => mapModel(name, cache)) });
  }
  if (flags.has('verbose')) {
    return printed(maps.map(({ name, cache }) => `## Map: ${name}\n${entriesText(cache)}\n`).join(''));
  }
  const table = maps.map(({ name, cache }) => [name, String(cache?.size ?? 0), '0', String(cache !== null)]);
  return printed(ciliumTable([['Name', 'Num entries', 'Num errors', 'Cache enabled'], ...table]));
}

function get(node: NodeView, flags: Flags): CommandResult {
  const name = flags.positional[0] ?? '';
  if (!agentMaps(node).includes(name)) {
    return fatal('[GET /map/{name}][404] getMapNameNotFound ');
  }
  const cache = cacheOf(node, name);
  return hasOutput(flags) ? output(flags, mapModel(name, cache)) : printed(entriesText(cache));
}

/** @see cilium:cilium/cmd/map_get.go#printMapEntries */
function entriesText(cache: Rows | null): string {
  if (cache === null) {
    return 'Cache is disabled\n\n';
  }
  if (cache.size === 0) {
    return 'Cache is empty\n\n';
  }
  return ciliumTable([['Key', 'Value', 'State', 'Error'], ...[...cache].map(([key, value]) => [key, value, 'sync', ''])]);
}

/** @see cilium:api/v1/models/b_p_f_map.go#BPFMap */
function mapModel(name: string, cache: Rows | null): object {
  return {
    cache: cache === null ? null : [...cache].map(([key, value]) => ({ 'desired-action': 'sync', key, value })),
    path: `${PATH}/${name}`,
  };
}
