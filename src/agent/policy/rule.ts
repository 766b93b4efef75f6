/**
 * Turns the sections of a rule into filters.
 * @see cilium:pkg/policy/rule.go
 */

import { assert } from '../../sim/assert.ts';
import type { LabelArray } from '../labels/labels.ts';
import { aggregatedEgressSelectors, aggregatedIngressSelectors, type EntityMapping } from './api/aggregate.ts';
import {
  type EgressRule,
  type FqdnSelector,
  type IcmpRule,
  type IngressRule,
  PROTO_ANY,
  PROTO_ICMP,
  PROTO_ICMPV6,
  PROTO_SCTP,
  PROTO_TCP,
  PROTO_UDP,
  type Rule,
} from './api/rule.ts';
import { type EndpointSelector, type Requirement, WILDCARD_SELECTOR, withExpressions } from './api/selector.ts';
import type { L4Filter, L4PolicyMap } from './l4.ts';
import { createFilter, type FilterPlace, type Section } from './l4_create.ts';
import { mergeParsers } from './l7_parser.ts';
import { mergePolicies } from './per_selector_policy.ts';
import type { PolicyContext, ResolveError } from './policy_context.ts';
import type { SelectorCache } from './selectorcache.ts';

/** One element of a section with its selectors worked out; made once a rule. */
export interface PreparedElement {
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
export function resolveRule(ctx: PolicyContext, prepared: PreparedRule, work: DirectionWork): ResolveError {
  for (const element of work.ingress ? prepared.ingress : prepared.egress) {
    const error = resolveElement(ctx, prepared.rule, element, work);
    if (error !== null) {
      return error;
    }
  }
  return null;
}

/** Adds one element of a rule to the filters. */
export function resolveElement(ctx: PolicyContext, rule: Rule, prepared: PreparedElement, work: DirectionWork): ResolveError {
  const { ingress, requirements, result } = work;
  const { isDeny, element, fqdns } = prepared;
  const peers = requiredPeers(prepared, requirements);
  return mergeElement({ ctx, result, rule, path: element.path, isDeny, ingress, peers, fqdns, auth: element.auth }, element);
}

/** The peers of an element; what the rules require is added to those given by labels. */
export function requiredPeers(
  { isDeny, endpoints, aggregated, peers }: PreparedElement,
  requirements: Requirements,
): readonly EndpointSelector[] {
  const extra = isDeny ? requirements.deny : requirements.allow;
  return extra.length === 0 ? peers : [...endpoints.map((selector) => withExpressions(selector, extra)), ...aggregated];
}

/** What is being resolved: a direction, its requirements, and where its filters go. */
export interface DirectionWork {
  readonly ingress: boolean;
  readonly requirements: Requirements;
  readonly result: L4PolicyMap;
}

/** `fromRequires`/`toRequires` of all rules of a direction, as expressions. */
export interface Requirements {
  readonly allow: readonly Requirement[];
  readonly deny: readonly Requirement[];
}

/** @see cilium:pkg/policy/rule.go#mergeIngress @see cilium:pkg/policy/rule.go#mergeEgress */
function mergeElement(section: Section, element: IngressRule | EgressRule): ResolveError {
  const { peers } = section;
  if (
    peers.length === 0 &&
    'toServices' in element &&
    element.toServices.length > 0 &&
    !section.ctx.config.quirks.unmatchedServicesOpenPorts
  ) {
    return null;
  }
  if (element.toPorts.length === 0 && element.icmps.length === 0) {
    // No peers and no ports allow nothing, but the direction is enforced.
    return peers.length === 0 ? null : addFilter(section, peers, { portRule: null, path: section.path, port: '0', protocol: PROTO_ANY });
  }
  // With ports, an empty list of peers means everyone.
  const selectors = peers.length === 0 ? [WILDCARD_SELECTOR] : peers;
  for (const portRule of element.toPorts) {
    for (const { port, protocol } of portRule.ports) {
      for (const proto of protocol === PROTO_ANY ? [PROTO_TCP, PROTO_UDP, PROTO_SCTP] : [protocol]) {
        const at = { portRule: section.isDeny ? null : portRule, path: portRule.path, port, protocol: proto };
        const error = addFilter(section, selectors, at);
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
      const error = addFilter(section, selectors, { portRule: null, path: icmp.path, port: String(type), protocol });
      if (error !== null) {
        return error;
      }
    }
  }
  return null;
}

/** @see cilium:pkg/policy/l4.go#addL4Filter */
function addFilter(section: Section, peers: readonly EndpointSelector[], at: FilterPlace): ResolveError {
  const { ctx, result, rule } = section;
  const made = createFilter(section, peers, at);
  if (typeof made === 'string') {
    return made;
  }
  const key = `${at.port}/${at.protocol}`;
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
