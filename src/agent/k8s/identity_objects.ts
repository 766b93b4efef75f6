/**
 * CiliumIdentity objects: the cluster's identities as users see them.
 * @see cilium:pkg/k8s/identitybackend/identity.go#crdBackend.AllocateID
 * @remarks Simplified: an identity that nobody uses any more is deleted at once; the operator of a real cluster does it after some time.
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { Identity } from '../identity/identity.ts';
import { LABEL_SOURCE_K8S, POD_NAMESPACE_META_LABELS } from '../labels/labels.ts';

/** The object of a new identity. Its own labels are the pods', without those of the namespace, whose keys may be too long for labels. */
export function createIdentityObject(api: ApiServer, identity: Identity): void {
  const name = String(identity.id);
  if (api.get('CiliumIdentity', '', name) !== undefined) {
    return;
  }
  const ofKubernetes = identity.labels.filter(
    ({ source, key }) => source === LABEL_SOURCE_K8S && !key.startsWith(POD_NAMESPACE_META_LABELS),
  );
  api.create({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumIdentity',
    metadata: { name, labels: Object.fromEntries(ofKubernetes.map(({ key, value }) => [key, value])) },
    'security-labels': Object.fromEntries(identity.labels.map(({ source, key, value }) => [`${source}:${key}`, value])),
  });
}

/** The identity is gone. */
export function deleteIdentityObject(api: ApiServer, identity: Identity): void {
  api.delete('CiliumIdentity', '', String(identity.id));
}
