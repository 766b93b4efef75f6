/**
 * Service load balancing at the socket: the address a process connects to is replaced before any packet exists, and put back where the process
 * looks at its peer.
 * @see cilium:bpf/bpf_sock.c
 * @remarks Not modelled: local-redirect services; sockets of health checks, which only stand-alone load balancers have.
 */
import { type CgroupPrograms, HOST_NETNS_COOKIE, type SockAddrContext, SYS_REJECT } from '../kernel/cgroup.ts';
import type { SocketAddress } from '../kernel/socket.ts';
import { REASON_LB_NO_BACKEND, REASON_LB_NO_BACKEND_SLOT, REASON_LB_REVNAT_STALE } from '../maps/drop_reasons.ts';
import { XLATE_POST_DIRECTION_FWD, XLATE_POST_DIRECTION_REV, XLATE_PRE_DIRECTION_FWD, XLATE_PRE_DIRECTION_REV } from '../maps/eventsmap.ts';
import { IDENTITY_HOST, IDENTITY_KUBE_APISERVER, IDENTITY_REMOTE_NODE } from '../maps/identity.ts';
import { ENDPOINT_KEY_IPV4 } from '../maps/ipcache.ts';
import {
  LB_LOOKUP_SCOPE_EXT,
  LB_LOOKUP_SCOPE_INT,
  type Lb4Backend,
  type Lb4Service,
  l7LbProxyPort,
  SVC_FLAG_AFFINITY,
  SVC_FLAG_EXTERNAL_IP,
  SVC_FLAG_HOSTPORT,
  SVC_FLAG_LOADBALANCER,
  SVC_FLAG_LOOPBACK,
  SVC_FLAG_NODEPORT,
  SVC_FLAG_TWO_SCOPES,
} from '../maps/lbmap.ts';
import { METRIC_EGRESS, METRIC_INGRESS } from '../maps/metricsmap.ts';
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../net/protocol.ts';
import type { BpfEnv } from './env.ts';
import { lb4AffinityBackendId, lb4UpdateAffinity } from './lib/affinity.ts';
import { lb4SvcIsL7loadbalancer } from './lib/lb.ts';
import { updateMetrics } from './lib/metrics.ts';
import { sendTraceSockNotify4 } from './lib/trace_sock.ts';

/** Configuration of the programs. */
export interface SockConfig {
  /** ENABLE_SOCKET_LB_HOST_ONLY */
  readonly hostOnly: boolean;
  /** ENABLE_NODEPORT */
  readonly nodePort: boolean;
  /** TRACE_SOCK_NOTIFY */
  readonly traceSock: boolean;
}

/** What a process's call becomes: another address, none at all, or as it asked. */
type Translation = SocketAddress | typeof SYS_REJECT | null;

/** Where the proxy's listener is for processes of the host, whom no program at a device sees. */
const LOCALHOST: Ipv4 = 0x7f000001;
const NODEPORT_PORT_MIN = 30000;
const NODEPORT_PORT_MAX = 32767;

/** Loads the programs of the root control group. */
export function loadBpfSock(env: BpfEnv, config: SockConfig): CgroupPrograms {
  return {
    connect4: (context) => xlateFwd(env, config, context, false),
    sendmsg4: (context) => xlateFwd(env, config, context, true),
    recvmsg4: (context) => xlateRev(env, config, context),
    getpeername4: (context) => xlateRev(env, config, context),
    postBind4: (context) => postBind(env, config, context),
  };
}

/** @see cilium:bpf/bpf_sock.c#__sock4_xlate_fwd */
function xlateFwd(env: BpfEnv, config: SockConfig, context: SockAddrContext, udpOnly: boolean): Translation {
  const inHostns = context.netnsCookie === HOST_NETNS_COOKIE;
  const { address } = context;
  if ((config.hostOnly && !inHostns) || (!udpOnly && context.protocol !== IPPROTO_TCP && context.protocol !== IPPROTO_UDP)) {
    return null;
  }
  const service = findService(env, config, address, inHostns);
  if (service === undefined) {
    return null;
  }
  const l7Lb = lb4SvcIsL7loadbalancer(env, service);
  if (service.count === 0 && !l7Lb) {
    // EHOSTUNREACH, which a program can say from Linux 5.18 on; before, the process is told EPERM.
    reject(env, '__sock4_xlate_fwd', text(address), 'no backends');
    return SYS_REJECT;
  }
  if (config.traceSock) {
    sendTraceSockNotify4(env, context, XLATE_PRE_DIRECTION_FWD, address.address, address.port);
  }
  if (skipXlate(env, service, address.address)) {
    return null;
  }
  if (l7Lb && !inHostns) {
    // Left to the pod's device: policy is for what the load balancer makes of it.
    return null;
  }
  const chosen = l7Lb ? { address: LOCALHOST, port: l7LbProxyPort(service) } : chooseBackend(env, context, service);
  if (chosen === null) {
    reject(env, '__sock4_xlate_fwd', text(address), 'its backend is gone');
    return SYS_REJECT;
  }
  if (config.traceSock && !l7Lb) {
    sendTraceSockNotify4(env, context, XLATE_POST_DIRECTION_FWD, chosen.address, chosen.port);
  }
  const { reverseSk } = env.maps;
  const key = { cookie: context.cookie, address: chosen.address, port: chosen.port };
  reverseSk.update(key, { address: address.address, port: address.port, revNatIndex: service.revNatIndex });
  record(env, '__sock4_xlate_fwd', text(address), text(chosen));
  return { address: chosen.address, port: chosen.port };
}

/** Affinity by namespace, else a random slot for TCP, and one by the socket's cookie for UDP. */
function chooseBackend(env: BpfEnv, context: SockAddrContext, service: Lb4Service): Lb4Backend | null {
  const { backends, services } = env.maps;
  const affinity = env.config.sessionAffinity && (service.flags & SVC_FLAG_AFFINITY) !== 0;
  const remembered = affinity ? lb4AffinityBackendId(env, null, service, context.netnsCookie, true) : 0;
  let backend = remembered === 0 ? undefined : backends.lookup(remembered);
  if (backend !== undefined) {
    return backend;
  }
  const key = env.scratch.lbKey;
  key.backendSlot = (context.protocol === IPPROTO_TCP ? env.rng.below(service.count) : context.cookie % service.count) + 1;
  const slot = services.lookup(key);
  key.backendSlot = 0;
  if (slot === undefined) {
    updateMetrics(env, 0, METRIC_EGRESS, REASON_LB_NO_BACKEND_SLOT);
    return null;
  }
  backend = backends.lookup(slot.backendId);
  if (backend === undefined) {
    updateMetrics(env, 0, METRIC_EGRESS, REASON_LB_NO_BACKEND);
    return null;
  }
  if (affinity) {
    lb4UpdateAffinity(env, service, context.netnsCookie, true, slot.backendId);
  }
  return backend;
}

/** @see cilium:bpf/bpf_sock.c#__sock4_xlate_rev */
function xlateRev(env: BpfEnv, config: SockConfig, context: SockAddrContext): SocketAddress | null {
  const { reverseSk } = env.maps;
  const key = { cookie: context.cookie, address: context.address.address, port: context.address.port };
  if (config.traceSock) {
    sendTraceSockNotify4(env, context, XLATE_PRE_DIRECTION_REV, key.address, key.port);
  }
  const value = reverseSk.lookup(key);
  if (value === undefined) {
    return null;
  }
  const asked = { address: value.address, port: value.port };
  const service = findService(env, config, asked, context.netnsCookie === HOST_NETNS_COOKIE);
  if (service === undefined || service.revNatIndex !== value.revNatIndex || service.count === 0) {
    reverseSk.delete(key);
    updateMetrics(env, 0, METRIC_INGRESS, REASON_LB_REVNAT_STALE);
    return null;
  }
  record(env, '__sock4_xlate_rev', text(context.address), text(asked));
  if (config.traceSock) {
    sendTraceSockNotify4(env, context, XLATE_POST_DIRECTION_REV, asked.address, asked.port);
  }
  return asked;
}

/** A process of the host may not take a port at which a service is served. @see cilium:bpf/bpf_sock.c#__sock4_post_bind */
function postBind(env: BpfEnv, config: SockConfig, context: SockAddrContext): boolean {
  if (!config.nodePort || context.netnsCookie !== HOST_NETNS_COOKIE) {
    return true;
  }
  const { address, port } = context.address;
  const service =
    lookup(env, address, port) ?? wildcardLookup(env, address, port, { remoteHosts: false, otherPorts: false, inHostns: true });
  return service === undefined || (service.flags & (SVC_FLAG_NODEPORT | SVC_FLAG_EXTERNAL_IP | SVC_FLAG_LOADBALANCER)) === 0;
}

/** The frontend at the address, or of a node port of any node address. @see cilium:bpf/bpf_sock.c#sock4_wildcard_lookup_full */
function findService(env: BpfEnv, config: SockConfig, { address, port }: SocketAddress, inHostns: boolean): Lb4Service | undefined {
  const direct = lookup(env, address, port);
  if (direct !== undefined || !config.nodePort) {
    return direct;
  }
  const nodePort = wildcardLookup(env, address, port, { remoteHosts: true, otherPorts: false, inHostns });
  if (nodePort !== undefined && (nodePort.flags & SVC_FLAG_NODEPORT) !== 0) {
    return nodePort;
  }
  const hostPort = wildcardLookup(env, address, port, { remoteHosts: false, otherPorts: true, inHostns });
  const usable = hostPort !== undefined && (hostPort.flags & SVC_FLAG_HOSTPORT) !== 0;
  return usable && ((hostPort.flags2 & SVC_FLAG_LOOPBACK) === 0 || isLoopback(address)) ? hostPort : undefined;
}

interface Wildcard {
  /** Addresses of other nodes count too. */
  readonly remoteHosts: boolean;
  /** Ports outside the range of node ports, instead of those in it. */
  readonly otherPorts: boolean;
  readonly inHostns: boolean;
}

/** @see cilium:bpf/bpf_sock.c#sock4_wildcard_lookup */
function wildcardLookup(env: BpfEnv, address: Ipv4, port: number, { remoteHosts, otherPorts, inHostns }: Wildcard): Lb4Service | undefined {
  if ((port < NODEPORT_PORT_MIN || port > NODEPORT_PORT_MAX) !== otherPorts) {
    return undefined;
  }
  const label = env.maps.ipcache.lookup4(ENDPOINT_KEY_IPV4, address)?.secLabel;
  const node = label === IDENTITY_HOST || (remoteHosts && (label === IDENTITY_REMOTE_NODE || label === IDENTITY_KUBE_APISERVER));
  return node || (inHostns && isLoopback(address)) ? lookup(env, 0, port) : undefined;
}

function isLoopback(address: Ipv4): boolean {
  return address >>> 24 === 127;
}

/** A service's external address that is not the node's own is left alone: nobody may hijack the world by a service. @see cilium:bpf/bpf_sock.c#sock4_skip_xlate */
function skipXlate(env: BpfEnv, service: Lb4Service, address: Ipv4): boolean {
  const guarded = (service.flags & SVC_FLAG_EXTERNAL_IP) !== 0 || ((service.flags & SVC_FLAG_HOSTPORT) !== 0 && !isLoopback(address));
  return guarded && env.maps.ipcache.lookup4(ENDPOINT_KEY_IPV4, address)?.secLabel !== IDENTITY_HOST;
}

function lookup(env: BpfEnv, address: Ipv4, dport: number): Lb4Service | undefined {
  const key = env.scratch.lbKey;
  key.address = address;
  key.dport = dport;
  key.backendSlot = 0;
  key.proto = 0;
  key.scope = LB_LOOKUP_SCOPE_EXT;
  const service = env.maps.services.lookup(key);
  if (service === undefined || (service.flags2 & SVC_FLAG_TWO_SCOPES) === 0) {
    return service;
  }
  key.scope = LB_LOOKUP_SCOPE_INT;
  return env.maps.services.lookup(key);
}

function record(env: BpfEnv, fn: string, before: string, after: string): void {
  if (env.journey.recording) {
    env.journey.add({ kind: 'change', actor: 'bpf', fn, see: `cilium:bpf/bpf_sock.c#${fn}`, target: 'socket address', before, after });
  }
}

function reject(env: BpfEnv, fn: string, address: string, why: string): void {
  if (env.journey.recording) {
    env.journey.add({ kind: 'decide', actor: 'bpf', fn, see: `cilium:bpf/bpf_sock.c#${fn}`, verdict: 'reject', why: `${address}: ${why}` });
  }
}

function text({ address, port }: SocketAddress): string {
  return `${formatIpv4(address)}:${port}`;
}
