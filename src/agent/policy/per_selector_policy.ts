/**
 * What holds for one selector on one port: L7 rules, TLS, server names, or deny; and how two such policies merge.
 * @see cilium:pkg/policy/l4.go#PerSelectorPolicy
 * @see cilium:pkg/policy/rule.go#mergePortProto
 */
import type { L7Rules, PortRuleDns, PortRuleHttp, PortRuleKafka, PortRuleL7 } from './api/rule.ts';

/** Secret values of a TLS context. @see cilium:pkg/policy/l4.go#TLSContext */
export interface TlsContext {
  readonly trustedCA: string;
  readonly certificateChain: string;
  readonly privateKey: string;
}

/** Policy of a selector; `null` in its place means "allow, no L7". */
export interface PerSelectorPolicy {
  readonly isDeny: boolean;
  readonly terminatingTLS: TlsContext | null;
  readonly originatingTLS: TlsContext | null;
  /** Without duplicates, in order of appearance. */
  readonly serverNames: readonly string[];
  readonly http: readonly PortRuleHttp[];
  readonly kafka: readonly PortRuleKafka[];
  readonly dns: readonly PortRuleDns[];
  readonly l7proto: string;
  readonly l7: readonly PortRuleL7[];
  /** Type of authentication asked for, or `null`. */
  readonly auth: string | null;
  /** The switch of config.ts: server names alone ask for nothing of the proxy, as at the branch point. */
  readonly serverNamesAloneNotRedirected: boolean;
}

const EMPTY: PerSelectorPolicy = {
  isDeny: false,
  terminatingTLS: null,
  originatingTLS: null,
  serverNames: [],
  http: [],
  kafka: [],
  dns: [],
  l7proto: '',
  l7: [],
  auth: null,
  serverNamesAloneNotRedirected: false,
};

/** Denies. */
export const DENY_POLICY: PerSelectorPolicy = { ...EMPTY, isDeny: true };

/** Allows, once the connection is authenticated. */
export function authPolicy(auth: string): PerSelectorPolicy {
  return { ...EMPTY, auth };
}

/** The policy of a port rule's selectors. */
export function newPerSelectorPolicy(options: {
  readonly rules: L7Rules | null;
  readonly terminatingTLS: TlsContext | null;
  readonly originatingTLS: TlsContext | null;
  readonly serverNames: readonly string[];
  readonly auth: string | null;
  readonly serverNamesAloneNotRedirected: boolean;
}): PerSelectorPolicy {
  const { rules, terminatingTLS, originatingTLS, serverNames, auth, serverNamesAloneNotRedirected } = options;
  return {
    isDeny: false,
    terminatingTLS,
    originatingTLS,
    serverNames: [...new Set(serverNames)],
    http: rules?.http ?? [],
    kafka: rules?.kafka ?? [],
    dns: rules?.dns ?? [],
    l7proto: rules?.l7proto ?? '',
    l7: rules?.l7 ?? [],
    auth,
    serverNamesAloneNotRedirected,
  };
}

/** Whether it holds L7 rules of any kind. */
export function hasL7Rules(policy: PerSelectorPolicy): boolean {
  return policy.http.length + policy.kafka.length + policy.dns.length + policy.l7.length > 0;
}

/**
 * Whether it asks for nothing of the proxy.
 * @see cilium:pkg/policy/l4.go#L7DataMap.addPolicyForSelector
 * @remarks The branch point's test of the server names is inverted, which the switch brings back: names alone are no redirect, an object with
 * nothing in it is one.
 */
export function isEmptyPolicy(policy: PerSelectorPolicy | null): boolean {
  if (policy === null) {
    return true;
  }
  const hasNames = policy.serverNames.length > 0;
  const namesAskForNothing = hasNames === policy.serverNamesAloneNotRedirected;
  return !hasL7Rules(policy) && policy.terminatingTLS === null && policy.originatingTLS === null && namesAskForNothing;
}

/** Whether traffic of the selector goes to the proxy. @see cilium:pkg/policy/l4.go#PerSelectorPolicy.IsRedirect */
export function isRedirect(policy: PerSelectorPolicy | null): boolean {
  return policy !== null && !policy.isDeny && !isEmptyPolicy(policy);
}

/** Result of a merge. */
export type MergeResult = { readonly ok: true; readonly policy: PerSelectorPolicy | null } | { readonly ok: false; readonly error: string };

/** Merges the policies of one selector; `key` names it in errors. Deny wins; "allow all" beside L7 rules becomes an explicit match-all rule. */
export function mergePolicies(old: PerSelectorPolicy | null, added: PerSelectorPolicy | null, key: string): MergeResult {
  if (old === added || (old !== null && added !== null && equalPolicies(old, added))) {
    return { ok: true, policy: old };
  }
  if (old?.isDeny) {
    return { ok: true, policy: old };
  }
  if (added?.isDeny) {
    return { ok: true, policy: added };
  }
  const b = added ?? EMPTY;
  const a = old ?? { ...EMPTY, serverNamesAloneNotRedirected: b.serverNamesAloneNotRedirected };
  if (a.auth !== null && b.auth !== null && a.auth !== b.auth) {
    return { ok: false, error: `cannot merge conflicting authentication types (${b.auth}/${a.auth})` };
  }
  for (const [name, mine, other] of [
    ['terminating', a.terminatingTLS, b.terminatingTLS],
    ['originating', a.originatingTLS, b.originatingTLS],
  ] as const) {
    if (mine !== null && other !== null && !equalTls(mine, other)) {
      return { ok: false, error: `cannot merge conflicting ${name} TLS contexts for cached selector ${key}` };
    }
  }
  const merged: PerSelectorPolicy = {
    ...a,
    auth: a.auth ?? b.auth,
    terminatingTLS: a.terminatingTLS ?? b.terminatingTLS,
    originatingTLS: a.originatingTLS ?? b.originatingTLS,
    serverNames: [...new Set([...a.serverNames, ...b.serverNames])],
  };
  if (merged.serverNames.length > 0 && hasL7Rules(merged) && merged.terminatingTLS === null) {
    return {
      ok: false,
      error: `cannot merge L7 rules for cached selector ${key} with SNI filtering without TLS termination: [${merged.serverNames.join(' ')}]`,
    };
  }
  return { ok: true, policy: mergeL7(merged, b) };
}

function mergeL7(a: PerSelectorPolicy, b: PerSelectorPolicy): PerSelectorPolicy {
  if (!hasL7Rules(a) && hasL7Rules(b)) {
    const { http, kafka, dns, l7proto, l7 } = withMatchAll(b);
    return { ...a, http, kafka, dns, l7proto, l7 };
  }
  if (hasL7Rules(a) && !hasL7Rules(b)) {
    return withMatchAll(a);
  }
  return {
    ...a,
    http: union(a.http, b.http, equalHttp),
    kafka: union(a.kafka, b.kafka, equalKafka),
    dns: union(a.dns, b.dns, equalDns),
    l7proto: a.l7proto === '' ? b.l7proto : a.l7proto,
    l7: union(a.l7, b.l7, equalL7),
  };
}

/** Adds the rule that matches everything, of the kind already there. @see cilium:pkg/policy/rule.go#PerSelectorPolicy.appendL7WildcardRule */
function withMatchAll(policy: PerSelectorPolicy): PerSelectorPolicy {
  if (policy.http.length > 0) {
    return { ...policy, http: union(policy.http, [MATCH_ALL_HTTP], equalHttp) };
  }
  if (policy.kafka.length > 0) {
    return { ...policy, kafka: union(policy.kafka, [MATCH_ALL_KAFKA], equalKafka) };
  }
  if (policy.dns.length > 0) {
    return { ...policy, dns: union(policy.dns, [MATCH_ALL_DNS], equalDns) };
  }
  if (policy.l7proto !== '' && policy.l7.length > 0) {
    return { ...policy, l7: union(policy.l7, [MATCH_ALL_L7], equalL7) };
  }
  return policy;
}

const MATCH_ALL_HTTP: PortRuleHttp = { origin: null, path: '', method: '', host: '', headers: [], headerMatches: [] };
const MATCH_ALL_KAFKA: PortRuleKafka = { origin: null, role: '', apiKey: '', apiVersion: '', clientID: '', topic: '' };
const MATCH_ALL_DNS: PortRuleDns = { origin: null, matchName: '', matchPattern: '*' };
const MATCH_ALL_L7: PortRuleL7 = { origin: null, fields: [] };

function union<T>(a: readonly T[], b: readonly T[], equal: (x: T, y: T) => boolean): readonly T[] {
  const all = [...a];
  for (const one of b) {
    if (!all.some((other) => equal(one, other))) {
      all.push(one);
    }
  }
  return all.length === a.length ? a : all;
}

function equalPolicies(a: PerSelectorPolicy, b: PerSelectorPolicy): boolean {
  return (
    a.isDeny === b.isDeny &&
    a.auth === b.auth &&
    equalTlsOrNull(a.terminatingTLS, b.terminatingTLS) &&
    equalTlsOrNull(a.originatingTLS, b.originatingTLS) &&
    a.serverNames.length === b.serverNames.length &&
    a.serverNames.every((name) => b.serverNames.includes(name)) &&
    equalLists(a.http, b.http, equalHttp) &&
    equalLists(a.kafka, b.kafka, equalKafka) &&
    equalLists(a.dns, b.dns, equalDns) &&
    a.l7proto === b.l7proto &&
    equalLists(a.l7, b.l7, equalL7)
  );
}

function equalLists<T>(a: readonly T[], b: readonly T[], equal: (x: T, y: T) => boolean): boolean {
  return a === b || (a.length === b.length && a.every((one, i) => equal(one, b[i] as T)));
}

function equalTls(a: TlsContext, b: TlsContext): boolean {
  return a.trustedCA === b.trustedCA && a.certificateChain === b.certificateChain && a.privateKey === b.privateKey;
}

function equalTlsOrNull(a: TlsContext | null, b: TlsContext | null): boolean {
  return a === null || b === null ? a === b : equalTls(a, b);
}

function equalHttp(a: PortRuleHttp, b: PortRuleHttp): boolean {
  return (
    a.path === b.path &&
    a.method === b.method &&
    a.host === b.host &&
    equalLists(a.headers, b.headers, (x, y) => x === y) &&
    equalLists(
      a.headerMatches,
      b.headerMatches,
      (x, y) =>
        x.mismatch === y.mismatch &&
        x.name === y.name &&
        x.value === y.value &&
        (x.secret === null || y.secret === null
          ? x.secret === y.secret
          : x.secret.name === y.secret.name && x.secret.namespace === y.secret.namespace),
    )
  );
}

function equalKafka(a: PortRuleKafka, b: PortRuleKafka): boolean {
  return a.role === b.role && a.apiKey === b.apiKey && a.apiVersion === b.apiVersion && a.clientID === b.clientID && a.topic === b.topic;
}

function equalDns(a: PortRuleDns, b: PortRuleDns): boolean {
  return a.matchName === b.matchName && a.matchPattern === b.matchPattern;
}

function equalL7(a: PortRuleL7, b: PortRuleL7): boolean {
  return a.fields.length === b.fields.length && a.fields.every(([key, value]) => b.fields.some(([k, v]) => k === key && v === value));
}
