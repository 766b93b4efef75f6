/**
 * Rules back to plain objects, with members in the order and selectors in the form in which the agent prints them (`cilium policy get`).
 * @see cilium:pkg/policy/api/rule.go#Rule.MarshalJSON
 * @see cilium:pkg/policy/api/selector.go#EndpointSelector.MarshalJSON
 */
import { ciliumKeyFrom } from '../../labels/labels.ts';
import type { CidrRule, EgressRule, IcmpRule, IngressRule, L7Rules, PortRule, Rule, Secret, ServiceRef, TlsContextRef } from './rule.ts';
import type { EndpointSelector } from './selector.ts';

/** A plain object ready for JSON. */
export type Encoded = Readonly<Record<string, unknown>>;

/** The rule as the agent's API shows it. @remarks Not modelled: the content of `toGroups`, which the agent never uses. */
export function encodeRule(rule: Rule): Encoded {
  return compact({
    endpointSelector: rule.endpointSelector === null ? null : encodeSelector(rule.endpointSelector),
    nodeSelector: rule.nodeSelector === null ? null : encodeSelector(rule.nodeSelector),
    ingress: rule.ingress.map(encodeIngress),
    ingressDeny: rule.ingressDeny.map(encodeIngress),
    egress: rule.egress.map(encodeEgress),
    egressDeny: rule.egressDeny.map(encodeEgress),
    labels: rule.labels.map(({ key, value, source }) => ({ key, ...(value === '' ? {} : { value }), source })),
    description: rule.description,
  });
}

/** Keys with their source, `any:app`, sorted. */
export function encodeSelector(selector: EndpointSelector): Encoded {
  const labels = selector.matchLabels.map(([key, value]) => [ciliumKeyFrom(key), value] as const);
  return compact({
    matchLabels: labels.length === 0 ? null : sortedMap(labels),
    matchExpressions: selector.matchExpressions.map(({ key, operator, values }) => compact({ key: ciliumKeyFrom(key), operator, values })),
  });
}

function encodeIngress(element: IngressRule): Encoded {
  return compact({
    fromEndpoints: element.fromEndpoints.map(encodeSelector),
    fromRequires: element.fromRequires.map(encodeSelector),
    fromCIDR: element.fromCIDR,
    fromCIDRSet: element.fromCIDRSet.map(encodeCidrRule),
    fromEntities: element.fromEntities,
    toPorts: element.toPorts.map(encodePortRule),
    icmps: element.icmps.map(encodeIcmp),
    auth: element.auth === null ? null : { type: element.auth },
  });
}

function encodeEgress(element: EgressRule): Encoded {
  return compact({
    toEndpoints: element.toEndpoints.map(encodeSelector),
    toRequires: element.toRequires.map(encodeSelector),
    toCIDR: element.toCIDR,
    toCIDRSet: element.toCIDRSet.map(encodeCidrRule),
    toEntities: element.toEntities,
    toServices: element.toServices.map(encodeService),
    toPorts: element.toPorts.map(encodePortRule),
    toFQDNs: element.toFQDNs.map(({ matchName, matchPattern }) => compact({ matchName, matchPattern })),
    icmps: element.icmps.map(encodeIcmp),
    auth: element.auth === null ? null : { type: element.auth },
  });
}

function encodeCidrRule({ cidr, except }: CidrRule): Encoded {
  return { cidr, ...compact({ except }) };
}

function encodeService({ k8sService, k8sServiceSelector }: ServiceRef): Encoded {
  return compact({
    k8sServiceSelector:
      k8sServiceSelector === null
        ? null
        : { selector: encodeSelector(k8sServiceSelector.selector), ...compact({ namespace: k8sServiceSelector.namespace }) },
    k8sService: k8sService === null ? null : compact({ serviceName: k8sService.serviceName, namespace: k8sService.namespace }),
  });
}

function encodeIcmp({ fields }: IcmpRule): Encoded {
  return compact({ fields: fields.map(({ family, type }) => ({ ...compact({ family }), type })) });
}

function encodePortRule(rule: PortRule): Encoded {
  return compact({
    ports: rule.ports.map(({ port, protocol }) => ({ port, ...compact({ protocol }) })),
    terminatingTLS: encodeTls(rule.terminatingTLS),
    originatingTLS: encodeTls(rule.originatingTLS),
    serverNames: rule.serverNames,
    rules: rule.rules === null ? null : encodeL7(rule.rules),
  });
}

function encodeTls(tls: TlsContextRef | null): Encoded | null {
  return tls === null
    ? null
    : {
        secret: encodeSecret(tls.secret),
        ...compact({ trustedCA: tls.trustedCA, certificate: tls.certificate, privateKey: tls.privateKey }),
      };
}

function encodeSecret(secret: Secret | null): Encoded | null {
  return secret === null ? null : { ...compact({ namespace: secret.namespace }), name: secret.name };
}

/** L7 rules of a port. */
export function encodeL7(rules: L7Rules): Encoded {
  return compact({
    http: (rules.http ?? []).map(({ path, method, host, headers, headerMatches }) =>
      compact({
        path,
        method,
        host,
        headers,
        headerMatches: headerMatches.map(({ mismatch, name, secret, value }) => ({
          ...compact({ mismatch }),
          name,
          ...compact({ secret: encodeSecret(secret), value }),
        })),
      }),
    ),
    kafka: (rules.kafka ?? []).map(({ role, apiKey, apiVersion, clientID, topic }) =>
      compact({ role, apiKey, apiVersion, clientID, topic }),
    ),
    dns: (rules.dns ?? []).map(({ matchName, matchPattern }) => compact({ matchName, matchPattern })),
    l7proto: rules.l7proto,
    l7: (rules.l7 ?? []).map(({ fields }) => sortedMap(fields)),
  });
}

/** Without members that are null, empty text or empty lists. */
function compact(members: Encoded): Encoded {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)),
  );
}

function sortedMap(pairs: readonly (readonly [string, string])[]): Encoded {
  return Object.fromEntries([...pairs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
