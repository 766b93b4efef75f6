/** The API of a node's agent as the commands call it: a call that the agent answers later lets time run until it does. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Node } from '../cluster/node.ts';
import { formatCidr4, formatIpv4, parseCidr4 } from '../net/ipv4.ts';
import type { AgentApi, ApiResult, NodeApi, PolicyApi } from '../shell/agent_api.ts';
import { SECOND } from '../sim/clock.ts';

/** How long a client waits for an answer. @see cilium:pkg/api/const.go#ClientTimeout */
const CLIENT_TIMEOUT = 90 * SECOND;

/** The API. */
export function agentApi(cluster: Cluster, node: Node): AgentApi {
  const call = (start: (done: (answer: ApiResult<PolicyApi>) => void) => void): ApiResult<PolicyApi> => {
    let answer: ApiResult<PolicyApi> | null = null;
    start((value) => {
      answer = value;
    });
    cluster.runUntil(() => answer !== null, CLIENT_TIMEOUT);
    return answer ?? { ok: false, error: 'Cilium API client timeout exceeded' };
  };
  return {
    endpoints: () => node.api.endpoints(),
    endpointLog: (id) => node.api.endpointLog(id),
    nodes: () => cluster.nodes.map(nodeApi),
    policyGet: (labels) => node.api.policyGet(labels),
    endpointSetAuditMode: (id, enabled) => node.api.endpointSetAuditMode(id, enabled),
    policyCheck: (rules) => node.api.policyCheck(rules),
    policyPut: (rules) => call((done) => node.api.policyPut(rules, done)),
    policyDelete: (labels) => call((done) => node.api.policyDelete(labels, done)),
    policyResolve: (selector) => node.api.policyResolve(selector),
    policySelectors: () => node.api.policySelectors(),
    fqdnCache: (pattern) => node.api.fqdnCache(pattern),
    fqdnClean: (pattern) => node.api.fqdnClean(pattern),
    fqdnNames: () => node.api.fqdnNames(),
    config: () => node.api.config(),
    metrics: () => node.api.metrics(),
    redirects: () => node.api.redirects(),
    allocations: () => node.api.allocations(),
  };
}

function nodeApi(node: Node): NodeApi {
  const range = parseCidr4(node.podCIDR);
  const health = node.api.allocations().find(({ owner }) => owner === 'health');
  return {
    name: node.name,
    ip: node.ip,
    allocRange: range === null ? '' : formatCidr4(range),
    healthIp: health?.ip ?? '',
    routerIp: formatIpv4(node.agent.routerIp),
  };
}
