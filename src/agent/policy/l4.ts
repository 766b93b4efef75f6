/**
 * Filters: the policy of one port and protocol of one direction, selector by selector.
 * @see cilium:pkg/policy/l4.go#L4Filter
 */
import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import { TRAFFIC_EGRESS, TRAFFIC_INGRESS, type TrafficDirection } from '../../maps/policymap.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../net/protocol.ts';
import type { LabelArray } from '../labels/labels.ts';
import type { RuleOrigin } from './api/rule.ts';
import type { IdentityNets } from './identity_nets.ts';
import { type L7ParserType, PARSER_DNS, PARSER_HTTP, PARSER_NONE, PARSER_TLS } from './l7_parser.ts';
import { MapState, UNKNOWN_PROXY_PORT } from './mapstate.ts';
import { type EntrySource, type MapStateEntry, newEntry } from './mapstate_entry.ts';
import { isRedirect, type PerSelectorPolicy } from './per_selector_policy.ts';
import type { EndpointPolicy } from './resolve.ts';
import type { CachedSelector, SelectionUser, SelectorCache } from './selectorcache.ts';

/** A selector's part of a filter. */
export interface FilterSelector extends EntrySource {
  readonly selector: CachedSelector;
  /** `null` = allow without L7. */
  policy: PerSelectorPolicy | null;
  origins: readonly RuleOrigin[];
}

/** Resolves the names of container ports. 0 = unknown, ambiguous or of another protocol. */
export interface NamedPorts {
  namedPort(ingress: boolean, name: string, proto: number): number;
}

/** Filters by `port/PROTO`, in order of first use. L3-only rules are `0/ANY`. @see cilium:pkg/policy/l4.go#L4PolicyMap */
export type L4PolicyMap = Map<string, L4Filter>;

/** The filter. It uses its selectors in the selector cache until it is detached. */
export class L4Filter implements SelectionUser {
  /** 0 for L3-only and for named ports. */
  readonly port: number;
  /** Empty when the port is a number. */
  readonly portName: string;
  /** As written in the rule once normalized: TCP, UDP, SCTP, ICMP, ICMPV6, ANY; in a deny rule anything. */
  readonly protocol: string;
  readonly u8Proto: number;
  readonly ingress: boolean;
  readonly perSelector = new Map<CachedSelector, FilterSelector>();
  /** Labels of the rules that made it, without repetition. */
  readonly derivedFrom: LabelArray[] = [];
  /** The wildcard's part, if it has one. */
  wildcard: FilterSelector | null = null;
  l7Parser: L7ParserType = PARSER_NONE;
  private policy: L4Policy | null = null;

  constructor(options: { port: number; portName: string; protocol: string; ingress: boolean; derivedFrom: LabelArray }) {
    this.port = options.port;
    this.portName = options.portName;
    this.protocol = options.protocol;
    this.u8Proto = protocolNumber(options.protocol);
    this.ingress = options.ingress;
    this.derivedFrom.push(options.derivedFrom);
  }

  get direction(): TrafficDirection {
    return this.ingress ? TRAFFIC_INGRESS : TRAFFIC_EGRESS;
  }

  /** Whether the port needs a proxy. @see cilium:pkg/policy/l4.go#L4Filter.IsRedirect */
  isRedirect(): boolean {
    return this.l7Parser !== PARSER_NONE;
  }

  /** @see cilium:pkg/policy/l4.go#L4Filter.IsEnvoyRedirect */
  isEnvoyRedirect(): boolean {
    return this.isRedirect() && this.l7Parser !== PARSER_DNS;
  }

  /** @see cilium:pkg/policy/l4.go#L4Filter.IsProxylibRedirect */
  isProxylibRedirect(): boolean {
    return this.isEnvoyRedirect() && this.l7Parser !== PARSER_HTTP && this.l7Parser !== PARSER_TLS;
  }

  /** The number of the port for an endpoint; `null` if its name means nothing there. */
  resolvePort(names: NamedPorts): number | null {
    if (this.port !== 0 || this.portName === '') {
      return this.port;
    }
    const port = names.namedPort(this.ingress, this.portName, this.u8Proto);
    return port === 0 ? null : port;
  }

  identitySelectionUpdated(selector: CachedSelector, added: readonly NumericIdentity[], deleted: readonly NumericIdentity[]): void {
    const part = this.perSelector.get(selector);
    if (!selector.isWildcard && part !== undefined) {
      this.policy?.accumulateMapChanges(this, part, added, deleted);
    }
  }

  /** Makes changes of selections reach the users of a policy. */
  attach(policy: L4Policy): void {
    this.policy = policy;
  }

  /** Gives the selectors back. */
  detach(cache: SelectorCache): void {
    this.policy = null;
    for (const selector of this.perSelector.keys()) {
      cache.removeSelector(selector, this);
    }
  }
}

/** Both directions of an identity's filters, and the endpoint policies that follow them. @see cilium:pkg/policy/l4.go#L4Policy */
export class L4Policy {
  readonly ingress: L4PolicyMap;
  readonly egress: L4PolicyMap;
  /** Repository revision it was computed from. */
  readonly revision: number;
  private readonly users = new Set<EndpointPolicy>();

  constructor(revision: number, ingress: L4PolicyMap, egress: L4PolicyMap) {
    this.revision = revision;
    this.ingress = ingress;
    this.egress = egress;
  }

  /** Ingress filters, then egress filters. */
  *filters(): IterableIterator<L4Filter> {
    yield* this.ingress.values();
    yield* this.egress.values();
  }

  insertUser(user: EndpointPolicy): void {
    this.users.add(user);
  }

  removeUser(user: EndpointPolicy): void {
    this.users.delete(user);
  }

  /**
   * Hands a changed selection to every user's pending changes.
   * @see cilium:pkg/policy/l4.go#L4Policy.AccumulateMapChanges
   */
  accumulateMapChanges(
    filter: L4Filter,
    part: FilterSelector,
    added: readonly NumericIdentity[],
    deleted: readonly NumericIdentity[],
  ): void {
    let first: number | null = null;
    for (const user of this.users) {
      const { namedPortOfFirstEndpoint } = user.selectorPolicy.config.quirks;
      const port: number | null = (namedPortOfFirstEndpoint ? first : null) ?? filter.resolvePort(user.owner);
      first ??= port;
      if (port !== null) {
        user.pending.push({ filter, part, port, added, deleted });
      }
    }
  }

  attach(): void {
    for (const filter of this.filters()) {
      filter.attach(this);
    }
  }

  /** Ends the policy: its users hear of no more changes. */
  detach(cache: SelectorCache): void {
    for (const filter of this.filters()) {
      filter.detach(cache);
    }
    this.users.clear();
  }

  hasRedirect(): boolean {
    return some(this.filters(), (filter) => filter.isRedirect());
  }

  hasEnvoyRedirect(): boolean {
    return some(this.filters(), (filter) => filter.isEnvoyRedirect());
  }

  hasProxylibRedirect(): boolean {
    return some(this.filters(), (filter) => filter.isProxylibRedirect());
  }
}

/** What the keys of a filter depend on besides the filter. */
export interface KeyContext {
  readonly nets: IdentityNets;
  readonly coveredDenyDropped: boolean;
  /** Of the filter's redirects; 0 = not known yet. */
  readonly proxyPort: number;
}

/** Takes one key of a filter. */
export type KeyReceiver = (identity: NumericIdentity, entry: MapStateEntry) => void;

/**
 * The map keys of a filter at a port, redirects whose proxy port is not known with {@link UNKNOWN_PROXY_PORT}.
 * @see cilium:pkg/policy/l4.go#L4Filter.ToMapState
 */
export function filterKeys(
  filter: L4Filter,
  port: number,
  { nets, coveredDenyDropped, proxyPort }: KeyContext,
  receive: KeyReceiver,
): void {
  const redirectPort = proxyPort === 0 ? UNKNOWN_PROXY_PORT : proxyPort;
  const parts = keyedParts(filter);
  if (parts.length === 1 || parts.every(({ policy }) => policy === null)) {
    const isDeny = parts[0]?.policy?.isDeny ?? false;
    if (!isDeny) {
      forEachKey(filter, parts, redirectPort, receive);
      return;
    }
  }
  // Selectors may select the same identity with different results: sort that out within the filter first, as upstream does.
  const state = new MapState(coveredDenyDropped);
  forEachKey(filter, parts, redirectPort, (identity, entry) =>
    state.denyPreferredInsert(identity, port, filter.u8Proto, filter.direction, entry, nets),
  );
  state.forEach((identity, _port, _proto, _direction, entry) => {
    receive(identity, entry);
  });
}

/** Parts of a filter that get keys of their own: not those that the filter's wildcard makes superfluous. */
function keyedParts(filter: L4Filter): FilterSelector[] {
  const parts = [...filter.perSelector.values()];
  return filter.wildcard === null ? parts : parts.filter((part) => hasKeys(filter, part));
}

/** Whether a part of a filter has keys of its own: not when the filter's wildcard does the same. */
export function hasKeys(filter: L4Filter, part: FilterSelector): boolean {
  const { wildcard } = filter;
  if (wildcard === null || part === wildcard || (filter.port === 0 && filter.portName === '')) {
    return true;
  }
  return !canSkip(part.policy, wildcard.policy);
}

/** @see cilium:pkg/policy/l4.go#__canSkip */
function canSkip(current: PerSelectorPolicy | null, wildcard: PerSelectorPolicy | null): boolean {
  if (wildcard?.isDeny) {
    return true;
  }
  if (current?.isDeny) {
    return false;
  }
  return isRedirect(wildcard) || !isRedirect(current);
}

function forEachKey(filter: L4Filter, parts: readonly FilterSelector[], redirectPort: number, receive: KeyReceiver): void {
  for (const part of parts) {
    const entry = newEntry(part, filter.derivedFrom, isRedirect(part.policy) ? redirectPort : 0, part.policy?.isDeny ?? false);
    if (part.selector.isWildcard) {
      receive(0, entry);
      continue;
    }
    for (const identity of part.selector.selections()) {
      receive(identity, entry);
    }
  }
}

/** Number of a protocol name; 0 for ANY and for what is none. @see cilium:pkg/u8proto/u8proto.go#ParseProtocol */
export function protocolNumber(name: string): number {
  switch (name.toLowerCase()) {
    case 'tcp':
      return IPPROTO_TCP;
    case 'udp':
      return IPPROTO_UDP;
    case 'sctp':
      return IPPROTO_SCTP;
    case 'icmp':
      return IPPROTO_ICMP;
    case 'icmpv6':
      return IPPROTO_ICMPV6;
    default:
      return 0;
  }
}

function some<T>(items: Iterable<T>, test: (item: T) => boolean): boolean {
  for (const item of items) {
    if (test(item)) {
      return true;
    }
  }
  return false;
}
