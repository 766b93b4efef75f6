/**
 * The pod that `deploy/NAME`, `svc/NAME` or `ds/NAME` stands for.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/polymorphichelpers/attachablepodforobject.go
 */
import type { LabelSelector } from '../../k8s/objects.ts';
import { matchesSelector } from '../../k8s/selector.ts';
import type { ClusterView, ObjectView } from '../cluster_view.ts';
import { get } from './columns/cell.ts';
import { findResourceType } from './resource_types.ts';
import { notFound } from './targets.ts';

/** The pod or kubectl's message. */
export type PodFound = { readonly ok: true; readonly pod: ObjectView } | { readonly ok: false; readonly error: string };

/** Finds the pod: a name, `pod/NAME` or an object that selects pods. */
export function findPodFor(cluster: ClusterView, namespace: string, reference: string): PodFound {
  const slash = reference.indexOf('/');
  const [word, name] = slash < 0 ? ['pod', reference] : [reference.slice(0, slash), reference.slice(slash + 1)];
  const type = findResourceType(word);
  if (type === null) {
    return { ok: false, error: `error: the server doesn't have a resource type "${word}"` };
  }
  const object = cluster.list(type.kind, type.namespaced ? namespace : null).find(({ metadata }) => metadata.name === name);
  if (object === undefined) {
    return { ok: false, error: notFound(type, name) };
  }
  if (type.kind === 'Pod') {
    return { ok: true, pod: object };
  }
  const selector = selectorOf(object);
  if (selector === null) {
    return { ok: false, error: `error: cannot attach to *${type.kind}: not implemented` };
  }
  const [first] = podsOf(cluster, namespace, selector);
  return first === undefined ? { ok: false, error: 'error: timed out waiting for the condition' } : { ok: true, pod: first };
}

/** The pods that a selector takes. */
export function podsOf(cluster: ClusterView, namespace: string, selector: LabelSelector): readonly ObjectView[] {
  return cluster.list('Pod', namespace).filter((pod) => matchesSelector(selector, pod.metadata.labels ?? {}));
}

/** The selector of a workload or a service; `null` for other objects. */
export function selectorOf(object: ObjectView): LabelSelector | null {
  const selector = get(object, 'spec', 'selector');
  if (typeof selector !== 'object' || selector === null) {
    return null;
  }
  return object.kind === 'Service' ? { matchLabels: selector as Readonly<Record<string, string>> } : (selector as LabelSelector);
}
