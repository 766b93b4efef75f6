/**
 * The listener filter that asks the datapath's maps who is calling.
 * @see proxy:cilium/bpf_metadata.cc
 */
import { IDENTITY_WORLD, LOCAL_IDENTITY_FLAG } from '../../maps/identity.ts';
import { identityMark, MARK_MAGIC_PROXY_EGRESS, MARK_MAGIC_PROXY_EGRESS_EPID, MARK_MAGIC_PROXY_INGRESS } from '../../maps/marks.ts';
import { parseIp } from '../../net/prefix.ts';
import type { Journey } from '../../sim/journey.ts';
import type { BpfMetadataConfig } from '../../xds/listener.ts';
import { type InetAddress, parseInet } from '../network/address.ts';
import type { CtMaps } from './conntrack.ts';
import type { PolicyHostMap } from './host_map.ts';
import type { IpCache } from './ipcache.ts';
import { ALLOW_ALL_EGRESS, type PolicyInstance } from './network_policy.ts';
import type { NetworkPolicyMap } from './network_policy_map.ts';
import type { CiliumSocketOption, PolicyResolver } from './socket_option.ts';

/** Where the filter looks things up. */
export interface MetadataSources {
  readonly ctMaps: CtMaps | null;
  readonly ipcache: IpCache | null;
  /** Only without ipcache. */
  readonly hosts: PolicyHostMap | null;
  readonly policies: NetworkPolicyMap;
  /** Sidecar proxies set no marks. */
  readonly sidecar: boolean;
  readonly journey: Journey;
}

/** Result of the look-ups. */
export interface Metadata {
  readonly option: CiliumSocketOption;
  /** Appended to the protocols filter chains match on; empty: none. */
  readonly l7Proto: string;
}

const SEE = 'proxy:cilium/bpf_metadata.cc#Config::getMetadata';

/** The filter's configuration with its sources. */
export class BpfMetadata implements PolicyResolver {
  readonly config: BpfMetadataConfig;
  readonly #sources: MetadataSources;
  readonly #ipv4Source: InetAddress | null;
  readonly #ipv6Source: InetAddress | null;

  private constructor(config: BpfMetadataConfig, sources: MetadataSources) {
    this.config = config;
    this.#sources = sources;
    this.#ipv4Source = parseInet(config.ipv4_source_address ?? '');
    this.#ipv6Source = parseInet(config.ipv6_source_address ?? '');
  }

  /** Checks the configuration; a text is the exception that rejects the listener. @see proxy:cilium/bpf_metadata.cc#Config::Config */
  static create(config: BpfMetadataConfig, sources: MetadataSources): BpfMetadata | string {
    if (config.is_l7lb === true && config.is_ingress === true) {
      return 'cilium.bpf_metadata: is_l7lb may not be set with is_ingress';
    }
    for (const [field, family] of [
      ['ipv4_source_address', 4],
      ['ipv6_source_address', 6],
    ] as const) {
      const text = config[field] ?? '';
      if (text !== '' && parseIp(text)?.family !== family) {
        return `cilium.bpf_metadata: ${field} is not an IPv${family} address: ${text}`;
      }
    }
    return new BpfMetadata(config, sources);
  }

  /** The identity of an address: ipcache, else host map, else world. */
  resolvePolicyId(address: InetAddress): number {
    const { ipcache, hosts, journey } = this.#sources;
    const id = ipcache !== null ? ipcache.resolve(address) : (hosts?.resolve(address.ip) ?? 0);
    if (journey.recording) {
      const entry = ipcache !== null ? ipcache.explain(address) : id === 0 ? null : { prefix: address.ip, identity: id };
      journey.add({
        kind: 'lookup',
        actor: 'envoy',
        fn: 'Config::resolvePolicyId',
        see: 'proxy:cilium/bpf_metadata.cc#Config::resolvePolicyId',
        map: ipcache !== null ? 'cilium_ipcache' : 'PolicyHostMap',
        key: { address: address.ip },
        entry: entry === null ? null : { ...entry },
      });
    }
    return id === 0 ? IDENTITY_WORLD : id;
  }

  getPolicy(podIp: string): PolicyInstance | null {
    const policy = this.#sources.policies.get(podIp);
    return policy === null && this.config.is_ingress !== true && this.config.is_l7lb === true ? ALLOW_ALL_EGRESS : policy;
  }

  /** `null`: there is no policy for the pod, and the connection goes on without metadata. */
  getMetadata(source: InetAddress, destination: InetAddress): Metadata | null {
    const ingress = this.config.is_ingress === true;
    const podIp = ingress ? destination.ip : source.ip;
    const otherIp = ingress ? source.ip : destination.ip;
    this.#enter(source, destination, podIp);
    const policy = this.getPolicy(podIp);
    this.#recordPolicy(podIp, policy);
    if (policy === null) {
      return null;
    }
    const identity = this.#sourceIdentity(policy, source, destination, ingress);
    const destinationIdentity = ingress ? 0 : this.resolvePolicyId(destination);
    const start: Sources = { identity, podIp, policy, original: source, ipv4: this.#ipv4Source, ipv6: this.#ipv6Source };
    const eastWest = this.config.is_l7lb === true && this.config.use_original_source_address === true && policy.endpointId !== 0;
    const chosen = eastWest ? eastWestSources(start, source) : this.#sourceAddresses(start, destinationIdentity, otherIp);
    const option: CiliumSocketOption = {
      initialPolicy: chosen.policy,
      mark: this.#mark(eastWest, chosen.policy, chosen.identity, ingress),
      identity: chosen.identity,
      ingress,
      isL7lb: this.config.is_l7lb === true,
      port: destination.port,
      podIp: chosen.podIp,
      originalSource: chosen.original,
      ipv4Source: chosen.ipv4,
      ipv6Source: chosen.ipv6,
      resolver: this,
    };
    this.#recordOption(option);
    return { option, l7Proto: chosen.policy.l7Proto(ingress, destination.port, ingress ? chosen.identity : destinationIdentity) };
  }

  /** Connection tracking first, then the address. */
  #sourceIdentity(policy: PolicyInstance, source: InetAddress, destination: InetAddress, ingress: boolean): number {
    const { ctMaps, journey } = this.#sources;
    if (ctMaps !== null && policy.conntrackName !== '') {
      const found = ctMaps.lookupSrcIdentity(policy.conntrackName, source, destination, ingress);
      if (found !== null && journey.recording) {
        journey.add({
          kind: 'lookup',
          actor: 'envoy',
          fn: 'CtMap::lookupSrcIdentity',
          see: 'proxy:cilium/conntrack.cc#CtMap::lookupSrcIdentity',
          map: found.map,
          key: { tuple: `${ingress ? 'TCP IN' : 'TCP OUT'} ${source.text} -> ${destination.text}` },
          entry: found.identity === 0 ? null : { sourceSecurityId: found.identity },
        });
      }
      if (found !== null && found.identity !== 0) {
        return found.identity;
      }
    }
    return this.resolvePolicyId(source);
  }

  #sourceAddresses(start: Sources, destinationIdentity: number, otherIp: string): Sources {
    if (this.config.is_l7lb === true) {
      const own = start.ipv4 ?? start.ipv6;
      const identity = own === null ? IDENTITY_WORLD : this.resolvePolicyId(own);
      const policy = own === null || identity === IDENTITY_WORLD ? null : this.getPolicy(own.ip);
      return own === null || policy === null ? { ...start, original: null } : { ...start, original: null, identity, podIp: own.ip, policy };
    }
    const keep =
      this.config.use_original_source_address === true &&
      (destinationIdentity & LOCAL_IDENTITY_FLAG) === 0 &&
      destinationIdentity !== IDENTITY_WORLD &&
      !this.#sources.policies.exists(otherIp);
    return keep ? start : { ...start, original: null };
  }

  #mark(eastWest: boolean, policy: PolicyInstance, identity: number, ingress: boolean): number {
    if (this.#sources.sidecar) {
      return 0;
    }
    if (eastWest) {
      return (MARK_MAGIC_PROXY_EGRESS_EPID | (policy.endpointId << 16)) >>> 0;
    }
    return identityMark(ingress ? MARK_MAGIC_PROXY_INGRESS : MARK_MAGIC_PROXY_EGRESS, identity);
  }

  #enter(source: InetAddress, destination: InetAddress, podIp: string): void {
    if (this.#sources.journey.recording) {
      this.#sources.journey.add({
        kind: 'enter',
        actor: 'envoy',
        fn: 'BpfMetadata::Instance::onAccept',
        see: 'proxy:cilium/bpf_metadata.cc#Instance::onAccept',
        where: this.config.is_ingress === true ? 'ingress listener' : 'egress listener',
        what: `${source.text} -> ${destination.text}, policy of ${podIp}`,
      });
    }
  }

  #recordPolicy(podIp: string, policy: PolicyInstance | null): void {
    if (this.#sources.journey.recording) {
      const entry = policy === null ? null : { endpointId: policy.endpointId, conntrack: policy.conntrackName };
      this.#sources.journey.add({
        kind: 'lookup',
        actor: 'envoy',
        fn: 'Config::getMetadata',
        see: SEE,
        map: 'NetworkPolicyMap',
        key: { podIp },
        entry,
      });
    }
  }

  #recordOption(option: CiliumSocketOption): void {
    if (this.#sources.journey.recording) {
      const mark = `0x${option.mark.toString(16)}`;
      const after = {
        identity: option.identity,
        ingress: option.ingress,
        port: option.port,
        podIp: option.podIp,
        mark,
        originalSource: option.originalSource?.text ?? null,
      };
      this.#sources.journey.add({
        kind: 'change',
        actor: 'envoy',
        fn: 'Config::getMetadata',
        see: SEE,
        target: 'Cilium::SocketOption',
        before: null,
        after,
      });
    }
  }
}

/** What decides the upstream socket's addresses. */
interface Sources {
  readonly identity: number;
  readonly podIp: string;
  readonly policy: PolicyInstance;
  readonly original: InetAddress | null;
  readonly ipv4: InetAddress | null;
  readonly ipv6: InetAddress | null;
}

/** The pod's own addresses with the client's port, if the pod has both families. */
function eastWestSources(start: Sources, source: InetAddress): Sources {
  const ips = start.policy.endpointIps.map((text) => parseInet(text, source.port));
  const v4 = ips.find((ip) => ip?.family === 4) ?? null;
  const v6 = ips.find((ip) => ip?.family === 6) ?? null;
  if (v4 === null || v6 === null) {
    return start;
  }
  return { ...start, original: null, ipv4: source.family === 4 ? source : v4, ipv6: source.family === 6 ? source : v6 };
}
