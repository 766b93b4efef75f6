/** Applying and deleting objects, with what the agent says to policies it does not take. */
import { issueText } from '../agent/policy/api/hint.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { isNamespaced } from '../k8s/api_server.ts';
import type { KubeObject } from '../k8s/objects.ts';
import { manifestObjects } from './manifests.ts';
import type { ObjectResult } from './result.ts';
import type { ManifestText, ObjectName } from './scenario.ts';

/** Names kubectl takes for the kinds. */
const KINDS: Readonly<Record<string, string>> = {
  po: 'Pod',
  svc: 'Service',
  deploy: 'Deployment',
  rs: 'ReplicaSet',
  ns: 'Namespace',
  no: 'Node',
  ep: 'Endpoints',
  cnp: 'CiliumNetworkPolicy',
  ccnp: 'CiliumClusterwideNetworkPolicy',
  netpol: 'NetworkPolicy',
  cep: 'CiliumEndpoint',
  ing: 'Ingress',
  ingresses: 'Ingress',
  ingressclasses: 'IngressClass',
  cec: 'CiliumEnvoyConfig',
  ccec: 'CiliumClusterwideEnvoyConfig',
};
const FULL_NAMES = [...new Set(Object.values(KINDS)), 'ServiceAccount', 'ConfigMap', 'Secret', 'IngressClass'];

/** Applies the objects of manifests, in order. */
export function applyManifests(cluster: Cluster, manifests: readonly ManifestText[], namespace: string): ObjectResult[] {
  const applied = manifests.flatMap(manifestObjects).map(({ object, origin }) => {
    const placed = inNamespace(object, namespace);
    const missing = isNamespaced(placed.kind) && cluster.api.get('Namespace', '', placed.metadata.namespace ?? 'default') === undefined;
    if (missing) {
      return {
        ...nameOf(placed),
        outcome: 'rejected' as const,
        message: `namespaces "${placed.metadata.namespace ?? 'default'}" not found`,
      };
    }
    return { ...nameOf(placed), outcome: cluster.api.apply(placed, origin) };
  });
  // The agents hear of the objects a little later; what they refuse is told with the object.
  const before = cluster.nodes.map(({ agent }) => ({ policies: agent.rejectedPolicies.length, configs: configIssues(agent).length }));
  cluster.advance(0);
  const refused = cluster.nodes.flatMap(({ agent }, index) => [
    ...agent.rejectedPolicies.slice(before[index]?.policies).map(({ parsed, ...one }) => ({ ...one, issue: parsed.issues[0] })),
    ...configIssues(agent)
      .slice(before[index]?.configs)
      .map(({ object, origin, path, message }) => ({ object, origin, issue: { path, message } })),
  ]);
  return applied.map((result) => {
    const refusal = refused.find(({ object }) => object.kind === result.kind && object.metadata.name === result.name);
    if (refusal?.issue === undefined) {
      return result;
    }
    const { origin, issue } = refusal;
    const place = origin === null ? null : origin.locate(issue.path);
    const where = place === null || origin === null ? '' : `${origin.file}:${place.line}:${place.column}: `;
    return { ...result, outcome: 'rejected' as const, message: `${where}${issueText(issue)}` };
  });
}

/** What agents have said of CiliumEnvoyConfigs. */
function configIssues({ envoyConfigs }: Cluster['nodes'][number]['agent']): NonNullable<typeof envoyConfigs>['issues'] {
  return envoyConfigs?.issues ?? [];
}

/** Deletes the objects of manifests and those named. */
export function deleteObjects(
  cluster: Cluster,
  manifests: readonly ManifestText[],
  objects: readonly ObjectName[],
  namespace: string,
): ObjectResult[] {
  const fromFiles = manifests.flatMap(manifestObjects).map(({ object }) => nameOf(inNamespace(object, namespace)));
  const named = objects.map(({ kind, name }) => {
    const full = kindOf(kind);
    return { kind: full, namespace: isNamespaced(full) ? namespace : '', name };
  });
  return [...fromFiles, ...named].map((one) => ({
    ...one,
    outcome: cluster.api.delete(one.kind, one.namespace, one.name) ? ('deleted' as const) : ('not found' as const),
  }));
}

/** The kind that kubectl takes a word for; the word itself if it knows none. */
export function kindOf(word: string): string {
  const lower = word.toLowerCase();
  return (
    KINDS[lower] ??
    FULL_NAMES.find((kind) =>
      [kind.toLowerCase(), `${kind.toLowerCase()}s`, `${kind.toLowerCase().replace(/y$/, 'ies')}`].includes(lower),
    ) ??
    word
  );
}

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return isNamespaced(object.kind) && object.metadata.namespace === undefined
    ? { ...object, metadata: { ...object.metadata, namespace } }
    : object;
}

function nameOf(object: KubeObject): { readonly kind: string; readonly namespace: string; readonly name: string } {
  return {
    kind: object.kind,
    namespace: isNamespaced(object.kind) ? (object.metadata.namespace ?? 'default') : '',
    name: object.metadata.name,
  };
}
