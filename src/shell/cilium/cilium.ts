/**
 * The `cilium` command of the agent's pod: which words lead to which listing.
 * @see cilium:cilium/cmd/root.go
 */
import type { NodeView } from '../cluster_view.ts';
import { type CommandResult, printed } from '../table.ts';
import { identityList, policyGet, serviceList } from './agent_lists.ts';
import { bpfCtList } from './bpf_ct_list.ts';
import { bpfLbList } from './bpf_lb_list.ts';
import { bpfEndpointList, bpfIpcacheList, bpfMetricsList } from './bpf_lists.ts';
import { bpfPolicyGet } from './bpf_policy_get.ts';
import { endpointList } from './endpoint_list.ts';
import { monitor } from './monitor.ts';
import { status } from './status.ts';

/** A command: what it does with a node and its remaining arguments. */
export type CiliumCommand = (node: NodeView, args: readonly string[]) => CommandResult;

const COMMANDS: Readonly<Record<string, CiliumCommand>> = {
  'bpf ct list': bpfCtList,
  'bpf endpoint list': bpfEndpointList,
  'bpf ipcache list': bpfIpcacheList,
  'bpf lb list': bpfLbList,
  'bpf metrics list': bpfMetricsList,
  'bpf policy get': bpfPolicyGet,
  'endpoint list': endpointList,
  'identity list': identityList,
  monitor,
  'policy get': policyGet,
  'service list': serviceList,
  status,
  version: (node) => printed(`Client: ${node.status().ciliumVersion}\nDaemon: ${node.status().ciliumVersion}\n`),
};

/** The commands by their words. */
export const CILIUM_COMMANDS: readonly string[] = Object.keys(COMMANDS);

/** The command that the first words name, with the rest as its arguments, or `null`. `ls` stands for `list`. */
export function findCiliumCommand(words: readonly string[]): { readonly run: CiliumCommand; readonly args: readonly string[] } | null {
  const plain = words.map((word, i) => (word === 'ls' && i > 0 ? 'list' : word));
  for (let length = 3; length >= 1; length--) {
    const run = COMMANDS[plain.slice(0, length).join(' ')];
    if (run !== undefined) {
      return { run, args: words.slice(length) };
    }
  }
  return null;
}
