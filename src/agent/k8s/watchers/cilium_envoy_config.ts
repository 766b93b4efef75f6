/**
 * Watching CiliumEnvoyConfigs and CiliumClusterwideEnvoyConfigs: their resources go to the proxy, the traffic of the services they name to its listeners.
 * @see cilium:pkg/k8s/watchers/cilium_envoy_config.go
 * @see cilium:pkg/k8s/watchers/cilium_clusterwide_envoy_config.go
 */
import type { ApiServer, Origin } from '../../../k8s/api_server.ts';
import type { CiliumEnvoyConfig, KubeObject } from '../../../k8s/objects.ts';
import type { Journey } from '../../../sim/journey.ts';
import type { Scheduler } from '../../../sim/scheduler.ts';
import type { ProtoIssue } from '../../../xds/proto_json.ts';
import { EventQueue } from '../../daemon/event_queue.ts';
import { type EnvoyResources, type ParseContext, parseResources } from '../../envoy/config_resources.ts';
import type { ResourceUpdates } from '../../envoy/resource_updates.ts';
import { type ServiceName, serviceNameText } from '../../service/l7lb.ts';
import type { ServiceManager } from '../../service/service.ts';

/** Something wrong with an object, or why it did not come into force. */
export interface ConfigIssue extends ProtoIssue {
  readonly object: KubeObject;
  readonly origin: Origin | null;
}

/** What the watches work with. */
export interface EnvoyConfigDeps {
  readonly scheduler: Scheduler;
  readonly journey: Journey;
  readonly api: ApiServer;
  readonly parsing: ParseContext;
  readonly updates: ResourceUpdates;
  readonly services: Pick<ServiceManager, 'registerL7LbService' | 'removeL7LbService'>;
  readonly triggerPolicyUpdates: (reason: string) => void;
  readonly issue: (issue: ConfigIssue) => void;
}

type Spec = CiliumEnvoyConfig['spec'];

/** Starts the watches; each kind's changes are handled one after the other. @returns whether none is under way */
export function ciliumEnvoyConfigsInit(deps: EnvoyConfigDeps): () => boolean {
  const queues = ['CiliumEnvoyConfig', 'CiliumClusterwideEnvoyConfig'].map((kind) => {
    const queue = new EventQueue(deps.scheduler, `${kind} watcher`);
    deps.api.watch<CiliumEnvoyConfig>(kind, {
      onAdd: (object, origin) => queue.enqueue((done) => new ConfigEvent(deps, object, origin, done).add()),
      onUpdate: (old, object, origin) => {
        if (JSON.stringify(old.spec) !== JSON.stringify(object.spec)) {
          queue.enqueue((done) => new ConfigEvent(deps, object, origin, done).update(old));
        }
      },
      onDelete: (object) => queue.enqueue((done) => new ConfigEvent(deps, object, null, done).delete()),
    });
    return queue;
  });
  return () => queues.every(({ idle }) => idle);
}

/** The handling of one change. */
class ConfigEvent {
  readonly #deps: EnvoyConfigDeps;
  readonly #object: CiliumEnvoyConfig;
  readonly #origin: Origin | null;
  readonly #done: () => void;
  readonly #name: ServiceName;

  constructor(deps: EnvoyConfigDeps, object: CiliumEnvoyConfig, origin: Origin | null, done: () => void) {
    this.#deps = deps;
    this.#object = object;
    this.#origin = origin;
    this.#done = done;
    this.#name = { namespace: namespaceOf(object), name: object.metadata.name };
  }

  /** @see cilium:pkg/k8s/watchers/cilium_envoy_config.go#K8sWatcher.addCiliumEnvoyConfig */
  add(): void {
    const resources = this.#parse(this.#object, true);
    if (resources === null) {
      this.#done();
      return;
    }
    this.#deps.updates.upsert(resources, (error) => {
      this.#finish(error, () => this.#addRedirects(resources), resources.listeners.length > 0 ? 'Envoy Listeners added' : null);
    });
  }

  /** @see cilium:pkg/k8s/watchers/cilium_envoy_config.go#K8sWatcher.updateCiliumEnvoyConfig */
  update(oldObject: CiliumEnvoyConfig): void {
    // An object that was malformed stays without effect however it changes: 1.13.3 reads the old version again.
    const old = this.#parse(oldObject, false);
    const now = old === null ? null : this.#parse(this.#object, true);
    if (old === null || now === null) {
      this.#done();
      return;
    }
    for (const service of goneServices(oldObject.spec, this.#object.spec, old, now)) {
      this.#deps.services.removeL7LbService(serviceName(this.#name, service, true), this.#name);
    }
    for (const service of oldObject.spec.backendServices ?? []) {
      if (!(this.#object.spec.backendServices ?? []).some((one) => one.name === service.name && one.namespace === service.namespace)) {
        this.#deps.services.removeL7LbService(serviceName(this.#name, service, false), this.#name);
      }
    }
    this.#deps.updates.update(old, now, (error) => {
      const changed = names(old).join() !== names(now).join();
      this.#finish(error, () => this.#addRedirects(now), changed ? 'Envoy Listeners added or deleted' : null);
    });
  }

  /** @see cilium:pkg/k8s/watchers/cilium_envoy_config.go#K8sWatcher.deleteCiliumEnvoyConfig */
  delete(): void {
    const resources = this.#parse(this.#object, false);
    if (resources === null) {
      this.#done();
      return;
    }
    const { services = [], backendServices = [] } = this.#object.spec;
    for (const [service, frontend] of [
      ...services.map((one) => [one, true] as const),
      ...backendServices.map((one) => [one, false] as const),
    ]) {
      this.#deps.services.removeL7LbService(serviceName(this.#name, service, frontend), this.#name);
    }
    this.#deps.updates.delete(resources, (error) => {
      this.#finish(error, () => true, resources.listeners.length > 0 ? 'Envoy Listeners deleted' : null);
    });
  }

  #parse(object: CiliumEnvoyConfig, validate: boolean): EnvoyResources | null {
    const { spec, metadata } = object;
    const { resources, issues } = parseResources(
      {
        namespace: namespaceOf(object),
        name: metadata.name,
        resources: spec.resources ?? [],
        l7Lb: (spec.services ?? []).length > 0,
        useOriginalSourceAddress: !(metadata.ownerReferences ?? []).some(({ kind }) => kind === 'Ingress'),
        validate,
      },
      this.#deps.parsing,
    );
    for (const issue of validate ? issues : []) {
      this.#deps.issue({ ...issue, object: this.#object, origin: this.#origin });
    }
    if (resources === null) {
      this.#record(`malformed Envoy config: ${issues[0]?.message ?? ''}`);
    }
    return resources;
  }

  #finish(error: string | null, redirect: () => boolean, policyUpdate: string | null): void {
    if (error !== null) {
      this.#issue(['spec', 'resources'], `the proxy does not take the resources: ${error}`);
    } else if (redirect()) {
      this.#record('done');
      if (policyUpdate !== null) {
        this.#deps.triggerPolicyUpdates(policyUpdate);
      }
    }
    this.#done();
  }

  /** @returns whether all could be registered @see cilium:pkg/k8s/watchers/cilium_envoy_config.go#K8sWatcher.addK8sServiceRedirects */
  #addRedirects({ listeners }: EnvoyResources): boolean {
    const { services = [], backendServices = [] } = this.#object.spec;
    for (const [index, service] of services.entries()) {
      const { listener = '' } = service;
      // Without a name it is the last one, although the API says the first; a name is compared with the qualified ones.
      const port = listeners.findLast(({ name }) => listener === '' || name === listener)?.address.socket_address.port_value ?? 0;
      if (port === 0) {
        const qualified = `${serviceNameText(this.#name)}/${listener}`;
        const hint = listeners.some(({ name }) => name === qualified)
          ? ` (1.13.3 wants the qualified name ${JSON.stringify(qualified)})`
          : '';
        return this.#issue(['spec', 'services', index, 'listener'], `Listener ${JSON.stringify(listener)} not found in resources${hint}`);
      }
      const error = this.#deps.services.registerL7LbService(serviceName(this.#name, service, true), this.#name, [], port);
      if (error !== null) {
        return this.#issue(['spec', 'services', index], error);
      }
    }
    for (const service of backendServices) {
      this.#deps.services.registerL7LbService(serviceName(this.#name, service, false), this.#name, service.number ?? [], 0);
    }
    return true;
  }

  #issue(path: ProtoIssue['path'], message: string): false {
    this.#record(message);
    this.#deps.issue({ path, message, object: this.#object, origin: this.#origin });
    return false;
  }

  #record(why: string): void {
    const { journey } = this.#deps;
    if (journey.recording) {
      const see = 'cilium:pkg/k8s/watchers/cilium_envoy_config.go#K8sWatcher.addCiliumEnvoyConfig';
      const what = `${this.#object.kind} ${serviceNameText(this.#name)}: ${why}`;
      journey.add({
        kind: 'decide',
        actor: 'agent',
        fn: 'CiliumEnvoyConfig',
        see,
        verdict: why === 'done' ? 'done' : 'refused',
        why: what,
      });
    }
  }
}

/** Services whose listener is not theirs any more. @see cilium:pkg/k8s/watchers/cilium_envoy_config.go#K8sWatcher.removeK8sServiceRedirects */
function goneServices(old: Spec, now: Spec, oldResources: EnvoyResources, nowResources: EnvoyResources): NonNullable<Spec['services']> {
  const listenerOf = (listener: string | undefined, { listeners }: EnvoyResources): string =>
    listener === undefined || listener === '' ? (listeners[0]?.name ?? '') : listener;
  return (old.services ?? []).filter(
    (service) =>
      !(now.services ?? []).some((one) => {
        const listener = listenerOf(one.listener, nowResources);
        const same = one.name === service.name && one.namespace === service.namespace;
        return same && listener !== '' && listener === listenerOf(service.listener, oldResources);
      }),
  );
}

/**
 * The service an object means. Traffic is taken only from services of the object's own namespace, backends from any; a cluster-wide object
 * means those of namespace `default` where it says nothing.
 * @see cilium:pkg/k8s/watchers/cilium_envoy_config.go#getServiceName
 */
function serviceName(
  object: ServiceName,
  { name, namespace = '' }: { readonly name: string; readonly namespace?: string },
  frontend: boolean,
): ServiceName {
  if (object.namespace === '') {
    return { name, namespace: namespace === '' ? 'default' : namespace };
  }
  return { name, namespace: frontend || namespace === '' ? object.namespace : namespace };
}

function namespaceOf({ kind, metadata }: CiliumEnvoyConfig): string {
  return kind === 'CiliumEnvoyConfig' ? (metadata.namespace ?? 'default') : '';
}

function names({ listeners }: EnvoyResources): string[] {
  return listeners.map(({ name }) => name).sort();
}
