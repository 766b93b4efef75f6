/**
 * `cilium config`, `cilium config get`.
 * @see cilium:cilium/cmd/config.go
 * @see cilium:cilium/cmd/config_get.go
 * @remarks Not modelled: changing options of a running agent.
 */
import type { ConfigApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, printed } from '../table.ts';
import { type Refused, refused } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';

/** `cilium config`. */
export const configCommand: CiliumCommand = {
  words: 'config',
  summary: 'options of the agent',
  flags: [
    { name: 'all', short: 'a' },
    { name: 'read-only', short: 'r' },
    { name: 'list-options' },
    { name: 'num-pages', short: 'n', value: true },
    OUTPUT_FLAG,
  ],
  check,
  run: (node, flags) => printConfig(node.api.config(), flags),
};

/** `cilium config get`. */
export const configGetCommand: CiliumCommand = {
  words: 'config get',
  summary: 'one option of the agent',
  flags: [OUTPUT_FLAG],
  check: (flags) => (flags.positional[0] === undefined ? usage('Missing config name argument', 'config get <config name>') : null),
  run: getConfig,
};

function check(flags: Flags): Refused | null {
  const [option] = flags.positional;
  if (option !== undefined) {
    return option.includes('=')
      ? refused('Error: cilium config: options of a running agent cannot be changed here; set the options of the cluster in the scenario')
      : refused('Error: Improper configuration format provided');
  }
  if (flags.count('num-pages') + flags.count('list-options') > 0) {
    return refused('Error: cilium config: --num-pages and --list-options are not modelled');
  }
  return checkOutput(flags);
}

/** Options as `name: value` lines, sorted. @see cilium:cilium/cmd/helpers.go#dumpConfig */
export function configLines(options: Readonly<Record<string, string>>): string {
  return Object.keys(options)
    .sort()
    .map((name) => `${name.padEnd(34)}: ${options[name] ?? ''}\n`)
    .join('');
}

/** @see cilium:cilium/cmd/config.go#printConfigurations */
function printConfig(config: ConfigApi, flags: Flags): CommandResult {
  const [readOnly, all] = [flags.has('read-only'), flags.has('all')];
  if (hasOutput(flags)) {
    const realized = { options: config.options, 'policy-enforcement': config.policyEnforcement };
    return output(flags, readOnly ? config.readOnly : all ? { ...config.readOnly, ...realized } : config.options);
  }
  return printed((readOnly || all ? readOnlyText(config) : '') + (readOnly ? '' : readWriteText(config)));
}

function readOnlyText(config: ConfigApi): string {
  const lines = Object.keys(config.readOnly)
    .sort()
    .map((name) => `${name.padEnd(34)}: ${String(config.readOnly[name])}\n`);
  return (
    `#### Read-only configurations ####\n${lines.join('')}` +
    `${'k8s-configuration'.padEnd(34)}: ${config.k8sConfiguration}\n${'k8s-endpoint'.padEnd(34)}: ${config.k8sEndpoint}\n`
  );
}

function readWriteText(config: ConfigApi): string {
  return (
    `##### Read-write configurations #####\n${configLines(config.options)}` +
    `${'MonitorNumPages'.padEnd(34)}: ${config.monitorNumPages}\n${'PolicyEnforcement'.padEnd(34)}: ${config.policyEnforcement}\n`
  );
}

/** Names count without case and hyphens. */
function getConfig(node: NodeView, flags: Flags): CommandResult {
  const config = node.api.config();
  const plain = (name: string): string => name.toLowerCase().replace(/\W/g, '');
  const wanted = plain(flags.positional[0] ?? '');
  const values = { ...config.readOnly, ...config.options, PolicyEnforcement: config.policyEnforcement };
  const found = Object.entries(values).find(([name]) => plain(name) === wanted);
  return found === undefined ? fatal('Configuration does not exist') : printed(`${String(found[1])}\n`);
}
