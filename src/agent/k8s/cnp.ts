/**
 * CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy objects, and bare rule lists, to rules.
 * @see cilium:pkg/k8s/apis/cilium.io/v2/cnp_types.go#CiliumNetworkPolicy.Parse
 * @see cilium:pkg/k8s/apis/cilium.io/v2/ccnp_types.go#CiliumClusterwideNetworkPolicy.Parse
 * @see cilium:pkg/k8s/apis/cilium.io/utils/utils.go#ParseToCiliumRule
 */
import {
  type Label,
  type LabelArray,
  POD_NAMESPACE_LABEL,
  POLICY_LABEL_DERIVED_FROM,
  POLICY_LABEL_NAME,
  POLICY_LABEL_NAMESPACE,
  POLICY_LABEL_UID,
  sortLabels,
} from '../labels/labels.ts';
import { decodeRule } from '../policy/api/decode.ts';
import { Reader } from '../policy/api/reader.ts';
import type { EgressRule, IngressRule, ParsedPolicy, Path, PolicyIssue, PolicyRef, Rule } from '../policy/api/rule.ts';
import { type SanitizeConfig, sanitizeRule } from '../policy/api/rule_validation.ts';
import { type EndpointSelector, hasKey, hasKeyPrefix, withExpressions, withMatch } from '../policy/api/selector.ts';

const NAMESPACE_KEY = `k8s.${POD_NAMESPACE_LABEL}`;
const ANY_NAMESPACE_KEY = `any.${POD_NAMESPACE_LABEL}`;
const INIT_KEY = 'reserved.init';

/**
 * Parses a CiliumNetworkPolicy or, when the kind says so, a CiliumClusterwideNetworkPolicy. A namespaced object without a namespace is in
 * `default`. Never throws: whatever is wrong is an issue.
 */
export function parseCnp(object: unknown, config: SanitizeConfig): ParsedPolicy {
  const reader = new Reader();
  const raw = reader.object(object, []) ?? {};
  const metadata = reader.object(raw['metadata'], ['metadata']) ?? {};
  const clusterwide = raw['kind'] === 'CiliumClusterwideNetworkPolicy';
  const kind = clusterwide ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy';
  const namespace = clusterwide ? '' : reader.string(metadata, 'namespace', ['metadata']) || 'default';
  const name = reader.string(metadata, 'name', ['metadata']);
  const uid = reader.string(metadata, 'uid', ['metadata']);
  const ref: PolicyRef = { kind, namespace, name };
  const identityLabels = policyLabels(ref, uid);
  const spec =
    raw['spec'] === undefined || raw['spec'] === null
      ? null
      : decodeRule(reader, raw['spec'], ['spec'], ref, config.quirks.denySectionsUnchecked);
  const specs = reader.list(raw, 'specs', [], (one, path) => decodeRule(reader, one, path, ref, config.quirks.denySectionsUnchecked));
  const failed = (issues: readonly PolicyIssue[]): ParsedPolicy => ({ ref, rules: [], issues, identityLabels });
  if (reader.issues.length > 0) {
    return failed(reader.issues);
  }
  if (name === '') {
    return failed([{ code: 'name', path: ['metadata', 'name'], message: `${kind} must have name` }]);
  }
  if (spec === null && specs === null) {
    return failed([{ code: 'empty-policy', path: [], message: `Invalid ${kind} spec(s): empty policy` }]);
  }
  const issues: PolicyIssue[] = [];
  const check = (rule: Rule, where: 'spec' | 'specs'): void => {
    const prefix = `Invalid ${kind} ${where}: `;
    for (const issue of sanitizeRule(rule, config)) {
      issues.push({ ...issue, message: prefix + issue.message });
    }
  };
  if (spec !== null) {
    check(spec, 'spec');
    if (spec.nodeSelector !== null && !clusterwide) {
      const path: Path = ['spec', 'nodeSelector'];
      issues.push({ code: 'node-selector', path, message: `Invalid ${kind} spec: rule cannot have NodeSelector` });
    }
  }
  for (const rule of specs ?? []) {
    check(rule, 'specs');
  }
  if (issues.length > 0) {
    return failed(issues);
  }
  const rules = [...(spec === null ? [] : [spec]), ...(specs ?? [])];
  return {
    ref,
    rules: rules.map((rule) => toCiliumRule(rule, namespace, identityLabels, config.quirks.initEscapesNamespace)),
    issues,
    identityLabels,
  };
}

/** Parses a list of rules as the policy API takes it: no namespace, no labels of its own, all or none. */
export function parseRuleList(list: unknown, config: SanitizeConfig): ParsedPolicy {
  const reader = new Reader();
  const ref: PolicyRef = { kind: 'CiliumRules', namespace: '', name: '' };
  const rules =
    reader.list({ rules: list }, 'rules', [], (one, path) => decodeRule(reader, one, path, ref, config.quirks.denySectionsUnchecked)) ?? [];
  const issues = reader.issues.length > 0 ? reader.issues : rules.flatMap((rule) => sanitizeRule(rule, config));
  return { ref, rules: issues.length > 0 ? [] : rules, issues, identityLabels: [] };
}

/** Labels that tie rules to their object. @see cilium:pkg/k8s/apis/cilium.io/utils/utils.go#GetPolicyLabels */
export function policyLabels(ref: PolicyRef, uid: string): LabelArray {
  const label = (key: string, value: string): Label => ({ source: 'k8s', key, value });
  return [
    label(POLICY_LABEL_DERIVED_FROM, ref.kind),
    label(POLICY_LABEL_NAME, ref.name),
    ...(ref.namespace === '' ? [] : [label(POLICY_LABEL_NAMESPACE, ref.namespace)]),
    label(POLICY_LABEL_UID, uid),
  ];
}

/** Ties a rule to its namespace and labels. @see cilium:pkg/k8s/apis/cilium.io/utils/utils.go#ParseToCiliumRule */
function toCiliumRule(rule: Rule, namespace: string, identityLabels: LabelArray, initEscapes: boolean): Rule {
  const subject = rule.endpointSelector;
  const matchesInit = subject !== null && hasKey(subject, INIT_KEY) && (initEscapes || namespace === '');
  const peer = (selector: EndpointSelector): EndpointSelector => peerSelector(selector, namespace, { keepReserved: true, matchesInit });
  const required = (selector: EndpointSelector): EndpointSelector =>
    peerSelector(selector, namespace, { keepReserved: false, matchesInit });
  const ingress = (element: IngressRule): IngressRule => ({
    ...element,
    fromEndpoints: element.fromEndpoints.map(peer),
    fromRequires: element.fromRequires.map(required),
  });
  const egress = (element: EgressRule): EgressRule => ({
    ...element,
    toEndpoints: element.toEndpoints.map(peer),
    toRequires: element.toRequires.map(required),
  });
  return {
    ...rule,
    endpointSelector: subject === null || matchesInit || namespace === '' ? subject : withMatch(subject, NAMESPACE_KEY, namespace),
    ingress: rule.ingress.map(ingress),
    ingressDeny: rule.ingressDeny.map(ingress),
    egress: rule.egress.map(egress),
    egressDeny: rule.egressDeny.map(egress),
    labels: sortLabels([...identityLabels, ...rule.labels]),
  };
}

/** A peer without a namespace is in the policy's, or for a cluster-wide policy in any. @see cilium:pkg/k8s/apis/cilium.io/utils/utils.go#getEndpointSelector */
function peerSelector(
  selector: EndpointSelector,
  namespace: string,
  { keepReserved, matchesInit }: { readonly keepReserved: boolean; readonly matchesInit: boolean },
): EndpointSelector {
  if ((keepReserved && hasKeyPrefix(selector, 'reserved.')) || matchesInit) {
    return selector;
  }
  if (hasKey(selector, NAMESPACE_KEY) || hasKey(selector, ANY_NAMESPACE_KEY)) {
    return selector;
  }
  return namespace === ''
    ? withExpressions(selector, [{ key: NAMESPACE_KEY, operator: 'Exists', values: [] }])
    : withMatch(selector, NAMESPACE_KEY, namespace);
}
