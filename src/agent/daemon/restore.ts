/**
 * Endpoints that outlive their agent: what it leaves on disk, and how the next one makes endpoints of it.
 * @see cilium:daemon/cmd/state.go
 * @see cilium:pkg/endpoint/restore.go
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { Pod } from '../../k8s/objects.ts';
import type { BpfFs } from '../../kernel/bpffs.ts';
import type { NetDevice } from '../../kernel/netdev.ts';
import type { NetNs } from '../../kernel/netns.ts';
import { callsMapName } from '../../maps/callsmap.ts';
import { ENDPOINT_F_HOST } from '../../maps/lxcmap.ts';
import { policyMapName } from '../../maps/policymap.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import { SECOND } from '../../sim/clock.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { Loader } from '../datapath/loader.ts';
import type { NodeMaps } from '../datapath/node.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { readPolicyMap } from '../endpoint/policy_map.ts';
import type { EndpointManager } from '../endpointmanager/manager.ts';
import type { DnsProxy } from '../fqdn/dns_proxy.ts';
import type { RestoredRules } from '../fqdn/dns_rules.ts';
import type { Identity } from '../identity/identity.ts';
import type { Ipam } from '../ipam/ipam.ts';
import { hostPrefix4, type Ipcache } from '../ipcache/ipcache.ts';
import type { DaemonOptions } from '../option/config.ts';
import type { EndpointLabels } from './endpoint_labels.ts';
import type { EndpointRequest } from './endpoint_request.ts';
import type { DnsMemory, Fqdn } from './fqdn.ts';
import type { Regenerator } from './regenerator.ts';

/** An endpoint on disk. @see cilium:pkg/endpoint/restore.go#serializableEndpoint */
export interface SavedEndpoint {
  readonly id: number;
  readonly namespace: string;
  readonly podName: string;
  readonly containerId: string;
  readonly device: NetDevice;
  readonly mac: Mac;
  readonly ipv4: Ipv4;
  readonly identity: Identity;
  readonly policyAuditMode: boolean;
  readonly dnsRules: RestoredRules;
  readonly dns: DnsMemory;
}

/**
 * What an agent leaves in /var/run/cilium/state.
 * @remarks Simplified: it is written in the moment the agent ends; a real one writes an endpoint with each of its regenerations, and after a DNS
 * answer within five seconds. The options of the next agent are the same.
 */
export interface SavedState {
  readonly hostEndpointId: number;
  readonly endpoints: readonly SavedEndpoint[];
}

/** The state of the endpoints that have been built once, by whatever agent; those of an `earlier` one that were not looked at yet lie there still. */
export function saveEndpoints(
  endpoints: readonly Endpoint[],
  { dnsProxy, fqdn, ipcache }: { readonly dnsProxy: DnsProxy; readonly fqdn: Fqdn; readonly ipcache: Ipcache },
  earlier: SavedState | null,
): SavedEndpoint[] {
  const used = new Set([...dnsProxy.usedServers].map(formatIpv4));
  const known = new Set(endpoints.map(({ id }) => id));
  const unread = earlier?.endpoints.filter(({ id }) => !known.has(id)) ?? [];
  const own = endpoints.flatMap((endpoint) => {
    const { id, namespace, podName, containerId, device, mac, ipv4, identity, policyAuditMode } = endpoint;
    if (identity === null || !endpoint.isOnDisk || !endpoint.alive || endpoint.namespace === '') {
      return [];
    }
    const dnsRules = dnsProxy.rules.getRules(id, (peer) => ipcache.addressesOf(peer), used);
    const dns = fqdn.memory(endpoint);
    return [{ id, namespace, podName, containerId, device, mac, ipv4, identity, policyAuditMode, dnsRules, dns }];
  });
  return [...own, ...unread];
}

/** What restoring works with. */
export interface RestoreDeps {
  readonly scheduler: Scheduler;
  readonly journey: Journey;
  readonly api: ApiServer;
  readonly nodeName: string;
  readonly nodeIp: Ipv4;
  readonly options: DaemonOptions;
  readonly hostNetns: NetNs;
  readonly bpffs: BpfFs;
  readonly maps: NodeMaps;
  readonly loader: Loader;
  readonly endpoints: EndpointManager;
  readonly ipam: Ipam;
  readonly ipcache: Ipcache;
  readonly labels: EndpointLabels;
  readonly fqdn: Fqdn;
  readonly dnsProxy: DnsProxy;
  readonly regenerator: Regenerator;
  /** An endpoint with the policy map that its number has already. */
  readonly newEndpoint: (id: number, request: EndpointRequest) => Endpoint;
  readonly updateIdentities: (added: readonly Identity[], deleted: readonly number[]) => void;
}

interface Restored {
  readonly saved: SavedEndpoint;
  readonly endpoint: Endpoint;
}

/** The endpoints of the agent before. */
export class EndpointRestore {
  readonly #deps: RestoreDeps;
  readonly #possible: readonly Restored[];
  #restored: readonly Restored[] = [];
  #toClean: readonly Restored[] = [];

  constructor(deps: RestoreDeps, saved: SavedState) {
    this.#deps = deps;
    this.#possible = saved.endpoints.map((one) => ({ saved: one, endpoint: this.#read(one) }));
  }

  /** First, before the API server is asked: what DNS had told, and who may ask for what. @see cilium:daemon/cmd/state.go#Daemon.fetchOldEndpoints */
  restoreDns(): void {
    for (const { saved, endpoint } of this.#possible) {
      this.#deps.fqdn.restore(endpoint, saved.dns);
      if (saved.dnsRules.size > 0) {
        this.#deps.dnsProxy.rules.restore(saved.id, saved.dnsRules);
      }
    }
  }

  /** Second: who is still there keeps number and address. @see cilium:daemon/cmd/state.go#Daemon.restoreOldEndpoints */
  validate(): void {
    const { endpoints, maps } = this.#deps;
    const valid = this.#possible.filter((one) => this.#isValid(one.saved));
    this.#restored = valid;
    this.#toClean = this.#possible.filter((one) => !valid.includes(one));
    for (const { saved } of valid) {
      endpoints.allocateId(saved.id);
    }
    const addresses = new Set(valid.map(({ saved }) => saved.ipv4));
    for (const [key, { flags }] of [...maps.lxc.entries()]) {
      if ((flags & ENDPOINT_F_HOST) === 0 && !addresses.has(key.address)) {
        maps.lxc.delete(key);
      }
    }
    this.#step('restoreOldEndpoints', `${valid.length} endpoints restored, ${this.#toClean.length} not`);
  }

  /**
   * Third, when all policies are known: identities of all first, since the policies of each ask for the others', then one regeneration each.
   * `complete` is called when the last has ended.
   * @see cilium:daemon/cmd/state.go#Daemon.regenerateRestoredEndpoints
   */
  regenerate(complete: () => void): void {
    const { endpoints, updateIdentities, ipcache, regenerator, nodeIp } = this.#deps;
    let open = this.#restored.length;
    const done = (): void => {
      open -= 1;
      if (open === 0) {
        complete();
      }
    };
    updateIdentities(
      this.#restored.map(({ saved }) => saved.identity),
      [],
    );
    for (const { saved, endpoint } of this.#restored) {
      endpoints.expose(endpoint);
      // Its CiliumEndpoint says so, until it says so itself.
      ipcache.upsert(hostPrefix4(saved.ipv4), { identity: saved.identity.id, source: 'custom-resource', hostIp: nodeIp });
    }
    const ready = this.#restored.filter((one) => this.#restoreIdentity(one, done));
    for (const { endpoint } of ready) {
      regenerator.regenerateRestored(endpoint, done);
    }
    this.#toClean.forEach((one) => void this.#clean(one));
    if (open === 0) {
      complete();
    }
  }

  /** Maps of endpoints that are no more. @see cilium:pkg/datapath/maps/map.go#MapSweeper.CollectStaleMapGarbage */
  sweepMaps(): void {
    const { bpffs, endpoints, maps } = this.#deps;
    for (const name of bpffs.names()) {
      const id = Number(/^cilium_(?:policy|calls)_(\d{5})$/.exec(name)?.[1] ?? Number.NaN);
      if (!Number.isNaN(id) && !endpoints.has(id)) {
        maps.policyCall.delete(id);
        bpffs.unpin(name);
        this.#step('RemoveMapPath', `stale map ${name}`);
      }
    }
  }

  #read(saved: SavedEndpoint): Endpoint {
    const { id, identity: _identity, policyAuditMode, dnsRules: _rules, dns: _dns, ...request } = saved;
    const endpoint = this.#deps.newEndpoint(id, request);
    endpoint.policyAuditMode = policyAuditMode;
    // Its connections are its own.
    endpoint.ctCleaned = true;
    endpoint.isOnDisk = true;
    readPolicyMap(endpoint);
    endpoint.setState('restoring', 'Endpoint restoring');
    return endpoint;
  }

  /** @see cilium:daemon/cmd/state.go#Daemon.validateEndpoint */
  #isValid({ namespace, podName, device, ipv4 }: SavedEndpoint): boolean {
    const { api, nodeName, hostNetns, ipam } = this.#deps;
    const pod = api.get<Pod>('Pod', namespace, podName);
    return (
      pod !== undefined &&
      pod.spec.nodeName === nodeName &&
      hostNetns.devices.get(device.name) === device &&
      ipam.allocate(`${namespace}/${podName}`, ipv4) !== null
    );
  }

  /** Whether the endpoint has its identity now; with another than before it gets it after the grace period. @see cilium:pkg/endpoint/restore.go#Endpoint.restoreIdentity */
  #restoreIdentity({ saved, endpoint }: Restored, done: () => void): boolean {
    const { labels, scheduler, options, regenerator } = this.#deps;
    const found = labels.ofPod(saved.namespace, saved.podName);
    const announced = labels.announce(found);
    const set = (): void => {
      labels.set(endpoint, found);
      announced.release();
      labels.releaseReference(saved.identity);
    };
    endpoint.setState('restoring', 'Synchronizing endpoint labels with KVStore');
    if (announced.identity.id === saved.identity.id) {
      set();
      return true;
    }
    endpoint.identity = saved.identity;
    scheduler.after(options['identity-change-grace-period'] * SECOND, 'identity change grace period', () => {
      if (endpoint.alive) {
        set();
        regenerator.regenerateRestored(endpoint, done);
      } else {
        done();
      }
    });
    return false;
  }

  /** The pod is gone, and the CNI plugin could not tell. @see cilium:daemon/cmd/endpoint.go#Daemon.deleteEndpointQuiet */
  #clean({ saved, endpoint }: Restored): void {
    const { loader, bpffs, api, labels, endpoints } = this.#deps;
    endpoint.setState('disconnecting', 'Deleting endpoint');
    endpoint.setState('disconnected', 'Endpoint removed');
    loader.unload(saved.id, saved.device);
    if (!endpoints.has(saved.id)) {
      bpffs.unpin(policyMapName(saved.id));
      bpffs.unpin(callsMapName(saved.id));
    }
    labels.releaseReference(saved.identity);
    api.delete('CiliumEndpoint', saved.namespace, saved.podName);
    this.#deps.fqdn.forget(endpoint);
  }

  #step(fn: string, why: string): void {
    if (this.#deps.journey.recording) {
      this.#deps.journey.add({ kind: 'decide', actor: 'agent', fn, see: `cilium:daemon/cmd/state.go#${fn}`, verdict: 'done', why });
    }
  }
}
