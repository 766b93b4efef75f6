/**
 * Ports of the proxy's listeners, one per direction and parser for the whole node.
 * @see cilium:pkg/proxy/proxy.go#ProxyPort
 */
import { type Nanos, SECOND } from '../../sim/clock.ts';
import type { Rng } from '../../sim/rng.ts';

/** @see cilium:daemon/cmd/daemon.go#StartProxySupport */
export const PROXY_PORT_RANGE = { low: 10000, high: 20000 } as const;
/** A redirect that has ended uses its port for so long. @see cilium:pkg/proxy/proxy.go#portReuseDelay */
export const PORT_REUSE_DELAY: Nanos = 300 * SECOND;

/** A listener's port. */
export interface ProxyPort {
  /** `cilium-http-ingress` */
  readonly name: string;
  readonly ingress: boolean;
  /** 0 = none yet. */
  port: number;
  /** The port is this listener's, whether or not somebody listens on it. */
  configured: boolean;
  /** Somebody else has chosen it: it is never released. */
  isStatic: boolean;
  /** The port that the TPROXY rules name; they stay when the port goes. */
  rulesPort: number;
  /** Redirects that use it, or did until a moment ago. */
  redirects: number;
}

/** Draws ports. */
export class ProxyPorts {
  readonly #rng: Rng;
  readonly #pins: Readonly<Record<string, number>>;
  readonly #ports = new Map<string, ProxyPort>();
  /** Ports that are or were in use; the latter are taken again only when there are no others. */
  readonly #allocated = new Map<number, boolean>();

  constructor(rng: Rng, pins: Readonly<Record<string, number>>) {
    this.#rng = rng;
    this.#pins = pins;
  }

  /** All listeners' ports in order of first use. */
  list(): readonly ProxyPort[] {
    return [...this.#ports.values()];
  }

  /** The port of a listener; allocates it on first use. @see cilium:pkg/proxy/proxy.go#allocatePort */
  obtain(name: string, ingress: boolean): ProxyPort {
    const entry = this.#entry(name, ingress);
    if (!entry.configured) {
      entry.port = this.#draw(this.#pins[name]);
      this.#reserve(entry);
    }
    return entry;
  }

  /**
   * The port of a CiliumEnvoyConfig's listener. One that is gone gets the port it had, if nobody else has it.
   * @see cilium:pkg/proxy/proxy.go#Proxy.AllocateProxyPort
   */
  allocate(name: string): number {
    const entry = this.#entry(name, false);
    if (entry.port === 0) {
      const again = entry.rulesPort !== 0 && this.#allocated.get(entry.rulesPort) === false;
      entry.port = again ? entry.rulesPort : this.#draw(this.#pins[name]);
    }
    this.#reserve(entry);
    return entry.port;
  }

  /** A port that somebody else has chosen and that is never released. @see cilium:pkg/proxy/proxy.go#Proxy.SetProxyPort */
  setStatic(name: string, ingress: boolean, port: number): ProxyPort {
    const entry = this.#entry(name, ingress);
    entry.port = port;
    entry.isStatic = true;
    this.#reserve(entry);
    return entry;
  }

  /** A redirect that used the listener has ended, {@link PORT_REUSE_DELAY} ago. @see cilium:pkg/proxy/proxy.go#Proxy.releaseProxyPort */
  release(entry: ProxyPort): void {
    entry.redirects -= 1;
    if (entry.redirects <= 0 && !entry.isStatic) {
      this.#allocated.set(entry.port, false);
      entry.port = 0;
      entry.configured = false;
      entry.redirects = 0;
    }
  }

  #entry(name: string, ingress: boolean): ProxyPort {
    let entry = this.#ports.get(name);
    if (entry === undefined) {
      entry = { name, ingress, port: 0, configured: false, isStatic: false, rulesPort: 0, redirects: 0 };
      this.#ports.set(name, entry);
    }
    return entry;
  }

  #reserve(entry: ProxyPort): void {
    this.#allocated.set(entry.port, true);
    entry.configured = true;
  }

  /** @remarks Simplified: ports that other processes of the node listen on are not looked at. */
  #draw(preferred: number | undefined): number {
    if (preferred !== undefined && !this.#allocated.has(preferred)) {
      return preferred;
    }
    const { low, high } = PROXY_PORT_RANGE;
    const reuse = this.#allocated.size > high - low;
    for (;;) {
      const port = this.#rng.between(low, high);
      if (reuse ? this.#allocated.get(port) !== true : !this.#allocated.has(port)) {
        return port;
      }
    }
  }
}
