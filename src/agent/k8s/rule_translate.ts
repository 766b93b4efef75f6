/**
 * `toServices`: backends of services without a selector become prefixes.
 * @see cilium:pkg/k8s/rule_translate.go
 */
import { formatPrefix, hostPrefix, parseIp, parsePrefix, prefixContains } from '../../net/prefix.ts';
import type { CidrRule, EgressRule, Rule, ServiceRef } from '../policy/api/rule.ts';
import { selectorMatches } from '../policy/api/selector.ts';

/** What a service is to policies. */
export interface ServiceBackends {
  readonly namespace: string;
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** Without a selector: only such services count. */
  readonly isExternal: boolean;
  /** Addresses of its endpoints. */
  readonly backends: readonly string[];
}

/** The rule with the prefixes of its services as they are now; earlier ones go. @see cilium:pkg/k8s/rule_translate.go#PreprocessRules */
export function translateServices(rule: Rule, services: readonly ServiceBackends[]): Rule {
  if (!rule.egress.some((element) => element.toServices.length > 0)) {
    return rule;
  }
  const external = services.filter((service) => service.isExternal);
  return { ...rule, egress: rule.egress.map((element) => translateElement(element, external)) };
}

function translateElement(element: EgressRule, services: readonly ServiceBackends[]): EgressRule {
  if (element.toServices.length === 0) {
    return element;
  }
  const cidrs: CidrRule[] = element.toCIDRSet.filter(({ generated }) => !generated);
  for (const service of services) {
    if (!element.toServices.some((reference) => serviceMatches(reference, service))) {
      continue;
    }
    for (const text of service.backends) {
      const address = parseIp(text);
      if (address === null) {
        continue;
      }
      const known = cidrs.some(({ cidr }) => {
        const prefix = parsePrefix(cidr);
        return prefix !== null && prefixContains(prefix, address);
      });
      if (!known) {
        cidrs.push({ cidr: formatPrefix(hostPrefix(address)), except: [], generated: true });
      }
    }
  }
  return { ...element, toCIDRSet: cidrs };
}

/** @see cilium:pkg/k8s/rule_translate.go#RuleTranslator.serviceMatches */
function serviceMatches(reference: ServiceRef, service: ServiceBackends): boolean {
  const inNamespace = (namespace: string): boolean => namespace === '' || namespace === service.namespace;
  if (reference.k8sServiceSelector !== null) {
    const { selector, namespace } = reference.k8sServiceSelector;
    return selectorMatches(selector, service.labels) && inNamespace(namespace);
  }
  if (reference.k8sService !== null) {
    return reference.k8sService.serviceName === service.name && inNamespace(reference.k8sService.namespace);
  }
  return false;
}
