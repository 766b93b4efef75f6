/**
 * An Ingress as hosts and routes.
 * @see cilium:operator/pkg/model/ingestion/ingress.go#Ingress
 * @remarks Simplified: a rule without `http` is passed over; 1.13.3 ends with a panic on it.
 */
import type { HttpIngressPath, Ingress, IngressBackend } from '../../k8s/objects.ts';
import { nodePortService } from '../ingress/annotations.ts';
import type { Backend, HttpListener, HttpRoute, PathMatch } from './model.ts';

/** The listeners, those without TLS first, each kind in order of host names. */
export function ingestIngress(ingress: Ingress): HttpListener[] {
  const { metadata, spec } = ingress;
  const namespace = metadata.namespace ?? 'default';
  const common = {
    source: { namespace, name: metadata.name, uid: metadata.uid ?? '' },
    tls: null,
    service: nodePortService(ingress),
    port: 80,
  } as const;
  const insecure = new Map<string, HttpListener>();
  if (spec.defaultBackend !== undefined) {
    insecure.set('*', { ...common, hostname: '*', routes: [{ path: null, backends: [backendOf(spec.defaultBackend, namespace)] }] });
  }
  for (const { host = '', http } of spec.rules ?? []) {
    const hostname = host === '' ? '*' : host;
    const before = insecure.get(hostname)?.routes ?? [];
    const routes = (http?.paths ?? []).map(
      (path): HttpRoute => ({ path: pathMatch(path), backends: [backendOf(path.backend, namespace)] }),
    );
    insecure.set(hostname, { ...common, hostname, routes: [...before, ...routes] });
  }
  const secure = new Map<string, HttpListener>();
  for (const { hosts = [], secretName = '' } of spec.tls ?? []) {
    for (const hostname of hosts) {
      // Where there are routes for any host, they take the place of the host's own.
      const listener = insecure.get('*') ?? secure.get(hostname) ?? insecure.get(hostname);
      if (listener !== undefined) {
        const tls = secretName === '' ? listener.tls : { namespace, name: secretName };
        secure.set(hostname, { ...listener, hostname, port: 443, tls });
      }
    }
  }
  return [...inOrder(insecure), ...inOrder(secure)];
}

function pathMatch({ path = '', pathType }: HttpIngressPath): PathMatch | null {
  const kind = ({ Exact: 'exact', Prefix: 'prefix', ImplementationSpecific: 'regex' } as const)[pathType];
  return path === '' ? null : { kind, text: path };
}

function backendOf({ service }: IngressBackend, namespace: string): Backend {
  const { name = '', number = 0 } = service?.port ?? {};
  return { namespace, name: service?.name ?? '', port: number === 0 ? name : String(number) };
}

function inOrder(listeners: ReadonlyMap<string, HttpListener>): HttpListener[] {
  return [...listeners].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, listener]) => listener);
}
