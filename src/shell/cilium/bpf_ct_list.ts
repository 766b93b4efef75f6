/**
 * `cilium bpf ct list global`: the connection tracking maps.
 * @see cilium:pkg/maps/ctmap/types.go#CtEntry.String
 * @see cilium:cilium/cmd/bpf_ct_list.go#doDumpEntries
 */
import { CT_FLAG_NAMES, CT_MAP_ANY4_GLOBAL, CT_MAP_TCP4_GLOBAL, type CtEntry, type CtMap, ctTupleText } from '../../maps/ctmap.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, failed, jsonOutput, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';

/** `cilium bpf ct list`. */
export const bpfCtListCommand: CiliumCommand = {
  words: 'bpf ct list',
  summary: 'list connection tracking entries',
  flags: [
    { name: 'time-diff', short: 'd' },
    { name: 'output', short: 'o', value: true, choices: ['json'] },
  ],
  run: bpfCtList,
  complete: () => ['global'],
};

const KNOWN_FLAGS = CT_FLAG_NAMES.reduce((all, [bit]) => all | bit, 0);

/** Runs the command. Entries come in order of creation; the real order is that of a hash. */
function bpfCtList(node: NodeView, flags: Flags): CommandResult {
  const which = flags.positional[0];
  if (which === undefined) {
    return failed('Missing endpoint ID or "global" argument');
  }
  if (which !== 'global') {
    return failed(
      `Unable to open /sys/fs/bpf/tc/globals/cilium_ct4_${which.padStart(5, '0')}: no such file or directory: please try using "cilium bpf ct list global". Skipping.`,
      0,
    );
  }
  const maps = [CT_MAP_TCP4_GLOBAL, CT_MAP_ANY4_GLOBAL].map((name) => [...(node.map<CtMap>(name)?.entries() ?? [])]);
  if (flags.value('output') === 'json') {
    return printed(jsonOutput(maps.flat().map(([key, value]) => ({ Key: key, Value: value }))));
  }
  const now = flags.has('time-diff') ? node.seconds() : null;
  const dump = maps.map((entries) =>
    entries.filter(([key]) => key.nexthdr !== 0).map(([key, value]) => `${ctTupleText(key)}${ctEntryText(value, now)}\n`),
  );
  return printed(dump.map((lines) => `${lines.join('')}\n`).join(''));
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
