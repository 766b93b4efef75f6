/**
 * Service load balancing per packet, for pods that reach a ClusterIP.
 * @see cilium:bpf/lib/lb.h
 */
import type { Skb } from '../../kernel/skb.ts';
import type { CtMap, Ipv4CtTuple } from '../../maps/ctmap.ts';
import { DROP_CSUM_L4, DROP_NO_SERVICE } from '../../maps/drop_reasons.ts';
import {
  BE_STATE_ACTIVE,
  LB_LOOKUP_SCOPE_EXT,
  LB_LOOKUP_SCOPE_INT,
  type Lb4Backend,
  type Lb4Service,
  SVC_FLAG_AFFINITY,
  SVC_FLAG_L7LOADBALANCER,
  SVC_FLAG_TWO_SCOPES,
} from '../../maps/lbmap.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import { type L4Header, withIp, withIpL4 } from '../../net/packet.ts';
import type { Json } from '../../sim/journey.ts';
import type { BpfEnv } from '../env.ts';
import { lb4AffinityBackendId, lb4UpdateAffinity } from './affinity.ts';
import { CT_NEW, CT_SERVICE, ctCreate4, ctLookup4 } from './conntrack.ts';
import type { CtState } from './ct_state.ts';
import { CB_BACKEND_ID, CB_CT_STATE, CB_PROXY_MAGIC } from './meta.ts';

/**
 * The service at an address and port, or `undefined`; leaves the key in `scratch.lbKey`.
 * @param needsBackends a service without backends does not count
 * @see cilium:bpf/lib/lb.h#lb4_lookup_service
 * @param scopeSwitch of two frontends the one for connections from inside
 */
export function lb4LookupService(
  env: BpfEnv,
  skb: Skb,
  address: Ipv4,
  dport: number,
  needsBackends: boolean,
  scopeSwitch = false,
): Lb4Service | undefined {
  const key = env.scratch.lbKey;
  key.address = address;
  key.dport = dport;
  key.backendSlot = 0;
  key.proto = 0;
  key.scope = LB_LOOKUP_SCOPE_EXT;
  const { services } = env.maps;
  const service = services.lookup(key);
  if (env.journey.recording) {
    record(
      env,
      skb,
      'lb4_lookup_service',
      services.spec.name,
      services.spec.key.toJson(key),
      service === undefined ? null : services.spec.valueToJson(service),
    );
  }
  if (service !== undefined && scopeSwitch && (service.flags2 & SVC_FLAG_TWO_SCOPES) !== 0) {
    key.scope = LB_LOOKUP_SCOPE_INT;
    return services.lookup(key);
  }
  return service !== undefined && (service.count > 0 || !needsBackends || lb4SvcIsL7loadbalancer(env, service)) ? service : undefined;
}

/**
 * Picks a backend (or stays with the one of the connection) and rewrites the packet's destination.
 * @returns 0, DROP_NO_SERVICE, or DROP_CSUM_L4; `state` gets the reverse NAT index and, for a pod that meets itself, the loopback addresses
 * @see cilium:bpf/lib/lb.h#lb4_local
 */
export function lb4Local(env: BpfEnv, map: CtMap, skb: Skb, tuple: Ipv4CtTuple, service: Lb4Service, state: CtState): number {
  if (service.count === 0) {
    return DROP_NO_SERVICE;
  }
  const { monitor } = env.scratch;
  const client = skb.packet.ip.src;
  const status = ctLookup4(env, map, tuple, skb, CT_SERVICE, state);
  // The service entry does not decide about notifications; the connection's own does.
  env.scratch.monitor = monitor;
  if (status < 0) {
    return DROP_NO_SERVICE;
  }
  const chosen = status === CT_NEW ? newChoice(env, map, skb, tuple, service, state) : oldChoice(env, map, skb, tuple, service, state);
  if (chosen === undefined) {
    return DROP_NO_SERVICE;
  }
  state.revNatIndex = service.revNatIndex;
  state.addr = chosen.address;
  if (isAffinity(env, service)) {
    lb4UpdateAffinity(env, service, client, false, state.backendId);
  }
  if (client === chosen.address) {
    state.loopback = true;
    state.addr = env.config.ipv4Loopback;
    state.svcAddr = client;
  }
  return lb4Xlate(env, skb, chosen, state.loopback);
}

/** The first packet: the backend the client had before, or a random one. */
function newChoice(env: BpfEnv, map: CtMap, skb: Skb, tuple: Ipv4CtTuple, service: Lb4Service, state: CtState): Lb4Backend | undefined {
  state.backendId = isAffinity(env, service) ? lb4AffinityBackendId(env, skb.packet.id, service, skb.packet.ip.src, false) : 0;
  let backend = state.backendId === 0 ? undefined : lookupBackend(env, skb, state.backendId);
  if (backend === undefined) {
    state.backendId = selectBackendId(env, skb, service);
    backend = lookupBackend(env, skb, state.backendId);
  }
  state.revNatIndex = service.revNatIndex;
  return backend !== undefined && ctCreate4(env, map, null, tuple, skb, CT_SERVICE, state, false, false) >= 0 ? backend : undefined;
}

/** A later packet: the connection's backend, unless that is gone or was another service's. */
function oldChoice(env: BpfEnv, map: CtMap, skb: Skb, tuple: Ipv4CtTuple, service: Lb4Service, state: CtState): Lb4Backend | undefined {
  if (state.revNatIndex !== service.revNatIndex) {
    // An entry of an older Cilium (index 0) keeps its backend; one of another service does not.
    if (state.revNatIndex !== 0) {
      const before = isAffinity(env, service) ? lb4AffinityBackendId(env, skb.packet.id, service, skb.packet.ip.src, false) : 0;
      state.backendId = before === 0 ? selectBackendId(env, skb, service) : before;
    }
    state.revNatIndex = service.revNatIndex;
    updateServiceEntry(map, tuple, state);
  }
  const backend = lookupBackend(env, skb, state.backendId);
  // What is open may drain to a backend that ends; what is new goes to one that stays.
  if (backend !== undefined && (backend.state === BE_STATE_ACTIVE || !state.syn)) {
    return backend;
  }
  const again = lb4LookupService(env, skb, env.scratch.lbKey.address, env.scratch.lbKey.dport, true);
  if (again === undefined) {
    return undefined;
  }
  state.backendId = selectBackendId(env, skb, again);
  updateServiceEntry(map, tuple, state);
  return lookupBackend(env, skb, state.backendId);
}

/** @see cilium:bpf/lib/lb.h#lb4_svc_is_affinity */
function isAffinity(env: BpfEnv, service: Lb4Service): boolean {
  return env.config.sessionAffinity && (service.flags & SVC_FLAG_AFFINITY) !== 0;
}

/** The service's traffic belongs to a listener of the proxy. @see cilium:bpf/lib/lb.h#lb4_svc_is_l7loadbalancer */
export function lb4SvcIsL7loadbalancer(env: BpfEnv, service: Lb4Service): boolean {
  return env.config.l7Lb && (service.flags2 & SVC_FLAG_L7LOADBALANCER) !== 0;
}

/** Saves what the next tail call needs in the control buffer. @see cilium:bpf/lib/lb.h#lb4_ctx_store_state */
export function lb4CtxStoreState(skb: Skb, state: CtState, proxyPort: number): void {
  skb.cb[CB_PROXY_MAGIC] = (proxyPort << 16) >>> 0;
  skb.cb[CB_BACKEND_ID] = state.backendId;
  skb.cb[CB_CT_STATE] = ((state.revNatIndex << 16) | (state.loopback ? 1 : 0)) >>> 0;
}

/**
 * Takes it back, and clears it: a backend id left behind would read as "skip policy".
 * @returns the L7 load balancer's proxy port, or 0
 * @see cilium:bpf/lib/lb.h#lb4_ctx_restore_state
 */
export function lb4CtxRestoreState(env: BpfEnv, skb: Skb, state: CtState): number {
  const meta = skb.cb[CB_CT_STATE];
  if ((meta & 1) !== 0) {
    state.loopback = true;
    state.addr = env.config.ipv4Loopback;
    state.svcAddr = skb.packet.ip.dst;
  }
  state.revNatIndex = meta >>> 16;
  state.backendId = skb.cb[CB_BACKEND_ID];
  const proxyPort = skb.cb[CB_PROXY_MAGIC] >>> 16;
  skb.cb[CB_CT_STATE] = 0;
  skb.cb[CB_BACKEND_ID] = 0;
  skb.cb[CB_PROXY_MAGIC] = 0;
  return proxyPort;
}

/**
 * Gives a reply the address the client talked to.
 * @param inTuple the tuple's source address is what gets replaced (ingress), not the packet's
 * @returns 0, or DROP_CSUM_L4
 * @see cilium:bpf/lib/lb.h#lb4_rev_nat
 */
export function lb4RevNat(env: BpfEnv, skb: Skb, state: CtState, tuple: Ipv4CtTuple, inTuple: boolean): number {
  const { reverseNat } = env.maps;
  const nat = reverseNat.lookup(state.revNatIndex);
  if (env.journey.recording) {
    record(
      env,
      skb,
      'lb4_rev_nat',
      reverseNat.spec.name,
      { id: state.revNatIndex },
      nat === undefined ? null : reverseNat.spec.valueToJson(nat),
    );
  }
  if (nat === undefined) {
    return 0;
  }
  const { ip, l4 } = skb.packet;
  if (l4.kind === 'sctp' && nat.port !== 0 && nat.port !== l4.sport) {
    return DROP_CSUM_L4;
  }
  const oldSource = inTuple ? tuple.saddr : ip.src;
  if (inTuple) {
    tuple.saddr = nat.address;
  }
  const dst = state.loopback ? oldSource : ip.dst;
  rewrite(env, skb, 'lb4_rev_nat', nat.address, dst, nat.port === 0 ? l4 : withSourcePort(l4, nat.port));
  if (state.loopback) {
    tuple.saddr = oldSource;
  }
  return 0;
}

/**
 * A port of SCTP cannot change: its checksum is of a kind that no helper corrects. By then the address has changed.
 * @see cilium:bpf/lib/lb.h#lb4_xlate
 */
function lb4Xlate(env: BpfEnv, skb: Skb, backend: Lb4Backend, loopback: boolean): number {
  const { ip, l4 } = skb.packet;
  const source = loopback ? env.config.ipv4Loopback : ip.src;
  const impossible = l4.kind === 'sctp' && backend.port !== 0 && backend.port !== l4.dport;
  rewrite(env, skb, 'lb4_xlate', source, backend.address, backend.port === 0 || impossible ? l4 : withDestinationPort(l4, backend.port));
  return impossible ? DROP_CSUM_L4 : 0;
}

function rewrite(env: BpfEnv, skb: Skb, fn: string, src: Ipv4, dst: Ipv4, l4: L4Header): void {
  const { packet } = skb;
  const { ip } = packet;
  const header = {
    src,
    dst,
    protocol: ip.protocol,
    ttl: ip.ttl,
    id: ip.id,
    dontFragment: ip.dontFragment,
    moreFragments: ip.moreFragments,
    fragmentOffset: ip.fragmentOffset,
  };
  skb.packet = l4 === packet.l4 ? withIp(packet, header) : withIpL4(packet, header, l4);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'change',
      actor: 'bpf',
      fn,
      see: `cilium:bpf/lib/lb.h#${fn}`,
      packet: packet.id,
      target: 'packet',
      before: ends(ip.src, ip.dst, packet.l4),
      after: ends(src, dst, l4),
    });
  }
}

function ends(src: Ipv4, dst: Ipv4, l4: L4Header): Json {
  const ports = l4.kind === 'tcp' || l4.kind === 'udp' || l4.kind === 'sctp';
  return ports ? `${formatIpv4(src)}:${l4.sport} -> ${formatIpv4(dst)}:${l4.dport}` : `${formatIpv4(src)} -> ${formatIpv4(dst)}`;
}

function withDestinationPort(l4: L4Header, port: number): L4Header {
  switch (l4.kind) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return l4.dport === port ? l4 : { ...l4, dport: port };
    default:
      return l4;
  }
}

function withSourcePort(l4: L4Header, port: number): L4Header {
  switch (l4.kind) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return l4.sport === port ? l4 : { ...l4, sport: port };
    default:
      return l4;
  }
}

/** A random slot: bpf_lxc always selects at random. @see cilium:bpf/lib/lb.h#lb4_select_backend_id */
function selectBackendId(env: BpfEnv, skb: Skb, service: Lb4Service): number {
  const { services } = env.maps;
  const key = env.scratch.lbKey;
  key.backendSlot = service.count === 1 ? 1 : env.rng.below(service.count) + 1;
  const slot = services.lookup(key);
  if (env.journey.recording) {
    record(
      env,
      skb,
      'lb4_select_backend_id',
      services.spec.name,
      services.spec.key.toJson(key),
      slot === undefined ? null : services.spec.valueToJson(slot),
    );
  }
  key.backendSlot = 0;
  return slot?.backendId ?? 0;
}

function lookupBackend(env: BpfEnv, skb: Skb, id: number): Lb4Backend | undefined {
  const { backends } = env.maps;
  const backend = backends.lookup(id);
  if (env.journey.recording) {
    record(env, skb, 'lb4_lookup_backend', backends.spec.name, { id }, backend === undefined ? null : backends.spec.valueToJson(backend));
  }
  return backend;
}

/** @see cilium:bpf/lib/conntrack.h#ct_update4_backend_id */
function updateServiceEntry(map: CtMap, tuple: Ipv4CtTuple, state: CtState): void {
  const entry = map.lookup(tuple);
  if (entry !== undefined) {
    entry.rxBytes = state.backendId;
    entry.revNatIndex = state.revNatIndex;
  }
}

function record(env: BpfEnv, skb: Skb, fn: string, map: string, key: Json, entry: Json): void {
  env.journey.add({ kind: 'lookup', actor: 'bpf', fn, see: `cilium:bpf/lib/lb.h#${fn}`, packet: skb.packet.id, map, key, entry });
}
