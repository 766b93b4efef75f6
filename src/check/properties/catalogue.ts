/**
 * The properties of Cilium's policies that are tested, each in words, with its precondition and the upstream code it speaks of. Where a precondition names 1.13.3, the
 * released agent breaks the property there.
 */

/** How a property is tested. */
export type PropertyTesting =
  /** Against the engine and against a mutant that breaks it. */
  | 'engine and mutant'
  /** Against the engine. */
  | 'engine';

/** One property. */
export interface CatalogueEntry {
  readonly id: number;
  readonly name: string;
  readonly statement: string;
  readonly precondition: string;
  /** `cilium:path#symbol` */
  readonly source: string;
  readonly testing: PropertyTesting;
}

/** Structure of rules and the algebra of allow and deny. */
const ALGEBRA: readonly CatalogueEntry[] = [
  {
    id: 1,
    name: 'Order independence',
    statement: 'What policies mean does not depend on their order.',
    precondition: 'No two of them share an object name; headers with actions aside.',
    source: 'cilium:pkg/policy/repository.go#Repository.resolvePolicyLocked',
    testing: 'engine and mutant',
  },
  {
    id: 2,
    name: 'Duplicates',
    statement: 'A policy that is there twice means what it means once.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/rule.go#mergePortProto',
    testing: 'engine and mutant',
  },
  {
    id: 3,
    name: 'Repeated import',
    statement: 'Applying the same objects again leaves every map entry as it was.',
    precondition: 'Objects of the API server; a rule list is only added to.',
    source: 'cilium:daemon/cmd/policy.go#Daemon.policyAdd',
    testing: 'engine and mutant',
  },
  {
    id: 4,
    name: 'Splitting by peers',
    statement: 'An element with peers a and b means two elements, one with each.',
    precondition: 'Same ports and rules.',
    source: 'cilium:pkg/policy/rule.go#mergeIngress',
    testing: 'engine and mutant',
  },
  {
    id: 5,
    name: 'Splitting by ports',
    statement: 'An element with ports p and q means two elements, one with each.',
    precondition: 'The list of ports is not empty.',
    source: 'cilium:pkg/policy/rule.go#mergeIngress',
    testing: 'engine and mutant',
  },
  {
    id: 6,
    name: 'Splitting by HTTP rules',
    statement: 'HTTP rules x and y in one list mean two elements with one each.',
    precondition: 'No header actions.',
    source: 'cilium:pkg/policy/l4.go#L7DataMap',
    testing: 'engine and mutant',
  },
  {
    id: 7,
    name: 'Union of entities',
    statement: 'Entities together mean each of them in an element of its own.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/api/entity.go#EntitySlice.GetAsEndpointSelectors',
    testing: 'engine and mutant',
  },
  {
    id: 8,
    name: 'Directions apart',
    statement: 'Egress rules change no ingress entry.',
    precondition: 'They name no prefixes, and no parsers conflict.',
    source: 'cilium:pkg/policy/repository.go#Repository.resolvePolicyLocked',
    testing: 'engine and mutant',
  },
  {
    id: 9,
    name: 'Subject scope',
    statement: 'A policy that does not select a pod changes nothing for it.',
    precondition: 'It names no prefixes, names or services: these get identities that others see.',
    source: 'cilium:pkg/policy/rule.go#rule.matches',
    testing: 'engine and mutant',
  },
  {
    id: 10,
    name: 'Allows only add',
    statement: 'One more allow takes nothing away.',
    precondition: 'Both directions are enforced already; no requirements, no rules for content.',
    source: 'cilium:pkg/policy/rule.go#mergePortProto',
    testing: 'engine and mutant',
  },
  {
    id: 11,
    name: 'Plain allow absorbs L7',
    statement: 'A plain allow of the same peer and port lifts its HTTP rules.',
    precondition: 'No server names.',
    source: 'cilium:pkg/policy/l4.go#PerSelectorPolicy',
    testing: 'engine and mutant',
  },
  {
    id: 12,
    name: 'Allow of everyone absorbs L7',
    statement: 'A plain allow of everyone on a port lifts all HTTP rules of the port.',
    precondition: 'No deny, no header actions.',
    source: 'cilium:pkg/policy/l4.go#L4Filter.ToMapState',
    testing: 'engine and mutant',
  },
  {
    id: 13,
    name: 'Deny wins',
    statement: 'What a deny names is dropped, whatever is allowed.',
    precondition: 'The deny names its protocol; intended rules (1.13.3: an L7 rule of the peer reopens it).',
    source: 'cilium:pkg/policy/mapstate.go#MapState.denyPreferredInsertWithChanges',
    testing: 'engine and mutant',
  },
  {
    id: 14,
    name: 'Denies only take away',
    statement: 'One more deny lets nothing in.',
    precondition: 'Both directions are enforced already; it names no prefixes (1.13.3: a wide one swallows narrower ones).',
    source: 'cilium:pkg/policy/mapstate.go#MapState.denyPreferredInsertWithChanges',
    testing: 'engine and mutant',
  },
  {
    id: 15,
    name: 'Deny of all',
    statement: 'A deny of everyone on all ports leaves no other entry of its direction, the host included.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/mapstate.go#MapState.denyPreferredInsertWithChanges',
    testing: 'engine and mutant',
  },
  {
    id: 16,
    name: 'Add, then remove',
    statement: 'A policy that comes and goes leaves no trace in the map.',
    precondition: 'It names no prefixes.',
    source: 'cilium:daemon/cmd/policy.go#Daemon.policyDelete',
    testing: 'engine and mutant',
  },
  {
    id: 17,
    name: 'Exceptions of an allow',
    statement: 'A prefix without exceptions means the prefixes that are left.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/api/cidr.go#ComputeResultantCIDRSet',
    testing: 'engine and mutant',
  },
  {
    id: 18,
    name: 'Exceptions of a deny',
    statement: 'The same for a deny: what is excepted is not denied.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/api/cidr.go#ComputeResultantCIDRSet',
    testing: 'engine and mutant',
  },
  {
    id: 19,
    name: 'Entities',
    statement: 'all lets in whatever another peer does; cluster and world share nobody.',
    precondition: 'The API server is inside the cluster.',
    source: 'cilium:pkg/policy/api/entity.go#InitEntities',
    testing: 'engine and mutant',
  },
  {
    id: 20,
    name: 'Protocol ANY',
    statement: 'ANY means TCP, UDP and SCTP.',
    precondition: 'Allow sections: a deny without a protocol names none in 1.13.3.',
    source: 'cilium:pkg/policy/rule.go#mergeIngress',
    testing: 'engine and mutant',
  },
];

/** Identities and their life. */
const LIFE: readonly CatalogueEntry[] = [
  {
    id: 21,
    name: 'Numbers of identities',
    statement: 'Other numbers for the identities change no verdict.',
    precondition: 'Reserved numbers stay.',
    source: 'cilium:pkg/identity/numericidentity.go',
    testing: 'engine and mutant',
  },
  {
    id: 22,
    name: 'Names of labels',
    statement: 'Other names for labels and values, in pods and policies alike, change no verdict.',
    precondition: 'Namespace, cluster and reserved labels stay; the names stay of their filter class.',
    source: 'cilium:pkg/labels/labels.go',
    testing: 'engine and mutant',
  },
  {
    id: 23,
    name: 'Shared identities',
    statement: 'Pods with equal labels have equal entries, and are equal peers.',
    precondition: 'Equal named ports.',
    source: 'cilium:pkg/policy/distillery.go#PolicyCache',
    testing: 'engine and mutant',
  },
  {
    id: 24,
    name: 'Labels nobody mentions',
    statement: 'A label that no selector mentions changes no verdict.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/api/selector.go#EndpointSelector.Matches',
    testing: 'engine and mutant',
  },
  {
    id: 25,
    name: 'Namespaces of subjects',
    statement: 'A namespaced policy changes nothing for pods of other namespaces.',
    precondition: 'It names no prefixes; no reserved:init in its selector.',
    source: 'cilium:pkg/k8s/apis/cilium.io/utils/utils.go#ParseToCiliumRule',
    testing: 'engine and mutant',
  },
  {
    id: 26,
    name: 'Namespaces of peers',
    statement: 'Peers without a namespace are in the policy’s own: no other pods, no world.',
    precondition: 'No reserved labels in the selector; the host is let in by another entry.',
    source: 'cilium:pkg/k8s/apis/cilium.io/utils/utils.go#getEndpointSelector',
    testing: 'engine and mutant',
  },
  {
    id: 27,
    name: 'Incremental is from scratch',
    statement: 'Identities that come and go leave the map a new computation gives.',
    precondition: 'Intended rules; with denies, identities only come.',
    source: 'cilium:pkg/policy/mapstate.go#MapChanges.consumeMapChanges',
    testing: 'engine and mutant',
  },
  {
    id: 28,
    name: 'Identity there and back',
    statement: 'An identity that goes and comes back leaves the map as it was.',
    precondition: 'Allows only.',
    source: 'cilium:pkg/policy/l4.go#L4Policy.AccumulateMapChanges',
    testing: 'engine and mutant',
  },
  {
    id: 29,
    name: 'Regeneration again',
    statement: 'A second regeneration changes nothing.',
    precondition: 'Not the one after a new redirect in 1.13.3.',
    source: 'cilium:pkg/endpoint/bpf.go#Endpoint.regenerateBPF',
    testing: 'engine and mutant',
  },
  {
    id: 30,
    name: 'Revisions grow',
    statement: 'No revision number ever gets smaller.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/repository.go#Repository.BumpRevision',
    testing: 'engine and mutant',
  },
  {
    id: 31,
    name: 'States',
    statement: 'Every change of an endpoint’s state is an allowed one.',
    precondition: 'None.',
    source: 'cilium:pkg/endpoint/endpoint.go#Endpoint.setState',
    testing: 'engine and mutant',
  },
  {
    id: 32,
    name: 'Failed regeneration',
    statement: 'It takes its redirects back, and after the next success no key names a proxy port without a listener.',
    precondition: '1.13.3: until that success keys may name the listener that was taken back, since the map is not rolled back (GH-3897).',
    source: 'cilium:pkg/endpoint/bpf.go#Endpoint.finalizeProxyState',
    testing: 'engine and mutant',
  },
  {
    id: 33,
    name: 'No moment of weakness',
    statement: 'What old and new policy forbid is forbidden in between.',
    precondition: 'No L7 rule of a denied peer; looked at after every event of the agent.',
    source: 'cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMap',
    testing: 'engine and mutant',
  },
  {
    id: 34,
    name: 'DNS before data',
    statement: 'When a pod has its answer, policy map and ipcache know the addresses in it.',
    precondition: 'The endpoint is not being regenerated for longer than the answer may wait (100 ms).',
    source: 'cilium:daemon/cmd/fqdn.go#Daemon.notifyOnDNSMsg',
    testing: 'engine and mutant',
  },
];

/** Map entries, look-ups, the proxy. */
const MAPS: readonly CatalogueEntry[] = [
  {
    id: 35,
    name: 'First hit decides',
    statement: 'An entry that a look-up does not hit can go without a change.',
    precondition: 'None.',
    source: 'cilium:bpf/lib/policy.h#__policy_can_access',
    testing: 'engine and mutant',
  },
  {
    id: 36,
    name: 'Denies at open ports',
    statement: 'Where a port is open to everyone, whoever is denied on all ports has a deny at that port.',
    precondition: 'Intended rules.',
    source: 'cilium:pkg/policy/mapstate.go#MapState.denyPreferredInsertWithChanges',
    testing: 'engine and mutant',
  },
  {
    id: 37,
    name: 'No redirect under a deny',
    statement: 'No redirect stands beside a deny that covers it.',
    precondition: 'Intended rules; 1.13.3 writes them.',
    source: 'cilium:pkg/endpoint/bpf.go#Endpoint.addNewRedirectsFromDesiredPolicy',
    testing: 'engine and mutant',
  },
  {
    id: 38,
    name: 'Redirects have parsers',
    statement: 'A redirect’s port has rules for content.',
    precondition: 'No visibility annotations, no server names.',
    source: 'cilium:pkg/policy/l4.go#L4Filter.IsRedirect',
    testing: 'engine and mutant',
  },
  {
    id: 39,
    name: 'Open directions',
    statement: 'A direction that is not enforced has the entry that allows everything.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/mapstate.go#MapState.AllowAllIdentities',
    testing: 'engine and mutant',
  },
  {
    id: 40,
    name: 'The host',
    statement: 'The host’s entry is there.',
    precondition: 'Nothing denies the host; allow-localhost is always.',
    source: 'cilium:pkg/policy/mapstate.go#MapState.DetermineAllowLocalhostIngress',
    testing: 'engine and mutant',
  },
  {
    id: 41,
    name: 'Proxy and rules',
    statement: 'What the proxy lets through is what the HTTP rules of the peer allow.',
    precondition: 'The peer is redirected and not denied.',
    source: 'cilium:pkg/envoy/server.go#getNetworkPolicy',
    testing: 'engine and mutant',
  },
  {
    id: 42,
    name: 'Proxy messages',
    statement: 'Equal policies give equal messages to the proxy, whatever their order.',
    precondition: 'No header matches, no Kafka or generic rules, no prefixes.',
    source: 'cilium:pkg/envoy/sort.go',
    testing: 'engine and mutant',
  },
  {
    id: 43,
    name: 'Directions at the proxy',
    statement: 'An open direction is one rule for all ports; an enforced one without rules is absent.',
    precondition: 'None.',
    source: 'cilium:pkg/envoy/server.go#getDirectionNetworkPolicy',
    testing: 'engine and mutant',
  },
  {
    id: 44,
    name: 'HTTP rules only add',
    statement: 'One more HTTP rule in a list takes no request away.',
    precondition: 'No header actions.',
    source: 'proxy:cilium/network_policy.cc#HttpNetworkPolicyRule',
    testing: 'engine and mutant',
  },
  {
    id: 45,
    name: 'Paths are whole',
    statement: 'A path expression must match the whole path with its query.',
    precondition: 'None.',
    source: 'proxy:cilium/network_policy.cc#HttpNetworkPolicyRule',
    testing: 'engine and mutant',
  },
  {
    id: 46,
    name: 'DNS patterns',
    statement: 'A pattern without * is a name; case and a last dot do not matter; * spans no dot, except alone.',
    precondition: 'None.',
    source: 'cilium:pkg/fqdn/matchpattern/matchpattern.go#ToRegexp',
    testing: 'engine and mutant',
  },
  {
    id: 47,
    name: 'Enforcement modes',
    statement: 'never lets everything through; always lets through no more than default.',
    precondition: 'None.',
    source: 'cilium:pkg/policy/repository.go#Repository.computePolicyEnforcementAndRules',
    testing: 'engine and mutant',
  },
  {
    id: 48,
    name: 'NetworkPolicy',
    statement: 'A NetworkPolicy means for pods what its statements say.',
    precondition: 'endPort aside; node traffic is let in.',
    source: 'cilium:pkg/k8s/network_policy.go#ParseNetworkPolicy',
    testing: 'engine and mutant',
  },
  {
    id: 49,
    name: 'Size of the map',
    statement: 'A map holds at most 16384 entries.',
    precondition: 'None.',
    source: 'cilium:pkg/maps/policymap/policymap.go',
    testing: 'engine and mutant',
  },
  {
    id: 50,
    name: 'Replies',
    statement: 'Replies of an allowed connection pass, whatever the other direction allows.',
    precondition: 'None.',
    source: 'cilium:bpf/lib/conntrack.h#ct_lookup4',
    testing: 'engine and mutant',
  },
];

/** All of them, by number. */
export const PROPERTIES: readonly CatalogueEntry[] = [...ALGEBRA, ...LIFE, ...MAPS];
