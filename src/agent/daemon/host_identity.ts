/** Labels of the host's identity. */
import type { KubeObject } from '../../k8s/objects.ts';
import { IDENTITY_HOST } from '../../maps/identity.ts';
import { type Identity, newIdentity } from '../identity/identity.ts';
import { filterLabels, newLabelFilter } from '../labels/filter.ts';
import { LABEL_SOURCE_K8S, type Label } from '../labels/labels.ts';

/** This node runs the API server: the host identity carries its label. @see cilium:pkg/ipcache/metadata.go#IPCache.InjectLabels */
export function hostWithApiServer(identities: Identity[]): Identity[] {
  const label = (key: string): Label => ({ source: 'reserved', key, value: '' });
  return identities.map((identity) =>
    identity.id === IDENTITY_HOST ? newIdentity(IDENTITY_HOST, [label('host'), label('kube-apiserver')]) : identity,
  );
}

/**
 * The identity that the host endpoint has for its own policy: with those labels of its Node object that count. Who names the host as a peer sees
 * the reserved labels alone.
 * @see cilium:pkg/endpoint/endpoint.go#Endpoint.InitWithNodeLabels
 */
export function withNodeLabels(host: Identity, node: KubeObject): Identity {
  const labels = Object.entries(node.metadata.labels ?? {}).map(([key, value]): Label => ({ source: LABEL_SOURCE_K8S, key, value }));
  return newIdentity(host.id, [...host.labels, ...filterLabels(newLabelFilter(), labels).identity]);
}
