/**
 * Which identities each selector in use selects, kept up to date while identities come and go.
 * @see cilium:pkg/policy/selectorcache.go#SelectorCache
 */
import { IDENTITY_HOST, type Identity as NumericIdentity } from '../../maps/identity.ts';
import { assert } from '../../sim/assert.ts';
import type { Identity } from '../identity/identity.ts';
import { POD_NAMESPACE_LABEL } from '../labels/labels.ts';
import type { FqdnSelector } from './api/rule.ts';
import { type EndpointSelector, getMatch, NONE_SELECTOR, selectorMatches, WILDCARD_SELECTOR } from './api/selector.ts';
import { IdentityNets } from './identity_nets.ts';
import { LabelPostings } from './label_postings.ts';

const NAMESPACE_KEY = `k8s.${POD_NAMESPACE_LABEL}`;

/** Whoever uses a selector hears about changes of its selection. */
export interface SelectionUser {
  /** Ascending; no identity is in both lists. @see cilium:pkg/policy/selectorcache.go#CachedSelectionUser */
  identitySelectionUpdated(selector: CachedSelector, added: readonly NumericIdentity[], deleted: readonly NumericIdentity[]): void;
}

/** A selector with the identities it selects. @see cilium:pkg/policy/selectorcache.go#CachedSelector */
export interface CachedSelector {
  /** Canonical text, unique in the cache. */
  readonly key: string;
  /** Selects everything; its selection is never enumerated. */
  readonly isWildcard: boolean;
  /** Can never select anything. */
  readonly isNone: boolean;
  /** The FQDN selector behind it, or `null` for labels. */
  readonly fqdn: FqdnSelector | null;
  /** The label selector behind it, or `null` for names. */
  readonly labels: EndpointSelector | null;
  /** Ascending. A new array on every change. */
  selections(): readonly NumericIdentity[];
  /** Whether the identity is selected; always for the wildcard. */
  selects(identity: NumericIdentity): boolean;
  /** How many filters use it. */
  userCount(): number;
}

/** Hears of name selectors that come into use and go out of it. @see cilium:pkg/policy/selectorcache.go#identityNotifier */
export interface IdentityNotifier {
  /** A first user; the identities of the addresses known for it. */
  register(selector: FqdnSelector): readonly NumericIdentity[];
  /** The last user has gone. */
  unregister(selector: FqdnSelector): void;
}

const NO_NAMES: IdentityNotifier = { register: () => [], unregister: () => undefined };

class Selector implements CachedSelector {
  readonly key: string;
  readonly isWildcard: boolean;
  readonly isNone: boolean;
  readonly fqdn: FqdnSelector | null;
  readonly labels: EndpointSelector | null;
  /** Namespaces the identities must be in, or `null`. */
  readonly namespaces: readonly string[] | null;
  readonly users = new Set<SelectionUser>();
  readonly chosen = new Set<NumericIdentity>();
  private sorted: readonly NumericIdentity[] | null = null;

  constructor(key: string, labels: EndpointSelector | null, fqdn: FqdnSelector | null) {
    this.key = key;
    this.labels = labels;
    this.fqdn = fqdn;
    this.isWildcard = key === WILDCARD_SELECTOR.text;
    this.isNone = key === NONE_SELECTOR.text;
    this.namespaces = labels === null ? null : getMatch(labels, NAMESPACE_KEY);
  }

  selections(): readonly NumericIdentity[] {
    this.sorted ??= Array.from(Uint32Array.from(this.chosen).sort());
    return this.sorted;
  }

  selects(identity: NumericIdentity): boolean {
    return this.isWildcard || this.chosen.has(identity);
  }

  userCount(): number {
    return this.users.size;
  }

  changed(): void {
    this.sorted = null;
  }
}

/** The cache. One per node. */
export class SelectorCache {
  /** Prefixes of identities, for deny precedence. */
  readonly nets = new IdentityNets();
  private readonly identities = new Map<NumericIdentity, Identity>();
  private readonly postings = new LabelPostings();
  private readonly selectors = new Map<string, Selector>();
  private readonly relabelKeepsSelections: boolean;
  private names: IdentityNotifier;

  /** @param relabelKeepsSelections the quirk of this name, see config.ts */
  constructor(identities: Iterable<Identity> = [], names: IdentityNotifier = NO_NAMES, relabelKeepsSelections = true) {
    this.relabelKeepsSelections = relabelKeepsSelections;
    this.names = names;
    for (const identity of identities) {
      this.remember(identity);
    }
  }

  /** Connects the subsystem that knows names. @see cilium:pkg/policy/selectorcache.go#SelectorCache.SetLocalIdentityNotifier */
  setLocalIdentityNotifier(names: IdentityNotifier): void {
    this.names = names;
  }

  /** The identity with this number, if known. */
  identity(id: NumericIdentity): Identity | undefined {
    return this.identities.get(id);
  }

  /** All known identities in order of arrival. */
  allIdentities(): IterableIterator<Identity> {
    return this.identities.values();
  }

  /** All selectors in use, in order of first use. */
  allSelectors(): IterableIterator<CachedSelector> {
    return this.selectors.values();
  }

  /** The cached selector of a label selector; `added` tells whether `user` was not using it yet. */
  addIdentitySelector(user: SelectionUser, selector: EndpointSelector): { readonly selector: CachedSelector; readonly added: boolean } {
    let cached = this.selectors.get(selector.text);
    if (cached === undefined) {
      cached = new Selector(selector.text, selector, null);
      this.fill(cached);
      this.selectors.set(cached.key, cached);
    }
    return addUser(cached, user);
  }

  /** The cached selector of a name selector, with the identities of the addresses known for it. */
  addFqdnSelector(user: SelectionUser, fqdn: FqdnSelector): { readonly selector: CachedSelector; readonly added: boolean } {
    const key = fqdnKey(fqdn);
    let cached = this.selectors.get(key);
    if (cached === undefined) {
      cached = new Selector(key, null, fqdn);
      for (const id of this.names.register(fqdn)) {
        cached.chosen.add(id);
      }
      this.selectors.set(key, cached);
    }
    return addUser(cached, user);
  }

  /** Ends a use; the last one forgets the selector. */
  removeSelector(selector: CachedSelector, user: SelectionUser): void {
    const cached = this.selectors.get(selector.key);
    if (cached === undefined) {
      return;
    }
    cached.users.delete(user);
    if (cached.users.size === 0) {
      this.selectors.delete(cached.key);
      if (cached.fqdn !== null) {
        this.names.unregister(cached.fqdn);
      }
    }
  }

  /** Hands a use over. */
  changeUser(selector: CachedSelector, from: SelectionUser, to: SelectionUser): void {
    const cached = this.selectors.get(selector.key);
    if (cached !== undefined) {
      cached.users.add(to);
      cached.users.delete(from);
    }
  }

  /**
   * Takes identities in and out and tells every user whose selection changed. An identity that only changes labels keeps the selections it
   * has and can gain new ones, as upstream, unless the quirk is switched off; unchanged labels are nothing.
   * @see cilium:pkg/policy/selectorcache.go#SelectorCache.UpdateIdentities
   */
  updateIdentities(added: readonly Identity[], deleted: readonly NumericIdentity[]): void {
    const gone = deleted.filter((id) => this.forget(id));
    const come = added.filter((identity) => {
      const old = this.identities.get(identity.id);
      if (old !== undefined && sameLabels(old, identity)) {
        return false;
      }
      this.forget(identity.id);
      this.remember(identity);
      return true;
    });
    if (gone.length + come.length === 0) {
      return;
    }
    const notes: (() => void)[] = [];
    for (const selector of this.selectors.values()) {
      if (selector.labels === null) {
        continue;
      }
      const dels = gone.filter((id) => selector.chosen.delete(id));
      const adds: NumericIdentity[] = [];
      for (const identity of come) {
        const isChosen = selector.chosen.has(identity.id);
        if (!isChosen && matches(selector, identity)) {
          selector.chosen.add(identity.id);
          adds.push(identity.id);
        } else if (isChosen && !this.relabelKeepsSelections && !matches(selector, identity)) {
          selector.chosen.delete(identity.id);
          dels.push(identity.id);
        }
      }
      if (dels.length + adds.length > 0) {
        selector.changed();
        notes.push(() => notify(selector, adds, dels));
      }
    }
    for (const note of notes) {
      note();
    }
  }

  /** Replaces the identities of a name selector; a selector nobody uses yet is ignored. @see cilium:pkg/policy/selectorcache.go#SelectorCache.UpdateFQDNSelector */
  updateFqdnSelector(fqdn: FqdnSelector, identities: readonly NumericIdentity[]): void {
    const selector = this.selectors.get(fqdnKey(fqdn));
    if (selector === undefined) {
      return;
    }
    const wanted = new Set(identities);
    const dels = [...selector.chosen].filter((id) => !wanted.has(id));
    const adds = [...wanted].filter((id) => !selector.chosen.has(id));
    for (const id of dels) {
      selector.chosen.delete(id);
    }
    for (const id of adds) {
      selector.chosen.add(id);
    }
    if (dels.length + adds.length > 0) {
      selector.changed();
      notify(selector, adds, dels);
    }
  }

  /** First selection of a new selector. */
  private fill(selector: Selector): void {
    if (selector.isWildcard || selector.isNone) {
      return;
    }
    const labels = selector.labels as EndpointSelector;
    for (const identity of this.postings.smallest(labels, this.identities)) {
      if (selectorMatches(labels, identity.index)) {
        selector.chosen.add(identity.id);
      }
    }
  }

  private remember(identity: Identity): void {
    this.identities.set(identity.id, identity);
    this.nets.add(identity);
    this.postings.add(identity);
  }

  private forget(id: NumericIdentity): boolean {
    const identity = this.identities.get(id);
    if (identity === undefined) {
      return false;
    }
    this.identities.delete(id);
    this.nets.remove(identity);
    this.postings.remove(identity);
    return true;
  }
}

/** `MatchName: a, MatchPattern: b` @see cilium:pkg/policy/api/fqdn.go#FQDNSelector.String */
export function fqdnKey(fqdn: FqdnSelector): string {
  return `MatchName: ${fqdn.matchName}, MatchPattern: ${fqdn.matchPattern}`;
}

/** Whether a selector covers the local host. */
export function selectsHost(selector: CachedSelector): boolean {
  return selector.selects(IDENTITY_HOST);
}

function addUser(cached: Selector, user: SelectionUser): { readonly selector: CachedSelector; readonly added: boolean } {
  const added = !cached.users.has(user);
  cached.users.add(user);
  return { selector: cached, added };
}

function matches(selector: Selector, identity: Identity): boolean {
  assert(selector.labels !== null, 'only label selectors are matched');
  if (selector.namespaces !== null && !selector.namespaces.includes(identity.index.get(NAMESPACE_KEY) ?? '')) {
    return false;
  }
  return selectorMatches(selector.labels, identity.index);
}

function notify(selector: Selector, added: readonly NumericIdentity[], deleted: readonly NumericIdentity[]): void {
  for (const user of [...selector.users]) {
    user.identitySelectionUpdated(selector, added, deleted);
  }
}

function sameLabels(a: Identity, b: Identity): boolean {
  return (
    a.labels.length === b.labels.length &&
    a.labels.every((label, i) => {
      const other = b.labels[i];
      return other !== undefined && label.key === other.key && label.value === other.value && label.source === other.source;
    })
  );
}
