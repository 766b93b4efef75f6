/**
 * `cilium endpoint get`: an endpoint as JSON.
 * @see cilium:cilium/cmd/endpoint_get.go
 */
import type { EndpointApi } from '../agent_api.ts';
import type { ClusterView, NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, printed } from '../table.ts';
import type { Refused } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { findEndpoint, requireEndpointId } from './endpoint_id.ts';
import { expandNestedJson } from './nested_json.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';

const LINE = 'endpoint get ( <endpoint identifier> | -l <endpoint labels> )';

/** The command. */
export const endpointGetCommand: CiliumCommand = {
  words: 'endpoint get',
  aliases: ['endpoint inspect', 'endpoint show'],
  summary: 'show an endpoint',
  flags: [{ name: 'labels', short: 'l', value: true }, OUTPUT_FLAG],
  check,
  run,
  complete: endpointIds,
};

/** Ids of the cluster's endpoints. */
export function endpointIds(cluster: ClusterView): readonly string[] {
  return cluster.nodes.flatMap((node) => node.endpoints().map(({ id }) => String(id)));
}

function check(flags: Flags): Refused | null {
  if (flags.count('labels') > 0) {
    return flags.positional.length > 0
      ? usage('Cannot provide both endpoint ID and labels arguments concurrently', LINE)
      : checkOutput(flags);
  }
  return requireEndpointId(flags, LINE) ?? checkOutput(flags);
}

function run(node: NodeView, flags: Flags): CommandResult {
  const labels = flags.list('labels');
  const endpoints: EndpointApi[] = [];
  if (labels.length > 0) {
    endpoints.push(...node.api.endpoints().filter((endpoint) => labels.every((label) => hasLabel(endpoint, label))));
    if (endpoints.length === 0) {
      return fatal(`Cannot get endpoints for given list of labels [${labels.join(' ')}]: [GET /endpoint][404] getEndpointNotFound \n`);
    }
  } else {
    const id = flags.positional[0] ?? '';
    const found = findEndpoint(node, id, '/endpoint/{id}');
    if (!found.ok) {
      return fatal(`Cannot get endpoint ${id}: ${found.error}\n`);
    }
    endpoints.push(found.endpoint);
  }
  if (hasOutput(flags)) {
    return output(flags, endpoints);
  }
  return printed(`${expandNestedJson(`${JSON.stringify(endpoints, null, 2)}\n`)}\n`);
}

/** With its source: a label without one is of none. @see cilium:pkg/endpoint/endpoint.go#Endpoint.HasLabels */
function hasLabel({ status }: EndpointApi, label: string): boolean {
  return [...status.labels['security-relevant'], ...status.labels.derived].includes(label);
}
