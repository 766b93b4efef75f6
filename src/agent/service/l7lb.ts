/**
 * Services that a CiliumEnvoyConfig names: whose traffic goes to a listener of the proxy, and whose backends the proxy knows as a cluster.
 * @see cilium:pkg/service/service.go#L7LBInfo
 */
import type { Backend } from './service.ts';

/** Namespace and name of a service, or of the object that names it. */
export interface ServiceName {
  /** Empty for a cluster-wide object. */
  readonly namespace: string;
  readonly name: string;
}

/** What is known of one service. */
export interface L7LbInfo {
  /** The one object that has its traffic, or `null`. */
  readonly listenerOf: string | null;
  /** Port of that object's listener; 0: none. */
  readonly proxyPort: number;
  /** Objects that want its backends. */
  readonly backendsOf: readonly string[];
  /** Ports by number or name whose backends are wanted; empty: all. */
  readonly frontendPorts: readonly string[];
}

/** Key of the backends of all ports. @see cilium:pkg/service/const.go#anyPort */
export const ANY_PORT = '*';

/** All such services. */
export class L7LbServices {
  readonly #infos = new Map<string, L7LbInfo>();

  /** What is known of a service. */
  get(service: ServiceName): L7LbInfo | undefined {
    return this.#infos.get(serviceNameText(service));
  }

  /**
   * An object names a service. @param proxyPort 0: only its backends are wanted
   * @returns why it may not, or `null`
   * @see cilium:pkg/service/service.go#Service.registerL7LBService
   */
  register(service: ServiceName, resource: ServiceName, ports: readonly string[], proxyPort: number): string | null {
    const key = serviceNameText(service);
    const by = serviceNameText(resource);
    const old = this.#infos.get(key) ?? { listenerOf: null, proxyPort: 0, backendsOf: [], frontendPorts: [] };
    if (proxyPort !== 0 && old.listenerOf !== null && old.listenerOf !== by) {
      return `Service "${key}" already registered for L7 LB redirection via CiliumEnvoyConfig "${old.listenerOf}"`;
    }
    this.#infos.set(key, {
      ...(proxyPort === 0 ? { listenerOf: old.listenerOf, proxyPort: old.proxyPort } : { listenerOf: by, proxyPort }),
      backendsOf: old.backendsOf.includes(by) ? old.backendsOf : [...old.backendsOf, by],
      frontendPorts: ports,
    });
    return null;
  }

  /** It does no longer; whether anything was known. @see cilium:pkg/service/service.go#Service.removeL7LBService */
  remove(service: ServiceName, resource: ServiceName): boolean {
    const key = serviceNameText(service);
    const by = serviceNameText(resource);
    const old = this.#infos.get(key);
    if (old === undefined) {
      return false;
    }
    const backendsOf = old.backendsOf.filter((one) => one !== by);
    const mine = old.listenerOf === by;
    if (backendsOf.length === 0 && (mine || old.listenerOf === null)) {
      this.#infos.delete(key);
    } else {
      this.#infos.set(key, mine ? { listenerOf: null, proxyPort: 0, backendsOf, frontendPorts: [] } : { ...old, backendsOf });
    }
    return true;
  }
}

/** `namespace/name`, or the name alone. @see cilium:pkg/loadbalancer/loadbalancer.go#ServiceName.String */
export function serviceNameText({ namespace, name }: ServiceName): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/**
 * The backends of a frontend by the port under which the proxy shall know them.
 * @see cilium:pkg/service/service.go#filterServiceBackends
 */
export function filterServiceBackends(
  frontend: { readonly port: number; readonly portName: string; readonly backends: readonly Backend[] },
  onlyPorts: readonly string[],
): ReadonlyMap<string, readonly Backend[]> {
  const { backends } = frontend;
  if (onlyPorts.length === 0) {
    return new Map([[ANY_PORT, backends]]);
  }
  const found = new Map<string, readonly Backend[]>();
  for (const port of onlyPorts) {
    if (port === String(frontend.port)) {
      return new Map([[port, backends]]);
    }
    if (port === frontend.portName && backends.length > 0) {
      found.set(port, backends);
    }
  }
  return found;
}
