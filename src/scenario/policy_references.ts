/** Which policies closed a direction of an endpoint, and where they were written: found in the agent's repository, not worked out again. */

import type { EgressRule, IngressRule, Path, PolicyRef, PortRuleHttp, Rule } from '../agent/policy/api/rule.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { EnforcedPolicy } from './host.ts';
import type { PolicyReference } from './result.ts';

/** The policy elements that concern one direction of an endpoint; `null` if nobody knows it. */
export function enforcedPolicy(cluster: Cluster, endpointId: number, direction: 'ingress' | 'egress'): EnforcedPolicy | null {
  for (const node of cluster.nodes) {
    const endpoint = node.agent.endpoints.get(endpointId);
    if (endpoint?.identity !== null && endpoint?.identity !== undefined) {
      const rules = node.agent.repository.rulesSelecting(endpoint.identity);
      return collect(cluster, rules, endpoint.name, direction);
    }
  }
  return null;
}

function collect(cluster: Cluster, rules: readonly Rule[], subject: string, direction: 'ingress' | 'egress'): EnforcedPolicy {
  const selecting: PolicyReference[] = [];
  const http: PolicyReference[] = [];
  for (const rule of rules) {
    const elements: readonly (IngressRule | EgressRule)[] =
      direction === 'ingress' ? [...rule.ingress, ...rule.ingressDeny] : [...rule.egress, ...rule.egressDeny];
    if (elements.length === 0) {
      continue;
    }
    selecting.push(
      reference(cluster, rule.ref, [...rule.path, 'endpointSelector'], `selects ${subject} and thereby closes its ${direction}`),
    );
    for (const element of elements) {
      for (const [index, portRule] of element.toPorts.entries()) {
        for (const [at, httpRule] of (portRule.rules?.http ?? []).entries()) {
          const path = [...element.path, 'toPorts', index, 'rules', 'http', at];
          http.push(reference(cluster, rule.ref, path, `allows ${httpText(httpRule)}`));
        }
      }
    }
  }
  return { selecting, http };
}

function reference(cluster: Cluster, ref: PolicyRef, path: Path, says: string): PolicyReference {
  const origin = cluster.api.origin(ref.kind, ref.namespace, ref.name);
  const name = ref.namespace === '' ? ref.name : `${ref.namespace}/${ref.name}`;
  return { policy: `${ref.kind} ${name}`, position: origin === null ? null : { file: origin.file, ...origin.locate(path) }, says };
}

function httpText(rule: PortRuleHttp): string {
  const parts = [rule.method === '' ? 'any method' : rule.method, rule.path === '' ? 'any path' : rule.path];
  if (rule.host !== '') {
    parts.push(`host ${rule.host}`);
  }
  return parts.join(' ');
}
