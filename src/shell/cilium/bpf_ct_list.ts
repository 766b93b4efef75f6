/**
 * `cilium bpf ct list global`: the connection tracking maps.
 * @see cilium:pkg/maps/ctmap/types.go#CtEntry.String
 * @see cilium:cilium/cmd/bpf_ct_list.go#doDumpEntries
 */
import {
  CT_FLAG_NAMES,
  CT_MAP_ANY4_GLOBAL,
  CT_MAP_TCP4_GLOBAL,
  type CtEntry,
  type CtMap,
  ctTupleText,
  type Ipv4CtTuple,
} from '../../maps/ctmap.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, printed } from '../table.ts';
import type { Refused } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { requireEndpointId } from './endpoint_id.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';

/** `cilium bpf ct list`. */
export const bpfCtListCommand: CiliumCommand = {
  words: 'bpf ct list',
  summary: 'list connection tracking entries',
  flags: [
    { name: 'time-diff', short: 'd' },
    { name: 'time-diff-clocksource-mode', value: true },
    { name: 'time-diff-clocksource-hz', value: true },
    OUTPUT_FLAG,
  ],
  check: (flags) => requireEndpointIdOrGlobal(flags, 'bpf ct list ( <endpoint identifier> | global )') ?? checkOutput(flags),
  run: bpfCtList,
  complete: () => ['global'],
};

const KNOWN_FLAGS = CT_FLAG_NAMES.reduce((all, [bit]) => all | bit, 0);

/** `cilium bpf ct flush`. */
export const bpfCtFlushCommand: CiliumCommand = {
  words: 'bpf ct flush',
  summary: 'delete all connection tracking entries',
  flags: [],
  check: (flags) => requireEndpointIdOrGlobal(flags, 'bpf ct flush ( <endpoint identifier> | global )'),
  run: flush,
  complete: () => ['global'],
};

const PATH = '/sys/fs/bpf/tc/globals';

/** @see cilium:cilium/cmd/helpers.go#requireEndpointIDorGlobal */
function requireEndpointIdOrGlobal(flags: Flags, line: string): Refused | null {
  const [which] = flags.positional;
  if (which === undefined) {
    return usage("Missing endpoint id or 'global' argument", line);
  }
  return which === 'global' ? null : requireEndpointId(flags, line);
}

/** Runs the command. Entries come in order of creation; the real order is that of a hash. */
function bpfCtList(node: NodeView, flags: Flags): CommandResult {
  const which = flags.positional[0] ?? '';
  const missing = which === 'global' ? '' : missingMaps(which, 'list');
  const maps = which === 'global' ? globalMaps(node).map(({ map }) => [...map.entries()]) : [];
  if (hasOutput(flags)) {
    return { ...output(flags, maps.flat().map(ctRecord)), stderr: missing };
  }
  const now = flags.has('time-diff') ? node.seconds() : null;
  const dump = maps.map((entries) =>
    entries.filter(([key]) => key.nexthdr !== 0).map(([key, value]) => `${ctTupleText(key)}${ctEntryText(value, now)}\n`),
  );
  return { exitCode: 0, stdout: dump.map((lines) => `${lines.join('')}\n`).join(''), stderr: missing };
}

/** @see cilium:cilium/cmd/bpf_ct_flush.go#flushCt */
function flush(node: NodeView, flags: Flags): CommandResult {
  const which = flags.positional[0] ?? '';
  if (which !== 'global') {
    return { exitCode: 0, stdout: '', stderr: missingMaps(which, 'flush') };
  }
  const lines = globalMaps(node).map(({ name, map }) => {
    const keys = [...map.entries()].map(([key]) => key);
    for (const key of keys) {
      map.delete(key);
    }
    return `Flushed ${keys.length} entries from ${PATH}/${name}\n`;
  });
  return printed(lines.join(''));
}

function globalMaps(node: NodeView): { readonly name: string; readonly map: CtMap }[] {
  return [CT_MAP_TCP4_GLOBAL, CT_MAP_ANY4_GLOBAL].flatMap((name) => {
    const map = node.map<CtMap>(name);
    return map === undefined ? [] : [{ name, map }];
  });
}

/** Endpoints have no maps of their own. @see cilium:pkg/maps/ctmap/ctmap.go#LocalMaps */
function missingMaps(id: string, verb: 'list' | 'flush'): string {
  const number = String(/^\d+$/.test(id) ? Number(id) : 0).padStart(5, '0');
  return ['cilium_ct4_', 'cilium_ct_any4_', 'cilium_ct6_', 'cilium_ct_any6_']
    .map((prefix) => `${PATH}/${prefix}${number}`)
    .map(
      (path) =>
        `Unable to open ${path}: Unable to get object ${path}: no such file or directory: please try using "cilium bpf ct ${verb} global". Skipping.\n`,
    )
    .join('');
}

/** A record as the structures of the map have it: ports and the reverse NAT index in network byte order. @see cilium:pkg/maps/ctmap/ctmap.go#CtMapRecord */
function ctRecord([key, value]: readonly [Ipv4CtTuple, CtEntry]): object {
  const bytes = (address: number): number[] => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff);
  return {
    Key: {
      DestAddr: bytes(key.daddr),
      SourceAddr: bytes(key.saddr),
      DestPort: networkOrder(key.dport),
      SourcePort: networkOrder(key.sport),
      NextHeader: key.nexthdr,
      Flags: key.flags,
    },
    Value: {
      RxPackets: value.rxPackets,
      RxBytes: value.rxBytes,
      TxPackets: value.txPackets,
      TxBytes: value.txBytes,
      Lifetime: value.lifetime,
      Flags: value.flags,
      RevNAT: networkOrder(value.revNatIndex),
      IfIndex: value.ifindex,
      TxFlagsSeen: value.txFlagsSeen,
      RxFlagsSeen: value.rxFlagsSeen,
      SourceSecurityID: value.srcSecId,
      LastTxReport: value.lastTxReport,
      LastRxReport: value.lastRxReport,
    },
  };
}

/** A 16-bit number with its bytes swapped, as a little-endian machine reads network byte order. */
export function networkOrder(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

/** The value part of a line, with its trailing blank; with `now` also the seconds left. */
export function ctEntryText(entry: CtEntry, now: number | null): string {
  const remaining = now === null ? '' : ` (remaining: ${entry.lifetime - now} sec(s))`;
  return (
    `expires=${entry.lifetime}${remaining} RxPackets=${entry.rxPackets} RxBytes=${entry.rxBytes} RxFlagsSeen=${hex(entry.rxFlagsSeen, 2)} ` +
    `LastRxReport=${entry.lastRxReport} TxPackets=${entry.txPackets} TxBytes=${entry.txBytes} TxFlagsSeen=${hex(entry.txFlagsSeen, 2)} ` +
    `LastTxReport=${entry.lastTxReport} ${ctFlagsText(entry.flags)} RevNAT=${entry.revNatIndex} SourceSecurityID=${entry.srcSecId} IfIndex=${entry.ifindex} `
  );
}

/** `Flags=0x0013 [ RxClosing TxClosing SeenNonSyn ]`. @see cilium:pkg/maps/ctmap/types.go#CtEntry.flagsString */
export function ctFlagsText(flags: number): string {
  const names = CT_FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => `${name} `);
  const unknown = flags & ~KNOWN_FLAGS;
  return `Flags=${hex(flags, 4)} [ ${names.join('')}${unknown === 0 ? '' : `Unknown=${hex(unknown, 4)} `}]`;
}

/** Go's `%#0Nx`, whose width does not count the 0x. */
function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
