/** All lint rules, in the order of their names. */
import type { LintRule } from './rule.ts';
import { authOnIngress } from './rules/auth_on_ingress.ts';
import { denyReopenedByL7 } from './rules/deny_reopened_by_l7.ts';
import { denyWithoutProtocol } from './rules/deny_without_protocol.ts';
import { emptyPeersOpenPort } from './rules/empty_peers_open_port.ts';
import { emptySection } from './rules/empty_section.ts';
import { endPortIgnored } from './rules/end_port_ignored.ts';
import { fqdnsWithoutDns } from './rules/fqdns_without_dns.ts';
import { headerForms } from './rules/header_forms.ts';
import { initEverywhere } from './rules/init_everywhere.ts';
import { l7AllowsEverything } from './rules/l7_allows_everything.ts';
import { l7Shadowed } from './rules/l7_shadowed.ts';
import { labelNotInIdentity } from './rules/label_not_in_identity.ts';
import { methodInSmallLetters } from './rules/method_in_small_letters.ts';
import { namedPortUnknown } from './rules/named_port_unknown.ts';
import { namespaceNotIn } from './rules/namespace_not_in.ts';
import { namespaceOverwritten } from './rules/namespace_overwritten.ts';
import { parserRefused } from './rules/parser_refused.ts';
import { pathWithoutQuery } from './rules/path_without_query.ts';
import { policyMapSize } from './rules/policy_map_size.ts';
import { policyNotRealized } from './rules/policy_not_realized.ts';
import { policyRefused } from './rules/policy_refused.ts';
import { portSpelling } from './rules/port_spelling.ts';
import { regexRefused } from './rules/regex_refused.ts';
import { regexUnescapedDot } from './rules/regex_unescaped_dot.ts';
import { requiresIgnored } from './rules/requires_ignored.ts';
import { ruleWithoutEffect } from './rules/rule_without_effect.ts';
import { selectorMatchesNothing } from './rules/selector_matches_nothing.ts';
import { servicePort } from './rules/service_port.ts';
import { servicesOpenPort } from './rules/services_open_port.ts';
import { unknownField } from './rules/unknown_field.ts';
import { worldAndPrefixes } from './rules/world_and_prefixes.ts';

/** The rules. */
export const CATALOGUE: readonly LintRule[] = [
  authOnIngress,
  denyReopenedByL7,
  denyWithoutProtocol,
  emptyPeersOpenPort,
  emptySection,
  endPortIgnored,
  fqdnsWithoutDns,
  headerForms,
  initEverywhere,
  l7AllowsEverything,
  l7Shadowed,
  labelNotInIdentity,
  methodInSmallLetters,
  namedPortUnknown,
  namespaceNotIn,
  namespaceOverwritten,
  parserRefused,
  pathWithoutQuery,
  policyMapSize,
  policyNotRealized,
  policyRefused,
  portSpelling,
  regexRefused,
  regexUnescapedDot,
  requiresIgnored,
  ruleWithoutEffect,
  selectorMatchesNothing,
  servicePort,
  servicesOpenPort,
  unknownField,
  worldAndPrefixes,
];
