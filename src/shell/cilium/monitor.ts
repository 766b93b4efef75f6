/**
 * `cilium monitor`. In the foreground of a script or as a scenario's step, where there is no second terminal, it lists everything seen so far.
 * @see cilium:cilium/cmd/monitor.go
 */
import type { MonitorEvent } from '../../monitor/event.ts';
import { formatMonitor, MONITOR_TYPES, type MonitorOptions, type MonitorType } from '../../monitor/format.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import type { CommandResult } from '../table.ts';
import { type Follower, type Refused, refused } from '../tool.ts';
import type { CiliumCommand } from './command.ts';

/** `cilium monitor`. */
export const monitorCommand: CiliumCommand = {
  words: 'monitor',
  summary: 'print events of the datapath',
  flags: [
    { name: 'type', short: 't', value: true, choices: MONITOR_TYPES },
    { name: 'from', value: true },
    { name: 'to', value: true },
    { name: 'related-to', value: true },
    { name: 'verbose', short: 'v' },
    { name: 'json', short: 'j' },
    { name: 'numeric', short: 'n' },
    { name: 'hex' },
    { name: 'monitor-socket', value: true },
  ],
  check,
  run,
  follow,
};

/** What the command says on standard error before it listens. */
const GREETING = 'Listening for events on 1 CPUs with 64x4096 of shared memory\nPress Ctrl-C to quit\n';

function check(flags: Flags): Refused | null {
  if (flags.positional.length > 0) {
    return refused('Error: arguments not recognized');
  }
  for (const name of ['from', 'to', 'related-to']) {
    const wrong = flags.given.find(([flag, value]) => flag === name && !/^[-+]?\d{1,18}$/.test(value));
    if (wrong !== undefined) {
      const text = JSON.stringify(wrong[1]);
      return refused(`Error: invalid argument ${text} for "--${name}" flag: strconv.Atoi: parsing ${text}: invalid syntax`);
    }
  }
  const unknown = flags.list('type').find((type) => !MONITOR_TYPES.includes(type as MonitorType));
  return unknown === undefined
    ? null
    : refused(
        `Error: invalid argument "${unknown}" for "-t, --type" flag: unknown type (${unknown}). Please use one of the following ones [${MONITOR_TYPES.join(' ')}]`,
      );
}

/** Everything seen so far. @remarks Simplified: the real command prints only what comes after it was started, as {@link follow} does. */
function run(node: NodeView, flags: Flags): CommandResult {
  return { exitCode: 0, stdout: lines(node, node.events.since(0), flags), stderr: GREETING };
}

/** What comes from now on. */
function follow(node: NodeView, flags: Flags): Follower {
  let seen = node.events.total;
  let greeting = GREETING;
  return {
    next: () => {
      const stdout = lines(node, node.events.since(seen), flags);
      const stderr = greeting;
      seen = node.events.total;
      greeting = '';
      return { exitCode: 0, stdout, stderr };
    },
  };
}

function lines(node: NodeView, events: readonly MonitorEvent[], flags: Flags): string {
  return formatMonitor(events, node, monitorOptions(flags))
    .map((line) => `${line}\n`)
    .join('');
}

function monitorOptions(flags: Flags): MonitorOptions {
  const verbose = flags.count('verbose');
  return {
    types: flags.list('type') as MonitorType[],
    from: flags.list('from').map(endpointId),
    to: flags.list('to').map(endpointId),
    relatedTo: flags.list('related-to').map(endpointId),
    hex: flags.has('hex'),
    verbosity: flags.has('json') ? 'json' : verbose === 2 ? 'verbose' : verbose === 1 ? 'debug' : 'info',
    numeric: flags.has('numeric'),
  };
}

/** Numbers are cut to 16 bits. @see cilium:pkg/monitor/format/format.go#Uint16Flags.Set */
function endpointId(text: string): number {
  return Number(text) & 0xffff;
}
