/**
 * L7 rules of policies as NPDS messages.
 * @see cilium:pkg/envoy/server.go#GetEnvoyHTTPRules
 * @see cilium:pkg/envoy/server.go#getKafkaL7Rules
 * @see cilium:pkg/envoy/server.go#getL7Rules
 */
import type {
  HeaderMatch,
  HeaderMatcher,
  HttpNetworkPolicyRule,
  KafkaNetworkPolicyRule,
  L7NetworkPolicyRule,
  MismatchAction,
  PortNetworkPolicyRule,
  TlsContext as TlsMessage,
} from '../../xds/npds.ts';
import { kafkaApiKeys, kafkaApiVersion } from '../policy/api/kafka.ts';
import type { HeaderMatchRule, PortRuleHttp, PortRuleKafka, PortRuleL7, RuleOrigin, Secret } from '../policy/api/rule.ts';
import { type L7ParserType, PARSER_DNS, PARSER_HTTP, PARSER_KAFKA } from '../policy/l7_parser.ts';
import type { PerSelectorPolicy, TlsContext } from '../policy/per_selector_policy.ts';
import { compareHeaderMatchers, compareHttpRules } from './sort.ts';

/** Reads the only value of a secret. */
export type SecretReader = (secret: Secret) => { readonly value: string } | { readonly error: string };

/** The members of a port rule that come from a selector's policy. */
export interface L7Part {
  readonly message: PortNetworkPolicyRule;
  readonly canShortCircuit: boolean;
}

/** TLS, server names and the rules of the port's parser; rules of other kinds are left out. */
export function getL7Part(
  policy: PerSelectorPolicy,
  parser: L7ParserType,
  secrets: SecretReader,
  origins: Map<object, readonly RuleOrigin[]> | null,
): L7Part {
  const message: { -readonly [K in keyof PortNetworkPolicyRule]: PortNetworkPolicyRule[K] } = {};
  let canShortCircuit = true;
  if (policy.terminatingTLS !== null) {
    message.downstream_tls_context = tlsMessage(policy.terminatingTLS);
  }
  if (policy.originatingTLS !== null) {
    message.upstream_tls_context = tlsMessage(policy.originatingTLS);
  }
  if (policy.serverNames.length > 0) {
    message.server_names = [...policy.serverNames].sort();
  }
  if (parser === PARSER_HTTP) {
    if (policy.http.length > 0) {
      const rules = policy.http.map((rule) => httpRule(rule, secrets, origins));
      canShortCircuit = rules.every((rule) => rule.header_matches === undefined);
      message.http_rules = { http_rules: rules.sort(compareHttpRules) };
    }
  } else if (parser === PARSER_KAFKA) {
    if (policy.kafka.length > 0) {
      message.l7_proto = parser;
      message.kafka_rules = { kafka_rules: policy.kafka.map((rule) => record(origins, kafkaRule(rule), rule.origin)) };
    }
  } else if (parser !== PARSER_DNS && policy.l7.length > 0) {
    message.l7_proto = parser;
    message.l7_rules = genericRules(policy.l7, parser, origins);
  }
  return { message, canShortCircuit };
}

function tlsMessage(tls: TlsContext): TlsMessage {
  return {
    ...(tls.trustedCA === '' ? {} : { trusted_ca: tls.trustedCA }),
    ...(tls.certificateChain === '' ? {} : { certificate_chain: tls.certificateChain }),
    ...(tls.privateKey === '' ? {} : { private_key: tls.privateKey }),
  };
}

/** @see cilium:pkg/envoy/server.go#getHTTPRule */
function httpRule(rule: PortRuleHttp, secrets: SecretReader, origins: Map<object, readonly RuleOrigin[]> | null): HttpNetworkPolicyRule {
  const headers: HeaderMatcher[] = [];
  for (const [name, regex] of [
    [':path', rule.path],
    [':method', rule.method],
    [':authority', rule.host],
  ] as const) {
    if (regex !== '') {
      headers.push({ name, safe_regex_match: { google_re2: {}, regex } });
    }
  }
  headers.push(...rule.headers.map(headerMatcher));
  const matches: HeaderMatch[] = [];
  for (const match of rule.headerMatches) {
    addHeaderMatch(match, secrets, headers, matches);
  }
  const message: HttpNetworkPolicyRule = {
    ...(headers.length === 0 ? {} : { headers: headers.sort(compareHeaderMatchers) }),
    ...(matches.length === 0 ? {} : { header_matches: matches }),
  };
  return record(origins, message, rule.origin);
}

/** "Name: value" matches the value; without a blank the whole text is a name whose presence counts. */
function headerMatcher(text: string): HeaderMatcher {
  const blank = text.indexOf(' ');
  if (blank < 0) {
    return { name: text, present_match: true };
  }
  return { name: text.slice(0, blank).replace(/:+$/, ''), exact_match: text.slice(blank + 1) };
}

const MISMATCH: Readonly<Record<string, MismatchAction>> = {
  LOG: 'CONTINUE_ON_MISMATCH',
  ADD: 'ADD_ON_MISMATCH',
  DELETE: 'DELETE_ON_MISMATCH',
  REPLACE: 'REPLACE_ON_MISMATCH',
};

/** Without an action the header must match; a secret that cannot be read gives a matcher that never does. */
function addHeaderMatch(match: HeaderMatchRule, secrets: SecretReader, headers: HeaderMatcher[], matches: HeaderMatch[]): void {
  const read = match.secret === null ? { value: '' } : secrets(match.secret);
  const found = 'error' in read ? '' : read.value;
  if ('error' in read && match.value === '') {
    // An empty exact match is any value; inverted it is none.
    headers.push({ name: match.name, exact_match: '', invert_match: true });
    return;
  }
  const value = found === '' ? match.value : found;
  const action = MISMATCH[match.mismatch];
  if (action !== undefined) {
    matches.push({ name: match.name, mismatch_action: action, ...(value === '' ? {} : { value }) });
  } else {
    headers.push(value === '' ? { name: match.name, present_match: true } : { name: match.name, exact_match: value });
  }
}

function kafkaRule(rule: PortRuleKafka): KafkaNetworkPolicyRule {
  const version = kafkaApiVersion(rule);
  const keys = kafkaApiKeys(rule);
  return {
    ...(version === 0 ? {} : { api_version: version }),
    ...(keys === null ? {} : { api_keys: keys }),
    ...(rule.clientID === '' ? {} : { client_id: rule.clientID }),
    ...(rule.topic === '' ? {} : { topic: rule.topic }),
  };
}

/** Parsers named `envoy.` match the metadata of an Envoy filter; `action: deny` turns a rule around. */
function genericRules(
  rules: readonly PortRuleL7[],
  parser: string,
  origins: Map<object, readonly RuleOrigin[]> | null,
): NonNullable<PortNetworkPolicyRule['l7_rules']> {
  const allow: L7NetworkPolicyRule[] = [];
  const deny: L7NetworkPolicyRule[] = [];
  for (const rule of rules) {
    if (parser.startsWith('envoy.')) {
      const fields = rule.fields.filter(([key]) => key !== 'action');
      const denies = rule.fields.some(([key, value]) => key === 'action' && value === 'deny');
      const message = fields.length === 0 ? {} : { metadata_rule: fields.map(([key, value]) => metadataMatcher(parser, key, value)) };
      (denies ? deny : allow).push(record(origins, message, rule.origin));
    } else {
      const message = rule.fields.length === 0 ? {} : { rule: Object.fromEntries(rule.fields) };
      allow.push(record(origins, message, rule.origin));
    }
  }
  return {
    ...(allow.length === 0 ? {} : { l7_allow_rules: allow }),
    ...(deny.length === 0 ? {} : { l7_deny_rules: deny }),
  };
}

function metadataMatcher(filter: string, key: string, value: string): unknown {
  return {
    filter,
    path: key.split('/').map((segment) => ({ key: segment })),
    value: value === '' ? { present_match: true } : { list_match: { one_of: { string_match: { exact: value } } } },
  };
}

function record<T extends object>(origins: Map<object, readonly RuleOrigin[]> | null, message: T, origin: RuleOrigin | null): T {
  if (origins !== null && origin !== null) {
    origins.set(message, [origin]);
  }
  return message;
}
