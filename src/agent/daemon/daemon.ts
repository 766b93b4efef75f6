/**
 * The agent of one node: what it consists of and how it starts.
 * @see cilium:daemon/cmd/daemon.go#NewDaemon
 */
import type { ApiServer, Origin } from '../../k8s/api_server.ts';
import type { KubeObject, Pod } from '../../k8s/objects.ts';
import type { BpfFs } from '../../kernel/bpffs.ts';
import type { NetDevice } from '../../kernel/netdev.ts';
import type { NetNs } from '../../kernel/netns.ts';
import { IDENTITY_HOST, IDENTITY_WORLD } from '../../maps/identity.ts';
import { ENDPOINT_F_HOST } from '../../maps/lxcmap.ts';
import { newPolicyMap } from '../../maps/policymap.ts';
import { DNS_RCODE_NXDOMAIN, DNS_RCODE_REFUSED } from '../../net/dns.ts';
import { type Cidr4, type Ipv4, parseCidr4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import { assertPresent } from '../../sim/assert.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Rng } from '../../sim/rng.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { AccessLogSink, LogEntry } from '../../xds/access_log.ts';
import { NETWORK_POLICY_TYPE_URL } from '../../xds/stream.ts';
import { newCertificateManager } from '../crypto/certificate_manager.ts';
import { scrubAddress, startConntrackGc } from '../ctmap/gc.ts';
import { installStaticRules } from '../datapath/iptables.ts';
import type { Loader } from '../datapath/loader.ts';
import { type HostDevices, initMaps, type NodeMaps, setupHostNetwork, upsertEndpointRoute } from '../datapath/node.ts';
import { Endpoint } from '../endpoint/endpoint.ts';
import { applyPolicyMapChanges } from '../endpoint/policy_map_changes.ts';
import type { RegenerationLevel } from '../endpoint/state.ts';
import { EndpointManager } from '../endpointmanager/manager.ts';
import type { ProxyLauncher } from '../envoy/envoy.ts';
import type { OriginRecorder } from '../envoy/network_policy.ts';
import { XdsCacheServer } from '../envoy/xds_server.ts';
import { DnsProxy } from '../fqdn/dns_proxy.ts';
import type { ClusterIdentities } from '../identity/cluster_identities.ts';
import { type CidrIdentities, type Identity, newCidrIdentities, reservedIdentities } from '../identity/identity.ts';
import { Ipam } from '../ipam/ipam.ts';
import { hostPrefix4, Ipcache } from '../ipcache/ipcache.ts';
import { podNamedPorts } from '../k8s/pod_labels.ts';
import { ciliumNetworkPoliciesInit } from '../k8s/watchers/cilium_network_policy.ts';
import { syncCiliumEndpoint } from '../k8s/watchers/endpoint_sync.ts';
import { Remote } from '../k8s/watchers/remote.ts';
import { MonitorAgent } from '../monitor/monitor_agent.ts';
import type { DaemonOptions } from '../option/config.ts';
import { type DatapathFeatures, datapathFeatures } from '../option/features.ts';
import { encodeRule } from '../policy/api/encode.ts';
import type { ParsedPolicy } from '../policy/api/rule.ts';
import type { PolicyConfig } from '../policy/config.ts';
import { PolicyCache } from '../policy/distillery.ts';
import { Repository } from '../policy/repository.ts';
import { SelectorCache } from '../policy/selectorcache.ts';
import { Proxy } from '../proxy/proxy.ts';
import { ProxyPorts } from '../proxy/proxy_ports.ts';
import { ServiceManager } from '../service/service.ts';
import { EndpointLabels } from './endpoint_labels.ts';
import type { EndpointRequest } from './endpoint_request.ts';
import { EventQueue } from './event_queue.ts';
import { Fqdn } from './fqdn.ts';
import { healthEndpoint } from './health.ts';
import { newHostEndpoint } from './host_endpoint.ts';
import { hostWithApiServer } from './host_identity.ts';
import type { AgentPins } from './pins.ts';
import { PolicyManager } from './policy.ts';
import { policyConfigOf } from './policy_config.ts';
import { Regenerator } from './regenerator.ts';
import { type EndpointModel, endpointModel, hostEndpointModel, identityModel } from './views.ts';

/** What an agent is given. */
export interface DaemonDeps {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly api: ApiServer;
  readonly nodeName: string;
  readonly nodeIp: Ipv4;
  readonly podCidr: Cidr4;
  /** Whether this node is the one that runs the API server. */
  readonly runsApiServer: boolean;
  readonly hostNetns: NetNs;
  readonly bpffs: BpfFs;
  readonly loader: Loader;
  /** The node's network cards. */
  readonly devices: readonly NetDevice[];
  readonly proxy: ProxyLauncher;
  readonly options: DaemonOptions;
  readonly quirks: PolicyConfig['quirks'];
  readonly pins: AgentPins;
  /** Shared by all agents of a cluster: the identities in the API server. */
  readonly identities: ClusterIdentities;
}

/** A policy object the agent refused. */
export interface RejectedPolicy {
  readonly object: KubeObject;
  readonly origin: Origin | null;
  readonly parsed: ParsedPolicy;
}

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
  readonly policy: PolicyManager;
  /** Policies the agent refused, in order. */
  readonly rejectedPolicies: RejectedPolicy[] = [];
  /** Where the proxy's rules come from, by message object. */
  readonly npdsOrigins: OriginRecorder = new Map();
  readonly #deps: DaemonDeps;
  readonly #policyCache: PolicyCache;
  readonly #regenerator: Regenerator;
  #hostEndpoint: Endpoint | null = null;
  readonly #labels: EndpointLabels;
  readonly #remote: Remote;

  constructor(deps: DaemonDeps) {
    const { scheduler, rng, journey, options } = deps;
    this.#deps = deps;
    this.options = options;
    this.nodeName = deps.nodeName;
    this.nodeIp = deps.nodeIp;
    this.identities = deps.identities;
    this.policyConfig = policyConfigOf(options, deps.quirks);
    this.maps = initMaps(deps.bpffs, options);
    this.monitor = new MonitorAgent(this.maps.events);
    this.ipam = new Ipam(deps.podCidr, rng.fork('ipam'));
    this.routerIp = assertPresent(this.ipam.allocate('router', deps.pins.routerIp), 'router address');
    this.endpoints = new EndpointManager(rng.fork('endpoint ids'));
    this.hostEndpointId = this.endpoints.allocateId(deps.pins.hostEndpointId);
    this.host = setupHostNetwork({
      netns: deps.hostNetns,
      routerIp: this.routerIp,
      podCidr: deps.podCidr,
      macs: [randomMac(rng), randomMac(rng)],
      endpointRoutes: options['enable-endpoint-routes'],
    });
    this.features = datapathFeatures(options);
    installStaticRules(deps.hostNetns.netfilter, {
      podCidr: deps.podCidr,
      notMasqueraded: parseCidr4(options['ipv4-native-routing-cidr']) ?? deps.podCidr,
      masquerade: this.features.iptablesMasquerade,
    });
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
        sessionAffinity: this.features.sessionAffinity,
        sourceRanges: options['enable-svc-source-range-check'],
        terminatingEndpoints: options['enable-k8s-terminating-endpoint'],
      },
    });
    this.xdsServer = new XdsCacheServer(scheduler, journey);
    const ports = new ProxyPorts(rng.fork('proxy ports'), deps.pins.proxyPorts, () => scheduler.clock.now());
    this.dnsProxy = this.#newDnsProxy();
    this.proxy = new Proxy({
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
      clusterNamedPorts: () => [...this.endpoints.list().flatMap((endpoint) => endpoint.namedPorts), ...this.#remote.namedPorts],
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
      ...policyDeps,
      scheduler,
      repository: this.repository,
      policyCache: this.#policyCache,
      loader: deps.loader,
      isHost: (endpoint) => endpoint.identity?.id === IDENTITY_HOST,
      writeEndpoint: (endpoint) => this.#writeEndpoint(endpoint),
      scrubConntrack: (address) => scrubAddress([this.maps.ct4, this.maps.ctAny4], address),
      regenerated: (endpoint) => {
        if (endpoint !== this.#hostEndpoint) {
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
    this.policy = new PolicyManager({
      scheduler,
      journey,
      repository: this.repository,
      cidrIdentities: this.cidrIdentities,
      ipcache: this.ipcache,
      endpoints: () => this.#withPolicy(),
      updateIdentities: (added, deleted) => this.updateIdentities(added, deleted),
      regenerate: (endpoint, level, reason) => this.#regenerator.regenerateIfAlive(endpoint, level, reason),
      notify: (name, text) => this.monitor.send({ kind: 'agent', name, text }),
    });
  }

  /** Loads the host's programs, writes the node's own entries, and starts to watch. */
  start(): void {
    const { loader, scheduler, journey } = this.#deps;
    this.#createHostEndpoint();
    loader.reloadHostDatapath({
      options: this.options,
      routerIp: this.routerIp,
      ...this.host,
      hostEndpointId: this.hostEndpointId,
      nodeIp: this.nodeIp,
      notMasqueraded: parseCidr4(this.options['ipv4-native-routing-cidr']) ?? this.#deps.podCidr,
      devices: this.features.devices ? this.#deps.devices : [],
      hostPolicyMap: this.#hostEndpoint?.policyMap ?? null,
      hostVerdictFilter: () => Math.max(this.#hostEndpoint?.loadedVerdictFilter ?? 0, 0),
    });
    this.#syncHostIps();
    this.#createHealthEndpoint();
    this.#enableK8sWatchers();
    startConntrackGc(scheduler, journey, this.maps, this.fqdn);
    if (this.options['enable-l7-proxy']) {
      this.proxy.startDnsProxy();
    }
    this.fqdn.start();
  }

  /** Records of the proxy's access log. @see cilium:pkg/envoy/accesslog_server.go#accessLogServer.logRecord */
  readonly accessLog: AccessLogSink = {
    log: (entry: LogEntry) => {
      this.#deps.scheduler.after(0, 'access log', () => this.monitor.send({ kind: 'l7', entry }));
    },
  };

  /** Whether nothing is on its way from an object to a map or the proxy. */
  get quiet(): boolean {
    return (
      this.policy.idle &&
      this.#regenerator.idle &&
      this.#withPolicy().every((endpoint) => endpoint.state === 'ready' && endpoint.queue.idle)
    );
  }

  /** A pod's new endpoint; `ready` is called when it has its first policy. @see cilium:daemon/cmd/endpoint.go#Daemon.createEndpoint */
  createEndpoint(request: EndpointRequest, ready: (endpoint: Endpoint) => void): Endpoint {
    const { scheduler, journey, api, bpffs } = this.#deps;
    const id = this.endpoints.allocateId(request.wantedId);
    const policyMap = newPolicyMap(id, this.options['bpf-policy-map-max']);
    const pod = api.get<Pod>('Pod', request.namespace, request.podName);
    const endpoint = new Endpoint({
      ...request,
      id,
      policyMap: bpffs.pin(policyMap.spec.name, policyMap),
      queue: new EventQueue(scheduler, `endpoint ${id} queue`),
      journey,
      namedPorts: pod === undefined ? [] : podNamedPorts(pod),
      policyAuditMode: this.options['policy-audit-mode'],
      now: () => scheduler.clock.now(),
    });
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
    for (const redirect of this.proxy.redirects().filter((one) => one.id.startsWith(`${endpoint.id}:`))) {
      this.proxy.removeRedirect(redirect.id);
    }
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
    const identity = assertPresent(this.selectorCache.identity(IDENTITY_HOST), 'host identity');
    const host = hostEndpointModel(this.hostEndpointId, identity, this.#hostEndpoint);
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

  /** @see cilium:daemon/cmd/fqdn.go#Daemon.bootstrapFQDN */
  #newDnsProxy(): DnsProxy {
    const { scheduler, rng, hostNetns, pins } = this.#deps;
    return new DnsProxy({
      scheduler,
      rng: rng.fork('dns proxy'),
      sockets: hostNetns,
      port: pins.proxyPorts['cilium-dns-egress'] ?? this.options['tofqdns-proxy-port'],
      rejectRcode: this.options['tofqdns-dns-reject-response-code'] === 'nameError' ? DNS_RCODE_NXDOMAIN : DNS_RCODE_REFUSED,
      lookupEndpoint: (ip) => this.endpoints.ofAddress(ip),
      lookupIdentity: (ip) => this.ipcache.lookup(ip)?.identity ?? IDENTITY_WORLD,
      notify: (query, message, outcome, done) => this.fqdn.notifyOnDnsMsg(query, message, outcome, done),
    });
  }

  #writeEndpoint(endpoint: Endpoint): void {
    if (this.features.endpointRoutes) {
      upsertEndpointRoute(this.#deps.hostNetns, endpoint.ipv4, endpoint.device);
    }
    this.maps.lxc.update(
      { address: endpoint.ipv4 },
      { ifindex: endpoint.device.ifindex, lxcId: endpoint.id, flags: 0, mac: endpoint.mac, nodeMac: endpoint.device.mac },
    );
  }

  /** The host's own addresses, and the world. @see cilium:daemon/cmd/datapath.go#Daemon.syncEndpointsAndHostIPs */
  #syncHostIps(): void {
    for (const address of [this.routerIp, this.nodeIp]) {
      this.maps.lxc.update({ address }, { ifindex: 0, lxcId: 0, flags: ENDPOINT_F_HOST, mac: 0, nodeMac: 0 });
      this.ipcache.upsert(hostPrefix4(address), { identity: IDENTITY_HOST, source: 'local', hostIp: 0 });
    }
    this.ipcache.upsert({ family: 4, bits: 0n, length: 0 }, { identity: IDENTITY_WORLD, source: 'local', hostIp: 0 });
  }

  #createHostEndpoint(): void {
    if (this.features.hostFirewall) {
      const identity = assertPresent(this.selectorCache.identity(IDENTITY_HOST), 'host identity');
      const endpoint = newHostEndpoint({
        ...this.#deps,
        identity,
        id: this.hostEndpointId,
        device: this.host.ciliumHost,
        ipv4: this.routerIp,
      });
      this.#policyCache.addUser(identity);
      this.#hostEndpoint = endpoint;
      this.#regenerator.regenerateFirst(endpoint, () => undefined);
    }
  }

  /** Endpoints that have a policy: those of pods, and the host with its firewall. */
  #withPolicy(): readonly Endpoint[] {
    const pods = this.endpoints.list();
    return this.#hostEndpoint === null ? pods : [this.#hostEndpoint, ...pods];
  }

  /** @see cilium:daemon/cmd/health.go#Daemon.initHealth */
  #createHealthEndpoint(): void {
    const { hostNetns, pins, rng } = this.#deps;
    const ipv4 = assertPresent(this.ipam.allocate('health', pins.healthIp), 'health address');
    this.createEndpoint(healthEndpoint(hostNetns, ipv4, [randomMac(rng), randomMac(rng)], pins.healthEndpointId), () => undefined);
  }

  /** @see cilium:pkg/k8s/watchers/watcher.go#K8sWatcher.enableK8sWatchers */
  #enableK8sWatchers(): void {
    const { api, journey } = this.#deps;
    api.watch('Service', {
      onAdd: (service) => this.services.upsertService(service as never),
      onUpdate: (_old, service) => this.services.upsertService(service as never),
      onDelete: (service) => this.services.deleteService(service as never),
    });
    api.watch('Endpoints', {
      onAdd: (endpoints) => this.services.upsertEndpoints(endpoints as never),
      onUpdate: (_old, endpoints) => this.services.upsertEndpoints(endpoints as never),
      onDelete: (endpoints) => this.services.deleteEndpoints(endpoints as never),
    });
    this.#labels.watch();
    this.#remote.watch();
    ciliumNetworkPoliciesInit({
      api,
      journey,
      policy: this.policy,
      config: this.policyConfig,
      services: () => [],
      rejected: (object, origin, parsed) => {
        this.rejectedPolicies.push({ object, origin, parsed });
      },
    });
  }
}

function randomMac(rng: Rng): Mac {
  return ((rng.below(256) & 0xfc) | 0x02) * 2 ** 40 + rng.below(256) * 2 ** 32 + rng.uint32();
}
