/**
 * Watching the secrets of one namespace: the proxy may ask for each as `namespace/name`.
 * @see cilium:pkg/k8s/watchers/secret.go#K8sWatcher.tlsSecretInit
 */
import type { ApiServer } from '../../../k8s/api_server.ts';
import type { KubeObject } from '../../../k8s/objects.ts';
import { encodeBase64 } from '../../../net/base64.ts';
import { utf8 } from '../../../net/bytes.ts';
import type { Secret } from '../../../xds/cluster.ts';
import type { EnvoyResources } from '../../envoy/config_resources.ts';
import type { ResourceUpdates } from '../../envoy/resource_updates.ts';

interface SecretObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

/** Starts the watch. */
export function tlsSecretsInit(api: ApiServer, updates: ResourceUpdates, namespace: string): void {
  const upsert = (object: SecretObject): void => {
    if (object.metadata.namespace === namespace) {
      updates.upsert(only(envoySecret(object)), () => undefined);
    }
  };
  api.watch<SecretObject>('Secret', {
    onAdd: upsert,
    onUpdate: (old, object) => {
      if (JSON.stringify(items(old)) !== JSON.stringify(items(object))) {
        upsert(object);
      }
    },
    onDelete: (object) => {
      if (object.metadata.namespace === namespace) {
        updates.delete(only({ name: secretName(object) }), () => undefined);
      }
    },
  });
}

/** @see cilium:pkg/k8s/watchers/secret.go#k8sToEnvoySecret */
function envoySecret(object: SecretObject): Secret {
  const data = items(object);
  const { 'tls.crt': certificate = '', 'tls.key': key = '', 'ca.crt': authority = '' } = data;
  const bytes = (text: string): { readonly inline_bytes: string } => ({ inline_bytes: text });
  return {
    name: secretName(object),
    ...(certificate !== '' || key !== ''
      ? { tls_certificate: { certificate_chain: bytes(certificate), private_key: bytes(key) } }
      : authority === ''
        ? {}
        : { validation_context: { trusted_ca: bytes(authority) } }),
  };
}

/** Base64 of each item; what is written as plain text wins. */
function items({ data, stringData }: SecretObject): Readonly<Record<string, string>> {
  const plain = Object.entries(stringData ?? {}).map(([key, value]) => [key, encodeBase64(utf8(value))] as const);
  return { ...data, ...Object.fromEntries(plain) };
}

/** @see cilium:pkg/k8s/watchers/secret.go#getEnvoySecretName */
function secretName({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

function only(secret: Secret): EnvoyResources {
  return { listeners: [], secrets: [secret], routes: [], clusters: [], endpoints: [], portAllocations: new Set() };
}
