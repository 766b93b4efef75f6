/**
 * What the agent accepts. Only `ingress` and `egress` are looked at: nothing checks deny sections in 1.13, unless the quirk is switched off.
 * Issues come in the order in which the agent would find them; it reports the first.
 * @see cilium:pkg/policy/api/rule_validation.go
 */
import { parseIp, parsePrefix, prefixContains } from '../../../net/prefix.ts';
import type { PolicyConfig } from '../config.ts';
import { ENTITY_NAMES } from './aggregate.ts';
import { checkFqdn, type Report } from './fqdn.ts';
import { didYouMean } from './hint.ts';
import { labelValueErrors, qualifiedNameErrors } from './label_syntax.ts';
import { checkPortRule } from './port_rule_validation.ts';
import {
  type CidrRule,
  type EgressRule,
  type IngressRule,
  isEmptyL7,
  type Path,
  type PolicyIssue,
  type PortRule,
  type Rule,
} from './rule.ts';
import type { EndpointSelector } from './selector.ts';

const MAX_ICMP_FIELDS = 40;
const OPERATORS: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** Options that decide what is accepted. */
export type SanitizeConfig = Pick<PolicyConfig, 'enableL7Proxy' | 'enableICMPRules' | 'quirks'>;

/** All issues of a rule; none = accepted. @see cilium:pkg/policy/api/rule_validation.go#Rule.Sanitize */
export function sanitizeRule(rule: Rule, config: SanitizeConfig): PolicyIssue[] {
  const issues: PolicyIssue[] = [];
  const report: Report = (code, path, message, hint = null) => issues.push({ code, path, message, ...(hint === null ? {} : { hint }) });
  if (rule.endpointSelector === null && rule.nodeSelector === null) {
    report('no-subject', rule.path, 'rule must have one of EndpointSelector or NodeSelector');
  }
  if (rule.endpointSelector !== null && rule.nodeSelector !== null) {
    report('two-subjects', rule.path, 'rule cannot have both EndpointSelector and NodeSelector');
  }
  checkSelector(report, rule.endpointSelector, [...rule.path, 'endpointSelector']);
  checkSelector(report, rule.nodeSelector, [...rule.path, 'nodeSelector']);
  const { denySectionsUnchecked } = config.quirks;
  for (const element of [...rule.ingress, ...(denySectionsUnchecked ? [] : rule.ingressDeny)]) {
    checkIngress(report, element, config);
    checkHostPolicy(report, rule, element);
  }
  for (const element of [...rule.egress, ...(denySectionsUnchecked ? [] : rule.egressDeny)]) {
    checkEgress(report, element, config);
    checkHostPolicy(report, rule, element);
  }
  return issues;
}

function checkHostPolicy(report: Report, rule: Rule, element: IngressRule | EgressRule): void {
  if (rule.nodeSelector !== null && element.toPorts.some((port) => !isEmptyL7(port.rules))) {
    report('host-policy-l7', element.path, 'host policies do not support L7 rules yet');
  }
}

function checkIngress(report: Report, element: IngressRule, config: SanitizeConfig): void {
  const { path } = element;
  checkCombination(report, path, [
    ['FromCIDR', element.fromCIDR],
    ['FromCIDRSet', element.fromCIDRSet],
    ['FromEndpoints', element.fromEndpoints],
    ['FromEntities', element.fromEntities],
  ]);
  checkPortsAllowed(report, element, config);
  if (element.toPorts.some((port) => (port.rules?.dns?.length ?? 0) > 0)) {
    report('l7-on-ingress', path, 'L7 protocol DNS is not supported on ingress yet');
  }
  checkIcmpBlock(report, element, config);
  checkSelectors(report, element.fromEndpoints, [...path, 'fromEndpoints']);
  checkSelectors(report, element.fromRequires, [...path, 'fromRequires']);
  checkPorts(report, element.toPorts, true);
  checkIcmps(report, element);
  checkCidrs(report, element.fromCIDR, [...path, 'fromCIDR']);
  checkCidrSet(report, element.fromCIDRSet, [...path, 'fromCIDRSet']);
  checkEntities(report, element.fromEntities, [...path, 'fromEntities']);
}

function checkEgress(report: Report, element: EgressRule, config: SanitizeConfig): void {
  const { path } = element;
  checkCombination(report, path, [
    ['ToCIDR', element.toCIDR],
    ['ToCIDRSet', element.toCIDRSet],
    ['ToEndpoints', element.toEndpoints],
    ['ToEntities', element.toEntities],
    ['ToFQDNs', element.toFQDNs],
    ['ToGroups', { length: element.toGroups }],
    ['ToServices', element.toServices],
  ]);
  checkPortsAllowed(report, element, config);
  checkIcmpBlock(report, element, config);
  checkSelectors(report, element.toEndpoints, [...path, 'toEndpoints']);
  checkSelectors(report, element.toRequires, [...path, 'toRequires']);
  checkPorts(report, element.toPorts, false);
  checkIcmps(report, element);
  checkCidrs(report, element.toCIDR, [...path, 'toCIDR']);
  checkCidrSet(report, element.toCIDRSet, [...path, 'toCIDRSet']);
  checkEntities(report, element.toEntities, [...path, 'toEntities']);
  element.toFQDNs.forEach((fqdn, i) => {
    if (fqdn.matchName !== '' && fqdn.matchPattern !== '') {
      report('fqdn-both', [...path, 'toFQDNs', i], 'only one of MatchName or MatchPattern is allowed in an FQDNSelector');
    }
    checkFqdn(report, fqdn, [...path, 'toFQDNs', i]);
  });
}

/** Two kinds of peers in one element. @remarks Simplified: upstream names the pair in either order. */
function checkCombination(report: Report, path: Path, members: readonly (readonly [string, { readonly length: number }])[]): void {
  const used = members.filter(([, list]) => list.length > 0).map(([name]) => name);
  if (used.length > 1) {
    report(
      'combined-peers',
      path,
      `Combining ${used[0]} and ${used[1]} is not supported yet`,
      'an element has one kind of peer: write two elements',
    );
  }
}

function checkPortsAllowed(report: Report, element: IngressRule | EgressRule, config: SanitizeConfig): void {
  if (!config.enableL7Proxy && element.toPorts.some((port) => !isEmptyL7(port.rules))) {
    report('l7-proxy-off', element.path, 'L7 policy is not supported since L7 proxy is not enabled');
  }
}

function checkIcmpBlock(report: Report, element: IngressRule | EgressRule, config: SanitizeConfig): void {
  if (element.icmps.length === 0) {
    return;
  }
  if (!config.enableICMPRules) {
    report('icmp-off', [...element.path, 'icmps'], 'ICMP rules can only be applied when the "enable-icmp-rules" flag is set');
  }
  if (element.toPorts.length > 0) {
    report('icmp-and-ports', element.path, 'The ICMPs block may only be present without ToPorts. Define a separate rule to use ToPorts.');
  }
}

function checkIcmps(report: Report, element: IngressRule | EgressRule): void {
  for (const { path, fields } of element.icmps) {
    if (fields.length > MAX_ICMP_FIELDS) {
      report('icmp-count', path, `too many types, the max is ${MAX_ICMP_FIELDS}`);
    }
    fields.forEach(({ family }, i) => {
      if (family !== '' && family !== 'IPv4' && family !== 'IPv6') {
        report('icmp-family', [...path, 'fields', i, 'family'], `wrong family: ${family}`, didYouMean(family, ['IPv4', 'IPv6']));
      }
    });
  }
}

function checkPorts(report: Report, ports: readonly PortRule[], ingress: boolean): void {
  for (const port of ports) {
    checkPortRule(report, port, ingress);
  }
}

function checkSelectors(report: Report, selectors: readonly EndpointSelector[], path: Path): void {
  selectors.forEach((selector, i) => {
    checkSelector(report, selector, [...path, i]);
  });
}

/** @see cilium:pkg/k8s/slim/k8s/apis/meta/v1/validation/validation.go#ValidateLabelSelector */
function checkSelector(report: Report, selector: EndpointSelector | null, path: Path): void {
  if (selector === null || selector.valid) {
    return;
  }
  const errors: string[] = [];
  let operatorHint: string | null = null;
  for (const [key, value] of selector.matchLabels) {
    errors.push(...qualifiedNameErrors(key).map((error) => `matchLabels: Invalid value: ${JSON.stringify(key)}: ${error}`));
    errors.push(...labelValueErrors(value).map((error) => `matchLabels: Invalid value: ${JSON.stringify(value)}: ${error}`));
  }
  selector.matchExpressions.forEach(({ key, operator, values }, i) => {
    const at = `matchExpressions[${i}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(`${at}.values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`);
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.push(`${at}.values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`);
      }
    } else {
      operatorHint ??= didYouMean(operator, OPERATORS);
      errors.push(`${at}.operator: Invalid value: ${JSON.stringify(operator)}: not a valid selector operator`);
    }
    errors.push(...qualifiedNameErrors(key).map((error) => `${at}.key: Invalid value: ${JSON.stringify(key)}: ${error}`));
  });
  // Values of expressions are not checked here: such a selector is accepted and matches nothing.
  if (errors.length > 0) {
    report('selector', path, `invalid label selector: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}`, operatorHint);
  }
}

/** @see cilium:pkg/policy/api/rule_validation.go#CIDR.sanitize */
function checkCidrs(report: Report, cidrs: readonly string[], path: Path): void {
  cidrs.forEach((cidr, i) => {
    if (cidr === '') {
      report('cidr-missing', [...path, i], 'IP must be specified');
    } else if (parsePrefix(cidr) === null && parseIp(cidr) === null) {
      report('cidr', [...path, i], `Unable to parse CIDR: invalid CIDR address: ${cidr}`, prefixHint(cidr));
    }
  });
}

/** @see cilium:pkg/policy/api/rule_validation.go#CIDRRule.sanitize */
function checkCidrSet(report: Report, rules: readonly CidrRule[], path: Path): void {
  rules.forEach(({ cidr, except }, i) => {
    const allowed = parsePrefix(cidr);
    if (allowed === null) {
      report(
        'cidr',
        [...path, i, 'cidr'],
        `Unable to parse CIDRRule ${JSON.stringify(cidr)}: invalid CIDR address: ${cidr}`,
        prefixHint(cidr),
      );
      return;
    }
    except.forEach((text, j) => {
      const removed = parsePrefix(text);
      if (removed === null) {
        report('cidr', [...path, i, 'except', j], `invalid CIDR address: ${text}`);
      } else if (!prefixContains(allowed, removed)) {
        report('cidr-except', [...path, i, 'except', j], `allow CIDR prefix ${cidr} does not contain exclude CIDR prefix ${text}`);
      }
    });
  });
}

/** What a text that is no prefix should look like. */
function prefixHint(text: string): string {
  if (parseIp(text) !== null) {
    return `write the length too: ${text}/${text.includes(':') ? 128 : 32}`;
  }
  const [address = '', length = ''] = text.split('/');
  const longest = address.includes(':') ? 128 : 32;
  return parseIp(address) !== null && Number(length) > longest ? `the length is at most ${longest}` : 'a prefix looks like 10.0.0.0/8';
}

function checkEntities(report: Report, entities: readonly string[], path: Path): void {
  entities.forEach((entity, i) => {
    if (!ENTITY_NAMES.has(entity)) {
      report('unsupported-entity', [...path, i], `unsupported entity: ${entity}`, didYouMean(entity, [...ENTITY_NAMES]));
    }
  });
}
