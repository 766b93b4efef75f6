/** Deliberately wrong variants of the engine, each with the property test that finds it. */
import type { Variant } from './plant.ts';
import { ROOMS } from './variants_rooms.ts';

/** The policy look-up of the datapath. */
const LOOKUP = { by: 'bpf/policy.prop.test.ts', test: /first key of the fixed order/ };
const LOOKUP_FILE = 'bpf/lib/policy.ts';
/** Connection tracking. */
const conntrack = (test: RegExp): Pick<Variant, 'file' | 'by' | 'test'> => ({
  file: 'bpf/lib/conntrack.ts',
  by: 'bpf/conntrack.prop.test.ts',
  test,
});
/** The agent's map entries and the proxy's rules against the oracle. */
const ORACLE = { by: 'check/oracle.prop.test.ts', test: /agrees with the intended map state/ };
/** Properties of the catalogue, by number. */
const catalogue = (file: string, id: number): Pick<Variant, 'by' | 'test'> => ({
  by: `check/properties/${file}.prop.test.ts`,
  test: new RegExp(`^${id}\\..* holds$`),
});
/** HTTP verdicts and paths of the proxy. */
const proxy = (test: RegExp): Pick<Variant, 'by' | 'test'> => ({ by: 'envoy/policy.prop.test.ts', test });
/** Whole clusters with faults. */
const cluster = (test: RegExp): Pick<Variant, 'by' | 'test'> => ({ by: 'planted/packets.prop.test.ts', test });

const DATAPATH: readonly Variant[] = [
  {
    name: 'wrong look-up order: any identity before the identity',
    file: LOOKUP_FILE,
    find: 'let entry = tryKey(env, map, skb, remote, port, proto);',
    replace: 'let entry = tryKey(env, map, skb, 0, port, proto);',
    ...LOOKUP,
  },
  { name: 'deny entries allow', file: LOOKUP_FILE, find: 'entry.deny ? DROP_POLICY_DENY : ', replace: '', ...LOOKUP },
  {
    name: 'no entry lets pass',
    file: LOOKUP_FILE,
    find: 'untrackedFragment ? DROP_FRAG_NOSUPPORT : DROP_POLICY);',
    replace: '0);',
    ...LOOKUP,
  },
  { name: 'direction of the key forgotten', file: LOOKUP_FILE, find: 'key.egress = egress;', replace: 'key.egress = 0;', ...LOOKUP },
  {
    name: 'port byte order of the key swapped',
    file: LOOKUP_FILE,
    find: 'key.dport = port;',
    replace: 'key.dport = ((port & 0xff) << 8) | (port >>> 8);',
    ...LOOKUP,
  },
  { name: 'protocol of the key ignored', file: LOOKUP_FILE, find: 'key.protocol = proto;', replace: 'key.protocol = 0;', ...LOOKUP },
  {
    name: 'the key of an identity alone is not tried',
    file: LOOKUP_FILE,
    find: 'entry = tryKey(env, map, skb, remote, 0, 0);',
    replace: 'entry = tryKey(env, map, skb, 0, 0, 0);',
    ...LOOKUP,
  },
  {
    name: 'a key of a protocol alone does not redirect',
    file: LOOKUP_FILE,
    find: 'return decided(env, map, skb, entry, POLICY_MATCH_PROTO_ONLY, entry.proxyPort);',
    replace: 'return decided(env, map, skb, entry, POLICY_MATCH_PROTO_ONLY, 0);',
    ...LOOKUP,
  },
  {
    name: 'packets are counted twice on the deciding entry',
    file: LOOKUP_FILE,
    find: 'entry.packets += 1;',
    replace: 'entry.packets += 2;',
    by: 'bpf/policy.prop.test.ts',
    test: /22: exactly/,
  },
  {
    name: 'tuple reversal forgets the ports',
    find: 'tuple.sport = tuple.dport;\n  tuple.dport = port;',
    replace: 'tuple.dport = port;',
    ...conntrack(/16: the reverse/),
  },
  {
    name: 'tuple reversal forgets the direction',
    find: 'tuple.flags ^= TUPLE_F_IN;',
    replace: '',
    ...conntrack(/16: the reverse/),
  },
  {
    name: 'stale entry: one that is closed stays closed on a new SYN',
    find: 'entry.flags &= ~(CT_RX_CLOSING | CT_TX_CLOSING);',
    replace: '',
    ...conntrack(/11: what is reopened/),
  },
  {
    name: 'replies count as the request’s direction',
    find: '    entry.rxPackets += 1;\n',
    replace: '    entry.txPackets += 1;\n',
    ...conntrack(/4, 5: packets/),
  },
  {
    name: 'no companion for ICMP errors',
    find: 'icmp.flags = tuple.flags | TUPLE_F_RELATED;',
    replace: 'icmp.flags = tuple.flags;',
    ...conntrack(/14: every entry/),
  },
  {
    name: 'proxy redirect lost in the entry',
    find: '(proxyRedirect ? CT_PROXY_REDIRECT : 0) |',
    replace: '',
    ...conntrack(/2, 3: a look-up|16: the reverse/),
  },
  {
    name: 'garbage collection takes what lives',
    file: 'agent/ctmap/gc.ts',
    find: '(entry) => entry.lifetime < nowSeconds,',
    replace: '(entry) => entry.lifetime > nowSeconds,',
    by: 'bpf/conntrack.prop.test.ts',
    test: /36: garbage/,
  },
  {
    name: 'longest prefix: the shortest wins',
    file: 'kernel/lpm_trie.ts',
    find: 'for (const level of this.#spaces.get(key.space) ?? []) {',
    replace: 'for (const level of [...(this.#spaces.get(key.space) ?? [])].reverse()) {',
    by: 'kernel/lpm_trie.prop.test.ts',
    test: /equals brute force/,
  },
  {
    name: 'longest prefix: host bits are part of the key',
    file: 'kernel/lpm_trie.ts',
    find: '    const level = this.#level(key);\n    const address = maskAddress(key.address, key.length);',
    replace: '    const level = this.#level(key);\n    const address = key.address;',
    by: 'kernel/lpm_trie.prop.test.ts',
    test: /./,
  },
  {
    name: 'a full hash map takes one more',
    file: 'kernel/hash_map.ts',
    find: 'if (this.#size >= this.capacity) {',
    replace: 'if (this.#size > this.capacity) {',
    by: 'kernel/hash_map.prop.test.ts',
    test: /behave as a list of pairs/,
  },
  {
    name: 'hash map: an entry of a colliding key is found',
    file: 'kernel/hash_map.ts',
    find: 'elements[at + KEY + 1] === second &&',
    replace: '',
    by: 'kernel/hash_map.prop.test.ts',
    test: /behave as a list/,
  },
];

const AGENT: readonly Variant[] = [
  {
    name: 'a deny of everything does not end the insertions',
    file: 'agent/policy/mapstate.ts',
    find: '    if (this.deniesAll(direction)) {\n      return;\n    }',
    replace: '',
    by: 'agent/policy/mapstate.prop.test.ts',
    test: /./,
  },
  {
    name: 'namespace not injected into peers',
    file: 'agent/k8s/cnp.ts',
    find: '    : withMatch(selector, NAMESPACE_KEY, namespace);\n}',
    replace: '    : selector;\n}',
    ...ORACLE,
  },
  {
    name: 'namespace not injected into the subject',
    file: 'agent/k8s/cnp.ts',
    find: "subject === null || matchesInit || namespace === '' ? subject : withMatch(subject, NAMESPACE_KEY, namespace)",
    replace: 'subject',
    ...ORACLE,
  },
  {
    name: 'except ignored',
    file: 'agent/policy/api/aggregate.ts',
    find: 'const removed = rule.except.map(parsePrefix)',
    replace: 'const removed = [].map(parsePrefix)',
    ...ORACLE,
  },
  {
    name: 'NotIn means Exists',
    file: 'agent/policy/api/selector.ts',
    find: 'return value === undefined || !requirement.values.includes(value);',
    replace: 'return value !== undefined && !requirement.values.includes(value);',
    ...ORACLE,
  },
  {
    name: 'DoesNotExist means Exists',
    file: 'agent/policy/api/selector.ts',
    find: 'return value === undefined;',
    replace: 'return value !== undefined;',
    ...ORACLE,
  },
  {
    name: 'labels of a selector: one is enough',
    file: 'agent/policy/api/selector.ts',
    find: '    if (labels.get(key) !== value) {\n      return false;',
    replace: '    if (labels.get(key) === value) {\n      return true;',
    ...ORACLE,
  },
  {
    name: 'no peers means nobody, with ports too',
    file: 'agent/policy/rule.ts',
    find: 'peers.length === 0 ? [WILDCARD_SELECTOR] : peers;',
    replace: 'peers;',
    ...ORACLE,
  },
  {
    name: 'protocol ANY is TCP',
    file: 'agent/policy/rule.ts',
    find: '[PROTO_TCP, PROTO_UDP, PROTO_SCTP] : [protocol]',
    replace: '[PROTO_TCP] : [protocol]',
    ...ORACLE,
  },
  {
    name: 'requirements are not added',
    file: 'agent/policy/rule.ts',
    find: 'return extra.length === 0 ? peers :',
    replace: 'return extra.length >= 0 ? peers :',
    ...ORACLE,
  },
  {
    name: 'deny sections are read as allows',
    file: 'agent/policy/rule.ts',
    find: '...rule.ingressDeny.map((one) => ingress(one, true))',
    replace: '...rule.ingressDeny.map((one) => ingress(one, false))',
    ...catalogue('algebra', 13),
  },
  {
    name: 'keys of a policy that went stay in the map',
    file: 'agent/endpoint/policy_map.ts',
    find: '    deletePolicyKey(endpoint, key, journey);\n',
    replace: '',
    ...cluster(/ports and denies/),
  },
  {
    name: 'regeneration is reported realized before the ACK',
    file: 'agent/endpoint/bpf.ts',
    find: '  group.wait((failure) => {\n',
    replace: '  finish(round, done);\n  new WaitGroup(deps.scheduler, 1).wait((failure) => {\n    if (failure !== undefined) { return; }\n',
    by: 'planted/realized.prop.test.ts',
    test: /./,
  },
  {
    name: 'redirects are written as plain allows',
    file: 'agent/endpoint/policy_map.ts',
    find: '  if (proxyPort !== UNKNOWN_PROXY_PORT) {\n    return proxyPort;\n',
    replace: '  if (proxyPort !== UNKNOWN_PROXY_PORT) {\n    return 0;\n',
    ...cluster(/HTTP rules/),
  },
  {
    name: 'the proxy does not hear of new rules',
    file: 'agent/endpoint/bpf.ts',
    find: "  ['updateNetworkPolicy', tellProxy],\n",
    replace: '',
    ...cluster(/HTTP rules/),
  },
];

const WHOLE_WAY: readonly Variant[] = [
  {
    name: 'replies are policed',
    file: 'bpf/lxc_policy.ts',
    find: 'if (!isReply && verdict < 0) {\n      verdictEvent(lxc, skb, srcLabel, POLICY_INGRESS, verdict);',
    replace: 'if (verdict < 0) {\n      verdictEvent(lxc, skb, srcLabel, POLICY_INGRESS, verdict);',
    ...cluster(/./),
  },
  {
    name: 'ingress drops are events only',
    file: 'bpf/lxc_policy.ts',
    find: '      return verdict === DROP_POLICY_AUTH_REQUIRED && status === CT_NEW ? createUnauthenticated(env, skb, CT_INGRESS, srcLabel) : verdict;',
    replace: '      verdict = 0;',
    ...cluster(/./),
  },
  {
    name: 'port byte order of the mark to the proxy',
    file: 'maps/marks.ts',
    find: 'return ((swap16(port) << 16) | MARK_MAGIC_TO_PROXY) >>> 0;',
    replace: 'return ((port << 16) | MARK_MAGIC_TO_PROXY) >>> 0;',
    by: 'planted/marks.prop.test.ts',
    test: /./,
  },
  {
    name: 'identity from the wrong half of the mark',
    file: 'maps/marks.ts',
    find: 'return ((mark & 0xff) << 16) | (mark >>> 16);',
    replace: 'return mark & 0xffff;',
    ...proxy(/survive the mark/),
  },
];

const PROXY: readonly Variant[] = [
  {
    name: 'regex unanchored',
    file: 'envoy/regex.ts',
    find: 'text !== null && compiled.testExact(text)',
    replace: 'text !== null && compiled.test(text)',
    ...ORACLE,
  },
  {
    name: 'literal expressions match a start',
    file: 'envoy/regex.ts',
    find: '(value) => value === pattern',
    replace: '(value) => value.startsWith(pattern)',
    ...ORACLE,
  },
  {
    name: 'one matcher of a rule is enough',
    file: 'envoy/cilium/http_rule.ts',
    find: '      if (!matcher.matches(headers)) {\n        return () => describeMismatch(matcher, headers);',
    replace: '      if (matcher.matches(headers)) {\n        return null;',
    ...proxy(/agree with an independent/),
  },
  {
    name: 'remote identities of a rule do not count',
    file: 'envoy/cilium/port_policy.ts',
    find: 'return this.#remotes.size === 0 || this.#remotes.has(remoteId);',
    replace: 'return true;',
    ...proxy(/agree with an independent/),
  },
  {
    name: 'a rule without HTTP rules allows nothing',
    file: 'envoy/cilium/port_policy.ts',
    find: "why: 'the rule has no HTTP rules' });\n      return true;",
    replace: "why: 'the rule has no HTTP rules' });\n      return false;",
    ...proxy(/agree with an independent/),
  },
  {
    name: 'the first rule of a port decides alone',
    file: 'envoy/cilium/port_policy.ts',
    find: '      if (rule.allowed(request, this.#port, trace)) {\n        matched = true;\n        if (!this.#sideEffects) {\n          break;\n        }\n      }',
    replace: '      matched = rule.allowed(request, this.#port, trace);\n      break;',
    ...proxy(/agree with an independent/),
  },
  {
    name: 'path not normalised: dots stay',
    file: 'envoy/http/path_utility.ts',
    find: "    if (plain === '..' || plain === '.') {",
    replace: "    if (plain === '.') {",
    ...proxy(/normalise to a fixed point/),
  },
  {
    name: 'path not normalised: slashes stay double',
    file: 'envoy/http/path_utility.ts',
    find: "own.replace(/\\/{2,}/g, '/') + query",
    replace: 'own + query',
    ...proxy(/normalise to a fixed point/),
  },
  {
    name: 'path not normalised: escaped slashes stay',
    file: 'envoy/http/path_utility.ts',
    find: "own.replace(/%2f/gi, '/')",
    replace: 'own',
    ...proxy(/normalise to a fixed point/),
  },
  {
    name: 'presence of a header is read the other way',
    file: 'envoy/http/header_matcher.ts',
    find: 'matches: (headers) => headers.has(name) === wanted',
    replace: 'matches: (headers) => !headers.has(name) === wanted',
    ...proxy(/agree with an independent/),
  },
];

/** All of them. */
export const VARIANTS: readonly Variant[] = [...DATAPATH, ...AGENT, ...WHOLE_WAY, ...PROXY, ...ROOMS];
