/**
 * BPF programs at the root control group that see socket calls: what a process asks for, before a packet exists.
 * @see linux:kernel/bpf/cgroup.c#__cgroup_bpf_run_filter_sock_addr
 */
import type { SocketAddress } from './socket.ts';

/** A socket call as a program sees it. */
export interface SockAddrContext {
  readonly protocol: number;
  /** The namespace's cookie; the host's is 1. */
  readonly netnsCookie: number;
  /** The socket's cookie. */
  readonly cookie: number;
  /** The process's control group. */
  readonly cgroupId: number;
  /** What the process asked for, or what the packet says. */
  readonly address: SocketAddress;
}

/** The program refuses the call, which fails with EPERM. */
export const SYS_REJECT = 'reject';

/** The programs. Each gives the address to use instead, or `null` for the one asked for. */
export interface CgroupPrograms {
  connect4(context: SockAddrContext): SocketAddress | typeof SYS_REJECT | null;
  sendmsg4(context: SockAddrContext): SocketAddress | typeof SYS_REJECT | null;
  recvmsg4(context: SockAddrContext): SocketAddress | null;
  getpeername4(context: SockAddrContext): SocketAddress | null;
  /** Whether a bind may stand. */
  postBind4(context: SockAddrContext): boolean;
}

/** Cookie of the host's namespace, which is the first one made. */
export const HOST_NETNS_COOKIE = 1;
