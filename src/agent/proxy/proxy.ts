/**
 * Redirects: for each L7 filter of an endpoint, a listener that takes its traffic.
 * @see cilium:pkg/proxy/proxy.go#Proxy
 */
import type { Netfilter } from '../../kernel/netfilter.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { WaitGroup } from '../completion/completion.ts';
import { DNS_PROXY_NAME, installProxyRules } from '../datapath/iptables.ts';
import { bootstrap, type ProxyLauncher } from '../envoy/envoy.ts';
import { ProxyListeners } from '../envoy/proxy_listeners.ts';
import { getListenerConf, listenerResourceName } from '../envoy/server.ts';
import type { XdsCacheServer } from '../envoy/xds_server.ts';
import type { DnsProxy } from '../fqdn/dns_proxy.ts';
import type { DnsSelectorRules } from '../fqdn/dns_rules.ts';
import type { DaemonOptions } from '../option/config.ts';
import { PORT_REUSE_DELAY, type ProxyPort, type ProxyPorts } from './proxy_ports.ts';

/** Names an endpoint may ask for, for the DNS proxy. */
export interface DnsRedirect {
  readonly endpointId: number;
  /** The filter's number; 0 for a named port, which the proxy then never finds. */
  readonly port: number;
  readonly parts: readonly DnsSelectorRules[];
}

/** A redirect a filter asks for. */
export interface RedirectRequest {
  /** `863:ingress:TCP:80` */
  readonly id: string;
  /** `cilium-http-ingress` */
  readonly listenerName: string;
  readonly ingress: boolean;
  /** `null` for redirects to Envoy. */
  readonly dns: DnsRedirect | null;
}

/** A redirect in force. */
export interface Redirect {
  readonly id: string;
  readonly listener: ProxyPort;
  /** `cilium-http-ingress:12345` */
  readonly resource: string;
  dns: DnsRedirect | null;
}

/** What a change of redirects leaves to do when the regeneration has ended: either of the two. */
export interface RedirectChange {
  finalize(): void;
  revert(): void;
}

/** What creating a redirect gives: the port for the map, and what to do when the regeneration ends. */
export interface CreatedRedirect extends RedirectChange {
  readonly port: number;
}

/** What the proxy manager works with. */
export interface ProxyDeps {
  readonly scheduler: Scheduler;
  readonly xds: XdsCacheServer;
  readonly launcher: ProxyLauncher;
  readonly netfilter: Netfilter;
  readonly journey: Journey;
  readonly options: DaemonOptions;
  readonly ports: ProxyPorts;
  readonly dnsProxy: DnsProxy;
}

/** All redirects of a node. */
export class Proxy {
  readonly #deps: ProxyDeps;
  readonly #listeners: ProxyListeners;
  readonly #redirects = new Map<string, Redirect>();
  #started = false;

  constructor(deps: ProxyDeps) {
    this.#deps = deps;
    this.#listeners = new ProxyListeners(deps.xds);
  }

  /** Redirects in order of creation. */
  redirects(): readonly Redirect[] {
    return [...this.#redirects.values()];
  }

  /** Listener ports in order of first use. */
  ports(): readonly ProxyPort[] {
    return this.#deps.ports.list();
  }

  /** Whether the proxy has a listener: policy updates then wait for its acknowledgement. @see cilium:pkg/envoy/server.go#XDSServer.UpdateNetworkPolicy */
  get hasListeners(): boolean {
    return this.#listeners.any;
  }

  /**
   * Makes or keeps the redirect of a filter. `group` waits for the listener's acknowledgement, if there is something to acknowledge.
   * @see cilium:pkg/proxy/proxy.go#Proxy.CreateOrUpdateRedirect
   */
  createOrUpdateRedirect(request: RedirectRequest, group: WaitGroup): CreatedRedirect {
    const { id, listenerName } = request;
    const existing = this.#redirects.get(id);
    if (existing !== undefined && existing.listener.name === listenerName) {
      return { port: existing.listener.port, finalize: () => undefined, revert: this.#updateRules(existing, request.dns) };
    }
    // Another parser: the old one goes.
    const removed = existing === undefined ? null : this.removeRedirect(id, group);
    const created = request.dns === null ? this.#envoyRedirect(request, group) : this.#dnsRedirect(id, request.dns);
    return {
      port: created.port,
      finalize: () => {
        removed?.finalize();
        created.finalize();
      },
      revert: () => {
        created.revert();
        removed?.revert();
      },
    };
  }

  /**
   * Ends a redirect; the last one of a listener ends the listener, and its port is free some minutes later. `null` if there is none.
   * @see cilium:pkg/proxy/proxy.go#Proxy.removeRedirect
   */
  removeRedirect(id: string, group: WaitGroup | null): RedirectChange | null {
    const redirect = this.#redirects.get(id);
    if (redirect === undefined) {
      return null;
    }
    const { scheduler, dnsProxy, ports } = this.#deps;
    const { listener, dns } = redirect;
    this.#redirects.delete(id);
    const undo = dns === null ? this.#removeListener(redirect, group) : null;
    return {
      finalize: () => {
        if (dns !== null) {
          dnsProxy.rules.updateAllowed(dns.endpointId, dns.port, null);
        }
        scheduler.after(PORT_REUSE_DELAY, 'periodic:release proxy port', () => ports.release(listener));
      },
      revert: () => {
        if (undo === null) {
          this.#redirects.set(id, redirect);
        } else {
          // As 1.13.3: the listener is back, but the redirect stays forgotten, so that nobody will ever take the listener away again.
          undo();
        }
      },
    };
  }

  /** @see cilium:pkg/proxy/proxy.go#Proxy.AllocateProxyPort */
  allocateProxyPort(name: string): number {
    return this.#deps.ports.allocate(name);
  }

  /** @see cilium:pkg/proxy/proxy.go#Proxy.AckProxyPort */
  ackProxyPort(name: string): void {
    this.#named(name, (listener) => this.#ackProxyPort(listener));
  }

  /** @see cilium:pkg/proxy/proxy.go#Proxy.ReleaseProxyPort */
  releaseProxyPort(name: string): void {
    this.#named(name, (listener) => this.#deps.ports.release(listener));
  }

  #named(name: string, use: (listener: ProxyPort) => void): void {
    const listener = this.ports().find((port) => port.name === name);
    if (listener !== undefined) {
      use(listener);
    }
  }

  /** The DNS proxy listens from the start and for ever. @see cilium:daemon/cmd/fqdn.go#Daemon.updateDNSDatapathRules */
  startDnsProxy(): void {
    const { dnsProxy, ports } = this.#deps;
    if (dnsProxy.start()) {
      this.#ackProxyPort(ports.setStatic(DNS_PROXY_NAME, false, dnsProxy.port));
    }
  }

  /** @see cilium:pkg/proxy/envoyproxy.go#createEnvoyRedirect */
  #envoyRedirect({ id, listenerName, ingress }: RedirectRequest, group: WaitGroup): CreatedRedirect {
    const { ports, options } = this.#deps;
    this.startEnvoy();
    const listener = ports.obtain(listenerName, ingress);
    const { port } = listener;
    const http = listenerName.startsWith('cilium-http-');
    const mayUseOriginalSourceAddress = !ingress && supportsOriginalSourceAddr(options);
    const conf = getListenerConf({ name: listenerName, port, ingress, http, mayUseOriginalSourceAddress }, options);
    const redirect = { id, listener, resource: listenerResourceName(listenerName, port), dns: null };
    if (this.#listeners.add(conf, group)) {
      this.#record('AddListener', `${conf.name} for ${id}`);
    }
    this.#redirects.set(id, redirect);
    return {
      port,
      finalize: () => this.#ackProxyPort(listener),
      revert: () => {
        this.#redirects.delete(id);
        this.#removeListener(redirect, null);
      },
    };
  }

  #removeListener({ resource }: Redirect, group: WaitGroup | null): () => void {
    const { removed, revert } = this.#listeners.remove(resource, group);
    if (removed) {
      this.#record('RemoveListener', resource);
    }
    return revert;
  }

  /** Rules take effect at once; nobody acknowledges. @see cilium:pkg/proxy/dns.go#createDNSRedirect */
  #dnsRedirect(id: string, dns: DnsRedirect): CreatedRedirect {
    const { dnsProxy, ports } = this.#deps;
    const listener = ports.setStatic(DNS_PROXY_NAME, false, dnsProxy.port);
    dnsProxy.rules.updateAllowed(dns.endpointId, dns.port, dns.parts);
    this.#redirects.set(id, { id, listener, resource: listener.name, dns });
    return {
      port: listener.port,
      finalize: () => this.#ackProxyPort(listener),
      revert: () => {
        this.#redirects.delete(id);
        dnsProxy.rules.updateAllowed(dns.endpointId, dns.port, null);
      },
    };
  }

  /** Envoy has its rules by another way. @see cilium:pkg/proxy/dns.go#dnsRedirect.UpdateRules */
  #updateRules(redirect: Redirect, dns: DnsRedirect | null): () => void {
    const { rules } = this.#deps.dnsProxy;
    const before = redirect.dns;
    if (before === null || dns === null) {
      return () => undefined;
    }
    rules.updateAllowed(dns.endpointId, dns.port, dns.parts);
    redirect.dns = dns;
    return () => {
      rules.updateAllowed(before.endpointId, before.port, before.parts);
      redirect.dns = before;
    };
  }

  /** The proxy listens: install the rules on first use. @see cilium:pkg/proxy/proxy.go#Proxy.ackProxyPort */
  #ackProxyPort(listener: ProxyPort): void {
    if (listener.rulesPort !== listener.port) {
      installProxyRules(this.#deps.netfilter, listener.name, listener.port);
      listener.rulesPort = listener.port;
      this.#record('ackProxyPort', `TPROXY rules for ${listener.name} on port ${listener.port}`);
    }
    listener.redirects += 1;
  }

  /** Starts the proxy's process, if nobody has before. @see cilium:pkg/proxy/proxy.go#Proxy.UpsertEnvoyResources */
  startEnvoy(): void {
    if (!this.#started) {
      this.#started = true;
      this.#deps.launcher.startEnvoy(bootstrap(this.#deps.options['proxy-connect-timeout']));
      this.#record('StartEnvoy', 'first redirect: the proxy is started');
    }
  }

  #record(fn: string, why: string): void {
    if (this.#deps.journey.recording) {
      this.#deps.journey.add({ kind: 'decide', actor: 'agent', fn, see: `cilium:pkg/proxy/proxy.go#${fn}`, verdict: 'done', why });
    }
  }
}

/** With a tunnel its header says who sent; without one only the pod's own address can. @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.SupportsOriginalSourceAddr */
function supportsOriginalSourceAddr({ tunnel }: DaemonOptions): boolean {
  return tunnel === 'disabled';
}
