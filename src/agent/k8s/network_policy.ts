/**
 * Kubernetes NetworkPolicy objects to rules.
 * @see cilium:pkg/k8s/network_policy.go#ParseNetworkPolicy
 */
import { POD_NAMESPACE_LABEL, POD_NAMESPACE_META_LABELS } from '../labels/labels.ts';
import { decodeSelector, normalizePort } from '../policy/api/decode.ts';
import { type RawObject, Reader } from '../policy/api/reader.ts';
import type { CidrRule, EgressRule, IngressRule, ParsedPolicy, Path, PolicyRef, PortRule, Rule } from '../policy/api/rule.ts';
import { type SanitizeConfig, sanitizeRule } from '../policy/api/rule_validation.ts';
import { type EndpointSelector, newSelector, WILDCARD_SELECTOR, withMatch } from '../policy/api/selector.ts';
import { policyLabels } from './cnp.ts';

const NAMESPACE_KEY = `k8s.${POD_NAMESPACE_LABEL}`;
/** Annotation that names the policy, and its name before 1.13. @see cilium:pkg/annotation/k8s.go#PolicyName */
const NAME_ANNOTATIONS = ['policy.cilium.io/name', 'io.cilium.name'];

/** Parses a NetworkPolicy. Never throws. */
export function parseNetworkPolicy(object: unknown, config: SanitizeConfig): ParsedPolicy {
  const reader = new Reader();
  const raw = reader.object(object, []) ?? {};
  const metadata = reader.object(raw['metadata'], ['metadata']) ?? {};
  const annotations = new Map(reader.stringMap(metadata['annotations'], ['metadata', 'annotations']));
  const namespace = reader.string(metadata, 'namespace', ['metadata']) || 'default';
  const given = NAME_ANNOTATIONS.map((key) => annotations.get(key)).find((value) => value !== undefined);
  const name = given || reader.string(metadata, 'name', ['metadata']);
  const ref: PolicyRef = { kind: 'NetworkPolicy', namespace, name };
  const identityLabels = policyLabels(ref, reader.string(metadata, 'uid', ['metadata']));
  const spec = reader.object(raw['spec'], ['spec']) ?? {};
  const types = reader.strings(spec, 'policyTypes', ['spec']);
  const ingress = (reader.list(spec, 'ingress', ['spec'], (one, path) => ingressRules(reader, one, path, namespace)) ?? []).flat();
  const egress = (reader.list(spec, 'egress', ['spec'], (one, path) => egressRules(reader, one, path, namespace)) ?? []).flat();
  // Rules of a direction the types do not name count all the same.
  if (ingress.length === 0 && (types.includes('Ingress') || !types.includes('Egress'))) {
    ingress.push(ingressRule(['spec']));
  }
  if (egress.length === 0 && types.includes('Egress')) {
    egress.push(egressRule(['spec']));
  }
  const rule: Rule = {
    ref,
    path: ['spec'],
    endpointSelector: withMatch(k8sSelector(reader, spec['podSelector'], ['spec', 'podSelector']), NAMESPACE_KEY, namespace),
    nodeSelector: null,
    ingress,
    ingressDeny: [],
    egress,
    egressDeny: [],
    labels: identityLabels,
    description: '',
  };
  const issues = reader.issues.length > 0 ? reader.issues : sanitizeRule(rule, config);
  return { ref, rules: issues.length > 0 ? [] : [rule], issues, identityLabels };
}

/** One element for each peer, all with the same ports; without peers one for everyone. */
function ingressRules(reader: Reader, value: unknown, path: Path, namespace: string): IngressRule[] {
  const raw = reader.object(value, path) ?? {};
  const toPorts = portRules(reader, raw, path);
  const peers = reader.list(raw, 'from', path, (one, at) => ({ at, ...readPeer(reader, one, at, namespace) })) ?? [];
  if (peers.length === 0) {
    return [{ ...ingressRule(path), fromEndpoints: [WILDCARD_SELECTOR], toPorts }];
  }
  return peers.map(({ at, selectors, cidrs }) => ({ ...ingressRule(at), fromEndpoints: selectors, fromCIDRSet: cidrs, toPorts }));
}

function egressRules(reader: Reader, value: unknown, path: Path, namespace: string): EgressRule[] {
  const raw = reader.object(value, path) ?? {};
  const toPorts = portRules(reader, raw, path);
  const peers = reader.list(raw, 'to', path, (one, at) => ({ at, ...readPeer(reader, one, at, namespace) })) ?? [];
  if (peers.length === 0) {
    return [{ ...egressRule(path), toEndpoints: [WILDCARD_SELECTOR], toPorts }];
  }
  return peers.map(({ at, selectors, cidrs }) => ({ ...egressRule(at), toEndpoints: selectors, toCIDRSet: cidrs, toPorts }));
}

interface Peer {
  readonly selectors: readonly EndpointSelector[];
  readonly cidrs: readonly CidrRule[];
}

function readPeer(reader: Reader, value: unknown, path: Path, namespace: string): Peer {
  const raw = reader.object(value, path) ?? {};
  const block = reader.object(raw['ipBlock'], [...path, 'ipBlock']);
  const selector = peerSelector(reader, raw, path, namespace);
  return {
    selectors: selector === null ? [] : [selector],
    cidrs:
      block === null
        ? []
        : [
            {
              cidr: reader.string(block, 'cidr', [...path, 'ipBlock']),
              except: reader.strings(block, 'except', [...path, 'ipBlock']),
              generated: false,
            },
          ],
  };
}

/** @see cilium:pkg/k8s/network_policy.go#parseNetworkPolicyPeer */
function peerSelector(reader: Reader, raw: RawObject, path: Path, namespace: string): EndpointSelector | null {
  const has = (key: string): boolean => raw[key] !== undefined && raw[key] !== null;
  const pods = has('podSelector') ? k8sSelector(reader, raw['podSelector'], [...path, 'podSelector']) : null;
  if (!has('namespaceSelector')) {
    return pods === null ? null : withMatch(pods, NAMESPACE_KEY, namespace);
  }
  const namespaces = decodeSelector(
    reader,
    raw['namespaceSelector'],
    [...path, 'namespaceSelector'],
    (key) => `k8s.${POD_NAMESPACE_META_LABELS}.${key}`,
  );
  const any = namespaces.matchLabels.length + namespaces.matchExpressions.length === 0;
  const expressions = any ? [{ key: NAMESPACE_KEY, operator: 'Exists', values: [] }] : namespaces.matchExpressions;
  return newSelector([...namespaces.matchLabels, ...(pods?.matchLabels ?? [])], [...expressions, ...(pods?.matchExpressions ?? [])]);
}

function k8sSelector(reader: Reader, value: unknown, path: Path): EndpointSelector {
  return decodeSelector(reader, value, path, (key) => `k8s.${key}`);
}

/** A port without a number is 0, without a protocol TCP; `endPort` is not known in 1.13. @see cilium:pkg/k8s/network_policy.go#parsePorts */
function portRules(reader: Reader, raw: RawObject, path: Path): PortRule[] {
  const rules = reader.list(raw, 'ports', path, (one, at): PortRule => {
    const port = reader.object(one, at) ?? {};
    const number = port['port'];
    const text =
      number === undefined || number === null ? '0' : typeof number === 'number' ? String(number) : reader.string(port, 'port', at);
    const protocol = port['protocol'] === undefined || port['protocol'] === null ? 'TCP' : reader.string(port, 'protocol', at);
    return {
      path: at,
      ports: [normalizePort({ port: text, protocol })],
      terminatingTLS: null,
      originatingTLS: null,
      serverNames: [],
      rules: null,
    };
  });
  return rules ?? [];
}

function ingressRule(path: Path): IngressRule {
  return { path, fromEndpoints: [], fromRequires: [], fromCIDR: [], fromCIDRSet: [], fromEntities: [], toPorts: [], icmps: [], auth: null };
}

function egressRule(path: Path): EgressRule {
  return {
    path,
    toEndpoints: [],
    toRequires: [],
    toCIDR: [],
    toCIDRSet: [],
    toEntities: [],
    toServices: [],
    toGroups: 0,
    toFQDNs: [],
    toPorts: [],
    icmps: [],
    auth: null,
  };
}
