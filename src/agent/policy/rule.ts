/**
 * Turns the sections of a rule into filters.
 * @see cilium:pkg/policy/rule.go
 */
import type { LabelArray } from '../labels/labels.ts';
import { assert } from '../../sim/assert.ts';
import { aggregatedEgressSelectors, aggregatedIngressSelectors, type EntityMapping } from './api/aggregate.ts';
import { isSvcName, parsePortLenient } from './api/port.ts';
import {
  isEmptyL7,
  PROTO_ANY,
  PROTO_ICMP,
  PROTO_ICMPV6,
  PROTO_SCTP,
  PROTO_TCP,
  PROTO_UDP,
  type EgressRule,
  type FqdnSelector,
  type IcmpRule,
  type IngressRule,
  type Path,
  type PolicyRef,
  type PortRule,
  type Rule,
  type Secret,
  type TlsContextRef,
} from './api/rule.ts';
import { isWildcard, reservedSelector, WILDCARD_SELECTOR, withExpressions, type EndpointSelector, type Requirement } from './api/selector.ts';
import type { PolicyConfig } from './config.ts';
import { L4Filter, type L4PolicyMap } from './l4.ts';
import { mergeParsers, PARSER_DNS, PARSER_HTTP, PARSER_KAFKA, PARSER_NONE, PARSER_TLS } from './l7_parser.ts';
import { DENY_POLICY, mergePolicies, newPerSelectorPolicy, type PerSelectorPolicy, type TlsContext } from './per_selector_policy.ts';
import { selectsHost, type CachedSelector, type SelectorCache } from './selectorcache.ts';

/** Reads secrets. @see cilium:pkg/policy/repository.go#CertificateManager */
export interface CertificateManager {
  /** The three values of a TLS secret, empty where the secret has none; `namespace` is that of the subject. */
  tlsContext(context: TlsContextRef, namespace: string): { readonly ca: string; readonly cert: string; readonly key: string } | { readonly error: string };
  /** The only value of a secret. */
  secretString(secret: Secret, namespace: string): { readonly value: string } | { readonly error: string };
}

/** What resolving rules needs. @see cilium:pkg/policy/repository.go#policyContext */
export interface PolicyContext {
  readonly cache: SelectorCache;
  readonly config: PolicyConfig;
  readonly certificates: CertificateManager;
  /** Namespace of the subject. */
  readonly namespace: string;
}

/** Why an identity's policy cannot be computed; `null` = it can. */
export type ResolveError = string | null;

const HOST_SELECTOR = reservedSelector('host');
const REMOTE_NODE_SELECTOR = reservedSelector('remote-node');

/** Where the filters of one element go and what they carry. */
interface Section {
  readonly ctx: PolicyContext;
  readonly result: L4PolicyMap;
  readonly rule: Rule;
  readonly path: Path;
  readonly isDeny: boolean;
  readonly ingress: boolean;
  readonly peers: readonly EndpointSelector[];
  readonly fqdns: readonly FqdnSelector[];
}

/** One element of a section with its selectors worked out; made once a rule. */
interface PreparedElement {
  readonly isDeny: boolean;
  readonly element: IngressRule | EgressRule;
  /** `fromEndpoints` or `toEndpoints`: what requirements are added to. */
  readonly endpoints: readonly EndpointSelector[];
  /** Selectors of entities, prefixes and names. */
  readonly aggregated: readonly EndpointSelector[];
  /** Both. */
  readonly peers: readonly EndpointSelector[];
  readonly fqdns: readonly FqdnSelector[];
}

/** A rule with its selectors worked out. */
export interface PreparedRule {
  readonly rule: Rule;
  /** Allow elements, then deny elements. */
  readonly ingress: readonly PreparedElement[];
  readonly egress: readonly PreparedElement[];
}

/** Works out the selectors of a rule's elements. */
export function prepareRule(rule: Rule, entities: EntityMapping): PreparedRule {
  const ingress = (element: IngressRule, isDeny: boolean): PreparedElement => {
    const aggregated = aggregatedIngressSelectors(element, entities);
    return { isDeny, element, endpoints: element.fromEndpoints, aggregated, peers: [...element.fromEndpoints, ...aggregated], fqdns: [] };
  };
  const egress = (element: EgressRule, isDeny: boolean): PreparedElement => {
    const aggregated = aggregatedEgressSelectors(element, entities, isDeny);
    const fqdns = isDeny ? [] : element.toFQDNs;
    return { isDeny, element, endpoints: element.toEndpoints, aggregated, peers: [...element.toEndpoints, ...aggregated], fqdns };
  };
  return {
    rule,
    ingress: [...rule.ingress.map((one) => ingress(one, false)), ...rule.ingressDeny.map((one) => ingress(one, true))],
    egress: [...rule.egress.map((one) => egress(one, false)), ...rule.egressDeny.map((one) => egress(one, true))],
  };
}

/**
 * Adds a rule's sections of one direction to the filters.
 * @see cilium:pkg/policy/rule.go#rule.resolveIngressPolicy
 * @see cilium:pkg/policy/rule.go#rule.resolveEgressPolicy
 */
export function resolveRule(
  ctx: PolicyContext,
  { rule, ...prepared }: PreparedRule,
  ingress: boolean,
  requirements: Requirements,
  result: L4PolicyMap,
): ResolveError {
  for (const { isDeny, element, endpoints, aggregated, peers, fqdns } of ingress ? prepared.ingress : prepared.egress) {
    const extra = isDeny ? requirements.deny : requirements.allow;
    const wanted = extra.length === 0 ? peers : [...endpoints.map((selector) => withExpressions(selector, extra)), ...aggregated];
    const error = mergeElement({ ctx, result, rule, path: element.path, isDeny, ingress, peers: wanted, fqdns }, element);
    if (error !== null) {
      return error;
    }
  }
  return null;
}

/** `fromRequires`/`toRequires` of all rules of a direction, as expressions. */
export interface Requirements {
  readonly allow: readonly Requirement[];
  readonly deny: readonly Requirement[];
}

/** @see cilium:pkg/policy/rule.go#mergeIngress @see cilium:pkg/policy/rule.go#mergeEgress */
function mergeElement(section: Section, element: IngressRule | EgressRule): ResolveError {
  const { peers } = section;
  if (element.toPorts.length === 0 && element.icmps.length === 0) {
    // No peers and no ports allow nothing, but the direction is enforced.
    return peers.length === 0 ? null : addFilter(section, peers, null, section.path, '0', PROTO_ANY);
  }
  // With ports, an empty list of peers means everyone.
  const selectors = peers.length === 0 ? [WILDCARD_SELECTOR] : peers;
  for (const portRule of element.toPorts) {
    for (const { port, protocol } of portRule.ports) {
      for (const proto of protocol === PROTO_ANY ? [PROTO_TCP, PROTO_UDP, PROTO_SCTP] : [protocol]) {
        const error = addFilter(section, selectors, section.isDeny ? null : portRule, portRule.path, port, proto);
        if (error !== null) {
          return error;
        }
      }
    }
  }
  return mergeIcmps(section, selectors, element.icmps);
}

function mergeIcmps(section: Section, selectors: readonly EndpointSelector[], icmps: readonly IcmpRule[]): ResolveError {
  for (const icmp of icmps) {
    for (const { family, type } of icmp.fields) {
      const protocol = family === 'IPv6' ? PROTO_ICMPV6 : PROTO_ICMP;
      const error = addFilter(section, selectors, null, icmp.path, String(type), protocol);
      if (error !== null) {
        return error;
      }
    }
  }
  return null;
}

/** @see cilium:pkg/policy/l4.go#createL4Filter @see cilium:pkg/policy/l4.go#addL4Filter */
function addFilter(
  section: Section,
  peers: readonly EndpointSelector[],
  portRule: PortRule | null,
  path: Path,
  port: string,
  protocol: string,
): ResolveError {
  const { ctx, result, rule } = section;
  const made = createFilter(section, peers, portRule, path, port, protocol);
  if (typeof made === 'string') {
    return made;
  }
  const key = `${port}/${protocol}`;
  const existing = result.get(key);
  if (existing === undefined) {
    result.set(key, made);
    return null;
  }
  const error = mergeFilters(existing, made, ctx.cache);
  if (error !== null) {
    made.detach(ctx.cache);
    return error;
  }
  if (!existing.derivedFrom.some((labels) => equalLabels(labels, rule.labels))) {
    existing.derivedFrom.push(rule.labels);
  }
  return null;
}

/** A new filter, or why its policy cannot be computed. */
function createFilter(
  section: Section,
  peers: readonly EndpointSelector[],
  portRule: PortRule | null,
  path: Path,
  port: string,
  protocol: string,
): L4Filter | string {
  const { ctx, rule, isDeny, ingress } = section;
  const named = isSvcName(port);
  const filter = new L4Filter({
    port: named ? 0 : parsePortLenient(port),
    portName: named ? port : '',
    protocol,
    ingress,
    derivedFrom: rule.labels,
  });
  const origins = [{ ref: rule.ref, path }];
  const policy = isDeny ? DENY_POLICY : null;
  const add = (selector: CachedSelector): void => {
    if (!filter.perSelector.has(selector)) {
      filter.perSelector.set(selector, { selector, policy, origins });
    }
  };
  if (peers.some(isWildcard)) {
    add(ctx.cache.addIdentitySelector(filter, WILDCARD_SELECTOR).selector);
    filter.wildcard = filter.perSelector.values().next().value ?? null;
  } else {
    for (const peer of peers) {
      add(ctx.cache.addIdentitySelector(filter, peer).selector);
    }
    for (const fqdn of section.fqdns) {
      add(ctx.cache.addFqdnSelector(filter, fqdn).selector);
    }
  }
  if (portRule === null) {
    return filter;
  }
  const error = applyPortRule(ctx, filter, portRule);
  if (error !== null) {
    filter.detach(ctx.cache);
    return error;
  }
  if (ingress && !isEmptyL7(portRule.rules) && ctx.config.allowLocalhost === 'always') {
    wildcardHost(ctx, filter, add);
  }
  return filter;
}

/** Sets parser and per-selector policies of a port rule with TLS, server names or L7 rules. */
function applyPortRule(ctx: PolicyContext, filter: L4Filter, portRule: PortRule): ResolveError {
  const terminating = getCerts(ctx, portRule.terminatingTLS, 'terminating');
  if (typeof terminating === 'string') {
    return terminating;
  }
  const originating = getCerts(ctx, portRule.originatingTLS, 'originating');
  if (typeof originating === 'string') {
    return originating;
  }
  filter.l7Parser = parserOf(filter, portRule, terminating !== null || originating !== null);
  if (filter.l7Parser !== PARSER_NONE) {
    const policy: PerSelectorPolicy = newPerSelectorPolicy({
      rules: portRule.rules,
      terminatingTLS: terminating,
      originatingTLS: originating,
      serverNames: portRule.serverNames,
    });
    for (const part of filter.perSelector.values()) {
      part.policy = policy;
    }
  }
  return null;
}

function parserOf(filter: L4Filter, portRule: PortRule, hasTls: boolean): string {
  const { rules } = portRule;
  if (rules !== null && (rules.dns?.length ?? 0) > 0) {
    return PARSER_DNS;
  }
  // Other than DNS, only TCP has parsers.
  if (rules !== null && filter.protocol === PROTO_TCP) {
    if ((rules.http?.length ?? 0) > 0) {
      return PARSER_HTTP;
    }
    if ((rules.kafka?.length ?? 0) > 0) {
      return PARSER_KAFKA;
    }
    if (rules.l7proto !== '') {
      return rules.l7proto;
    }
  }
  return hasTls || portRule.serverNames.length > 0 ? PARSER_TLS : PARSER_NONE;
}

/** L7 rules do not bind the host: where a selector covers it, the host gets a part without L7. @see cilium:pkg/policy/l4.go#createL4IngressFilter */
function wildcardHost(ctx: PolicyContext, filter: L4Filter, add: (selector: CachedSelector) => void): void {
  if (![...filter.perSelector.keys()].some(selectsHost)) {
    return;
  }
  add(ctx.cache.addIdentitySelector(filter, HOST_SELECTOR).selector);
  if (!ctx.config.enableRemoteNodeIdentity) {
    add(ctx.cache.addIdentitySelector(filter, REMOTE_NODE_SELECTOR).selector);
  }
}

/** @see cilium:pkg/policy/l4.go#L4Filter.getCerts */
function getCerts(ctx: PolicyContext, reference: TlsContextRef | null, direction: 'terminating' | 'originating'): TlsContext | null | string {
  if (reference === null) {
    return null;
  }
  const found = ctx.certificates.tlsContext(reference, ctx.namespace);
  if ('error' in found) {
    return found.error;
  }
  if (direction === 'terminating' && (found.cert === '' || found.key === '')) {
    return 'Terminating TLS context is missing certs.';
  }
  if (direction === 'originating' && found.ca === '') {
    return 'Originating TLS context is missing CA certs.';
  }
  return { trustedCA: found.ca, certificateChain: found.cert, privateKey: found.key };
}

/** @see cilium:pkg/policy/rule.go#mergePortProto */
function mergeFilters(existing: L4Filter, added: L4Filter, cache: SelectorCache): ResolveError {
  const parser = mergeParsers(existing.l7Parser, added.l7Parser);
  if (parser === null) {
    return `cannot merge conflicting L7 parsers (${existing.l7Parser}/${added.l7Parser})`;
  }
  existing.l7Parser = parser;
  for (const [selector, part] of [...added.perSelector]) {
    added.perSelector.delete(selector);
    const old = existing.perSelector.get(selector);
    if (old === undefined) {
      cache.changeUser(selector, added, existing);
      existing.perSelector.set(selector, part);
      if (selector.isWildcard) {
        existing.wildcard = part;
      }
      continue;
    }
    cache.removeSelector(selector, added);
    if (selector.isNone) {
      continue;
    }
    const merged = mergePolicies(old.policy, part.policy, selector.key);
    if (!merged.ok) {
      return merged.error;
    }
    old.policy = merged.policy;
    old.origins = [...old.origins, ...part.origins];
  }
  assert(added.perSelector.size === 0, 'all selectors moved');
  return null;
}

function equalLabels(a: LabelArray, b: LabelArray): boolean {
  return (
    a === b ||
    (a.length === b.length &&
      a.every((label, i) => {
        const other = b[i];
        return other !== undefined && label.key === other.key && label.value === other.value && label.source === other.source;
      }))
  );
}
