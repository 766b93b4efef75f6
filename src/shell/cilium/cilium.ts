/**
 * The `cilium` command of the agent's pod: which words lead to which command.
 * @see cilium:cilium/cmd/root.go
 */
import { nearest } from '../../net/nearest_word.ts';
import { agentNode } from '../agent_node.ts';
import { completeFlags, type FlagSpec, flagHint, parseFlags } from '../flags.ts';
import { failed } from '../table.ts';
import { type Parsed, type Ready, refused, type Tool } from '../tool.ts';
import { bpfCtFlushCommand, bpfCtListCommand } from './bpf_ct_list.ts';
import { bpfLbListCommand } from './bpf_lb_list.ts';
import { bpfEndpointListCommand, bpfIpcacheListCommand, bpfMetricsListCommand } from './bpf_lists.ts';
import { bpfEndpointDeleteCommand, bpfIpcacheGetCommand, bpfTunnelListCommand } from './bpf_misc.ts';
import { bpfNatListCommand } from './bpf_nat_list.ts';
import { bpfPolicyGetCommand, bpfPolicyListCommand } from './bpf_policy_get.ts';
import type { CiliumCommand } from './command.ts';
import { configCommand, configGetCommand } from './config.ts';
import { endpointConfigCommand, endpointHealthCommand, endpointLabelsCommand, endpointLogCommand } from './endpoint_details.ts';
import { endpointGetCommand } from './endpoint_get.ts';
import { endpointListCommand } from './endpoint_list.ts';
import { fqdnCacheCleanCommand, fqdnCacheListCommand, fqdnNamesCommand } from './fqdn.ts';
import { identityGetCommand, identityListCommand } from './identity.ts';
import { mapGetCommand, mapListCommand } from './map.ts';
import { metricsListCommand } from './metrics.ts';
import { monitorCommand } from './monitor.ts';
import { nodeListCommand } from './node_list.ts';
import { policyDeleteCommand, policyGetCommand, policyImportCommand, policyValidateCommand } from './policy_rules.ts';
import { policyTraceCommand } from './policy_trace.ts';
import { policySelectorsCommand, policyWaitCommand } from './policy_wait.ts';
import { serviceGetCommand, serviceListCommand } from './service.ts';
import { statusCommand } from './status.ts';
import { versionCommand } from './version.ts';

const COMMANDS: readonly CiliumCommand[] = [
  bpfCtFlushCommand,
  bpfCtListCommand,
  bpfEndpointDeleteCommand,
  bpfEndpointListCommand,
  bpfIpcacheGetCommand,
  bpfIpcacheListCommand,
  bpfLbListCommand,
  bpfMetricsListCommand,
  bpfNatListCommand,
  bpfPolicyGetCommand,
  bpfPolicyListCommand,
  bpfTunnelListCommand,
  configCommand,
  configGetCommand,
  endpointConfigCommand,
  endpointGetCommand,
  endpointHealthCommand,
  endpointLabelsCommand,
  endpointListCommand,
  endpointLogCommand,
  fqdnCacheCleanCommand,
  fqdnCacheListCommand,
  fqdnNamesCommand,
  identityGetCommand,
  identityListCommand,
  mapGetCommand,
  mapListCommand,
  metricsListCommand,
  monitorCommand,
  nodeListCommand,
  policyDeleteCommand,
  policyGetCommand,
  policyImportCommand,
  policySelectorsCommand,
  policyTraceCommand,
  policyValidateCommand,
  policyWaitCommand,
  serviceGetCommand,
  serviceListCommand,
  statusCommand,
  versionCommand,
];

/** Commands of the real tool that have no model. */
const NOT_MODELLED: readonly string[] = [
  'bpf bandwidth',
  'bpf egress',
  'bpf ipmasq',
  'bpf lb maglev',
  'bpf migrate-maps',
  'bpf mountfs',
  'bpf nat flush',
  'bpf policy add',
  'bpf policy delete',
  'bpf recorder',
  'bpf sha',
  'bpf srv6',
  'bpf vtep',
  'cleanup',
  'completion',
  'debuginfo',
  'encrypt',
  'endpoint disconnect',
  'endpoint regenerate',
  'ip',
  'kvstore',
  'lrp',
  'map events',
  'prefilter',
  'preflight',
  'recorder',
  'service delete',
  'service update',
];

/** Flags of every command. @see cilium:cilium/cmd/root.go#init */
const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { name: 'config', value: true },
  { name: 'debug', short: 'D' },
  { name: 'host', short: 'H', value: true },
];

/** The tool. */
export const ciliumTool: Tool = {
  name: 'cilium',
  summary: "the agent's command line: endpoints, identities, policy, BPF maps, monitor",
  parse,
  complete: (words, cluster) => {
    const found = findCommand(words);
    if (found === null) {
      return nextWords(words.slice(0, -1));
    }
    return completeFlags(words, [...found.command.flags, ...GLOBAL_FLAGS]) ?? found.command.complete?.(cluster) ?? [];
  },
};

function parse(words: readonly string[]): Parsed {
  const found = findCommand(words);
  if (found === null) {
    return unknownCommand(words);
  }
  const { command, args } = found;
  const specs = [...command.flags, ...GLOBAL_FLAGS.filter(({ name }) => !command.flags.some((one) => one.name === name))];
  const parsed = parseFlags(args, specs);
  if (!parsed.ok) {
    const hint = flagHint(parsed.error, specs);
    return refused(`Error: ${parsed.error}`, 1, `${hint === null ? '' : `${hint}\n`}Run 'cilium ${command.words} --help' for usage.`);
  }
  const { flags } = parsed;
  const wrong = command.check?.(flags) ?? null;
  if (wrong !== null) {
    return wrong;
  }
  const run: Ready['run'] = (context) => {
    const node = agentNode(context);
    return typeof node === 'string' ? failed(node) : command.run(node, flags, context);
  };
  const { follow } = command;
  if (follow === undefined) {
    return { ok: true, run };
  }
  return {
    ok: true,
    run,
    follow: (context) => {
      const node = agentNode(context);
      return typeof node === 'string' ? { next: () => failed(node) } : follow(node, flags, context);
    },
  };
}

/** The command that the first words name, with the rest as its arguments, or `null`. */
function findCommand(words: readonly string[]): { readonly command: CiliumCommand; readonly args: readonly string[] } | null {
  const plain = words.map((word, i) => (word === 'ls' && i > 0 ? 'list' : word));
  for (let length = 4; length >= 1; length--) {
    const typed = plain.slice(0, length).join(' ');
    const command =
      plain.length < length ? undefined : COMMANDS.find((one) => one.words === typed || one.aliases?.includes(typed) === true);
    if (command !== undefined) {
      return { command, args: words.slice(length) };
    }
  }
  return null;
}

/** What may follow some first words. */
function nextWords(words: readonly string[]): string[] {
  const typed = words.length === 0 ? '' : `${words.join(' ')} `;
  const next = COMMANDS.filter((one) => one.words.startsWith(typed)).map((one) => one.words.slice(typed.length).split(' ')[0] as string);
  return [...new Set(next)];
}

function unknownCommand(words: readonly string[]): Parsed {
  const typed = words.filter((word) => !word.startsWith('-')).join(' ');
  const missing = NOT_MODELLED.find((one) => `${typed} `.startsWith(`${one} `));
  if (missing !== undefined) {
    return refused(`Error: cilium ${missing} is not modelled`);
  }
  const group = [...words.keys()].reverse().find((count) => count > 0 && nextWords(words.slice(0, count)).length > 0) ?? 0;
  const known = COMMANDS.map((one) => one.words);
  const suggestion = nearest(typed, known);
  const path = ['cilium', ...words.slice(0, group)].join(' ');
  const next = nextWords(words.slice(0, group)).join(', ');
  const error =
    typed === '' || words.length === group
      ? `Error: ${path} needs a command`
      : `Error: unknown command "${words[group] ?? ''}" for "${path}"`;
  return refused(`${error}; ${suggestion === null ? `known: ${next}` : `did you mean "cilium ${suggestion}"?`}`);
}
