/**
 * Redirects: for each L7 filter of an endpoint, a listener that takes its traffic.
 * @see cilium:pkg/proxy/proxy.go#Proxy
 */
import type { Netfilter } from '../../kernel/netfilter.ts';
import type { Journey } from '../../sim/journey.ts';
import { LISTENER_TYPE_URL } from '../../xds/stream.ts';
import { installProxyRules, removeProxyRules } from '../datapath/iptables.ts';
import { bootstrap, type ProxyLauncher } from '../envoy/envoy.ts';
import { getListenerConf, listenerResourceName } from '../envoy/server.ts';
import type { Completion, XdsCacheServer } from '../envoy/xds_server.ts';
import type { DaemonOptions } from '../option/config.ts';
import type { ProxyPort, ProxyPorts } from './proxy_ports.ts';

/** A redirect in force. */
export interface Redirect {
  /** `863:ingress:TCP:80` */
  readonly id: string;
  readonly listener: ProxyPort;
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
    return this.ports().some((port) => port.redirects > 0);
  }

  /**
   * Makes or keeps the redirect of a filter. `completion` hears of the listener's acknowledgement, if there is something to acknowledge.
   * @see cilium:pkg/proxy/proxy.go#Proxy.CreateOrUpdateRedirect
   */
  createOrUpdateRedirect(id: string, listenerName: string, ingress: boolean, newCompletion: () => Completion): CreatedRedirect {
    const { ports, xds, options } = this.#deps;
    const existing = this.#redirects.get(id);
    if (existing !== undefined && existing.listener.name === listenerName) {
      return { port: existing.listener.port, finalize: () => undefined, revert: () => undefined };
    }
    this.#startEnvoy();
    const listener = ports.obtain(listenerName, ingress);
    this.#redirects.set(id, { id, listener });
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
    const { listener } = redirect;
    listener.redirects -= 1;
    if (listener.redirects === 0) {
      this.#record('RemoveListener', listenerResourceName(listener.name, listener.port));
      removeProxyRules(this.#deps.netfilter, listener.port);
      this.#deps.xds.delete(LISTENER_TYPE_URL, listenerResourceName(listener.name, listener.port), null);
      this.#deps.ports.release(listener);
    }
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
