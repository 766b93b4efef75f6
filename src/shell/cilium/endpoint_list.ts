/**
 * `cilium endpoint list`.
 * @see cilium:cilium/cmd/endpoint_list.go#printEndpointList
 */
import type { EndpointView, NodeView } from '../cluster_view.ts';
import { parseFlags } from '../flags.ts';
import { type CommandResult, ciliumTable, failed, printed } from '../table.ts';

/** Runs the command. */
export function endpointList(node: NodeView, args: readonly string[]): CommandResult {
  const parsed = parseFlags(args, [{ name: 'no-headers' }]);
  if (!parsed.ok) {
    return failed(`Error: ${parsed.error}`);
  }
  const rows: string[][] = parsed.flags.has('no-headers')
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
  const [ipv6, ipv4] = endpoint.ipv4 === '' ? ['No address', 'No address'] : ['', endpoint.ipv4];
  return [String(endpoint.id), ingress, egress, identity, label, ipv6, ipv4, endpoint.state, ''];
}

/** @see cilium:cilium/cmd/endpoint_list.go#endpointPolicyMode */
function enforcementTexts({ enforcement }: EndpointView): readonly [string, string] {
  if (enforcement === null) {
    return ['Unknown', 'Unknown'];
  }
  const text = (on: boolean): string => (!on ? 'Disabled' : enforcement.audit ? 'Disabled (Audit)' : 'Enabled');
  return [text(enforcement.ingress), text(enforcement.egress)];
}
