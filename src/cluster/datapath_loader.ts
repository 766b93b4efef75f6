/**
 * Plugs the modelled programs into the agent's loader interface.
 * @see cilium:pkg/datapath/loader/loader.go#Loader.CompileAndLoad
 */

import type { EndpointDatapathConfig, Loader, NodeDatapathConfig } from '../agent/datapath/loader.ts';
import { endpointCallsMap } from '../agent/datapath/node.ts';
import { monitorAggregationLevel } from '../agent/option/config.ts';
import { datapathFeatures } from '../agent/option/features.ts';
import { loadBpfHost } from '../bpf/bpf_host.ts';
import { loadBpfLxc } from '../bpf/bpf_lxc.ts';
import { loadBpfOverlay } from '../bpf/bpf_overlay.ts';
import { loadBpfSock } from '../bpf/bpf_sock.ts';
import { type BpfEnv, type DatapathQuirks, type NodeConfig, newBpfEnv } from '../bpf/env.ts';
import type { BpfFs } from '../kernel/bpffs.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { NetDevice } from '../kernel/netdev.ts';
import { type CallsMap, newCallsMap, POLICY_CALL_NAME } from '../maps/callsmap.ts';
import { type Ipv4, netmask4, parseIpv4 } from '../net/ipv4.ts';
import { TUNNEL_PORTS } from '../net/tunnel.ts';
import { assertPresent } from '../sim/assert.ts';
import type { Clock } from '../sim/clock.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';

/** What the programs find around them. */
export interface DatapathParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly bpffs: BpfFs;
  /** Switches that are not as the profile says. */
  readonly quirks: Partial<DatapathQuirks>;
  readonly kernel: Kernel;
}

/** The loader of one node. */
export class DatapathLoader implements Loader {
  readonly #parts: DatapathParts;
  #env: BpfEnv | null = null;

  constructor(parts: DatapathParts) {
    this.#parts = parts;
  }

  reloadHostDatapath(config: NodeDatapathConfig): void {
    const env = newBpfEnv({
      ...this.#parts,
      config: nodeConfig(config, this.#parts.quirks),
      fibLookup: (destination) => this.#fibLookup(config, destination),
    });
    this.#env = env;
    const features = datapathFeatures(config.options);
    const firewall =
      config.hostPolicyMap === null
        ? null
        : {
            endpointId: config.hostEndpointId,
            policyMap: config.hostPolicyMap,
            verdictFilter: config.hostVerdictFilter,
            auditMode: config.hostAuditMode,
          };
    const host = { endpointId: config.hostEndpointId, nativeIfindex: 0, firewall };
    const onHost = loadBpfHost(env, host, newCallsMap('cilium_calls_hostns'));
    config.ciliumHost.egress = onHost.cilFromHost;
    config.ciliumHost.ingress = onHost.cilToHost;
    for (const device of config.devices) {
      const calls = newCallsMap(`cilium_calls_netdev_${String(device.ifindex).padStart(5, '0')}`);
      const onDevice = loadBpfHost(env, { ...host, nativeIfindex: device.ifindex }, calls);
      device.ingress = onDevice.cilFromNetdev;
      device.egress = onDevice.cilToNetdev;
    }
    this.#parts.kernel.cgroup = features.socketLb
      ? loadBpfSock(env, { hostOnly: features.socketLbHostOnly, nodePort: features.nodePort, traceSock: features.traceSock })
      : null;
    if (config.tunnelDevice !== null) {
      const onTunnel = loadBpfOverlay(env, newCallsMap('cilium_calls_overlay_2'));
      config.tunnelDevice.ingress = onTunnel.cilFromOverlay;
      config.tunnelDevice.egress = onTunnel.cilToOverlay;
    }
    if (features.hostFirewall) {
      this.#policyCalls().set(config.hostEndpointId, onHost.handleLxcTraffic);
    }
    config.ciliumNet.ingress = loadBpfHost(env, host, newCallsMap('cilium_calls_netdev')).cilToHost;
  }

  reloadDatapath(config: EndpointDatapathConfig): void {
    const env = assertPresent(this.#env, 'the host datapath');
    const programs = loadBpfLxc(
      env,
      { ...config, ifindex: config.device.ifindex },
      config.policyMap,
      endpointCallsMap(this.#parts.bpffs, config.endpointId),
    );
    this.#policyCalls().set(config.endpointId, programs.handlePolicy);
    env.maps.policyEgressCall?.set(config.endpointId, programs.handlePolicyEgress);
    config.device.ingress = programs.cilFromContainer;
    config.device.egress = env.config.enableRouting ? null : programs.cilToContainer;
  }

  unload(endpointId: number, device: NetDevice): void {
    this.#policyCalls().delete(endpointId);
    this.#env?.maps.policyEgressCall?.delete(endpointId);
    device.ingress = null;
    device.egress = null;
  }

  #fibLookup({ ciliumHost }: NodeDatapathConfig, destination: Ipv4): number | null {
    const found = ciliumHost.netns.routing.lookup(destination, 0);
    return found === null || found.route.kind === 'local' ? null : found.route.device.ifindex;
  }

  #policyCalls(): CallsMap {
    return assertPresent(this.#parts.bpffs.get<CallsMap>(POLICY_CALL_NAME), POLICY_CALL_NAME);
  }
}

/** node_config.h from the agent's options. */
function nodeConfig(config: NodeDatapathConfig, quirks: Partial<DatapathQuirks>): NodeConfig {
  const { options, routerIp, ciliumHost, ciliumNet, nodeIp } = config;
  const features = datapathFeatures(options);
  const released = options.profile !== 'branch-point';
  return {
    routerIp,
    ipv4Loopback: parseIpv4('169.254.42.1') as number,
    hostEpId: config.hostEndpointId,
    ciliumIfindex: ciliumHost.ifindex,
    hostIfindex: ciliumNet.ifindex,
    hostMac: ciliumHost.mac,
    ciliumNetMac: ciliumNet.mac,
    routerMac: ciliumHost.mac,
    monitorAggregation: monitorAggregationLevel(options['monitor-aggregation']),
    ctLifetimeTcp: options['bpf-ct-timeout-regular-tcp'],
    ctLifetimeNonTcp: options['bpf-ct-timeout-regular-any'],
    ctServiceLifetimeTcp: options['bpf-ct-timeout-service-tcp'],
    ctServiceLifetimeNonTcp: options['bpf-ct-timeout-service-any'],
    ctServiceCloseRebalance: options['bpf-ct-timeout-service-tcp-grace'],
    ctSynTimeout: options['bpf-ct-timeout-regular-tcp-syn'],
    ctCloseTimeout: options['bpf-ct-timeout-regular-tcp-fin'],
    ctReportInterval: options['monitor-aggregation-interval'],
    ctReportFlags: reportFlags(options['monitor-aggregation-flags']),
    perPacketLb: features.perPacketLb,
    nodePort: features.nodePort,
    masquerade: features.bpfMasquerade,
    hostFirewall: features.hostFirewall,
    directRoutingIp: nodeIp,
    snatExclusion: config.notMasqueraded,
    sessionAffinity: features.sessionAffinity,
    enableRouting: !features.endpointRoutes,
    tunnel: options.tunnel !== 'disabled',
    tunnelPort: options['tunnel-port'] === 0 ? TUNNEL_PORTS[options.tunnel === 'geneve' ? 'geneve' : 'vxlan'] : options['tunnel-port'],
    encapIfindex: config.tunnelDevice?.ifindex ?? 0,
    ipv4Mask: netmask4(config.podCidr.length),
    l7Lb: features.l7Lb,
    enableIcmpRule: options['enable-icmp-rules'],
    enableSctp: options['enable-sctp'],
    allowIcmpFragNeeded: true,
    enableIpv4Fragments: options['enable-ipv4-fragment-tracking'],
    quirks: { policyIdProtoAny: released, loopbackBypass: released, replyPolicyAccounting: true, ...quirks },
  };
}

const FLAG_BITS: Readonly<Record<string, number>> = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128, all: 0xff };

/** `syn,fin,rst`, or `all`. @see cilium:pkg/option/config.go#DaemonConfig.parseMonitorAggregationFlags */
function reportFlags(text: string): number {
  return text.split(',').reduce((flags, name) => flags | (FLAG_BITS[name.trim().toLowerCase()] ?? 0), 0);
}
