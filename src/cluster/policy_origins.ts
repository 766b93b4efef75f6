/**
 * Where map entries and proxy rules come from: the elements of policy objects behind them, with the line each was written on.
 */
import type { RuleOrigin } from '../agent/policy/api/rule.ts';
import type { MapStateEntry } from '../agent/policy/mapstate_entry.ts';
import { elementText, originsOfEntry, policyName } from '../agent/policy/origins.ts';
import type { PolicyKey } from '../maps/policymap.ts';
import type { NetworkPolicy, PortNetworkPolicy } from '../xds/npds.ts';
import { NETWORK_POLICY_TYPE_URL } from '../xds/stream.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';

/** One origin. */
export interface PolicyOrigin {
  /** `CiliumNetworkPolicy default/rule1`, or `built in` for what the agent adds by itself. */
  readonly policy: string;
  /** `spec.ingress[0].toPorts[0]`, or the name of what is built in: `allow-localhost-ingress`. */
  readonly element: string;
  /** `null` for what was not written in a file. */
  readonly position: { readonly file: string; readonly line: number; readonly column: number } | null;
}

/** A rule of the proxy's policy, by its place in the resource. */
export interface ProxyRulePlace {
  readonly endpointId: number;
  readonly direction: 'ingress' | 'egress';
  /** Index in `*_per_port_policies`. */
  readonly portIndex: number;
  /** Index in the port's rules; -1: the port as a whole. */
  readonly rule: number;
  /** Index in the rule's HTTP rules; -1: the rule as a whole. */
  readonly httpRule: number;
}

const BUILT_IN = 'io.cilium.policy.derived-from';

/** The origins of an entry of an endpoint's policy map; empty when the agent knows no such entry. */
export function entryOrigins(cluster: Cluster, node: Node, endpointId: number, key: PolicyKey): PolicyOrigin[] {
  const endpoint = node.agent.endpoints.get(endpointId);
  const mapState = (endpoint?.realizedPolicy ?? endpoint?.desiredPolicy)?.mapState;
  const entry = mapState?.get(key.secLabel, key.dport, key.protocol, key.egress);
  if (mapState === undefined || entry === undefined) {
    return [];
  }
  return [...originsOfEntry(mapState, entry).map((origin) => sourced(cluster, origin)), ...builtIn(entry)];
}

/** The origins of a rule the agent gave the proxy. */
export function proxyRuleOrigins(cluster: Cluster, node: Node, place: ProxyRulePlace): PolicyOrigin[] {
  const resource = node.agent.xdsServer.get(NETWORK_POLICY_TYPE_URL, String(place.endpointId)) as NetworkPolicy | undefined;
  const ports: readonly PortNetworkPolicy[] | undefined =
    place.direction === 'ingress' ? resource?.ingress_per_port_policies : resource?.egress_per_port_policies;
  const port = ports?.[place.portIndex];
  const rule = port?.rules?.[place.rule];
  const http = rule?.http_rules?.http_rules[place.httpRule];
  const message = http ?? rule ?? port;
  const origins = message === undefined ? [] : (node.agent.npdsOrigins.get(message) ?? []);
  return origins.map((origin) => sourced(cluster, origin));
}

function sourced(cluster: Cluster, origin: RuleOrigin): PolicyOrigin {
  const { kind, namespace, name } = origin.ref;
  const source = cluster.api.origin(kind, namespace, name);
  const position = source === null ? null : { file: source.file, ...source.locate(origin.path) };
  return { policy: policyName(origin.ref), element: elementText(origin.path), position };
}

function builtIn(entry: MapStateEntry): PolicyOrigin[] {
  return entry.derivedFrom.flatMap((labels) =>
    labels.flatMap(({ source, key, value }) =>
      source === 'reserved' && key === BUILT_IN ? [{ policy: 'built in', element: value, position: null }] : [],
    ),
  );
}
