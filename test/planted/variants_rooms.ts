/** Wrong variants of single rooms: what is kept over time, what is translated, who is who, what names mean, what is told. */
import type { Variant } from './plant.ts';

type By = Pick<Variant, 'by' | 'test'>;

const ORACLE: By = { by: 'check/oracle.prop.test.ts', test: /agrees with the intended map state/ };
/** The maps of running clusters after changes. */
const REALIZED: By = { by: 'check/realized.prop.test.ts', test: /./ };
const planted = (file: string, test = /./): By => ({ by: `planted/${file}.prop.test.ts`, test });
const cluster = (test: RegExp): By => planted('packets', test);
const MAPSTATE = 'agent/policy/mapstate.ts';
const conntrack = (test: RegExp): Pick<Variant, 'file' | 'by' | 'test'> => ({
  file: 'bpf/lib/conntrack.ts',
  by: 'bpf/conntrack.prop.test.ts',
  test,
});
const LB: Pick<Variant, 'file' | 'by' | 'test'> = { file: 'bpf/lib/lb.ts', ...planted('services', /a connection keeps/) };

/** Between statements of policy, and between one policy and the next. */
const STATEMENTS: readonly Variant[] = [
  {
    name: 'what is established is not policed at the server',
    file: 'bpf/lxc_policy.ts',
    find: 'if (judged && !(env',
    replace: 'if (judged && (status === CT_NEW || status === CT_REOPENED) && !(env',
    ...cluster(/ports at the server/),
  },
  {
    name: 'what is established is not policed at the client',
    file: 'bpf/bpf_lxc.ts',
    find: 'if (!told && (!isReply ||',
    replace: 'if (!told && status !== CT_ESTABLISHED && (!isReply ||',
    ...cluster(/ports at the client/),
  },
  {
    name: 'a plain allow overwrites a redirect',
    file: MAPSTATE,
    find: '(old.isDeny || old.proxyPort !== 0)',
    replace: 'old.isDeny',
    ...ORACLE,
  },
  {
    name: 'beside everyone’s entry nobody has one of his own',
    file: 'agent/policy/l4.ts',
    find: '  if (current?.isDeny) {\n    return false;\n  }\n  return isRedirect(wildcard) || !isRedirect(current);',
    replace: '  return true;',
    ...ORACLE,
  },
  {
    name: 'a deny leaves the allows it covers',
    file: MAPSTATE,
    find: 'for (const id of coveredIds(bucket.allow, identity, nets)) {',
    replace: 'for (const id of [] as number[]) {',
    ...ORACLE,
  },
  {
    name: 'denies inside a new broader allow are not copied',
    file: MAPSTATE,
    find: '        this.shieldDenies(bucket, insertion);',
    replace: '',
    ...ORACLE,
  },
  {
    name: 'a new deny inside a broader allow is not copied',
    file: MAPSTATE,
    find: 'if (covered) {',
    replace: 'if (covered && port < 0) {',
    ...ORACLE,
  },
  {
    name: 'a change from allow to deny is not written to the map',
    file: 'agent/endpoint/policy_map.ts',
    find: 'realized.holds(key, proxyPort, entry.isDeny)',
    replace: '(realized.holds(key, proxyPort, entry.isDeny) || (proxyPort === 0 && realized.holds(key, 0, !entry.isDeny)))',
    ...REALIZED,
  },
  {
    name: 'an update of selections writes no denies',
    file: 'agent/endpoint/policy_map.ts',
    find: '    if (entry === undefined) {\n      continue;',
    replace: '    if (entry === undefined || entry.isDeny) {\n      continue;',
    ...REALIZED,
  },
  {
    name: 'a change from allow to deny is not told as a change',
    file: MAPSTATE,
    find: 'if (changes !== null && (old === undefined || old.isDeny !== entry.isDeny || old',
    replace: 'if (changes !== null && (old === undefined || old',
    by: 'agent/policy/mapstate.prop.test.ts',
    test: /records as changes/,
  },
  {
    name: 'a section of denies alone does not enforce',
    file: 'agent/policy/repository.ts',
    find: 'ingress: rules.some(({ rule }) => rule.ingress.length + rule.ingressDeny.length > 0)',
    replace: 'ingress: rules.some(({ rule }) => rule.ingress.length > 0)',
    ...ORACLE,
  },
  {
    name: 'requirements narrow entities and prefixes too',
    file: 'agent/policy/rule.ts',
    find: '[...endpoints.map((selector) => withExpressions(selector, extra)), ...aggregated]',
    replace: '[...endpoints, ...aggregated].map((selector) => withExpressions(selector, extra))',
    ...ORACLE,
  },
  {
    name: 'the cluster is without the health endpoint',
    file: 'agent/policy/api/aggregate.ts',
    find: "'ingress', 'health', 'unmanaged'",
    replace: "'ingress', 'unmanaged'",
    ...ORACLE,
  },
  {
    name: 'peers of a cluster-wide policy are anybody',
    file: 'agent/k8s/cnp.ts',
    find: "withExpressions(selector, [{ key: NAMESPACE_KEY, operator: 'Exists', values: [] }])",
    replace: 'selector',
    ...ORACLE,
  },
  {
    name: 'a port’s name that means two numbers means the last',
    file: 'agent/policy/named_ports.ts',
    find: '    if (found !== 0 && found !== port.port) {\n      return 0;\n    }\n',
    replace: '',
    ...ORACLE,
  },
  {
    name: 'exceptions of an ipBlock are ignored',
    file: 'agent/k8s/network_policy.ts',
    find: "except: reader.strings(block, 'except', [...path, 'ipBlock']),",
    replace: 'except: [],',
    ...ORACLE,
  },
  {
    name: 'proxy rules are not ordered by their remotes',
    file: 'agent/envoy/sort.ts',
    find: 'compareLists(a.remote_policies ?? [], b.remote_policies ?? [], (x, y) => x - y)',
    replace: '0',
    by: 'check/properties/map.prop.test.ts',
    test: /^42\..* holds$/,
  },
];

/** What is kept, and for how long. */
const STATE: readonly Variant[] = [
  {
    name: 'what is closed lives on as what is open',
    find: 'updateTimeout(env, entry, env.config.ctCloseTimeout,',
    replace: 'updateTimeout(env, entry, env.config.ctLifetimeTcp,',
    ...conntrack(/7, 8/),
  },
  {
    name: 'a SYN alone makes an entry for hours',
    find: 'lifetime = config.ctSynTimeout;',
    replace: 'lifetime = config.ctLifetimeTcp;',
    ...conntrack(/7, 8/),
  },
  {
    name: 'what follows the SYN does not lengthen the entry',
    find: 'entry.flags |= CT_SEEN_NON_SYN;',
    replace: '',
    ...conntrack(/9: an entry that was hit/),
  },
  {
    name: 'UDP lives as long as TCP',
    find: 'let lifetime = service ? config.ctServiceLifetimeNonTcp : config.ctLifetimeNonTcp;',
    replace: 'let lifetime = config.ctLifetimeTcp;',
    ...conntrack(/7, 8/),
  },
  {
    name: 'a relabelled pod keeps its identity',
    file: 'agent/daemon/endpoint_labels.ts',
    find: '      this.set(endpoint, this.ofPod(endpoint.namespace, endpoint.podName));\n',
    replace: '',
    ...REALIZED,
  },
  {
    name: 'a relabelled pod keeps its policy',
    file: 'agent/daemon/endpoint_labels.ts',
    find: "        endpoint.forcePolicyComputation = true;\n        regenerate(endpoint, 3, 'updated security labels');\n",
    replace: '',
    ...REALIZED,
  },
  {
    name: 'a new identity selects nothing',
    file: 'agent/policy/selectorcache.ts',
    find: '          adds.push(identity.id);',
    replace: '',
    ...REALIZED,
  },
  {
    name: 'the shortest prefix says who an address is',
    file: 'agent/ipcache/ipcache.ts',
    find: 'for (let length = 32; length >= 0; length--) {',
    replace: 'for (let length = 0; length <= 32; length++) {',
    ...planted('ipcache'),
  },
  {
    name: 'a worse source overrules a better one',
    file: 'agent/ipcache/ipcache.ts',
    find: 'SOURCES.indexOf(entry.source) > SOURCES.indexOf(old.source)',
    replace: 'SOURCES.indexOf(entry.source) < SOURCES.indexOf(old.source)',
    ...planted('ipcache'),
  },
  {
    name: 'a forgotten prefix stays in the map',
    file: 'agent/ipcache/ipcache.ts',
    find: '    this.#map.delete(keyOf(prefix));\n',
    replace: '',
    ...planted('ipcache'),
  },
  {
    name: 'an address outlives its name',
    file: 'agent/fqdn/dns_cache.ts',
    find: 'return at > entry.expirationTime;',
    replace: 'return at > entry.expirationTime + 60 * SECOND;',
    ...planted('dns', /an address/),
  },
  {
    name: 'a shorter answer ends a longer one',
    file: 'agent/fqdn/dns_cache.ts',
    find: 'if (old === undefined || isExpired(old, entry.expirationTime)) {',
    replace: 'if (old !== entry) {',
    ...planted('dns', /an address/),
  },
  {
    name: 'the least time to live is ignored',
    file: 'agent/fqdn/dns_cache.ts',
    find: 'const seconds = Math.max(ttl, this.#options.minTtl);',
    replace: 'const seconds = ttl;',
    ...planted('dns', /an address/),
  },
  {
    name: 'a removed listener goes on listening',
    file: 'envoy/network/listener_manager.ts',
    find: '  #drain(listener: ActiveListener): void {\n    listener.stopListening();\n',
    replace: '  #drain(listener: ActiveListener): void {\n',
    ...planted('listeners'),
  },
  {
    name: 'a listener never has drained',
    file: 'envoy/network/listener_manager.ts',
    find: '      listener.closeConnections();\n',
    replace: '',
    ...planted('listeners'),
  },
];

/** What is translated. */
const TRANSLATION: readonly Variant[] = [
  {
    name: 'answers keep the backend’s port',
    find: 'nat.port === 0 ? l4 : withSourcePort(l4, nat.port)',
    replace: 'l4',
    ...LB,
  },
  {
    name: 'answers keep the backend’s address',
    find: "rewrite(env, skb, 'lb4_rev_nat', nat.address, dst,",
    replace: "rewrite(env, skb, 'lb4_rev_nat', ip.src, dst,",
    ...LB,
  },
  {
    name: 'a request keeps the service’s port',
    find: 'backend.port === 0 || impossible ? l4 : withDestinationPort(l4, backend.port)',
    replace: 'l4',
    ...LB,
  },
  {
    name: 'every packet chooses a backend',
    find: 'if (backend !== undefined && (backend.state === BE_STATE_ACTIVE || !state.syn)) {',
    replace: 'if (backend === undefined) {',
    ...LB,
  },
  {
    name: 'slots of a service count from zero',
    find: 'env.rng.below(service.count) + 1;',
    replace: 'env.rng.below(service.count);',
    ...LB,
  },
  {
    name: 'affinity is not found again',
    file: 'bpf/lib/affinity.ts',
    find: 'key.revNatId = service.revNatIndex;\n  key.netnsCookie = netnsCookie;\n  const value',
    replace: 'key.revNatId = 0;\n  key.netnsCookie = netnsCookie;\n  const value',
    ...planted('services', /with affinity/),
  },
  {
    name: 'affinity never ends',
    file: 'bpf/lib/affinity.ts',
    find: 'value.lastUsed + service.backendId <= now || ',
    replace: '',
    ...planted('services', /affinity ends/),
  },
  {
    name: 'audit mode lets denies be',
    file: 'bpf/lib/policy.ts',
    find: 'verdict < 0 && env.scratch.policyAuditMode;',
    replace: 'verdict < 0 && verdict !== DROP_POLICY_DENY && env.scratch.policyAuditMode;',
    ...planted('audit'),
  },
  {
    name: 'audit mode loses redirects',
    file: 'bpf/lib/policy.ts',
    find: 'return env.scratch.audited ? 0 : verdict;',
    replace: 'return env.scratch.policyAuditMode ? 0 : verdict;',
    ...planted('audit'),
  },
];

/** What proxies do and tell. */
const PROXIES: readonly Variant[] = [
  {
    name: 'the DNS proxy asks any server by anybody’s rules',
    file: 'agent/fqdn/dns_rules.ts',
    find: 'rules.some((rule) => rule.selects(query.server) && allowsName(rule.names, query.name))',
    replace: 'rules.some((rule) => allowsName(rule.names, query.name))',
    ...planted('dns', /DNS proxy/),
  },
  {
    name: 'the DNS proxy goes by the rules of another port',
    file: 'agent/fqdn/dns_rules.ts',
    find: 'this.#allowed.get(query.endpointId)?.get(query.port)',
    replace: '[...(this.#allowed.get(query.endpointId)?.values() ?? [])][0]',
    ...planted('dns', /DNS proxy/),
  },
  {
    name: 'a star in a DNS pattern crosses dots',
    file: 'agent/policy/api/fqdn.ts',
    find: "replaceAll('*', '[-a-z0-9_]*');\n  return new RegExp",
    replace: "replaceAll('*', '.*');\n  return new RegExp",
    ...planted('dns', /DNS proxy/),
  },
  {
    name: 'a DNS pattern need not match the start',
    file: 'agent/policy/api/fqdn.ts',
    find: 'return new RegExp(`^',
    replace: 'return new RegExp(`',
    ...planted('dns', /DNS proxy/),
  },
  {
    name: 'a header that is to be added replaces',
    file: 'envoy/cilium/http_rule.ts',
    find: 'headers.add(action.name, action.value);',
    replace: 'headers.replace(action.name, action.value);',
    ...planted('header_actions'),
  },
  {
    name: 'a mismatch that is only to be logged refuses',
    file: 'envoy/cilium/http_rule.ts',
    find: "log.missing.push({ key: '', value: '' });\n      return true;",
    replace: "log.missing.push({ key: '', value: '' });\n      return false;",
    ...planted('header_actions'),
  },
  {
    name: 'one header action that lets pass is enough',
    file: 'envoy/cilium/http_rule.ts',
    find: 'onMismatch(action, value, headers, log)) && accepted;',
    replace: 'onMismatch(action, value, headers, log)) || accepted;',
    ...planted('header_actions'),
  },
  {
    name: 'a denied request is logged as one that went on',
    file: 'envoy/cilium/l7policy.ts',
    find: "this.#log(denied ? 'Denied' : 'Request');",
    replace: "this.#log('Request');",
    ...planted('access_log'),
  },
  {
    name: 'the access log takes the destination for the source',
    file: 'envoy/cilium/accesslog.ts',
    find: 'source_security_id: this.#sourceId,',
    replace: 'source_security_id: this.#destinationId,',
    ...planted('access_log'),
  },
];

/** All of them. */
export const ROOMS: readonly Variant[] = [...STATEMENTS, ...STATE, ...TRANSLATION, ...PROXIES];
