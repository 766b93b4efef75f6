/**
 * What the agent does with `enable-envoy-config`: an address for the proxy's own connections, and the objects that configure it.
 * @see cilium:pkg/k8s/watchers/watcher.go#K8sWatcher.enableK8sWatchers
 */
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import { SECOND } from '../../sim/clock.ts';
import { ResourceUpdates } from '../envoy/resource_updates.ts';
import type { XdsCacheServer } from '../envoy/xds_server.ts';
import type { Ipam } from '../ipam/ipam.ts';
import type { Ipcache } from '../ipcache/ipcache.ts';
import { type ConfigIssue, ciliumEnvoyConfigsInit } from '../k8s/watchers/cilium_envoy_config.ts';
import { tlsSecretsInit } from '../k8s/watchers/secret.ts';
import type { Proxy } from '../proxy/proxy.ts';
import type { ServiceManager } from '../service/service.ts';
import type { DaemonDeps } from './daemon_deps.ts';
import { allocateIngressIp } from './ingress_ip.ts';

/** Parts of the agent it works with. */
export interface EnvoyConfigsParts {
  readonly routerIp: Ipv4;
  readonly ipam: Ipam;
  readonly ipcache: Ipcache;
  readonly services: ServiceManager;
  readonly proxy: Proxy;
  readonly xdsServer: XdsCacheServer;
}

/** The objects that configure the proxy. */
export class EnvoyConfigs {
  readonly ingressIp: Ipv4;
  /** What was wrong with objects, in order. */
  readonly issues: ConfigIssue[] = [];
  readonly #idle: () => boolean;

  /** Takes the address and starts the watches. */
  constructor(deps: DaemonDeps, parts: EnvoyConfigsParts, triggerPolicyUpdates: (reason: string) => void, oldIngressIp: Ipv4 | null) {
    const { options } = deps;
    const { proxy, services, xdsServer: xds } = parts;
    this.ingressIp = allocateIngressIp({ ...deps, ipam: parts.ipam, ipcache: parts.ipcache, routerIp: parts.routerIp }, oldIngressIp);
    const timeout = options['envoy-config-timeout'] * SECOND;
    const updates = new ResourceUpdates({ scheduler: deps.scheduler, xds, proxy, timeout });
    this.#idle = ciliumEnvoyConfigsInit({
      ...deps,
      services,
      triggerPolicyUpdates,
      updates,
      parsing: {
        options,
        ingressIp: formatIpv4(this.ingressIp),
        allocateProxyPort: (name) => proxy.allocateProxyPort(name),
      },
      issue: (issue) => {
        this.issues.push(issue);
      },
    });
    if (options['enable-ingress-controller']) {
      tlsSecretsInit(deps.api, updates, options['ingress-secrets-namespace']);
    }
  }

  /** Whether no object is on its way to the proxy. */
  get idle(): boolean {
    return this.#idle();
  }
}
