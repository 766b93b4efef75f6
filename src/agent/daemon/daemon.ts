/**
 * The agent of one node: what it consists of and how it starts.
 * @see cilium:daemon/cmd/daemon.go#NewDaemon
 */
import { IDENTITY_HOST, IDENTITY_WORLD } from '../../maps/identity.ts';
import { podEndpointInfo } from '../../maps/lxcmap.ts';
import { type Ipv4, parseCidr4 } from '../../net/ipv4.ts';
import type { IpPrefix } from '../../net/prefix.ts';
import { assertPresent } from '../../sim/assert.ts';
import type { AccessLogSink } from '../../xds/access_log.ts';
import { NETWORK_POLICY_TYPE_URL } from '../../xds/stream.ts';
import { startAuthManager } from '../auth/manager.ts';
import { newCertificateManager } from '../crypto/certificate_manager.ts';
import { scrubAddress, startConntrackGc } from '../ctmap/gc.ts';
import { installRules, staticRules } from '../datapath/iptables.ts';
import { randomMac } from '../datapath/mac.ts';
import { ciliumHostAddress, type HostDevices, initMaps, type NodeMaps, setupHostNetwork, upsertEndpointRoute } from '../datapath/node.ts';
import { nodeRoutes, tunnelOf } from '../datapath/node_routes.ts';
import { removeAllRedirects } from '../endpoint/bpf.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { applyPolicyMapChanges } from '../endpoint/policy_map_changes.ts';
import type { RegenerationLevel } from '../endpoint/state.ts';
import { EndpointManager } from '../endpointmanager/manager.ts';
import { accessLogServer } from '../envoy/accesslog_server.ts';
import { upsertEnvoyEndpoints } from '../envoy/envoy_endpoints.ts';
import type { OriginRecorder } from '../envoy/network_policy.ts';
import { XdsCacheServer } from '../envoy/xds_server.ts';
import type { DnsProxy } from '../fqdn/dns_proxy.ts';
import type { ClusterIdentities } from '../identity/cluster_identities.ts';
import { type CidrIdentities, type Identity, newCidrIdentities, reservedIdentities } from '../identity/identity.ts';
import { Ipam } from '../ipam/ipam.ts';
import { hostPrefix4, Ipcache } from '../ipcache/ipcache.ts';
import { updateCiliumNode } from '../k8s/cilium_node.ts';
import { syncCiliumEndpoint } from '../k8s/watchers/endpoint_sync.ts';
import { Remote } from '../k8s/watchers/remote.ts';
import { MonitorAgent } from '../monitor/monitor_agent.ts';
import type { DaemonOptions } from '../option/config.ts';
import { type DatapathFeatures, datapathFeatures } from '../option/features.ts';
import { encodeRule } from '../policy/api/encode.ts';
import type { PolicyConfig } from '../policy/config.ts';
import { PolicyCache } from '../policy/distillery.ts';
import { Repository } from '../policy/repository.ts';
import { SelectorCache } from '../policy/selectorcache.ts';
import { Proxy } from '../proxy/proxy.ts';
import { ProxyPorts } from '../proxy/proxy_ports.ts';
import { ServiceManager } from '../service/service.ts';
import type { DaemonDeps, RejectedPolicy } from './daemon_deps.ts';
import { newDnsProxy } from './dns.ts';
import { EndpointLabels } from './endpoint_labels.ts';
import type { EndpointRequest } from './endpoint_request.ts';
import { EnvoyConfigs } from './envoy_config.ts';
import { Fqdn } from './fqdn.ts';
import { initHealth } from './health.ts';
import { LocalHost } from './host_endpoint.ts';
import { hostWithApiServer } from './host_identity.ts';
import { syncHostIps } from './host_ips.ts';
import { oldIngressIp } from './ingress_ip.ts';
import { enableK8sWatchers, whenCachesSynced } from './k8s_watchers.ts';
import { newEndpoint } from './new_endpoint.ts';
import { PolicyManager } from './policy.ts';
import { policyConfigOf } from './policy_config.ts';
import { Regenerator } from './regenerator.ts';
import { EndpointRestore, type SavedState, saveEndpoints } from './restore.ts';
import { type CidrRestoreDeps, oldCidrs, releaseCidrsLater, restoreCidrs } from './restored_cidrs.ts';
import { type EndpointModel, endpointModel, hostEndpointModel, identityModel } from './views.ts';

/** The agent. */
export class Daemon {
  readonly options: DaemonOptions;
  readonly features: DatapathFeatures;
  readonly policyConfig: PolicyConfig;
  readonly maps: NodeMaps;
  readonly host: HostDevices;
  readonly hostEndpointId: number;
  readonly routerIp: Ipv4;
  readonly nodeName: string;
  readonly nodeIp: Ipv4;
  readonly ipam: Ipam;
  readonly endpoints: EndpointManager;
  readonly repository: Repository;
  readonly selectorCache: SelectorCache;
  readonly identities: ClusterIdentities;
  readonly cidrIdentities: CidrIdentities = newCidrIdentities();
  readonly ipcache: Ipcache;
  readonly services: ServiceManager;
  readonly proxy: Proxy;
  readonly dnsProxy: DnsProxy;
  readonly fqdn: Fqdn;
  readonly xdsServer: XdsCacheServer;
  readonly monitor: MonitorAgent;
  /** Takes the proxy's access log. */
  readonly accessLog: AccessLogSink;
  readonly policy: PolicyManager;
  /** Policies the agent refused, in order. */
  readonly rejectedPolicies: RejectedPolicy[] = [];
  /** With `enable-envoy-config`, once started. */
  envoyConfigs: EnvoyConfigs | null = null;
  /** Where the proxy's rules come from, by message object. */
  readonly npdsOrigins: OriginRecorder = new Map();
  /** Its numbers and identities are the ones before, but its endpoints still wait for their policies. */
  #restoring = false;
  readonly #deps: DaemonDeps;
  readonly #policyCache: PolicyCache;
  readonly #regenerator: Regenerator;
  readonly #localHost: LocalHost;
  readonly #labels: EndpointLabels;
  readonly #remote: Remote;
  readonly #cidrRestore: CidrRestoreDeps;
  /** Prefixes that hold a number for those who may ask for it again. */
  readonly #restoredCidrs: readonly IpPrefix[];
  readonly #oldIngressIp: Ipv4 | null;

  constructor(deps: DaemonDeps) {
    const { scheduler, rng, journey, options } = deps;
    this.#deps = deps;
    this.options = options;
    this.nodeName = deps.nodeName;
    this.nodeIp = deps.nodeIp;
    this.identities = deps.identities;
    this.policyConfig = policyConfigOf(options, deps.quirks);
    const cidrs = oldCidrs(deps.bpffs);
    this.#oldIngressIp = oldIngressIp(deps.bpffs);
    this.maps = initMaps(deps.bpffs, options);
    this.monitor = new MonitorAgent(this.maps.events);
    this.accessLog = accessLogServer((entry) => scheduler.after(0, 'access log', () => this.monitor.send({ kind: 'l7', entry })));
    this.ipam = new Ipam(deps.podCidr, rng.fork('ipam'), deps.pins.keptIps);
    const routerIp = ciliumHostAddress(deps.hostNetns) ?? deps.pins.routerIp;
    this.routerIp = assertPresent(this.ipam.allocate('router', routerIp), 'router address');
    this.endpoints = new EndpointManager(rng.fork('endpoint ids'));
    this.hostEndpointId = this.endpoints.allocateId(deps.saved?.hostEndpointId ?? deps.pins.hostEndpointId);
    this.host = setupHostNetwork({
      netns: deps.hostNetns,
      routerIp: this.routerIp,
      podCidr: deps.podCidr,
      macs: [randomMac(rng), randomMac(rng)],
      tunnel: tunnelOf(options, rng),
      endpointRoutes: options['enable-endpoint-routes'],
      fromProxyTable: options.profile === 'branch-point',
    });
    this.features = datapathFeatures(options);
    installRules(deps.hostNetns.netfilter, staticRules(options, deps.podCidr, this.routerIp));
    const reserved = deps.runsApiServer ? hostWithApiServer(reservedIdentities()) : reservedIdentities();
    this.selectorCache = new SelectorCache(reserved, undefined, this.policyConfig.quirks.relabelKeepsSelections);
    this.repository = new Repository(this.selectorCache, this.policyConfig, newCertificateManager(deps.api));
    this.#policyCache = new PolicyCache(this.repository);
    this.ipcache = new Ipcache(this.maps.ipcache, journey, deps.nodeIp);
    this.services = new ServiceManager({
      maps: this.maps,
      journey,
      options: {
        nodePort: this.features.nodePort,
        nodeAddresses: [deps.nodeIp],
        nodeName: deps.nodeName,
        sessionAffinity: this.features.sessionAffinity,
        sourceRanges: options['enable-svc-source-range-check'],
        terminatingEndpoints: options['enable-k8s-terminating-endpoint'],
      },
      upsertEnvoyEndpoints: (service, backends) => upsertEnvoyEndpoints(this.xdsServer, service, backends),
    });
    this.xdsServer = new XdsCacheServer(scheduler, journey);
    const ports = new ProxyPorts(rng.fork('proxy ports'), deps.saved === null ? deps.pins.proxyPorts : {});
    this.dnsProxy = newDnsProxy(deps, {
      lookupEndpoint: (ip) => this.endpoints.ofAddress(ip),
      lookupIdentity: (ip) => this.ipcache.lookup(ip)?.identity ?? IDENTITY_WORLD,
      notify: (query, message, outcome, done) => this.fqdn.notifyOnDnsMsg(query, message, outcome, done),
    });
    this.proxy = new Proxy({
      scheduler,
      xds: this.xdsServer,
      launcher: deps.proxy,
      netfilter: deps.hostNetns.netfilter,
      journey,
      options,
      ports,
      dnsProxy: this.dnsProxy,
    });
    const policyDeps = {
      journey,
      proxy: this.proxy,
      xds: this.xdsServer,
      namedPorts: this.endpoints.namedPorts,
      origins: this.npdsOrigins,
    };
    this.fqdn = new Fqdn({
      scheduler,
      journey,
      options,
      selectorCache: this.selectorCache,
      cidrIdentities: this.cidrIdentities,
      ipcache: this.ipcache,
      endpoints: () => this.#withPolicy(),
      updateIdentities: (added, deleted) => this.updateIdentities(added, deleted),
      applyPolicyMapChanges: (endpoint, completions) => applyPolicyMapChanges(policyDeps, endpoint, completions),
      log: (record) => this.monitor.send({ kind: 'dns', record }),
    });
    this.#regenerator = new Regenerator({
      ...deps,
      ...policyDeps,
      repository: this.repository,
      policyCache: this.#policyCache,
      isHost: (endpoint) => endpoint.identity?.id === IDENTITY_HOST,
      writeEndpoint: (endpoint) => this.#writeEndpoint(endpoint),
      scrubConntrack: (address) => scrubAddress([this.maps.ct4, this.maps.ctAny4], address),
      regenerated: (endpoint) => {
        if (endpoint !== this.hostEndpoint) {
          syncCiliumEndpoint(deps.api, endpoint, this.nodeIp, options['enable-endpoint-status']);
        }
        this.monitor.send({ kind: 'agent', name: 'Endpoint regenerated', text: JSON.stringify({ id: endpoint.id }) });
      },
    });
    this.#remote = new Remote({
      api: deps.api,
      nodeName: deps.nodeName,
      nodeIp: deps.nodeIp,
      ipcache: this.ipcache,
      identities: this.identities,
      namedPorts: this.endpoints.namedPorts,
      tunnelToHosts: this.features.hostFirewall,
      remoteNodeIdentity: this.policyConfig.enableRemoteNodeIdentity,
      nodeRoutes: nodeRoutes(this, deps.hostNetns),
      updateIdentities: (added, deleted) => this.updateIdentities(added, deleted),
    });
    this.#labels = new EndpointLabels({
      scheduler,
      api: deps.api,
      options,
      nodeIp: deps.nodeIp,
      endpoints: this.endpoints,
      identities: this.identities,
      selectorCache: this.selectorCache,
      policyCache: this.#policyCache,
      ipcache: this.ipcache,
      updateIdentities: (added, deleted) => this.updateIdentities(added, deleted),
      regenerate: (endpoint, level, reason) => this.#regenerator.regenerateIfAlive(endpoint, level, reason),
    });
    this.#cidrRestore = {
      scheduler,
      cidrIdentities: this.cidrIdentities,
      ipcache: this.ipcache,
      updateIdentities: (added, deleted) => this.updateIdentities(added, deleted),
    };
    this.#restoredCidrs = restoreCidrs(this.#cidrRestore, cidrs);
    this.#localHost = new LocalHost({
      nodeName: deps.nodeName,
      host: assertPresent(this.selectorCache.identity(IDENTITY_HOST), 'host identity'),
      policyCache: this.#policyCache,
      regenerate: (endpoint, level, reason) => this.#regenerator.regenerateIfAlive(endpoint, level, reason),
    });
    this.policy = new PolicyManager({
      scheduler,
      journey,
      repository: this.repository,
      cidrIdentities: this.cidrIdentities,
      ipcache: this.ipcache,
      endpoints: () => this.#withPolicy(),
      updateIdentities: (added, deleted) => this.updateIdentities(added, deleted),
      regenerate: (endpoint, level, reason) => this.#regenerator.regenerateIfAlive(endpoint, level, reason),
      triggerPolicyUpdates: (reason) => this.#regenerator.triggerPolicyUpdates(() => this.#withPolicy(), reason),
      notify: (name, text) => this.monitor.send({ kind: 'agent', name, text }),
    });
  }

  /** Loads the host's programs, writes the node's own entries, and starts to watch. `serving` is called when new endpoints may be asked for. */
  start(serving: () => void = () => undefined): void {
    const { scheduler, journey, saved } = this.#deps;
    const restore = saved === null ? null : this.#restore(saved);
    this.#localHost.create(
      { ...this.#deps, id: this.hostEndpointId, device: this.host.ciliumHost, ipv4: this.routerIp },
      this.features.hostFirewall,
    );
    if (this.hostEndpoint !== null && restore === null) {
      this.#regenerator.regenerateFirst(this.hostEndpoint, () => undefined);
    }
    this.#reloadHostDatapath();
    syncHostIps(this, [this.routerIp, this.nodeIp]);
    if (restore === null) {
      initHealth(this.#deps, this);
    }
    const { services, policy, policyConfig } = this;
    enableK8sWatchers({
      services,
      policy,
      policyConfig,
      api: this.#deps.api,
      journey,
      labels: this.#labels,
      endpoints: this.endpoints,
      regenerate: (endpoint, level, reason) => this.#regenerator.regenerateIfAlive(endpoint, level, reason),
      remote: this.#remote,
      hostPorts: this.features.hostPort ? { nodeName: this.nodeName, nodeAddresses: [this.nodeIp] } : null,
      onNode: (node) => {
        this.#localHost.onNode(node);
        updateCiliumNode(this.#deps, this.routerIp);
      },
      rejected: (object, origin, parsed) => {
        this.rejectedPolicies.push({ object, origin, parsed });
      },
    });
    const trigger = (reason: string): void => this.#regenerator.triggerPolicyUpdates(() => this.#withPolicy(), reason);
    this.envoyConfigs = this.features.l7Lb ? new EnvoyConfigs(this.#deps, this, trigger, this.#oldIngressIp) : null;
    startConntrackGc(scheduler, journey, this.maps, this.fqdn);
    startAuthManager({ scheduler, journey, monitor: this.monitor, endpoints: this.endpoints, maps: this.maps });
    if (this.options['enable-l7-proxy']) {
      this.proxy.startDnsProxy();
    }
    this.fqdn.start();
    if (restore === null) {
      serving();
    } else {
      whenCachesSynced(scheduler, this.#deps.api, this.policy, () => this.#finishRestore(restore, serving));
    }
  }

  /** What the process leaves behind when it ends: nothing else survives but the kernel's own. */
  save(): SavedState {
    const earlier = this.#restoring ? this.#deps.saved : null;
    return { hostEndpointId: this.hostEndpointId, endpoints: saveEndpoints(this.endpoints.list(), this, earlier) };
  }

  /** The process ends. Its scheduler and its connection to the API server end with it. */
  stop(): void {
    this.dnsProxy.stop();
    this.monitor.detach();
    this.#deps.api.disconnect();
  }

  /** First and second step of restoring. @see cilium:daemon/cmd/daemon.go#newDaemon */
  #restore(saved: SavedState): EndpointRestore {
    this.#restoring = true;
    this.services.restore();
    const { maps, endpoints, ipam, ipcache, fqdn, dnsProxy } = this;
    const restore = new EndpointRestore(
      {
        ...this.#deps,
        ...{ maps, endpoints, ipam, ipcache, fqdn, dnsProxy },
        labels: this.#labels,
        regenerator: this.#regenerator,
        newEndpoint: (id, request) => newEndpoint(this.#deps, this.options, id, request),
        updateIdentities: (added, deleted) => this.updateIdentities(added, deleted),
      },
      saved,
    );
    restore.restoreDns();
    restore.validate();
    return restore;
  }

  /** All objects are known: the third. @see cilium:daemon/cmd/daemon_main.go#runDaemon */
  #finishRestore(restore: EndpointRestore, serving: () => void): void {
    restore.regenerate(() => {
      restore.sweepMaps();
      releaseCidrsLater(this.#cidrRestore, this.#restoredCidrs);
    });
    this.services.syncWithK8sFinished();
    if (this.hostEndpoint !== null) {
      this.#regenerator.regenerateFirst(this.hostEndpoint, () => undefined);
    }
    initHealth(this.#deps, this);
    this.#restoring = false;
    serving();
  }

  #reloadHostDatapath(): void {
    this.#deps.loader.reloadHostDatapath({
      options: this.options,
      routerIp: this.routerIp,
      ...this.host,
      hostEndpointId: this.hostEndpointId,
      nodeIp: this.nodeIp,
      podCidr: this.#deps.podCidr,
      notMasqueraded: parseCidr4(this.options['ipv4-native-routing-cidr']) ?? this.#deps.podCidr,
      devices: this.features.devices ? this.#deps.devices : [],
      hostPolicyMap: this.hostEndpoint?.policyMap ?? null,
      hostVerdictFilter: () => Math.max(this.hostEndpoint?.loadedVerdictFilter ?? 0, 0),
      hostAuditMode: () => this.hostEndpoint?.policyAuditMode ?? false,
    });
  }

  /** Whether nothing is on its way from an object to a map or the proxy. */
  get quiet(): boolean {
    return (
      !this.#restoring &&
      this.policy.idle &&
      this.envoyConfigs?.idle !== false &&
      this.#regenerator.idle &&
      this.#withPolicy().every((endpoint) => endpoint.state === 'ready' && endpoint.queue.idle)
    );
  }

  /** A pod's new endpoint; `ready` is called when it has its first policy. @see cilium:daemon/cmd/endpoint.go#Daemon.createEndpoint */
  createEndpoint(request: EndpointRequest, ready: (endpoint: Endpoint) => void): Endpoint {
    const id = this.endpoints.allocateId(request.wantedId);
    const endpoint = newEndpoint(this.#deps, this.options, id, request);
    this.endpoints.expose(endpoint);
    endpoint.setState('waiting-for-identity', 'Endpoint creation');
    this.monitor.send({ kind: 'agent', name: 'Endpoint created', text: JSON.stringify({ id, name: endpoint.name }) });
    this.#labels.set(endpoint, request.fixedLabels ?? this.#labels.ofPod(request.namespace, request.podName));
    endpoint.setState('ready', 'Identity of endpoint is known');
    this.#regenerator.regenerateFirst(endpoint, () => ready(endpoint));
    return endpoint;
  }

  /** A pod is gone. @see cilium:daemon/cmd/endpoint.go#Daemon.deleteEndpoint */
  deleteEndpoint(endpoint: Endpoint): void {
    const { loader, bpffs, api } = this.#deps;
    endpoint.setState('disconnecting', 'Deleting endpoint');
    loader.unload(endpoint.id, endpoint.device);
    this.maps.lxc.delete({ address: endpoint.ipv4 });
    this.ipcache.delete(hostPrefix4(endpoint.ipv4));
    removeAllRedirects(this, endpoint);
    this.xdsServer.delete(NETWORK_POLICY_TYPE_URL, String(endpoint.id), null);
    bpffs.unpin(endpoint.policyMap.spec.name);
    this.fqdn.forget(endpoint);
    this.#labels.release(endpoint);
    this.ipam.release(endpoint.ipv4);
    this.endpoints.remove(endpoint);
    endpoint.setState('disconnected', 'Endpoint removed');
    api.delete('CiliumEndpoint', endpoint.namespace, endpoint.podName);
    this.monitor.send({ kind: 'agent', name: 'Endpoint deleted', text: JSON.stringify({ id: endpoint.id, name: endpoint.name }) });
  }

  /** Identities came or went: selections follow, and with them the maps. @see cilium:daemon/cmd/policy.go#Daemon.UpdateIdentities */
  updateIdentities(added: readonly Identity[], deleted: readonly number[]): void {
    if (added.length + deleted.length > 0) {
      this.selectorCache.updateIdentities(added, deleted);
      this.#regenerator.triggerPolicyUpdates(() => this.#withPolicy(), 'one or more identities created or deleted');
    }
  }

  /** Endpoints as the API shows them, the host's among them, by id. */
  endpointViews(): readonly EndpointModel[] {
    const host = hostEndpointModel(this.hostEndpointId, this.#localHost.identity, this.hostEndpoint);
    return [host, ...this.endpoints.list().map((endpoint) => endpointModel(endpoint, endpoint.policyAuditMode))].sort(
      (a, b) => a.id - b.id,
    );
  }

  /** Identities the agent knows, by number. */
  identityViews(): readonly { readonly id: number; readonly labels: readonly string[] }[] {
    return [...this.selectorCache.allIdentities()].map(identityModel).sort((a, b) => a.id - b.id);
  }

  /** Rules as `cilium policy get` shows them. */
  policyRules(): readonly unknown[] {
    return this.repository.allRules().map(encodeRule);
  }

  /** `cilium endpoint config ID PolicyAuditMode=…`. @see cilium:daemon/cmd/endpoint.go#Daemon.EndpointUpdate */
  setPolicyAuditMode(endpoint: Endpoint, enabled: boolean): void {
    if (endpoint.policyAuditMode !== enabled) {
      endpoint.policyAuditMode = enabled;
      this.#regenerator.regenerateIfAlive(endpoint, 3, 'endpoint was updated via API');
    }
  }

  /** Regenerates an endpoint, for `cilium endpoint regenerate`. */
  regenerate(endpoint: Endpoint, level: RegenerationLevel, reason: string): void {
    this.#regenerator.regenerateIfAlive(endpoint, level, reason);
  }

  #writeEndpoint(endpoint: Endpoint): void {
    if (this.features.endpointRoutes) {
      upsertEndpointRoute(this.#deps.hostNetns, endpoint.ipv4, endpoint.device);
    }
    this.maps.lxc.update({ address: endpoint.ipv4 }, podEndpointInfo(endpoint));
  }

  /** The host's endpoint, with the host firewall. */
  get hostEndpoint(): Endpoint | null {
    return this.#localHost.endpoint;
  }

  /** Endpoints that have a policy: those of pods, and the host with its firewall. */
  #withPolicy(): readonly Endpoint[] {
    const pods = this.endpoints.list();
    return this.hostEndpoint === null ? pods : [this.hostEndpoint, ...pods];
  }
}
