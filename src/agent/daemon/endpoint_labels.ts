/**
 * Labels of endpoints and the identities they make: at creation, when a pod or its namespace is relabelled, at the end.
 * @see cilium:pkg/endpoint/endpoint.go#Endpoint.runLabelsResolver
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { Namespace, Pod } from '../../k8s/objects.ts';
import { IDENTITY_HEALTH } from '../../maps/identity.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { assertPresent } from '../../sim/assert.ts';
import { SECOND } from '../../sim/clock.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { RegenerationLevel } from '../endpoint/state.ts';
import type { EndpointManager } from '../endpointmanager/manager.ts';
import type { ClusterIdentities } from '../identity/cluster_identities.ts';
import type { Identity } from '../identity/identity.ts';
import { hostPrefix4, type Ipcache } from '../ipcache/ipcache.ts';
import { createIdentityObject, deleteIdentityObject } from '../k8s/identity_objects.ts';
import { podLabels } from '../k8s/pod_labels.ts';
import { filterLabels, newLabelFilter } from '../labels/filter.ts';
import type { Label } from '../labels/labels.ts';
import type { DaemonOptions } from '../option/config.ts';
import type { PolicyCache } from '../policy/distillery.ts';
import type { SelectorCache } from '../policy/selectorcache.ts';

/** What the labels are turned into, and who hears of it. */
export interface EndpointLabelsDeps {
  readonly scheduler: Scheduler;
  readonly api: ApiServer;
  readonly options: DaemonOptions;
  readonly nodeIp: Ipv4;
  readonly endpoints: EndpointManager;
  readonly identities: ClusterIdentities;
  readonly selectorCache: SelectorCache;
  readonly policyCache: PolicyCache;
  readonly ipcache: Ipcache;
  readonly updateIdentities: (added: readonly Identity[], deleted: readonly number[]) => void;
  readonly regenerate: (endpoint: Endpoint, level: RegenerationLevel, reason: string) => void;
}

/** The labels of all endpoints of a node. */
export class EndpointLabels {
  readonly #deps: EndpointLabelsDeps;
  readonly #filter = newLabelFilter();

  constructor(deps: EndpointLabelsDeps) {
    this.#deps = deps;
  }

  /** Starts to follow pods and namespaces. */
  watch(): void {
    const { api } = this.#deps;
    api.watch<Pod>('Pod', { onUpdate: (old, pod) => this.#onPodUpdate(old, pod) });
    api.watch<Namespace>('Namespace', { onUpdate: (old, namespace) => this.#onNamespaceUpdate(old, namespace) });
  }

  /** Labels as the API server has them now. */
  ofPod(namespace: string, podName: string): Label[] {
    const { api, options } = this.#deps;
    const pod = assertPresent(api.get<Pod>('Pod', namespace, podName), `pod ${namespace}/${podName}`);
    return podLabels(pod, api.get<Namespace>('Namespace', '', namespace), options['cluster-name']);
  }

  /** Gives an endpoint its labels and the identity of those that count. @see cilium:pkg/endpoint/endpoint.go#Endpoint.identityLabelsChanged */
  set(endpoint: Endpoint, labels: readonly Label[]): void {
    const { identities, selectorCache, policyCache, ipcache, nodeIp, updateIdentities } = this.#deps;
    const { identity, information } = filterLabels(this.#filter, labels);
    endpoint.identityLabels = identity;
    endpoint.informationLabels = information;
    const reserved = identity.find((label) => label.source === 'reserved');
    if (reserved?.key === 'health') {
      endpoint.identity = assertPresent(selectorCache.identity(IDENTITY_HEALTH), 'health identity');
    } else {
      const allocated = identities.allocate(identity);
      endpoint.identity = allocated.identity;
      createIdentityObject(this.#deps.api, allocated.identity);
      updateIdentities([allocated.identity], []);
    }
    policyCache.addUser(endpoint.identity);
    ipcache.upsert(hostPrefix4(endpoint.ipv4), { identity: endpoint.identity.id, source: 'local', hostIp: nodeIp });
  }

  /** Labels that an endpoint will have soon: their identity counts for policies from now on. Returns it, and what ends the reference. */
  announce(labels: readonly Label[]): { readonly identity: Identity; release(): void } {
    const { identity } = this.#deps.identities.allocate(filterLabels(this.#filter, labels).identity);
    createIdentityObject(this.#deps.api, identity);
    this.#deps.updateIdentities([identity], []);
    return { identity, release: () => this.releaseReference(identity) };
  }

  /** One reference less to an identity: an announced one, or one that the agent before held. */
  releaseReference(identity: Identity): void {
    const gone = identity.id > 255 ? this.#deps.identities.release(identity) : null;
    if (gone !== null) {
      deleteIdentityObject(this.#deps.api, gone);
      this.#deps.updateIdentities([], [gone.id]);
    }
  }

  /** An endpoint ends: so does its use of its identity. */
  release(endpoint: Endpoint): void {
    if (endpoint.identity !== null) {
      const gone = this.#unuse(endpoint.identity);
      if (gone !== null) {
        this.#deps.updateIdentities([], [gone.id]);
      }
    }
  }

  /** @see cilium:pkg/k8s/watchers/pod.go#K8sWatcher.updateK8sPodV1 */
  #onPodUpdate(old: Pod, pod: Pod): void {
    const endpoint = this.#deps.endpoints.ofPod(pod.metadata.namespace ?? 'default', pod.metadata.name);
    if (endpoint !== undefined && JSON.stringify(old.metadata.labels) !== JSON.stringify(pod.metadata.labels)) {
      this.#changed(endpoint);
    }
  }

  /** Labels of a namespace are labels of all its endpoints. @see cilium:pkg/k8s/watchers/namespace.go#K8sWatcher.updateK8sV1Namespace */
  #onNamespaceUpdate(old: Namespace, namespace: Namespace): void {
    if (JSON.stringify(old.metadata.labels) !== JSON.stringify(namespace.metadata.labels)) {
      for (const endpoint of this.#deps.endpoints.list()) {
        if (endpoint.namespace === namespace.metadata.name) {
          this.#changed(endpoint);
        }
      }
    }
  }

  /** Labels of a live endpoint changed: after a grace period it gets another identity. @see cilium:pkg/endpoint/endpoint.go#Endpoint.identityLabelsChanged */
  #changed(endpoint: Endpoint): void {
    const { scheduler, api, options, updateIdentities, regenerate } = this.#deps;
    scheduler.after(options['identity-change-grace-period'] * SECOND, 'identity change grace period', () => {
      if (!endpoint.alive || api.get('Pod', endpoint.namespace, endpoint.podName) === undefined) {
        return;
      }
      const before = endpoint.identity;
      this.set(endpoint, this.ofPod(endpoint.namespace, endpoint.podName));
      if (before === null) {
        return;
      }
      // The old reference goes in any case: allocation has counted a new one, also for the same identity.
      const gone = this.#unuse(before);
      if (before.id !== endpoint.identity?.id) {
        updateIdentities([], gone === null ? [] : [gone.id]);
        endpoint.forcePolicyComputation = true;
        regenerate(endpoint, 3, 'updated security labels');
      }
    });
  }

  /** One user less; the identity if that was the last. */
  #unuse(identity: Identity): Identity | null {
    this.#deps.policyCache.removeUser(identity);
    const gone = identity.id > 255 ? this.#deps.identities.release(identity) : null;
    if (gone !== null) {
      deleteIdentityObject(this.#deps.api, gone);
    }
    return gone;
  }
}
