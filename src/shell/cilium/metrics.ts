/**
 * `cilium metrics list`.
 * @see cilium:cilium/cmd/metrics_list.go
 */
import { goRegexp } from '../../agent/policy/api/go_regexp.ts';
import type { MetricApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import { refused } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** The command. */
export const metricsListCommand: CiliumCommand = {
  words: 'metrics list',
  summary: 'metrics of the agent',
  flags: [{ name: 'match-pattern', short: 'p', value: true }, OUTPUT_FLAG],
  check: (flags) => {
    const pattern = goRegexp(flags.value('match-pattern') ?? '');
    return typeof pattern === 'function' ? checkOutput(flags) : refused(`Error: Cannot compile regex: ${pattern.error}`);
  },
  run,
};

function run(node: NodeView, flags: Flags): CommandResult {
  const pattern = goRegexp(flags.value('match-pattern') ?? '');
  const metrics = node.api.metrics().filter(({ name }) => typeof pattern === 'function' && pattern(name));
  if (hasOutput(flags)) {
    return output(
      flags,
      metrics.map(({ name, labels, value }) => ({
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
        name,
        ...(value === 0 ? {} : { value }),
      })),
    );
  }
  return printed(
    ciliumTable([['Metric', 'Labels', 'Value'], ...metrics.map((metric) => [metric.name, labelsText(metric), metric.value.toFixed(6)])]),
  );
}

function labelsText({ labels }: MetricApi): string {
  return Object.keys(labels)
    .sort()
    .map((name) => `${name}="${labels[name] ?? ''}"`)
    .join(' ');
}
