/**
 * `toServices`: backends of services without a selector become prefixes.
 * @see cilium:pkg/k8s/rule_translate.go
 */
import { formatPrefix, hostPrefix, type IpAddress, parseIp, parsePrefix, prefixContains } from '../../net/prefix.ts';
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

/** A fresh rule with the prefixes of its services. @see cilium:pkg/k8s/rule_translate.go#PreprocessRules */
export function translateServices(rule: Rule, services: readonly ServiceBackends[]): Rule {
  return services
    .filter(({ isExternal }) => isExternal)
    .reduce((translated, service) => translateService(translated, service, false), rule);
}

/**
 * The rule after a service came, changed, or (`revert`) went; the same object if it does not speak of the service.
 *
 * Only prefixes that cover an address which the service has now are taken back before they are made again: the prefix of a backend that is
 * gone stays in the rule until the policy is imported anew, as it does in the real agent.
 * @see cilium:pkg/k8s/rule_translate.go#RuleTranslator.TranslateEgress
 */
export function translateService(rule: Rule, service: ServiceBackends, revert: boolean): Rule {
  if (!rule.egress.some((element) => element.toServices.some((reference) => serviceMatches(reference, service)))) {
    return rule;
  }
  return { ...rule, egress: rule.egress.map((element) => translateElement(element, service, revert)) };
}

function translateElement(element: EgressRule, service: ServiceBackends, revert: boolean): EgressRule {
  if (!element.toServices.some((reference) => serviceMatches(reference, service))) {
    return element;
  }
  const addresses = service.backends.flatMap((text) => parseIp(text) ?? []);
  const covers = ({ cidr }: CidrRule, address: IpAddress): boolean => {
    const prefix = parsePrefix(cidr);
    return prefix !== null && prefixContains(prefix, address);
  };
  const cidrs = element.toCIDRSet.filter((rule) => rule.generated !== true || !addresses.some((address) => covers(rule, address)));
  for (const address of revert ? [] : addresses) {
    if (!cidrs.some((rule) => covers(rule, address))) {
      cidrs.push({ cidr: formatPrefix(hostPrefix(address)), except: [], generated: true });
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
