/**
 * The operator's Ingress controller: from Ingress objects of class `cilium` to CiliumEnvoyConfigs, services and endpoints.
 * @see cilium:operator/pkg/ingress/ingress.go#Controller
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { CiliumEnvoyConfig, Endpoints, Ingress, KubeObject, Service } from '../../k8s/objects.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { ingestIngress } from '../model/ingestion.ts';
import { translate } from '../model/translation/translator.ts';
import { ingressClassName, isDedicated } from './annotations.ts';
import {
  dedicatedConfigName,
  dedicatedEndpoints,
  dedicatedService,
  dedicatedServiceName,
  INGRESS_LABEL,
  ingressOfService,
} from './dedicated.ts';
import { SecretSync } from './secret_sync.ts';

/** Its settings, as the operator has them. */
export interface IngressOptions {
  readonly enforceHttps: boolean;
  readonly secretsSync: boolean;
  readonly secretsNamespace: string;
  readonly lbAnnotationPrefixes: readonly string[];
  readonly sharedServiceName: string;
  readonly defaultMode: string;
}

/** Where the operator and the shared service live. */
export const CILIUM_NAMESPACE = 'kube-system';
const INGRESS_CLASS = 'cilium';

/** What it makes of an Ingress; without service and endpoints if the load balancer is shared. */
interface Resources {
  readonly config: CiliumEnvoyConfig;
  readonly service: Service | null;
  readonly endpoints: Endpoints | null;
}

/** The controller. */
export class IngressController {
  readonly #api: ApiServer;
  readonly #options: IngressOptions;
  readonly #secrets: SecretSync | null;

  /** Starts to follow the API server. */
  constructor(api: ApiServer, scheduler: Scheduler, options: IngressOptions) {
    this.#api = api;
    this.#options = options;
    this.#secrets = options.secretsSync ? new SecretSync(api, scheduler, options.secretsNamespace) : null;
    api.watch<Ingress>('Ingress', {
      onAdd: (ingress) => this.#added(ingress),
      onUpdate: (old, ingress) => this.#updated(old, ingress),
      onDelete: (ingress) => this.#deleted(ingress),
    });
    const onService = (service: Service): void => {
      if (service.metadata.labels?.[INGRESS_LABEL] !== undefined) {
        this.#serviceUpdated(service);
      }
    };
    api.watch<Service>('Service', { onAdd: onService, onUpdate: (_old, service) => onService(service) });
  }

  #added(ingress: Ingress): void {
    if (isMine(ingress)) {
      this.#secrets?.upserted(ingress);
      this.#ensure(ingress, false);
    }
  }

  /** @remarks As in 1.13.3 nothing is cleaned up when an Ingress changes its class to another one. */
  #updated(old: Ingress, ingress: Ingress): void {
    if (!isMine(ingress) || JSON.stringify(old) === JSON.stringify(ingress)) {
      return;
    }
    this.#secrets?.upserted(ingress);
    const [before, after] = [old, ingress].map((one) => isDedicated(one, this.#options.defaultMode));
    if (before === true && after === false) {
      this.#deleteResources(old);
    }
    if (before === false && after === true) {
      this.#ensure(ingress, true);
    }
    this.#ensure(ingress, false);
  }

  /** Whatever its class: an Ingress of another controller has no objects here. */
  #deleted(ingress: Ingress): void {
    if (isDedicated(ingress, this.#options.defaultMode)) {
      this.#deleteResources(ingress);
    } else {
      this.#ensure(ingress, true);
    }
  }

  /** The load balancer's address becomes the Ingress'. @see cilium:operator/pkg/ingress/service.go#serviceManager.notify */
  #serviceUpdated(service: Service): void {
    if (loadBalancerAddresses(service['status']).length === 0) {
      return;
    }
    const { name, namespace = 'default' } = service.metadata;
    const shared = name === this.#options.sharedServiceName && namespace === CILIUM_NAMESPACE;
    const own = this.#api.get<Ingress>('Ingress', namespace, ingressOfService(name));
    for (const ingress of shared ? this.#sharing() : own === undefined ? [] : [own]) {
      this.#updateStatus(ingress, service);
    }
  }

  /** Ingresses of the shared load balancer. */
  #sharing(): Ingress[] {
    return this.#api.list<Ingress>('Ingress').filter((one) => isMine(one) && !isDedicated(one, this.#options.defaultMode));
  }

  #updateStatus({ metadata: { namespace = 'default', name }, status }: Ingress, service: Service): void {
    const addresses = loadBalancerAddresses(service['status']);
    if (JSON.stringify(addresses) !== JSON.stringify(loadBalancerAddresses(status))) {
      this.#api.updateStatus('Ingress', namespace, name, { loadBalancer: { ingress: addresses } });
    }
  }

  /** @see cilium:operator/pkg/ingress/ingress.go#Controller.regenerate */
  #regenerate(ingress: Ingress, forceShared: boolean): Resources | null {
    const { secretsNamespace, enforceHttps, sharedServiceName, defaultMode } = this.#options;
    if (forceShared || !isDedicated(ingress, defaultMode)) {
      const common = { name: sharedServiceName, namespace: CILIUM_NAMESPACE, service: sharedServiceName, secretsNamespace, enforceHttps };
      return { config: translate(this.#sharing().flatMap(ingestIngress), common), service: null, endpoints: null };
    }
    const listeners = ingestIngress(ingress);
    const [first] = listeners;
    if (first === undefined) {
      return null;
    }
    const { source } = first;
    const service = dedicatedService(first);
    const annotations = Object.entries(ingress.metadata.annotations ?? {}).filter(([key]) =>
      this.#options.lbAnnotationPrefixes.some((prefix) => key.startsWith(prefix)),
    );
    return {
      config: translate(listeners, {
        name: dedicatedConfigName(source),
        namespace: source.namespace,
        service: dedicatedServiceName(source.name),
        secretsNamespace,
        enforceHttps,
      }),
      service:
        annotations.length === 0
          ? service
          : { ...service, metadata: { ...service.metadata, annotations: Object.fromEntries(annotations) } },
      endpoints: dedicatedEndpoints(first),
    };
  }

  /** Services and endpoints that exist already stay as they are. @see cilium:operator/pkg/ingress/ingress.go#Controller.ensureResources */
  #ensure(ingress: Ingress, forceShared: boolean): void {
    const resources = this.#regenerate(ingress, forceShared);
    if (resources === null) {
      return;
    }
    this.#ensureConfig(resources.config);
    for (const object of [resources.service, resources.endpoints]) {
      if (object !== null && this.#find(object) === undefined) {
        this.#api.create(object);
      }
    }
    const shared = this.#api.get<Service>('Service', CILIUM_NAMESPACE, this.#options.sharedServiceName);
    if (!isDedicated(ingress, this.#options.defaultMode) && shared !== undefined) {
      this.#updateStatus(ingress, shared);
    }
  }

  #ensureConfig(config: CiliumEnvoyConfig): void {
    const existing = this.#find(config);
    if (existing === undefined) {
      this.#api.create(config);
    } else if (JSON.stringify(existing['spec']) !== JSON.stringify(config.spec)) {
      const { ownerReferences } = config.metadata;
      this.#api.update({ ...existing, metadata: { ...existing.metadata, ownerReferences: ownerReferences ?? [] }, spec: config.spec });
    }
  }

  /** @see cilium:operator/pkg/ingress/ingress_dedicated.go#Controller.deleteResources */
  #deleteResources(ingress: Ingress): void {
    const resources = this.#regenerate(ingress, false);
    for (const object of [resources?.config, resources?.service, resources?.endpoints]) {
      if (object !== null && object !== undefined) {
        this.#api.delete(object.kind, object.metadata.namespace ?? 'default', object.metadata.name);
      }
    }
  }

  #find({ kind, metadata }: KubeObject): KubeObject | undefined {
    return this.#api.get<KubeObject>(kind, metadata.namespace ?? 'default', metadata.name);
  }
}

function isMine(ingress: Ingress): boolean {
  return ingressClassName(ingress) === INGRESS_CLASS;
}

function loadBalancerAddresses(status: unknown): readonly unknown[] {
  const { loadBalancer } = (status ?? {}) as { readonly loadBalancer?: { readonly ingress?: readonly unknown[] } };
  return loadBalancer?.ingress ?? [];
}
