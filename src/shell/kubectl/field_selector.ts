/**
 * `--field-selector status.phase=Running,spec.nodeName!=node1`.
 * @see kubernetes:staging/src/k8s.io/apimachinery/pkg/fields/selector.go#ParseSelector
 * @see kubernetes:pkg/registry/core/pod/strategy.go#ToSelectableFields
 */
import type { ObjectView } from '../cluster_view.ts';
import type { ResourceType } from './resource_types.ts';

/** One condition. */
export interface FieldRequirement {
  readonly path: string;
  readonly equal: boolean;
  readonly value: string;
}

/** A parsed selector or the server's message. */
export type FieldSelector =
  | { readonly ok: true; readonly requirements: readonly FieldRequirement[] }
  | { readonly ok: false; readonly error: string };

/** Fields that can be selected by, besides name and namespace. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  Secret: ['type'],
  Service: ['spec.clusterIP', 'spec.type'],
  ReplicaSet: ['status.replicas'],
};

/** Parses a selector for a type. */
export function parseFieldSelector(text: string, type: ResourceType): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const part of text.split(/(?<!\\),/).filter((one) => one !== '')) {
    const match = /^([^=!]*)(!=|==|=)([\s\S]*)$/.exec(part);
    if (match === null) {
      return { ok: false, error: `invalid selector: '${text}'; can't understand '${part}'` };
    }
    const [, path = '', operator = '', value = ''] = match;
    const known =
      path === 'metadata.name' || (path === 'metadata.namespace' && type.namespaced) || (FIELDS[type.kind] ?? []).includes(path);
    if (!known) {
      return { ok: false, error: type.group.endsWith('cilium.io') ? `field label not supported: ${path}` : unsupported(path, type) };
    }
    requirements.push({ path, equal: operator !== '!=', value: value.replace(/\\([\\,=])/g, '$1') });
  }
  return { ok: true, requirements };
}

function unsupported(path: string, type: ResourceType): string {
  return type.kind === 'Pod'
    ? `field label not supported: ${path}`
    : `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

/** Whether an object meets all conditions; an absent field is empty. */
export function meetsFields(requirements: readonly FieldRequirement[], object: ObjectView): boolean {
  return requirements.every(({ path, equal, value }) => {
    const found = path
      .split('.')
      .reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined), object);
    return (String(found ?? '') === value) === equal;
  });
}
