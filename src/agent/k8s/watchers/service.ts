/**
 * Watching services and their endpoints: for the load balancer's maps, and for rules that name services without a selector.
 * @see cilium:pkg/k8s/watchers/watcher.go#K8sWatcher.k8sServiceHandler
 * @see cilium:pkg/k8s/service_cache.go#ServiceCache
 */
import type { ApiServer } from '../../../k8s/api_server.ts';
import type { Endpoints, Service } from '../../../k8s/objects.ts';
import type { PolicyManager } from '../../daemon/policy.ts';
import type { ServiceManager } from '../../service/service.ts';
import { type ServiceBackends, translateService } from '../rule_translate.ts';

/** What the watches tell. */
export interface ServiceWatcherDeps {
  readonly api: ApiServer;
  readonly services: ServiceManager;
  readonly policy: PolicyManager;
}

/** Starts the watches. @returns the services that rules may name, as they are when asked */
export function servicesInit({ api, services, policy }: ServiceWatcherDeps): () => readonly ServiceBackends[] {
  // Both objects have to be known before a service counts.
  const changed = (key: { readonly metadata: Service['metadata'] }): void => {
    const pair = services.pair(key);
    if (pair !== null) {
      retranslate(policy, serviceBackends(pair.service, pair.endpoints), false);
    }
  };
  api.watch<Service>('Service', {
    onAdd: (service) => {
      services.upsertService(service);
      changed(service);
    },
    onUpdate: (_old, service) => {
      services.upsertService(service);
      changed(service);
    },
    onDelete: (service) => {
      const pair = services.pair(service);
      services.deleteService(service);
      if (pair !== null) {
        retranslate(policy, serviceBackends(pair.service, pair.endpoints), true);
      }
    },
  });
  api.watch<Endpoints>('Endpoints', {
    onAdd: (endpoints) => {
      services.upsertEndpoints(endpoints);
      changed(endpoints);
    },
    onUpdate: (_old, endpoints) => {
      services.upsertEndpoints(endpoints);
      changed(endpoints);
    },
    onDelete: (endpoints) => {
      services.deleteEndpoints(endpoints);
      changed(endpoints);
    },
  });
  return () => services.pairs().map(({ service, endpoints }) => serviceBackends(service, endpoints));
}

/** Rules that name the service follow it; only then endpoints regenerate. */
function retranslate(policy: PolicyManager, service: ServiceBackends, revert: boolean): void {
  if (service.isExternal) {
    policy.translateRules((rule) => translateService(rule, service, revert), `Kubernetes service endpoint ${revert ? 'deleted' : 'added'}`);
  }
}

/** @see cilium:pkg/k8s/service.go#Service.IsExternal */
function serviceBackends(service: Service, endpoints: Endpoints): ServiceBackends {
  const addresses = (endpoints.subsets ?? []).flatMap((subset) => [...(subset.addresses ?? []), ...(subset.terminatingAddresses ?? [])]);
  return {
    namespace: service.metadata.namespace ?? 'default',
    name: service.metadata.name,
    labels: new Map(Object.entries(service.metadata.labels ?? {})),
    isExternal: Object.keys(service.spec.selector ?? {}).length === 0,
    backends: [...new Set(addresses.map(({ ip }) => ip))],
  };
}
