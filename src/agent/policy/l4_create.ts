/**
 * A filter for one port and protocol of an element.
 * @see cilium:pkg/policy/l4.go#createL4Filter
 */
import { isSvcName, parsePortLenient } from './api/port.ts';
import { type FqdnSelector, isEmptyL7, type Path, type PortRule, PROTO_TCP, type Rule, type TlsContextRef } from './api/rule.ts';
import { type EndpointSelector, isWildcard, reservedSelector, WILDCARD_SELECTOR } from './api/selector.ts';
import { L4Filter, type L4PolicyMap } from './l4.ts';
import { PARSER_DNS, PARSER_HTTP, PARSER_KAFKA, PARSER_NONE, PARSER_TLS } from './l7_parser.ts';
import { authPolicy, DENY_POLICY, newPerSelectorPolicy, type PerSelectorPolicy, type TlsContext } from './per_selector_policy.ts';
import type { PolicyContext, ResolveError } from './policy_context.ts';
import { type CachedSelector, selectsHost } from './selectorcache.ts';

const HOST_SELECTOR = reservedSelector('host');
const REMOTE_NODE_SELECTOR = reservedSelector('remote-node');

/** Where the filters of one element go and what they carry. */
export interface Section {
  readonly ctx: PolicyContext;
  readonly result: L4PolicyMap;
  readonly rule: Rule;
  readonly path: Path;
  readonly isDeny: boolean;
  readonly ingress: boolean;
  readonly peers: readonly EndpointSelector[];
  readonly fqdns: readonly FqdnSelector[];
  /** Type of authentication the element asks for, or `null`. */
  readonly auth: string | null;
}

/** The port of a filter, and the port rule that asks for more than letting through. */
export interface FilterPlace {
  readonly portRule: PortRule | null;
  /** Where it stands in the object. */
  readonly path: Path;
  /** Number or name as text. */
  readonly port: string;
  readonly protocol: string;
}

/** A new filter, or why its policy cannot be computed. @see cilium:pkg/policy/l4.go#createL4Filter */
export function createFilter(
  section: Section,
  peers: readonly EndpointSelector[],
  { portRule, path, port, protocol }: FilterPlace,
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
  const policy = isDeny ? DENY_POLICY : section.auth === null ? null : authPolicy(section.auth);
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
  const error = applyPortRule(section, filter, portRule);
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
function applyPortRule({ ctx, auth }: Section, filter: L4Filter, portRule: PortRule): ResolveError {
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
      auth,
      serverNamesAloneNotRedirected: ctx.config.quirks.serverNamesAloneNotRedirected,
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

/**
 * L7 rules do not bind the host: where a selector covers it, the host gets a part without L7.
 * @see cilium:pkg/policy/l4.go#createL4IngressFilter
 * @remarks Simplified: as at the branch point, which the policy vectors follow; in the source of 1.13.3 every redirect has this, also one for TLS
 * alone. It shows in the proxy's rules for
 * remote 1 on such a port.
 */
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
function getCerts(
  ctx: PolicyContext,
  reference: TlsContextRef | null,
  direction: 'terminating' | 'originating',
): TlsContext | null | string {
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
