/**
 * Ports of the proxy's listeners, one per direction and parser for the whole node.
 * @see cilium:pkg/proxy/proxy.go#ProxyPort
 */
import { type Nanos, SECOND } from '../../sim/clock.ts';
import type { Rng } from '../../sim/rng.ts';

/** @see cilium:daemon/cmd/daemon.go#StartProxySupport */
export const PROXY_PORT_RANGE = { low: 10000, high: 20000 } as const;
/** A released port is not given out again before. @see cilium:pkg/proxy/proxy.go#portReuseDelay */
export const PORT_REUSE_DELAY: Nanos = 300 * SECOND;

/** A listener's port. */
export interface ProxyPort {
  /** `cilium-http-ingress` */
  readonly name: string;
  readonly ingress: boolean;
  /** 0 = none yet. */
  port: number;
  /** The proxy listens on it and the rules for it are installed. */
  configured: boolean;
  /** Redirects that use it. */
  redirects: number;
}

/** Draws ports. */
export class ProxyPorts {
  readonly #rng: Rng;
  readonly #pins: Readonly<Record<string, number>>;
  readonly #now: () => Nanos;
  readonly #ports = new Map<string, ProxyPort>();
  readonly #releasedAt = new Map<number, Nanos>();

  constructor(rng: Rng, pins: Readonly<Record<string, number>>, now: () => Nanos) {
    this.#rng = rng;
    this.#pins = pins;
    this.#now = now;
  }

  /** All listeners' ports in order of first use. */
  list(): readonly ProxyPort[] {
    return [...this.#ports.values()];
  }

  /** The port of a listener; allocates it on first use. @see cilium:pkg/proxy/proxy.go#allocatePort */
  obtain(name: string, ingress: boolean): ProxyPort {
    let entry = this.#ports.get(name);
    if (entry === undefined) {
      entry = { name, ingress, port: 0, configured: false, redirects: 0 };
      this.#ports.set(name, entry);
    }
    if (entry.port === 0) {
      entry.port = this.#draw(this.#pins[name]);
    }
    return entry;
  }

  /** A port that somebody else has chosen and that is never released. @see cilium:pkg/proxy/proxy.go#Proxy.SetProxyPort */
  setStatic(name: string, ingress: boolean, port: number): ProxyPort {
    const entry = this.#ports.get(name) ?? { name, ingress, port, configured: false, redirects: 1 };
    entry.port = port;
    this.#ports.set(name, entry);
    return entry;
  }

  /** Nobody uses the listener any more. */
  release(entry: ProxyPort): void {
    this.#releasedAt.set(entry.port, this.#now());
    entry.port = 0;
    entry.configured = false;
  }

  #draw(preferred: number | undefined): number {
    if (preferred !== undefined && this.#free(preferred)) {
      return preferred;
    }
    for (;;) {
      const port = this.#rng.between(PROXY_PORT_RANGE.low, PROXY_PORT_RANGE.high);
      if (this.#free(port)) {
        return port;
      }
    }
  }

  #free(port: number): boolean {
    const released = this.#releasedAt.get(port);
    const cool = released === undefined || this.#now() - released >= PORT_REUSE_DELAY;
    return cool && ![...this.#ports.values()].some((entry) => entry.port === port);
  }
}
