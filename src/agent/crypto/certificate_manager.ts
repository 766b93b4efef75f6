/**
 * Secrets of policies, from the API server.
 * @see cilium:pkg/crypto/certificatemanager/certificate_manager.go#Manager
 * @remarks Not modelled: the agent's directory of certificates, which is looked into first.
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import { decodeBase64 } from '../../net/base64.ts';
import { fromUtf8 } from '../../net/bytes.ts';
import type { Secret, TlsContextRef } from '../policy/api/rule.ts';
import type { CertificateManager } from '../policy/policy_context.ts';

type Items = ReadonlyMap<string, string>;

/** Reads secrets of an API server, each time anew. */
export function newCertificateManager(api: ApiServer): CertificateManager {
  return {
    tlsContext: (context, namespace) => {
      const found = getSecret(api, context.secret, namespace);
      return 'error' in found ? found : tlsContext(context, found.name, found.items);
    },
    secretString: (secret, namespace) => {
      const found = getSecret(api, secret, namespace);
      if ('error' in found) {
        return found;
      }
      const [value] = [...found.items.values()];
      return found.items.size === 1 && value !== undefined ? { value } : { error: `Secret ${found.name} must have exactly one item` };
    },
  };
}

function getSecret(
  api: ApiServer,
  secret: Secret | null,
  subjectNamespace: string,
): { readonly name: string; readonly items: Items } | { readonly error: string } {
  if (secret === null) {
    return { error: 'Secret must not be nil' };
  }
  if (secret.name === '') {
    return { error: 'Missing Secret name' };
  }
  const namespace = secret.namespace === '' ? subjectNamespace : secret.namespace;
  const object = api.get<KubeObject>('Secret', namespace, secret.name);
  if (object === undefined) {
    return { error: `secrets "${secret.name}" not found` };
  }
  return { name: `${namespace}/${secret.name}`, items: secretItems(object) };
}

/** Values of a secret; what is written as plain text wins, as the API server makes it. */
function secretItems(object: KubeObject): Items {
  const items = new Map<string, string>();
  const members = object as { readonly data?: Readonly<Record<string, string>>; readonly stringData?: Readonly<Record<string, string>> };
  for (const [key, value] of Object.entries(members.data ?? {})) {
    items.set(key, fromUtf8(decodeBase64(value) ?? new Uint8Array(0)));
  }
  for (const [key, value] of Object.entries(members.stringData ?? {})) {
    items.set(key, value);
  }
  return items;
}

/** @see cilium:pkg/crypto/certificatemanager/certificate_manager.go#Manager.GetTLSContext */
function tlsContext(context: TlsContextRef, name: string, items: Items): ReturnType<CertificateManager['tlsContext']> {
  const wanted = [
    ['ca.crt', context.trustedCA, 'Trusted CA'],
    ['tls.crt', context.certificate, 'Certificate'],
    ['tls.key', context.privateKey, 'Private Key'],
  ] as const;
  const values: string[] = [];
  for (const [fallback, given, what] of wanted) {
    const item = given === '' ? fallback : given;
    const value = items.get(item);
    if (value === undefined && given !== '') {
      return { error: `${what} ${item} not found in secret ${name}` };
    }
    values.push(value ?? '');
  }
  const [ca = '', cert = '', key = ''] = values;
  return ca === '' && cert === '' && key === '' ? { error: `TLS certificates not found in secret ${name} ` } : { ca, cert, key };
}
