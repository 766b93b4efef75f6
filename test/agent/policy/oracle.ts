/**
 * The meaning of the generated ingress policies, told directly from their elements: a matching deny drops, else a matching allow passes. Knows
 * nothing of selectors, filters or maps.
 */
import type { NetworkPolicy, PortNetworkPolicyRule } from '../../../src/xds/npds.ts';

export interface Peer {
  readonly id: number;
  readonly app: string;
  readonly namespace: string;
  readonly org: string;
}

export interface Flow {
  readonly peer: Peer;
  readonly port: string;
  readonly protocol: string;
}

interface Element {
  readonly fromEndpoints?: readonly {
    readonly matchLabels?: { readonly app?: string; readonly org?: string };
    readonly matchExpressions?: unknown;
  }[];
  readonly fromEntities?: readonly string[];
  readonly fromCIDR?: readonly string[];
  readonly toPorts?: readonly {
    readonly ports: readonly { readonly port: string; readonly protocol: string }[];
    readonly rules?: { readonly http: readonly { readonly path: string }[] };
  }[];
}

export interface Spec {
  readonly ingress?: readonly Element[];
  readonly ingressDeny?: readonly Element[];
}

export type Meaning =
  | { readonly verdict: 'drop' }
  | { readonly verdict: 'pass' }
  /** Only requests with these paths. */
  | { readonly verdict: 'paths'; readonly paths: ReadonlySet<string> };

/** What happens to a flow between pods. */
export function meaning(specs: readonly Spec[], flow: Flow): Meaning {
  const allows = specs.flatMap((spec) => spec.ingress ?? []);
  const denies = specs.flatMap((spec) => spec.ingressDeny ?? []);
  if (allows.length + denies.length === 0) {
    return { verdict: 'pass' };
  }
  if (denies.some((element) => matches(element, flow))) {
    return { verdict: 'drop' };
  }
  const hits = allows.filter((element) => matches(element, flow));
  if (hits.length === 0) {
    return { verdict: 'drop' };
  }
  const http = hits.map((element) => element.toPorts?.[0]?.rules?.http);
  if (http.some((rules) => rules === undefined)) {
    return { verdict: 'pass' };
  }
  return { verdict: 'paths', paths: new Set(http.flatMap((rules) => (rules ?? []).map(({ path }) => path))) };
}

function matches(element: Element, { peer, port, protocol }: Flow): boolean {
  const anyPeer = element.fromEndpoints === undefined && element.fromEntities === undefined && element.fromCIDR === undefined;
  if (anyPeer && element.toPorts === undefined) {
    return false;
  }
  const fromPeer =
    anyPeer ||
    (element.fromEntities ?? []).some((entity) => entity === 'all' || entity === 'cluster') ||
    (element.fromEndpoints ?? []).some(({ matchLabels, matchExpressions }) => {
      const inNamespace = matchExpressions !== undefined || peer.namespace === 'default';
      const { app = peer.app, org = peer.org } = matchLabels ?? {};
      return inNamespace && app === peer.app && org === peer.org;
    });
  const onPort =
    element.toPorts === undefined || element.toPorts.some((one) => one.ports.some((p) => p.port === port && p.protocol === protocol));
  return fromPeer && onPort;
}

/** Whether the proxy lets a GET of a path from a remote through on a port. */
export function proxyAllows(policy: NetworkPolicy, remote: number, port: number, path: string): boolean {
  const ports = policy.ingress_per_port_policies ?? [];
  return ports
    .filter((one) => (one.port ?? 0) === port || (one.port ?? 0) === 0)
    .some(({ rules }) => rules === undefined || rules.some((rule) => ruleAllows(rule, remote, path)));
}

function ruleAllows(rule: PortNetworkPolicyRule, remote: number, path: string): boolean {
  if (rule.remote_policies !== undefined && !rule.remote_policies.includes(remote)) {
    return false;
  }
  const rules = rule.http_rules?.http_rules;
  if (rules === undefined) {
    return true;
  }
  return rules.some(({ headers }) =>
    (headers ?? []).every(({ name, safe_regex_match }) => name === ':method' || new RegExp(`^(?:${safe_regex_match?.regex})$`).test(path)),
  );
}
