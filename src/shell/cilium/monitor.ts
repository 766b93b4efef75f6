/**
 * `cilium monitor`: as a listing of everything seen so far, since a scenario has no second terminal.
 * @see cilium:cilium/cmd/monitor.go
 */
import { formatMonitor, MONITOR_TYPES, type MonitorOptions, type MonitorType } from '../../monitor/format.ts';
import type { NodeView } from '../cluster_view.ts';
import { type Flags, parseFlags } from '../flags.ts';
import { type CommandResult, failed } from '../table.ts';

/** What the command says on standard error before it listens. */
const GREETING = 'Listening for events on 1 CPUs with 64x4096 of shared memory\nPress Ctrl-C to quit\n';

/** Runs the command. */
export function monitor(node: NodeView, args: readonly string[]): CommandResult {
  const parsed = parseFlags(args, [
    { name: 'type', short: 't', value: true },
    { name: 'from', value: true },
    { name: 'to', value: true },
    { name: 'related-to', value: true },
    { name: 'verbose', short: 'v' },
    { name: 'json', short: 'j' },
    { name: 'numeric', short: 'n' },
  ]);
  if (!parsed.ok) {
    return failed(`Error: ${parsed.error}`);
  }
  const { flags } = parsed;
  const unknown = flags.list('type').find((type) => !MONITOR_TYPES.includes(type as MonitorType));
  if (unknown !== undefined) {
    return failed(
      `Error: invalid argument "${unknown}" for "-t, --type" flag: unknown type (${unknown}). Please use one of the following ones [${MONITOR_TYPES.join(' ')}]`,
    );
  }
  const lines = formatMonitor(node.events, node, monitorOptions(flags));
  return { exitCode: 0, stdout: lines.map((line) => `${line}\n`).join(''), stderr: GREETING };
}

function monitorOptions(flags: Flags): MonitorOptions {
  const verbose = flags.count('verbose');
  return {
    types: flags.list('type') as MonitorType[],
    from: flags.list('from').map(Number),
    to: flags.list('to').map(Number),
    relatedTo: flags.list('related-to').map(Number),
    verbosity: flags.has('json') ? 'json' : verbose >= 2 ? 'verbose' : verbose === 1 ? 'debug' : 'info',
    numeric: flags.has('numeric'),
  };
}
