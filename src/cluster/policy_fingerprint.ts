/**
 * What is enforced on a cluster, as texts that can be compared: policy maps, the proxy's policies and the DNS proxy's rules of every endpoint, with
 * identities by their labels and listeners by their names. Equal fingerprints mean that no packet and no request can tell the difference.
 */
import { unpackKey } from '../agent/policy/mapstate.ts';
import type { NetworkPolicy, PortNetworkPolicy } from '../xds/npds.ts';
import { NETWORK_POLICY_TYPE_URL } from '../xds/stream.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';

/** Lines of the fingerprint by endpoint: `node1 default/deathstar`. */
export type PolicyFingerprint = ReadonlyMap<string, readonly string[]>;

/** The fingerprint of all endpoints as they now are. */
export function policyFingerprint(cluster: Cluster): PolicyFingerprint {
  const found = new Map<string, readonly string[]>();
  for (const node of cluster.nodes) {
    const labels = new Map(node.agent.identityViews().map(({ id, labels: texts }) => [id, texts.join(',')]));
    const name = (id: number): string => (id === 0 ? '*' : (labels.get(id) ?? String(id)));
    for (const endpoint of node.agent.endpoints.list()) {
      found.set(`${node.name} ${endpoint.name}`, endpointLines(node, endpoint.id, name));
    }
  }
  return found;
}

/** The endpoints at which two fingerprints differ. */
export function differingEndpoints(a: PolicyFingerprint, b: PolicyFingerprint): string[] {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].filter((name) => a.get(name)?.join('\n') !== b.get(name)?.join('\n')).sort();
}

function endpointLines(node: Node, id: number, name: (identity: number) => string): string[] {
  const { agent } = node;
  const endpoint = agent.endpoints.get(id);
  if (endpoint === undefined) {
    return [];
  }
  const listeners = new Map(agent.proxy.ports().map((port) => [port.port, port.name]));
  const policy = endpoint.realizedPolicy?.selectorPolicy;
  const entries = [...endpoint.realizedMap].map(([packed, { proxyPort, deny }]) => {
    const { identity, destPort, nexthdr, trafficDirection } = unpackKey(packed);
    const verdict = deny ? 'deny' : proxyPort === 0 ? 'allow' : (listeners.get(proxyPort) ?? 'redirect');
    return `map ${trafficDirection} ${name(identity)} ${destPort}/${nexthdr} ${verdict}`;
  });
  const resource = agent.xdsServer.get(NETWORK_POLICY_TYPE_URL, String(id)) as NetworkPolicy | undefined;
  return [
    `enforced ${policy?.ingressPolicyEnabled ?? false} ${policy?.egressPolicyEnabled ?? false}`,
    ...entries.sort(),
    ...portLines('ingress', resource?.ingress_per_port_policies, name),
    ...portLines('egress', resource?.egress_per_port_policies, name),
    ...dnsLines(node, id, name),
    ...pendingLines(node, id),
  ];
}

function portLines(direction: string, ports: readonly PortNetworkPolicy[] | undefined, name: (identity: number) => string): string[] {
  if (ports === undefined) {
    return [`proxy ${direction} none`];
  }
  return ports
    .map(({ rules, ...port }) => {
      const texts = (rules ?? []).map(({ remote_policies, http_rules, ...rest }) => {
        const http = http_rules?.http_rules.map((one) => JSON.stringify(one)).sort();
        return JSON.stringify({ ...rest, remotes: remote_policies?.map((one) => name(Number(one))).sort(), http });
      });
      return `proxy ${direction} ${JSON.stringify(port)} ${texts.sort().join(' ')}`;
    })
    .sort();
}

function dnsLines({ agent }: Node, id: number, name: (identity: number) => string): string[] {
  const rules = agent.dnsProxy.rules.getRules(id, (identity) => [name(identity)], new Set());
  return [...rules].flatMap(([port, parts]) =>
    parts.map(({ servers, names }) => {
      const patterns = names?.map(({ matchName, matchPattern }) => `${matchName}|${matchPattern}`).sort() ?? null;
      return `dns ${port} ${JSON.stringify({ servers: servers === null ? null : [...servers].sort(), patterns })}`;
    }),
  );
}

/** Names, services and groups, which mean more once something is resolved. */
function pendingLines({ agent }: Node, id: number): string[] {
  const identity = agent.endpoints.get(id)?.identity ?? null;
  const rules = identity === null ? [] : agent.repository.rulesSelecting(identity);
  const lines = rules.flatMap(({ egress }) =>
    egress
      .filter(({ toFQDNs, toServices, toGroups }) => toFQDNs.length + toServices.length + toGroups > 0)
      .map(({ toFQDNs, toServices, toGroups, toPorts }) => {
        const ports = toPorts.map(({ ports: list, rules: seven }) => ({ list, seven: seven?.http?.map(({ origin: _, ...one }) => one) }));
        return `later ${JSON.stringify({ toFQDNs, toServices, toGroups, ports })}`;
      }),
  );
  return [...new Set(lines)].sort();
}
