/** Labels of the host's identity. */
import { IDENTITY_HOST } from '../../maps/identity.ts';
import { type Identity, newIdentity } from '../identity/identity.ts';
import type { Label } from '../labels/labels.ts';

/** This node runs the API server: the host identity carries its label. @see cilium:pkg/ipcache/metadata.go#IPCache.InjectLabels */
export function hostWithApiServer(identities: Identity[]): Identity[] {
  const label = (key: string): Label => ({ source: 'reserved', key, value: '' });
  return identities.map((identity) =>
    identity.id === IDENTITY_HOST ? newIdentity(IDENTITY_HOST, [label('host'), label('kube-apiserver')]) : identity,
  );
}
