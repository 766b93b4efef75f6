/**
 * `cilium endpoint list`.
 * @see cilium:cilium/cmd/endpoint_list.go#printEndpointList
 */
import type { EndpointView, NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** `cilium endpoint list`. */
export const endpointListCommand: CiliumCommand = {
  words: 'endpoint list',
  summary: 'list endpoints',
  flags: [{ name: 'no-headers' }, OUTPUT_FLAG],
  check: checkOutput,
  run: endpointList,
};

/** Runs the command. */
function endpointList(node: NodeView, flags: Flags): CommandResult {
  if (hasOutput(flags)) {
    return output(flags, node.api.endpoints());
  }
  const rows: string[][] = flags.has('no-headers')
    ? []
    : [
        ['ENDPOINT', 'POLICY (ingress)', 'POLICY (egress)', 'IDENTITY', 'LABELS (source:key[=value])', 'IPv6', 'IPv4', 'STATUS', ''],
        ['', 'ENFORCEMENT', 'ENFORCEMENT', '', '', '', '', '', ''],
      ];
  for (const endpoint of [...node.endpoints()].sort((a, b) => a.id - b.id)) {
    const labels = endpoint.labels.length === 0 ? ['no labels'] : endpoint.labels;
    labels.forEach((label, i) => rows.push(i === 0 ? endpointRow(endpoint, label) : ['', '', '', '', label, '', '', '', '']));
  }
  return printed(ciliumTable(rows));
}

function endpointRow(endpoint: EndpointView, label: string): string[] {
  const [ingress, egress] = enforcementTexts(endpoint);
  const identity = endpoint.identity === null ? '<no label id>' : String(endpoint.identity);
  return [String(endpoint.id), ingress, egress, identity, label, '', endpoint.ipv4, endpoint.state, ''];
}

/** @see cilium:cilium/cmd/endpoint_list.go#endpointPolicyMode */
function enforcementTexts({ enforcement }: EndpointView): readonly [string, string] {
  if (enforcement === null) {
    return ['Unknown', 'Unknown'];
  }
  const text = (on: boolean): string => (!on ? 'Disabled' : enforcement.audit ? 'Disabled (Audit)' : 'Enabled');
  return [text(enforcement.ingress), text(enforcement.egress)];
}
