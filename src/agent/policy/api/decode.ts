/**
 * From untyped objects to rules. Ports of allow sections are normalized on the way (protocols in capitals, a missing one is ANY, port names in
 * small letters); those of deny sections stay as written, because nothing sanitizes them.
 * @see cilium:pkg/policy/api/rule.go
 * @see cilium:pkg/policy/api/selector.go#EndpointSelector.UnmarshalJSON
 */
import { extendedKeyFrom, type Label, parseLabel } from '../../labels/labels.ts';
import { isSvcName } from './port.ts';
import type { RawObject, Reader } from './reader.ts';
import type {
  CidrRule,
  EgressRule,
  FqdnSelector,
  HeaderMatchRule,
  IcmpRule,
  IngressRule,
  L7Rules,
  Path,
  PolicyRef,
  PortProtocol,
  PortRule,
  PortRuleHttp,
  PortRuleKafka,
  Rule,
  RuleOrigin,
  Secret,
  ServiceRef,
  TlsContextRef,
} from './rule.ts';
import { type EndpointSelector, newSelector } from './selector.ts';

/** How the ports of a deny section are taken. */
type DenyPorts = 'as written' | 'normalized';

/** Reads one rule (the value of `spec`, or an element of `specs` or of a rule list). */
export function decodeRule(reader: Reader, value: unknown, path: Path, ref: PolicyRef, denyUnchecked = true): Rule {
  const raw = reader.object(value, path) ?? {};
  const selector = (key: string): EndpointSelector | null => (key in raw ? decodeSelector(reader, raw[key], [...path, key]) : null);
  return {
    ref,
    path,
    endpointSelector: selector('endpointSelector'),
    nodeSelector: selector('nodeSelector'),
    ingress: reader.list(raw, 'ingress', path, (one, at) => decodeIngress(reader, one, at, ref, null)) ?? [],
    ingressDeny:
      reader.list(raw, 'ingressDeny', path, (one, at) =>
        decodeIngress(reader, one, at, ref, denyUnchecked ? 'as written' : 'normalized'),
      ) ?? [],
    egress: reader.list(raw, 'egress', path, (one, at) => decodeEgress(reader, one, at, ref, null)) ?? [],
    egressDeny:
      reader.list(raw, 'egressDeny', path, (one, at) => decodeEgress(reader, one, at, ref, denyUnchecked ? 'as written' : 'normalized')) ??
      [],
    labels: reader.list(raw, 'labels', path, (one, at) => decodeLabel(reader, one, at)) ?? [],
    description: reader.string(raw, 'description', path),
  };
}

/** Reads a selector; `null` reads as the one that selects everything. */
export function decodeSelector(
  reader: Reader,
  value: unknown,
  path: Path,
  keyOf: (key: string) => string = extendedKeyFrom,
): EndpointSelector {
  const raw = reader.object(value, path) ?? {};
  const labels = reader.stringMap(raw['matchLabels'], [...path, 'matchLabels']);
  const expressions =
    reader.list(raw, 'matchExpressions', path, (one, at) => {
      const expression = reader.object(one, at) ?? {};
      return {
        key: keyOf(reader.string(expression, 'key', at)),
        operator: reader.string(expression, 'operator', at),
        values: reader.strings(expression, 'values', at),
      };
    }) ?? [];
  return newSelector(
    labels.map(([key, text]) => [keyOf(key), text]),
    expressions,
  );
}

function decodeLabel(reader: Reader, value: unknown, path: Path): Label {
  if (typeof value === 'string') {
    return parseLabel(value);
  }
  const raw = reader.object(value, path) ?? {};
  return { source: reader.string(raw, 'source', path), key: reader.string(raw, 'key', path), value: reader.string(raw, 'value', path) };
}

function selectors(reader: Reader, raw: RawObject, key: string, path: Path): EndpointSelector[] {
  return reader.list(raw, key, path, (one, at) => decodeSelector(reader, one, at)) ?? [];
}

function decodeIngress(reader: Reader, value: unknown, path: Path, ref: PolicyRef, deny: DenyPorts | null): IngressRule {
  const raw = reader.object(value, path) ?? {};
  return {
    path,
    fromEndpoints: selectors(reader, raw, 'fromEndpoints', path),
    fromRequires: selectors(reader, raw, 'fromRequires', path),
    fromCIDR: reader.strings(raw, 'fromCIDR', path),
    fromCIDRSet: reader.list(raw, 'fromCIDRSet', path, (one, at) => decodeCidrRule(reader, one, at)) ?? [],
    fromEntities: reader.strings(raw, 'fromEntities', path),
    toPorts: decodePorts(reader, raw, path, ref, deny),
    icmps: decodeIcmps(reader, raw, path),
    auth: deny === null ? decodeAuth(reader, raw, path) : null,
  };
}

function decodeEgress(reader: Reader, value: unknown, path: Path, ref: PolicyRef, deny: DenyPorts | null): EgressRule {
  const raw = reader.object(value, path) ?? {};
  return {
    path,
    toEndpoints: selectors(reader, raw, 'toEndpoints', path),
    toRequires: selectors(reader, raw, 'toRequires', path),
    toCIDR: reader.strings(raw, 'toCIDR', path),
    toCIDRSet: reader.list(raw, 'toCIDRSet', path, (one, at) => decodeCidrRule(reader, one, at)) ?? [],
    toEntities: reader.strings(raw, 'toEntities', path),
    toServices: reader.list(raw, 'toServices', path, (one, at) => decodeService(reader, one, at)) ?? [],
    toGroups: (reader.list(raw, 'toGroups', path, (one, at) => reader.object(one, at)) ?? []).length,
    toFQDNs: deny !== null ? [] : (reader.list(raw, 'toFQDNs', path, (one, at) => decodeFqdn(reader, one, at)) ?? []),
    toPorts: decodePorts(reader, raw, path, ref, deny),
    icmps: decodeIcmps(reader, raw, path),
    auth: deny === null ? decodeAuth(reader, raw, path) : null,
  };
}

function decodeAuth(reader: Reader, raw: RawObject, path: Path): string | null {
  const at = [...path, 'auth'];
  const auth = reader.object(raw['auth'], at);
  return auth === null ? null : reader.string(auth, 'type', at);
}

function decodeCidrRule(reader: Reader, value: unknown, path: Path): CidrRule {
  const raw = reader.object(value, path) ?? {};
  return { cidr: reader.string(raw, 'cidr', path), except: reader.strings(raw, 'except', path), generated: false };
}

function decodeService(reader: Reader, value: unknown, path: Path): ServiceRef {
  const raw = reader.object(value, path) ?? {};
  const named = reader.object(raw['k8sService'], [...path, 'k8sService']);
  const at = [...path, 'k8sServiceSelector'];
  const selected = reader.object(raw['k8sServiceSelector'], at);
  return {
    k8sService:
      named === null
        ? null
        : {
            serviceName: reader.string(named, 'serviceName', [...path, 'k8sService']),
            namespace: reader.string(named, 'namespace', [...path, 'k8sService']),
          },
    k8sServiceSelector:
      selected === null
        ? null
        : {
            // Keys of a service selector have no source: it is matched against the service's own labels.
            selector: decodeSelector(reader, selected['selector'], [...at, 'selector'], (key) => key),
            namespace: reader.string(selected, 'namespace', at),
          },
  };
}

function decodeFqdn(reader: Reader, value: unknown, path: Path): FqdnSelector {
  const raw = reader.object(value, path) ?? {};
  return { matchName: reader.string(raw, 'matchName', path), matchPattern: reader.string(raw, 'matchPattern', path) };
}

function decodeIcmps(reader: Reader, raw: RawObject, path: Path): IcmpRule[] {
  const icmps = reader.list(raw, 'icmps', path, (one, at): IcmpRule => {
    const icmp = reader.object(one, at) ?? {};
    const fields = reader.list(icmp, 'fields', at, (field, where) => {
      const inner = reader.object(field, where) ?? {};
      return { family: reader.string(inner, 'family', where), type: reader.integer(inner, 'type', where, 255) };
    });
    return { path: at, fields: fields ?? [] };
  });
  return icmps ?? [];
}

function decodePorts(reader: Reader, raw: RawObject, path: Path, ref: PolicyRef, deny: DenyPorts | null): PortRule[] {
  return reader.list(raw, 'toPorts', path, (one, at) => decodePortRule(reader, one, at, ref, deny)) ?? [];
}

/** @remarks Not modelled: `listener`, which sends a port's traffic to a listener of a CiliumEnvoyConfig; it is refused as an unknown member. */
function decodePortRule(reader: Reader, value: unknown, path: Path, ref: PolicyRef, deny: DenyPorts | null): PortRule {
  const raw = reader.object(value, path) ?? {};
  const ports = reader.list(raw, 'ports', path, (one, at): PortProtocol => {
    const port = reader.object(one, at) ?? {};
    const written = { port: reader.string(port, 'port', at), protocol: reader.string(port, 'protocol', at) };
    return deny === 'as written' ? written : normalizePort(written);
  });
  if (deny !== null) {
    return { path, ports: ports ?? [], terminatingTLS: null, originatingTLS: null, serverNames: [], rules: null };
  }
  return {
    path,
    ports: ports ?? [],
    terminatingTLS: decodeTls(reader, raw, 'terminatingTLS', path),
    originatingTLS: decodeTls(reader, raw, 'originatingTLS', path),
    serverNames: reader.strings(raw, 'serverNames', path),
    rules: decodeL7(reader, raw['rules'], [...path, 'rules'], ref),
  };
}

/** @see cilium:pkg/policy/api/rule_validation.go#PortProtocol.sanitize */
export function normalizePort({ port, protocol }: PortProtocol): PortProtocol {
  return { port: isSvcName(port) ? port.toLowerCase() : port, protocol: protocol === '' ? 'ANY' : protocol.toUpperCase() };
}

function decodeTls(reader: Reader, parent: RawObject, key: string, path: Path): TlsContextRef | null {
  const at = [...path, key];
  const raw = reader.object(parent[key], at);
  if (raw === null) {
    return null;
  }
  return {
    secret: decodeSecret(reader, raw, at),
    trustedCA: reader.string(raw, 'trustedCA', at),
    certificate: reader.string(raw, 'certificate', at),
    privateKey: reader.string(raw, 'privateKey', at),
  };
}

function decodeSecret(reader: Reader, parent: RawObject, path: Path): Secret | null {
  const at = [...path, 'secret'];
  const raw = reader.object(parent['secret'], at);
  return raw === null ? null : { namespace: reader.string(raw, 'namespace', at), name: reader.string(raw, 'name', at) };
}

function decodeL7(reader: Reader, value: unknown, path: Path, ref: PolicyRef): L7Rules | null {
  const raw = reader.object(value, path);
  if (raw === null) {
    return null;
  }
  const origin = (at: Path): RuleOrigin => ({ ref, path: at });
  return {
    http: reader.list(raw, 'http', path, (one, at) => decodeHttp(reader, one, at, origin(at))),
    kafka: reader.list(raw, 'kafka', path, (one, at) => decodeKafka(reader, one, at, origin(at))),
    dns: reader.list(raw, 'dns', path, (one, at) => ({ ...decodeFqdn(reader, one, at), origin: origin(at) })),
    l7proto: reader.string(raw, 'l7proto', path),
    l7: reader.list(raw, 'l7', path, (one, at) => ({ origin: origin(at), fields: reader.stringMap(one, at) })),
  };
}

function decodeHttp(reader: Reader, value: unknown, path: Path, origin: RuleOrigin): PortRuleHttp {
  const raw = reader.object(value, path) ?? {};
  const headerMatches = reader.list(raw, 'headerMatches', path, (one, at): HeaderMatchRule => {
    const match = reader.object(one, at) ?? {};
    return {
      mismatch: reader.string(match, 'mismatch', at),
      name: reader.string(match, 'name', at),
      secret: decodeSecret(reader, match, at),
      value: reader.string(match, 'value', at),
    };
  });
  return {
    origin,
    path: reader.string(raw, 'path', path),
    method: reader.string(raw, 'method', path),
    host: reader.string(raw, 'host', path),
    headers: reader.strings(raw, 'headers', path),
    headerMatches: headerMatches ?? [],
  };
}

function decodeKafka(reader: Reader, value: unknown, path: Path, origin: RuleOrigin): PortRuleKafka {
  const raw = reader.object(value, path) ?? {};
  return {
    origin,
    role: reader.string(raw, 'role', path),
    apiKey: reader.string(raw, 'apiKey', path),
    apiVersion: reader.string(raw, 'apiVersion', path),
    clientID: reader.string(raw, 'clientID', path),
    topic: reader.string(raw, 'topic', path),
  };
}
