/**
 * One policy vector: its input as values of the engine, and the computed result in the form of the vectors.
 */

import { getNetworkPolicy } from '../../src/agent/envoy/network_policy.ts';
import {
  type CidrIdentities,
  type Identity,
  newCidrIdentities,
  newIdentity,
  reservedIdentities,
} from '../../src/agent/identity/identity.ts';
import { parseCnp, parseRuleList } from '../../src/agent/k8s/cnp.ts';
import { parseNetworkPolicy } from '../../src/agent/k8s/network_policy.ts';
import { type ServiceBackends, translateServices } from '../../src/agent/k8s/rule_translate.ts';
import { parseLabelArray } from '../../src/agent/labels/labels.ts';
import { fqdnSelectorMatches } from '../../src/agent/policy/api/fqdn.ts';
import type { FqdnSelector, ParsedPolicy, Rule } from '../../src/agent/policy/api/rule.ts';
import { cidrPrefixes } from '../../src/agent/policy/cidr.ts';
import { DEFAULT_POLICY_CONFIG, type PolicyConfig } from '../../src/agent/policy/config.ts';
import { protocolNumber } from '../../src/agent/policy/l4.ts';
import { listenerName, PARSER_DNS } from '../../src/agent/policy/l7_parser.ts';
import { type NamedPort, resolveNamedPort } from '../../src/agent/policy/named_ports.ts';
import type { CertificateManager } from '../../src/agent/policy/policy_context.ts';
import { proxyId } from '../../src/agent/policy/proxyid.ts';
import { addNewRedirects } from '../../src/agent/policy/redirects.ts';
import { Repository } from '../../src/agent/policy/repository.ts';
import { distillPolicy, type EndpointPolicy, type PolicyOwner, type SelectorPolicy } from '../../src/agent/policy/resolve.ts';
import { SelectorCache } from '../../src/agent/policy/selectorcache.ts';
import { formatPrefix, hostPrefix, type IpPrefix, parseIp } from '../../src/net/prefix.ts';

export interface SubjectInput {
  readonly identity: number;
  readonly namedPorts?: Readonly<Record<string, { readonly port: number; readonly proto?: string }>>;
  readonly endpointId?: number;
  readonly ipv4?: string;
}

export interface PolicyCase {
  readonly name: string;
  readonly caution?: string;
  readonly identities?: readonly { readonly id: number; readonly labels?: readonly string[] }[];
  readonly policies?: readonly Readonly<Record<string, unknown>>[];
  readonly subjects?: readonly SubjectInput[];
  readonly enforcement?: PolicyConfig['enforcement'];
  readonly clusterNamedPorts?: readonly { readonly name: string; readonly port: number; readonly proto?: string }[];
  readonly dns?: Readonly<Record<string, readonly string[]>>;
  readonly services?: readonly K8sObject[];
  readonly endpoints?: readonly K8sObject[];
  readonly config?: Partial<PolicyConfig>;
}

interface K8sObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> };
  readonly subsets?: readonly { readonly addresses?: readonly { readonly ip: string }[] }[];
}

export type MapRow = readonly [direction: string, identity: number | string, port: number, protocol: number, verdict: string];

export interface SubjectResult {
  readonly identity: number;
  readonly error?: string;
  readonly ingressEnforced?: boolean;
  readonly egressEnforced?: boolean;
  readonly mapState?: readonly MapRow[];
  readonly firstWrite?: readonly MapRow[];
  readonly nextWrite?: readonly MapRow[];
  readonly npds?: unknown;
  readonly dnsProxy?: readonly unknown[];
}

export interface PolicyResult {
  readonly policies: readonly { readonly accepted: boolean; readonly rules: number; readonly error?: string }[];
  readonly cidrIdentities?: Readonly<Record<string, number>>;
  readonly subjects: readonly SubjectResult[];
}

const SECRETS: CertificateManager = {
  tlsContext({ secret }, namespace) {
    const name = `${secret?.namespace || namespace}/${secret?.name ?? ''}`;
    if (secret === null || secret.name.startsWith('missing')) {
      return { error: `secrets "${secret?.name ?? ''}" not found` };
    }
    return { ca: `ca:${name}`, cert: `cert:${name}`, key: `key:${name}` };
  },
  secretString(secret, namespace) {
    if (secret.name.startsWith('missing')) {
      return { error: `secrets "${secret.name}" not found` };
    }
    return { value: `secret:${secret.namespace || namespace}/${secret.name}` };
  },
};

/** Computes a case. */
export function computePolicyCase(input: PolicyCase): PolicyResult {
  const config: PolicyConfig = { ...DEFAULT_POLICY_CONFIG, enforcement: input.enforcement ?? 'default', ...input.config };
  const identities = new Map(reservedIdentities().map((identity) => [identity.id, identity]));
  for (const { id, labels } of input.identities ?? []) {
    identities.set(id, newIdentity(id, parseLabelArray(labels ?? [])));
  }
  const cidrs = newCidrIdentities();
  const dns = Object.entries(input.dns ?? {});
  const cache = new SelectorCache(identities.values(), {
    register: (selector) => addressIdentities(selector, dns, cidrs),
    unregister: () => undefined,
  });
  const repository = new Repository(cache, config, SECRETS);
  const services = backendsOf(input);
  const policies = (input.policies ?? []).map((object) => {
    const parsed = parse(object, config);
    if (parsed.issues.length > 0) {
      return { accepted: false, rules: 0, error: parsed.issues[0]?.message ?? '' };
    }
    // Only objects of the API server are tied to services, not rule lists.
    const rules = object['kind'] === 'CiliumRules' ? parsed.rules : parsed.rules.map((rule) => translateServices(rule, services));
    const prefixes = cidrPrefixes(rules);
    if (input.services !== undefined) {
      prefixes.sort((a, b) => (formatPrefix(a) < formatPrefix(b) ? -1 : 1));
    }
    allocate([...prefixes, ...fqdnPrefixes(rules, dns)], cidrs, cache);
    if (parsed.identityLabels.length === 0) {
      repository.addList(rules);
    } else {
      repository.replaceByLabels(parsed.identityLabels, rules);
    }
    return { accepted: true, rules: rules.length };
  });
  const names = new Map(cidrs.list().map(({ prefix, identity }) => [identity.id, prefix]));
  const subjects = (input.subjects ?? []).map((subject) => computeSubject(input, subject, repository, identities, names));
  const allocated = cidrs.list().map(({ prefix, identity }) => [prefix, identity.id] as const);
  return {
    policies,
    ...(allocated.length === 0 ? {} : { cidrIdentities: Object.fromEntries(allocated) }),
    subjects,
  };
}

/** What no policy is, is refused as the agent's decoder would. */
function refused(message: string): ParsedPolicy {
  const ref = { kind: 'CiliumRules', namespace: '', name: '' } as const;
  return { ref, rules: [], identityLabels: [], issues: [{ code: 'decode', message: `decode: ${message}`, path: [] }] };
}

function parse(object: Readonly<Record<string, unknown>> | null, config: PolicyConfig): ParsedPolicy {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    return refused(`cannot unmarshal ${JSON.stringify(object)} into a policy object`);
  }
  switch (object['kind']) {
    case 'NetworkPolicy':
      return parseNetworkPolicy(object, config);
    case 'CiliumRules':
      return parseRuleList(object['rules'], config);
    case 'CiliumNetworkPolicy':
    case 'CiliumClusterwideNetworkPolicy':
      return parseCnp(object, config);
    default:
      return refused(`no kind ${JSON.stringify(object['kind'])} is registered`);
  }
}

function allocate(prefixes: readonly IpPrefix[], cidrs: CidrIdentities, cache: SelectorCache): void {
  const added: Identity[] = [];
  for (const prefix of prefixes) {
    const { identity, isNew } = cidrs.allocate(prefix);
    if (isNew) {
      added.push(identity);
    }
  }
  cache.updateIdentities(added, []);
}

type Dns = readonly (readonly [string, readonly string[]])[];

function addressesOf(selector: FqdnSelector, dns: Dns): string[] {
  return dns.filter(([name]) => fqdnSelectorMatches(selector, name)).flatMap(([, addresses]) => addresses);
}

function fqdnPrefixes(rules: readonly Rule[], dns: Dns): IpPrefix[] {
  const texts = rules.flatMap((rule) => rule.egress.flatMap((one) => one.toFQDNs.flatMap((selector) => addressesOf(selector, dns))));
  return [...new Set(texts)].sort().flatMap((text) => {
    const address = parseIp(text);
    return address === null ? [] : [hostPrefix(address)];
  });
}

function addressIdentities(selector: FqdnSelector, dns: Dns, cidrs: CidrIdentities): number[] {
  return addressesOf(selector, dns).flatMap((text) => {
    const address = parseIp(text);
    const identity = address === null ? null : cidrs.lookup(hostPrefix(address));
    return identity === null ? [] : [identity.id];
  });
}

function backendsOf(input: PolicyCase): ServiceBackends[] {
  return (input.services ?? []).map((service) => {
    const namespace = service.metadata.namespace ?? 'default';
    const endpoints = (input.endpoints ?? []).filter(
      ({ metadata }) => metadata.name === service.metadata.name && (metadata.namespace ?? 'default') === namespace,
    );
    return {
      namespace,
      name: service.metadata.name,
      labels: new Map(Object.entries(service.metadata.labels ?? {})),
      isExternal: Object.keys(service.spec?.selector ?? {}).length === 0,
      backends: endpoints.flatMap(({ subsets }) => (subsets ?? []).flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip))),
    };
  });
}

function computeSubject(
  input: PolicyCase,
  subject: SubjectInput,
  repository: Repository,
  identities: ReadonlyMap<number, Identity>,
  names: ReadonlyMap<number, string>,
): SubjectResult {
  const identity = identities.get(subject.identity) ?? newIdentity(subject.identity, []);
  const resolved = repository.resolvePolicy(identity);
  if (!resolved.ok) {
    return { identity: subject.identity, error: resolved.error };
  }
  const { policy } = resolved;
  const endpointId = subject.endpointId ?? 0;
  const ports = namedPortsOf(input, subject);
  const namedPort: PolicyOwner['namedPort'] = (ingress, name, proto) => resolveNamedPort(ingress ? ports.own : ports.cluster, name, proto);
  const all = allRedirects(policy, endpointId, namedPort);
  const render = (endpoint: EndpointPolicy): MapRow[] => mapRows(endpoint, names);
  const distill = (known: ReadonlyMap<string, number>): EndpointPolicy =>
    distillPolicy(
      policy,
      { namedPort, lookupRedirectPort: (ingress, protocol, port) => known.get(proxyId(endpointId, ingress, protocol, port)) ?? 0 },
      subject.identity === 1,
    );
  const redirect = (endpoint: EndpointPolicy): Map<string, number> => {
    const realized = new Map<string, number>();
    for (const ingress of [true, false]) {
      const { ports: added } = addNewRedirects(endpoint, endpointId, ingress, ({ filter }) =>
        portOfListener(listenerName(filter.l7Parser, filter.ingress)),
      );
      for (const [id, port] of added) {
        realized.set(id, port);
      }
    }
    return realized;
  };
  const intended = render(distill(all));
  const first = distill(new Map());
  const realized = redirect(first);
  const next = distill(realized);
  redirect(next);
  const npds = getNetworkPolicy(policy, {
    namedPort,
    endpointId,
    ips: subject.ipv4 === undefined ? [] : [subject.ipv4],
    conntrackMapName: subject.endpointId === undefined ? '' : 'global',
  });
  const dnsProxy = dnsRules(policy, names);
  return {
    identity: subject.identity,
    ingressEnforced: policy.ingressPolicyEnabled,
    egressEnforced: policy.egressPolicyEnabled,
    mapState: intended,
    ...unlessSame('firstWrite', render(first), intended),
    ...unlessSame('nextWrite', render(next), intended),
    npds: npdsJson(npds, subject, names),
    ...(dnsProxy.length === 0 ? {} : { dnsProxy }),
  };
}

function unlessSame(name: string, rows: readonly MapRow[], other: readonly MapRow[]): object {
  return JSON.stringify(rows) === JSON.stringify(other) ? {} : { [name]: rows };
}

function namedPortsOf(input: PolicyCase, subject: SubjectInput): { own: NamedPort[]; cluster: NamedPort[] } {
  const read = (ports: SubjectInput['namedPorts']): NamedPort[] =>
    Object.entries(ports ?? {}).map(([name, { port, proto }]) => ({
      name: name.toLowerCase(),
      port,
      proto: protocolNumber(proto ?? 'TCP'),
    }));
  const cluster =
    input.clusterNamedPorts?.map(({ name, port, proto }) => ({ name: name.toLowerCase(), port, proto: protocolNumber(proto ?? 'TCP') })) ??
    (input.subjects ?? []).flatMap((one) => read(one.namedPorts));
  return { own: read(subject.namedPorts), cluster };
}

function allRedirects(policy: SelectorPolicy, endpointId: number, namedPort: PolicyOwner['namedPort']): Map<string, number> {
  const known = new Map<string, number>();
  for (const filter of policy.l4Policy.filters()) {
    const port = filter.isRedirect() ? filter.resolvePort({ namedPort }) : null;
    if (port !== null) {
      known.set(proxyId(endpointId, filter.ingress, filter.protocol, port), portOfListener(listenerName(filter.l7Parser, filter.ingress)));
    }
  }
  return known;
}

const LISTENERS = [
  'cilium-http-ingress',
  'cilium-http-egress',
  'cilium-dns-egress',
  'cilium-proxylib-ingress',
  'cilium-proxylib-egress',
] as const;

function portOfListener(name: string): number {
  return 10_000 + (LISTENERS as readonly string[]).indexOf(name);
}

function mapRows(endpoint: EndpointPolicy, names: ReadonlyMap<number, string>): MapRow[] {
  const rows: MapRow[] = [];
  endpoint.mapState.forEach((identity, port, proto, direction, entry) => {
    const verdict = entry.isDeny ? 'deny' : entry.proxyPort === 0 ? 'allow' : `redirect:${LISTENERS[entry.proxyPort - 10_000] ?? '?'}`;
    rows.push([direction === 0 ? 'ingress' : 'egress', peerName(identity, names), port, proto, verdict]);
  });
  return rows.sort(compareRows);
}

function compareRows(a: MapRow, b: MapRow): number {
  if (a[0] !== b[0]) {
    return a[0] === 'ingress' ? -1 : 1;
  }
  if (a[1] !== b[1]) {
    if (typeof a[1] !== typeof b[1]) {
      return typeof a[1] === 'number' ? -1 : 1;
    }
    return a[1] < b[1] ? -1 : 1;
  }
  return a[2] - b[2] || a[3] - b[3];
}

function peerName(identity: number, names: ReadonlyMap<number, string>): number | string {
  const prefix = names.get(identity);
  return prefix === undefined ? identity : `cidr:${prefix}`;
}

function npdsJson(npds: object, subject: SubjectInput, names: ReadonlyMap<number, string>): unknown {
  const { endpoint_ips, endpoint_id, ...rest } = JSON.parse(
    JSON.stringify(npds, (key, value: unknown) =>
      key === 'remote_policies' ? (value as number[]).map((id) => peerName(id, names)) : value,
    ),
  ) as Record<string, unknown>;
  return {
    ...(subject.ipv4 === undefined ? {} : { endpoint_ips }),
    ...(subject.endpointId === undefined ? {} : { endpoint_id: String(endpoint_id) }),
    ...rest,
  };
}

function dnsRules(policy: SelectorPolicy, names: ReadonlyMap<number, string>): unknown[] {
  const rows: unknown[] = [];
  for (const filter of policy.l4Policy.egress.values()) {
    if (filter.l7Parser !== PARSER_DNS) {
      continue;
    }
    for (const part of filter.perSelector.values()) {
      const rules = part.policy?.dns.map(({ matchName, matchPattern }) => ({
        ...(matchName === '' ? {} : { matchName }),
        ...(matchPattern === '' ? {} : { matchPattern }),
      }));
      rows.push({
        port: filter.port,
        protocol: filter.u8Proto,
        to: part.selector.isWildcard ? '*' : part.selector.selections().map((id) => peerName(id, names)),
        rules: part.policy?.isDeny ? 'deny' : (rules ?? null),
      });
    }
  }
  return rows;
}
