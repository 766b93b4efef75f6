/** Where socket calls of a namespace meet the control group's programs. */
import { type SockAddrContext, SYS_REJECT } from './cgroup.ts';
import type { Kernel } from './kernel.ts';
import type { SocketAddress, SocketErrno } from './socket.ts';

/** The hooks of one namespace. */
export class CgroupHooks {
  readonly #kernel: Kernel;
  readonly #cookie: number;

  constructor(kernel: Kernel, cookie: number) {
    this.#kernel = kernel;
    this.#cookie = cookie;
  }

  /**
   * The control group of the namespace's processes.
   * @remarks Simplified: one for each namespace; a real pod has one for each container.
   */
  get id(): number {
    return this.#cookie;
  }

  /** Lets the program see where a socket is to go; what it makes of it, or that it may not. */
  to(
    hook: 'connect4' | 'sendmsg4',
    protocol: number,
    cookie: number,
    address: SocketAddress,
  ): SocketAddress | Extract<SocketErrno, 'EPERM'> {
    const { cgroup } = this.#kernel;
    const seen = cgroup === null ? null : cgroup[hook](this.#context(protocol, cookie, address));
    return seen === SYS_REJECT ? 'EPERM' : (seen ?? address);
  }

  /** Lets it see whom a socket heard from, or is connected to. */
  from(hook: 'recvmsg4' | 'getpeername4', protocol: number, cookie: number, address: SocketAddress): SocketAddress {
    const { cgroup } = this.#kernel;
    return cgroup === null ? address : (cgroup[hook](this.#context(protocol, cookie, address)) ?? address);
  }

  /** Whether it lets a bind stand. */
  mayBind(protocol: number, address: SocketAddress): boolean {
    return this.#kernel.cgroup?.postBind4(this.#context(protocol, 0, address)) ?? true;
  }

  #context(protocol: number, cookie: number, address: SocketAddress): SockAddrContext {
    return { protocol, netnsCookie: this.#cookie, cookie, cgroupId: this.id, address };
  }
}
