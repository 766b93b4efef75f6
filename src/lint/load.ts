/** Manifest texts to what lint looks at. Members nobody knows are left out, as the API server prunes them, and remembered. */
import { isNamespaced, type Origin } from '../k8s/api_server.ts';
import { parseManifest } from '../k8s/manifest.ts';
import type { KubeObject } from '../k8s/objects.ts';
import type { Issue, SourcePosition } from '../scenario/issue.ts';
import type { ManifestText } from '../scenario/scenario.ts';
import { type Workload, workloadOf } from './workloads.ts';

/** An object with its place. */
export interface LoadedObject {
  readonly object: KubeObject;
  readonly origin: Origin;
}

/** A member that no API server keeps. */
export interface SchemaProblem {
  readonly code: string;
  readonly message: string;
  readonly path: string;
  readonly position: SourcePosition;
  readonly object: Readonly<Record<string, unknown>>;
}

/** What some texts hold. */
export interface Loaded {
  readonly objects: readonly LoadedObject[];
  readonly workloads: readonly Workload[];
  readonly problems: readonly SchemaProblem[];
  /** Texts that are no YAML, no objects, or policies that no API server takes. */
  readonly issues: readonly Issue[];
  /** Kinds that were left out. */
  readonly skipped: readonly string[];
}

/** Kinds the policies depend on, applied as they are. */
/** Kinds of policies. */
export const POLICY_KINDS: readonly string[] = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'];

const KEPT = ['Namespace', 'Service', 'Endpoints', 'Secret', ...POLICY_KINDS];

/** A text; objects without a namespace go to the one given. */
export interface LintText extends ManifestText {
  readonly namespace?: string;
}

/** Reads texts; a later object replaces one of the same kind and name. */
export function loadManifests(manifests: readonly LintText[]): Loaded {
  const objects = new Map<string, LoadedObject>();
  const workloads = new Map<string, Workload>();
  const problems: SchemaProblem[] = [];
  const issues: Issue[] = [];
  const skipped = new Set<string>();
  for (const { text, file, indent, namespace = 'default' } of manifests) {
    const manifest = parseManifest(text, file, 'prune');
    for (const { object, origin } of manifest.objects) {
      const workload = workloadOf(object, namespace);
      if (workload !== null) {
        workloads.set(`${workload.namespace}/${workload.name}`, workload);
      } else if (KEPT.includes(object.kind)) {
        const placed = inNamespace(object, namespace);
        objects.set(nameOf(placed), { object: placed, origin: shifted(origin, indent) });
      }
    }
    for (const { code, message, path, line, column, object } of manifest.issues) {
      const position = { file, line, column: column + indent };
      const workload = object === undefined ? null : workloadOf(object, namespace);
      if (object === undefined) {
        issues.push({ code: `manifest-${code}`, message, position, path });
      } else if (code === 'kind' && typeof object['kind'] === 'string') {
        skipped.add(object['kind']);
        if (workload !== null) {
          workloads.set(`${workload.namespace}/${workload.name}`, workload);
          skipped.delete(object['kind']);
        }
      } else if (code === 'unknown-field') {
        problems.push({ code, message, path, position, object });
      } else if (POLICY_KINDS.includes(String(object['kind']))) {
        issues.push({ code: `manifest-${code}`, message, position, path });
      }
    }
  }
  return { objects: [...objects.values()], workloads: [...workloads.values()], problems, issues, skipped: [...skipped].sort() };
}

function shifted(origin: Origin, indent: number): Origin {
  return {
    file: origin.file,
    locate: (path) => {
      const { line, column } = origin.locate(path);
      return { line, column: column + indent };
    },
  };
}

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return isNamespaced(object.kind) && object.metadata.namespace === undefined
    ? { ...object, metadata: { ...object.metadata, namespace } }
    : object;
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace ?? ''} ${metadata.name}`;
}
