/**
 * The kinds of objects the server knows, with their names and columns.
 * @see kubernetes:pkg/registry (ShortNames and Categories of the storages)
 */

import type { Column } from './columns/cell.ts';
import { CILIUM_ENDPOINT_COLUMNS, CILIUM_IDENTITY_COLUMNS, CILIUM_NODE_COLUMNS, CILIUM_POLICY_COLUMNS } from './columns/cilium.ts';
import { INGRESS_CLASS_COLUMNS, INGRESS_COLUMNS } from './columns/ingress.ts';
import {
  CONFIG_MAP_COLUMNS,
  ENDPOINTS_COLUMNS,
  NAMESPACE_COLUMNS,
  NETWORK_POLICY_COLUMNS,
  NODE_COLUMNS,
  SECRET_COLUMNS,
  SERVICE_ACCOUNT_COLUMNS,
  SERVICE_COLUMNS,
} from './columns/network.ts';
import { DAEMON_SET_COLUMNS, DEPLOYMENT_COLUMNS, POD_COLUMNS, REPLICA_SET_COLUMNS } from './columns/workloads.ts';

/** A kind of objects. */
export interface ResourceType {
  readonly kind: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Whether `all` means it too. */
  readonly inAll?: boolean;
  readonly columns: readonly Column[];
}

function core(
  kind: string,
  plural: string,
  shortNames: readonly string[],
  columns: readonly Column[],
  more: Partial<ResourceType> = {},
): ResourceType {
  return { kind, group: '', version: 'v1', plural, singular: kind.toLowerCase(), shortNames, namespaced: true, columns, ...more };
}

function apps(kind: string, shortName: string, columns: readonly Column[]): ResourceType {
  return core(kind, `${kind.toLowerCase()}s`, [shortName], columns, { group: 'apps', inAll: true });
}

function cilium(kind: string, plural: string, shortNames: readonly string[], columns: readonly Column[], namespaced = true): ResourceType {
  return core(kind, plural, shortNames, columns, { group: 'cilium.io', version: 'v2', namespaced });
}

/** All kinds, in the order in which `kubectl get all` and `api-resources` go through them. */
export const RESOURCE_TYPES: readonly ResourceType[] = [
  core('ConfigMap', 'configmaps', ['cm'], CONFIG_MAP_COLUMNS),
  core('Endpoints', 'endpoints', ['ep'], ENDPOINTS_COLUMNS),
  core('Namespace', 'namespaces', ['ns'], NAMESPACE_COLUMNS, { namespaced: false }),
  core('Node', 'nodes', ['no'], NODE_COLUMNS, { namespaced: false }),
  core('Pod', 'pods', ['po'], POD_COLUMNS, { inAll: true }),
  core('Secret', 'secrets', [], SECRET_COLUMNS),
  core('ServiceAccount', 'serviceaccounts', ['sa'], SERVICE_ACCOUNT_COLUMNS),
  core('Service', 'services', ['svc'], SERVICE_COLUMNS, { inAll: true }),
  apps('DaemonSet', 'ds', DAEMON_SET_COLUMNS),
  apps('Deployment', 'deploy', DEPLOYMENT_COLUMNS),
  apps('ReplicaSet', 'rs', REPLICA_SET_COLUMNS),
  cilium('CiliumClusterwideEnvoyConfig', 'ciliumclusterwideenvoyconfigs', ['ccec'], CILIUM_POLICY_COLUMNS, false),
  cilium('CiliumClusterwideNetworkPolicy', 'ciliumclusterwidenetworkpolicies', ['ccnp'], CILIUM_POLICY_COLUMNS, false),
  cilium('CiliumEndpoint', 'ciliumendpoints', ['cep', 'ciliumep'], CILIUM_ENDPOINT_COLUMNS),
  cilium('CiliumEnvoyConfig', 'ciliumenvoyconfigs', ['cec'], CILIUM_POLICY_COLUMNS),
  cilium('CiliumIdentity', 'ciliumidentities', ['ciliumid'], CILIUM_IDENTITY_COLUMNS, false),
  cilium('CiliumNetworkPolicy', 'ciliumnetworkpolicies', ['cnp', 'ciliumnp'], CILIUM_POLICY_COLUMNS),
  cilium('CiliumNode', 'ciliumnodes', ['cn', 'ciliumn'], CILIUM_NODE_COLUMNS, false),
  core('IngressClass', 'ingressclasses', [], INGRESS_CLASS_COLUMNS, { group: 'networking.k8s.io', namespaced: false }),
  core('Ingress', 'ingresses', ['ing'], INGRESS_COLUMNS, { group: 'networking.k8s.io' }),
  core('NetworkPolicy', 'networkpolicies', ['netpol'], NETWORK_POLICY_COLUMNS, { group: 'networking.k8s.io' }),
];

/** The type that a word means: a name, a short name, `name.group` or `name.version.group`; `null` if there is none. */
export function findResourceType(word: string): ResourceType | null {
  const [name = '', ...rest] = word.toLowerCase().split('.');
  const group = rest.join('.');
  return (
    RESOURCE_TYPES.find(
      (type) =>
        [type.plural, type.singular, ...type.shortNames].includes(name) &&
        (group === '' || group === type.group || group === `${type.version}.${type.group}`.replace(/\.$/, '')),
    ) ?? null
  );
}

/** The type of an object. */
export function typeOfKind(kind: string): ResourceType | null {
  return RESOURCE_TYPES.find((type) => type.kind === kind) ?? null;
}

/** `deployments.apps`: as the server's messages say it. */
export function qualifiedPlural(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** `deployment.apps`: as kubectl's messages and `-o name` say it. */
export function qualifiedSingular(type: ResourceType): string {
  return type.group === '' ? type.singular : `${type.singular}.${type.group}`;
}

/** `apps/v1` */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** Everything that may be typed for a type. */
export function resourceNames(): string[] {
  return RESOURCE_TYPES.flatMap((type) => [...type.shortNames, type.singular, type.plural]);
}
