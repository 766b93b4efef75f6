/** Manifests of a scenario: texts to objects, with positions where the author wrote them. */
import type { Origin } from '../k8s/api_server.ts';
import { parseManifest } from '../k8s/manifest.ts';
import type { KubeObject } from '../k8s/objects.ts';
import type { Issue } from './issue.ts';
import type { ManifestText } from './scenario.ts';

/** An object and where it was written. */
export interface SourcedObject {
  readonly object: KubeObject;
  readonly origin: Origin;
}

/** What is wrong with a manifest. */
export function manifestIssues(manifest: ManifestText): Issue[] {
  return parseManifest(manifest.text, manifest.file).issues.map(({ code, message, path, line, column }) => ({
    code: `manifest-${code}`,
    message,
    position: { file: manifest.file, line, column: column + manifest.indent },
    path,
  }));
}

/** The objects of a manifest that has no issues. */
export function manifestObjects(manifest: ManifestText): SourcedObject[] {
  return parseManifest(manifest.text, manifest.file).objects.map(({ object, origin }) => ({
    object,
    origin: shifted(origin, manifest.indent),
  }));
}

function shifted(origin: Origin, indent: number): Origin {
  if (indent === 0) {
    return origin;
  }
  return {
    file: origin.file,
    locate: (path) => {
      const { line, column } = origin.locate(path);
      return { line, column: column + indent };
    },
  };
}
