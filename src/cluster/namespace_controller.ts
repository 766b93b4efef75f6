/**
 * What happens around namespaces: the label with their name, their default service account, and the end of all that was in them.
 * @see kubernetes:pkg/registry/core/namespace/strategy.go#namespaceStrategy.PrepareForCreate
 * @see kubernetes:pkg/controller/serviceaccount/serviceaccounts_controller.go
 * @see kubernetes:pkg/controller/namespace/deletion/namespaced_resources_deleter.go
 * @remarks Simplified: the namespace goes first and its objects follow at once; it is never seen in phase Terminating.
 */
import type { ApiServer } from '../k8s/api_server.ts';
import type { KubeObject, Namespace } from '../k8s/objects.ts';

/** What is deleted with a namespace: owners before what they own, so that nothing is made again. */
const CONTENT = [
  'Deployment',
  'ReplicaSet',
  'DaemonSet',
  'Pod',
  'Service',
  'Endpoints',
  'Ingress',
  'CiliumEnvoyConfig',
  'CiliumNetworkPolicy',
  'NetworkPolicy',
  'ServiceAccount',
  'ConfigMap',
  'Secret',
];

/** Starts to follow namespaces. */
export function startNamespaceController(api: ApiServer): void {
  api.admit('Namespace', (object) => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name } },
    spec: object['spec'] ?? { finalizers: ['kubernetes'] },
    status: object['status'] ?? { phase: 'Active' },
  }));
  api.watch<Namespace>('Namespace', {
    onAdd: ({ metadata: { name } }) => {
      if (api.get('ServiceAccount', name, 'default') === undefined && api.get('Namespace', '', name) !== undefined) {
        api.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } });
      }
    },
    onDelete: ({ metadata: { name } }) => {
      for (const kind of CONTENT) {
        for (const object of api.list<KubeObject>(kind, { namespace: name })) {
          api.delete(kind, name, object.metadata.name, true);
        }
      }
    },
  });
}
