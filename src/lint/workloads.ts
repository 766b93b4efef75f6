/** The pods that manifests would make: one for each pod and workload, with the labels, named ports and service account of its template. */
import type { Container, PodSpec } from '../k8s/objects.ts';

/** A pod that stands for a workload. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly WorkloadPort[];
  readonly serviceAccount: string | null;
}

/** A container port. */
export interface WorkloadPort {
  readonly name: string | null;
  readonly port: number;
  readonly protocol: string;
}

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: PodSpec;
}

/** Kinds with a pod template at `spec.template`. */
const TEMPLATED = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'];

/** The workload that an object makes, whether or not the cluster models its kind; `null` for other kinds. */
export function workloadOf(object: Readonly<Record<string, unknown>>, namespace: string): Workload | null {
  const template = templateOf(object);
  const metadata = (object['metadata'] ?? {}) as { readonly name?: string; readonly namespace?: string };
  if (template?.spec === undefined || !Array.isArray(template.spec.containers) || metadata.name === undefined) {
    return null;
  }
  if (template.spec.hostNetwork === true) {
    return null;
  }
  return {
    namespace: metadata.namespace ?? namespace,
    name: metadata.name,
    labels: template.metadata?.labels ?? {},
    ports: template.spec.containers.flatMap(({ ports }: Container) =>
      (ports ?? []).map(({ name, containerPort, protocol }) => ({ name: name ?? null, port: containerPort, protocol: protocol ?? 'TCP' })),
    ),
    serviceAccount: template.spec.serviceAccountName ?? null,
  };
}

function templateOf(object: Readonly<Record<string, unknown>>): Template | undefined {
  const { kind, spec } = object as { readonly kind?: string; readonly spec?: Record<string, unknown> };
  if (kind === 'Pod') {
    return object as Template;
  }
  if (kind === 'CronJob') {
    return (spec?.['jobTemplate'] as { readonly spec?: { readonly template?: Template } } | undefined)?.spec?.template;
  }
  return TEMPLATED.includes(kind ?? '') ? (spec?.['template'] as Template | undefined) : undefined;
}
