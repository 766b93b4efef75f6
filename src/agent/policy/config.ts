/**
 * The agent's options that policy depends on, and the switches between what 1.13.3 does and what its rules intend.
 * @see cilium:pkg/option/config.go#DaemonConfig
 */

/** `enable-policy`. */
export type EnforcementMode = 'default' | 'always' | 'never';

/** Options of the policy engine. */
export interface PolicyConfig {
  readonly enforcement: EnforcementMode;
  /** `auto` counts as `always` on Kubernetes. */
  readonly allowLocalhost: 'always' | 'policy';
  readonly enableRemoteNodeIdentity: boolean;
  readonly enableHostFirewall: boolean;
  readonly enableL7Proxy: boolean;
  readonly enableICMPRules: boolean;
  readonly clusterName: string;
  readonly quirks: PolicyQuirks;
}

/** Departures from Cilium's own rules, as in 1.13.3 or (one of them) only at its branch point; docs/quirks.md lists them for users. */
export interface PolicyQuirks {
  /**
   * Keys of a redirect are assigned, not inserted with deny preference, once its proxy port is known: an L7 allow reopens an L3 deny.
   * @see cilium:pkg/endpoint/bpf.go#addNewRedirectsFromDesiredPolicy
   */
  readonly redirectOverwritesDeny: boolean;
  /**
   * An identity that joins a selection gets its key even where the port's wildcard makes it superfluous; a computation from scratch leaves such
   * keys out. A plain allow that comes in this way is not redirected although the wildcard is.
   * @see cilium:pkg/policy/l4.go#L4Filter.IdentitySelectionUpdated
   */
  readonly incrementalIgnoresWildcard: boolean;
  /**
   * When a selection changes, the number of a named port found for one endpoint is used for the other endpoints of the identity too.
   * @see cilium:pkg/policy/l4.go#L4Policy.AccumulateMapChanges
   */
  readonly namedPortOfFirstEndpoint: boolean;
  /**
   * Nothing checks or normalizes deny sections: a port without a protocol denies nothing, unknown entities and bad ports are accepted.
   * @see cilium:pkg/policy/api/rule_validation.go#Rule.Sanitize
   */
  readonly denySectionsUnchecked: boolean;
  /**
   * A namespaced policy whose subject selector has a key `reserved:init` is not tied to its namespace (CVE-2023-41333).
   * @see cilium:pkg/k8s/apis/cilium.io/utils/utils.go#ParseToCiliumRule
   */
  readonly initEscapesNamespace: boolean;
  /**
   * A deny that the deny of a wider prefix covers gets no entry of its own; an allow of everything then lets it through.
   * @see cilium:pkg/policy/mapstate.go#MapState.denyPreferredInsertWithChanges
   */
  readonly coveredDenyDropped: boolean;
  /**
   * `toServices` with ports and no matching service opens the ports to everyone.
   * @see cilium:pkg/policy/rule.go#mergeEgress
   */
  readonly unmatchedServicesOpenPorts: boolean;
  /**
   * Of the branch point only: `serverNames` without TLS contexts or L7 rules leave the port open instead of sending it to the proxy, because its
   * test for an empty rule is the wrong way round; by the same test an `l7proto` without rules is sent there.
   * @see cilium:pkg/policy/l4.go#L7DataMap.addPolicyForSelector
   */
  readonly serverNamesAloneNotRedirected: boolean;
  /**
   * An identity whose labels change keeps the selections it had, until the selectors are made anew.
   * @see cilium:pkg/policy/selectorcache.go#SelectorCache.UpdateIdentities
   */
  readonly relabelKeepsSelections: boolean;
  /**
   * When an entry goes that covered others (a deny, say), what it covered is not put back until the next full computation; when one of several
   * reasons for an entry goes, a redirect stays one.
   * @see cilium:pkg/policy/mapstate.go#MapState.deleteKeyWithChanges
   */
  readonly incrementalLosesCovered: boolean;
}

/** Cilium 1.13.3 as released. The server names were put right after its branch point. */
export const RELEASED_QUIRKS: PolicyQuirks = {
  redirectOverwritesDeny: true,
  incrementalIgnoresWildcard: true,
  namedPortOfFirstEndpoint: true,
  denySectionsUnchecked: true,
  initEscapesNamespace: true,
  coveredDenyDropped: true,
  unmatchedServicesOpenPorts: true,
  serverNamesAloneNotRedirected: false,
  relabelKeepsSelections: true,
  incrementalLosesCovered: true,
};

/** Cilium 1.13.3 on Kubernetes with its Helm defaults. */
export const DEFAULT_POLICY_CONFIG: PolicyConfig = {
  enforcement: 'default',
  allowLocalhost: 'always',
  enableRemoteNodeIdentity: true,
  enableHostFirewall: false,
  enableL7Proxy: true,
  enableICMPRules: true,
  clusterName: 'default',
  quirks: RELEASED_QUIRKS,
};

/** What 1.13.3 writes once all redirects are known: its rules without the accidents of the order of writing. */
export const INTENDED_QUIRKS: PolicyQuirks = {
  ...RELEASED_QUIRKS,
  redirectOverwritesDeny: false,
  incrementalIgnoresWildcard: false,
  namedPortOfFirstEndpoint: false,
  relabelKeepsSelections: false,
  incrementalLosesCovered: false,
};
