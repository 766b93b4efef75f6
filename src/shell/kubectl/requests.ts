/**
 * Writes to the API server, with its answers in its own words.
 * @see kubernetes:staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go
 * @see kubernetes:plugin/pkg/admission/namespace/lifecycle/admission.go
 */

import type { Origin } from '../../k8s/api_server.ts';
import { mergeApplied, withLastApplied } from '../../k8s/apply_merge.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import { creationIssue, updateIssue } from '../../k8s/validation.ts';
import type { ClusterView } from '../cluster_view.ts';
import { qualifiedPlural, type ResourceType } from './resource_types.ts';

/** Why a request failed. */
export interface ApiStatus {
  readonly reason: 'NotFound' | 'AlreadyExists' | 'Invalid' | 'Forbidden';
  readonly message: string;
}

/** A failed request, or what it did. */
export type ApiAnswer<T> = { readonly ok: true; readonly did: T } | { readonly ok: false; readonly status: ApiStatus };

/** An object with its type, on its way to the server. */
export interface Sent {
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly origin: Origin | null;
}

/** What kubectl prints for a failed request; `doing`: `error when creating "x.yaml"`. @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go#StandardErrorMessage */
export function statusText({ reason, message }: ApiStatus, doing: string | null = null): string {
  return reason === 'Invalid' ? message : `Error from server (${reason}): ${doing === null ? '' : `${doing}: `}${message}`;
}

/** A new object. */
export function createObject(cluster: ClusterView, sent: Sent): ApiAnswer<KubeObject> {
  const { type, object, origin } = sent;
  const { name, namespace = '' } = object.metadata;
  const missing = missingNamespace(cluster, type, namespace);
  if (missing !== null) {
    return missing;
  }
  if (cluster.api.get(type.kind, namespace, name) !== undefined) {
    return refuse('AlreadyExists', `${qualifiedPlural(type)} "${name}" already exists`);
  }
  const issue = creationIssue(object);
  return issue === null ? { ok: true, did: cluster.api.create(object, origin) } : invalid(type, name, issue);
}

/** An object in place of the one of its name. */
export function updateObject(cluster: ClusterView, sent: Sent): ApiAnswer<KubeObject> {
  const { type, object, origin } = sent;
  const { name, namespace = '' } = object.metadata;
  const old = cluster.api.get(type.kind, namespace, name);
  if (old === undefined) {
    return refuse('NotFound', `${qualifiedPlural(type)} "${name}" not found`);
  }
  const issue = updateIssue(old, object);
  return issue === null ? { ok: true, did: cluster.api.update(object, origin ?? undefined) } : invalid(type, name, issue);
}

/** `kubectl apply` of one object. */
export function applyObject(cluster: ClusterView, sent: Sent): ApiAnswer<'created' | 'configured' | 'unchanged'> {
  const { type, object, origin } = sent;
  const { name, namespace = '' } = object.metadata;
  const old = cluster.api.get<KubeObject>(type.kind, namespace, name);
  const missing = missingNamespace(cluster, type, namespace);
  if (old === undefined && missing !== null) {
    return missing;
  }
  const issue = old === undefined ? creationIssue(object) : updateIssue(old, mergeApplied(old, withLastApplied(object)));
  return issue === null ? { ok: true, did: cluster.api.apply(object, origin) } : invalid(type, name, issue);
}

function missingNamespace(
  cluster: ClusterView,
  type: ResourceType,
  namespace: string,
): { readonly ok: false; readonly status: ApiStatus } | null {
  return type.namespaced && cluster.api.get('Namespace', '', namespace) === undefined
    ? refuse('NotFound', `namespaces "${namespace}" not found`)
    : null;
}

function invalid(type: ResourceType, name: string, issue: string): { readonly ok: false; readonly status: ApiStatus } {
  return refuse('Invalid', `The ${type.kind} "${name}" is invalid: ${issue}`);
}

function refuse(reason: ApiStatus['reason'], message: string): { readonly ok: false; readonly status: ApiStatus } {
  return { ok: false, status: { reason, message } };
}
