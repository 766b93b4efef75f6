/**
 * Redirects: for each L7 filter of an endpoint, a listener that takes its traffic.
 * @see cilium:pkg/proxy/proxy.go#Proxy
 */
import type { Netfilter } from '../../kernel/netfilter.ts';
import type { Journey } from '../../sim/journey.ts';
import { LISTENER_TYPE_URL } from '../../xds/stream.ts';
import { DNS_PROXY_NAME, installProxyRules, removeProxyRules } from '../datapath/iptables.ts';
import { bootstrap, type ProxyLauncher } from '../envoy/envoy.ts';
import { getListenerConf, listenerResourceName } from '../envoy/server.ts';
import type { Completion, XdsCacheServer } from '../envoy/xds_server.ts';
import type { DnsProxy } from '../fqdn/dns_proxy.ts';
import type { DnsSelectorRules } from '../fqdn/dns_rules.ts';
import type { DaemonOptions } from '../option/config.ts';
import type { ProxyPort, ProxyPorts } from './proxy_ports.ts';

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
  readonly dns: DnsRedirect | null;
}

/** What creating a redirect gives: the port for the map, and what to do when the regeneration ends. */
export interface CreatedRedirect {
  readonly port: number;
  finalize(): void;
  revert(): void;
}

/** What the proxy manager works with. */
export interface ProxyDeps {
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
  readonly #redirects = new Map<string, Redirect>();
  #started = false;

  constructor(deps: ProxyDeps) {
    this.#deps = deps;
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
    return this.ports().some((port) => port.redirects > 0 && port.name !== DNS_PROXY_NAME);
  }

  /**
   * Makes or keeps the redirect of a filter. `completion` hears of the listener's acknowledgement, if there is something to acknowledge.
   * @see cilium:pkg/proxy/proxy.go#Proxy.CreateOrUpdateRedirect
   */
  createOrUpdateRedirect(request: RedirectRequest, newCompletion: () => Completion): CreatedRedirect {
    const { ports, xds, options } = this.#deps;
    const { id, listenerName, ingress } = request;
    const existing = this.#redirects.get(id);
    if (request.dns !== null) {
      return this.#dnsRedirect(id, request.dns, existing);
    }
    if (existing !== undefined && existing.listener.name === listenerName) {
      return { port: existing.listener.port, finalize: () => undefined, revert: () => undefined };
    }
    this.#startEnvoy();
    const listener = ports.obtain(listenerName, ingress);
    this.#redirects.set(id, { id, listener, dns: null });
    listener.redirects += 1;
    if (listener.redirects === 1) {
      const http = listenerName.startsWith('cilium-http-');
      const conf = getListenerConf({ name: listenerName, port: listener.port, ingress, http, mayUseOriginalSourceAddress: false }, options);
      this.#record('AddListener', `${conf.name} for ${id}`);
      xds.upsert(LISTENER_TYPE_URL, conf.name, conf, newCompletion());
    }
    return {
      port: listener.port,
      finalize: () => this.#ackProxyPort(listener),
      revert: () => this.removeRedirect(id),
    };
  }

  /** Ends a redirect; the last one of a listener ends the listener. @see cilium:pkg/proxy/proxy.go#Proxy.RemoveRedirect */
  removeRedirect(id: string): void {
    const redirect = this.#redirects.get(id);
    if (redirect === undefined) {
      return;
    }
    this.#redirects.delete(id);
    const { listener, dns } = redirect;
    if (dns !== null) {
      this.#deps.dnsProxy.rules.updateAllowed(dns.endpointId, dns.port, null);
      return;
    }
    listener.redirects -= 1;
    if (listener.redirects === 0) {
      this.#record('RemoveListener', listenerResourceName(listener.name, listener.port));
      removeProxyRules(this.#deps.netfilter, listener.port);
      this.#deps.xds.delete(LISTENER_TYPE_URL, listenerResourceName(listener.name, listener.port), null);
      this.#deps.ports.release(listener);
    }
  }

  /** The DNS proxy listens from the start and for ever. @see cilium:daemon/cmd/fqdn.go#Daemon.updateDNSDatapathRules */
  startDnsProxy(): void {
    const { dnsProxy, ports } = this.#deps;
    if (dnsProxy.start()) {
      this.#ackProxyPort(ports.setStatic(DNS_PROXY_NAME, false, dnsProxy.port));
    }
  }

  /** Rules take effect at once; nobody acknowledges. @see cilium:pkg/proxy/dns.go#createDNSRedirect */
  #dnsRedirect(id: string, dns: DnsRedirect, existing: Redirect | undefined): CreatedRedirect {
    const { dnsProxy, ports } = this.#deps;
    const listener = ports.setStatic(DNS_PROXY_NAME, false, dnsProxy.port);
    dnsProxy.rules.updateAllowed(dns.endpointId, dns.port, dns.parts);
    this.#redirects.set(id, { id, listener, dns });
    return {
      port: listener.port,
      finalize: () => undefined,
      revert: () => {
        if (existing === undefined) {
          this.removeRedirect(id);
        } else {
          dnsProxy.rules.updateAllowed(dns.endpointId, dns.port, existing.dns?.parts ?? null);
          this.#redirects.set(id, existing);
        }
      },
    };
  }

  /** The proxy listens: install the rules on first use. @see cilium:pkg/proxy/proxy.go#Proxy.ackProxyPort */
  #ackProxyPort(listener: ProxyPort): void {
    if (!listener.configured && listener.port !== 0) {
      listener.configured = true;
      installProxyRules(this.#deps.netfilter, listener.name, listener.port);
      this.#record('ackProxyPort', `TPROXY rules for ${listener.name} on port ${listener.port}`);
    }
  }

  #startEnvoy(): void {
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
