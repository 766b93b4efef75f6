/**
 * From an identity's policy to an endpoint's: the selector policy is shared by all endpoints of an identity, the endpoint policy adds the map
 * state with the endpoint's own named ports and proxy ports.
 * @see cilium:pkg/policy/resolve.go
 */
import { IDENTITY_HOST, IDENTITY_REMOTE_NODE, type Identity as NumericIdentity } from '../../maps/identity.ts';
import { TRAFFIC_EGRESS, TRAFFIC_INGRESS } from '../../maps/policymap.ts';
import type { LabelArray } from '../labels/labels.ts';
import type { PolicyConfig } from './config.ts';
import { type FilterSelector, filterKeys, hasKeys, type L4Filter, type L4Policy, type L4PolicyMap, type NamedPorts } from './l4.ts';
import { type KeyChanges, MapState, UNKNOWN_PROXY_PORT } from './mapstate.ts';
import { newEntry } from './mapstate_entry.ts';
import { isRedirect } from './per_selector_policy.ts';
import type { CertificateManager } from './policy_context.ts';
import type { SelectorCache } from './selectorcache.ts';

/** Policy of an identity, in terms of selectors. @see cilium:pkg/policy/resolve.go#selectorPolicy */
export interface SelectorPolicy {
  /** Repository revision it was computed from. */
  readonly revision: number;
  readonly cache: SelectorCache;
  readonly config: PolicyConfig;
  readonly l4Policy: L4Policy;
  /** Namespace of the identity; secrets without one are looked up there. */
  readonly namespace: string;
  readonly certificates: CertificateManager;
  readonly ingressPolicyEnabled: boolean;
  readonly egressPolicyEnabled: boolean;
}

/** The endpoint a policy is computed for. @see cilium:pkg/policy/resolve.go#PolicyOwner */
export interface PolicyOwner extends NamedPorts {
  /** Proxy port of a redirect already in force; 0 = none yet. */
  lookupRedirectPort(ingress: boolean, protocol: string, port: number): number;
}

/** A changed selection waiting to be applied. */
export interface PendingChange {
  readonly filter: L4Filter;
  readonly part: FilterSelector;
  /** Resolved. */
  readonly port: number;
  readonly added: readonly NumericIdentity[];
  readonly deleted: readonly NumericIdentity[];
}

/** Policy of an endpoint. @see cilium:pkg/policy/resolve.go#EndpointPolicy */
export interface EndpointPolicy {
  readonly selectorPolicy: SelectorPolicy;
  readonly owner: PolicyOwner;
  readonly isHost: boolean;
  /** Wanted content of the policy map. */
  readonly mapState: MapState;
  /** Changes of selections since the last {@link consumeMapChanges}. */
  readonly pending: PendingChange[];
}

const DERIVED_FROM = 'io.cilium.policy.derived-from';
const ALLOW_LOCALHOST_INGRESS = derivedFrom('allow-localhost-ingress');
const ALLOW_REMOTEHOST_INGRESS = derivedFrom('allow-remotehost-ingress');
const ALLOW_ANY_INGRESS = derivedFrom('allow-any-ingress');
const ALLOW_ANY_EGRESS = derivedFrom('allow-any-egress');

/**
 * Computes an endpoint's map state; the result follows selections until {@link detachEndpointPolicy}. Redirects whose proxy port the owner does
 * not know yet are left out: see redirects.ts.
 * @see cilium:pkg/policy/resolve.go#selectorPolicy.DistillPolicy
 */
export function distillPolicy(policy: SelectorPolicy, owner: PolicyOwner, isHost: boolean): EndpointPolicy {
  const mapState = new MapState(policy.config.quirks.coveredDenyDropped);
  const endpoint: EndpointPolicy = { selectorPolicy: policy, owner, isHost, mapState, pending: [] };
  policy.l4Policy.insertUser(endpoint);
  fillMapState(endpoint, mapState);
  return endpoint;
}

/** The full computation. */
function fillMapState({ selectorPolicy: policy, owner, isHost }: EndpointPolicy, mapState: MapState): void {
  if (!policy.ingressPolicyEnabled) {
    mapState.set(0, 0, 0, TRAFFIC_INGRESS, newEntry(null, ALLOW_ANY_INGRESS, 0, false));
  }
  if (!policy.egressPolicyEnabled) {
    mapState.set(0, 0, 0, TRAFFIC_EGRESS, newEntry(null, ALLOW_ANY_EGRESS, 0, false));
  }
  const target: Target = { policy, owner, mapState };
  computeDirection(target, policy.l4Policy.ingress);
  computeDirection(target, policy.l4Policy.egress);
  if (!isHost) {
    allowLocalhost(target);
  }
}

interface Target {
  readonly policy: SelectorPolicy;
  readonly owner: PolicyOwner;
  readonly mapState: MapState;
}

/** Ends the following of selections. */
export function detachEndpointPolicy(policy: EndpointPolicy): void {
  policy.selectorPolicy.l4Policy.removeUser(policy);
}

/**
 * Applies the pending changes of selections to the map state and tells which keys were added or changed and which removed.
 * @see cilium:pkg/policy/mapstate.go#MapChanges.consumeMapChanges
 */
export function consumeMapChanges(policy: EndpointPolicy): KeyChanges {
  const changes: KeyChanges = { adds: new Set(), deletes: new Set() };
  const { mapState, owner } = policy;
  const { cache, config } = policy.selectorPolicy;
  const uncovers = policy.pending.some(({ deleted }) => deleted.length > 0);
  if (uncovers && !config.quirks.incrementalLosesCovered) {
    policy.pending.length = 0;
    const fresh = new MapState(config.quirks.coveredDenyDropped);
    fillMapState(policy, fresh);
    mapState.replaceBy(fresh, changes);
    return changes;
  }
  for (const { filter, part, port, added, deleted } of policy.pending.splice(0)) {
    if (!config.quirks.incrementalIgnoresWildcard && !hasKeys(filter, part)) {
      continue;
    }
    const isDeny = part.policy?.isDeny ?? false;
    let proxyPort = 0;
    if (isRedirect(part.policy)) {
      proxyPort = owner.lookupRedirectPort(filter.ingress, filter.protocol, port);
      proxyPort = proxyPort === 0 ? UNKNOWN_PROXY_PORT : proxyPort;
    }
    const entry = newEntry(part, filter.derivedFrom, proxyPort, isDeny);
    for (const identity of added) {
      mapState.denyPreferredInsert(identity, port, filter.u8Proto, filter.direction, entry, cache.nets, changes);
    }
    for (const identity of deleted) {
      mapState.deleteKey(identity, port, filter.u8Proto, filter.direction, { owner: part }, changes);
    }
  }
  return changes;
}

/** @see cilium:pkg/policy/resolve.go#EndpointPolicy.computeDirectionL4PolicyMapEntries */
function computeDirection({ policy, owner, mapState }: Target, filters: L4PolicyMap): void {
  const { cache, config } = policy;
  const { nets } = cache;
  const { coveredDenyDropped } = config.quirks;
  for (const filter of filters.values()) {
    const port = filter.resolvePort(owner);
    if (port === null) {
      continue;
    }
    const proxyPort = filter.isRedirect() ? owner.lookupRedirectPort(filter.ingress, filter.protocol, port) : 0;
    filterKeys(filter, port, { nets, coveredDenyDropped, proxyPort }, (identity, entry) => {
      // A redirect without its port has to wait.
      if (entry.proxyPort === 0 || proxyPort !== 0) {
        mapState.denyPreferredInsert(identity, port, filter.u8Proto, filter.direction, entry, nets);
      }
    });
  }
}

/** @see cilium:pkg/policy/mapstate.go#MapState.DetermineAllowLocalhostIngress */
function allowLocalhost({ policy, mapState }: Target): void {
  const { config, cache } = policy;
  if (config.allowLocalhost !== 'always') {
    return;
  }
  mapState.denyPreferredInsert(IDENTITY_HOST, 0, 0, TRAFFIC_INGRESS, newEntry(null, ALLOW_LOCALHOST_INGRESS, 0, false), cache.nets);
  if (!config.enableRemoteNodeIdentity) {
    const isDenied = mapState.get(IDENTITY_HOST, 0, 0, TRAFFIC_INGRESS)?.isDeny ?? false;
    const entry = newEntry(null, ALLOW_REMOTEHOST_INGRESS, 0, isDenied);
    mapState.denyPreferredInsert(IDENTITY_REMOTE_NODE, 0, 0, TRAFFIC_INGRESS, entry, cache.nets);
  }
}

function derivedFrom(value: string): readonly LabelArray[] {
  return [[{ source: 'reserved', key: DERIVED_FROM, value }]];
}
