/**
 * What Ingress objects ask for, without their form: hosts, routes, backends.
 * @see cilium:operator/pkg/model/model.go
 */

/** The object something comes from. */
export interface SourceResource {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A backend. @see cilium:operator/pkg/model/model.go#Backend */
export interface Backend {
  readonly namespace: string;
  readonly name: string;
  /** Number or name of the service's port. */
  readonly port: string;
}

/** How a path is matched; `null`: any. @see cilium:operator/pkg/model/model.go#StringMatch */
export interface PathMatch {
  readonly kind: 'prefix' | 'exact' | 'regex';
  readonly text: string;
}

/** @see cilium:operator/pkg/model/model.go#HTTPRoute */
export interface HttpRoute {
  readonly path: PathMatch | null;
  readonly backends: readonly Backend[];
}

/** A secret in the Ingress' own namespace. @see cilium:operator/pkg/model/model.go#TLSSecret */
export interface TlsSecret {
  readonly namespace: string;
  readonly name: string;
}

/** What the service of an Ingress is like, where it is no LoadBalancer. @see cilium:operator/pkg/model/model.go#Service */
export interface NodePortService {
  readonly insecureNodePort: number | null;
  readonly secureNodePort: number | null;
}

/** The routes of a host name, `*` for all. @see cilium:operator/pkg/model/model.go#HTTPListener */
export interface HttpListener {
  readonly hostname: string;
  readonly port: 80 | 443;
  readonly source: SourceResource;
  readonly routes: readonly HttpRoute[];
  readonly tls: TlsSecret | null;
  readonly service: NodePortService | null;
}

/** Routes with the same key share one entry. @see cilium:operator/pkg/model/model.go#HTTPRoute.GetMatchKey */
export function matchKey({ path }: HttpRoute): string {
  return path === null ? '' : `${path.kind}:${path.text}`;
}
