/**
 * Netfilter rules of the agent: static ones at start, a TPROXY pair for each proxy port when the proxy has acknowledged its listener.
 * @see cilium:pkg/datapath/iptables/iptables.go
 */
import type { HookName, Match, Netfilter, NfRule, TableName, Target } from '../../kernel/netfilter.ts';
import { toProxyMark } from '../../maps/marks.ts';
import { type Cidr4, type Ipv4, parseCidr4 } from '../../net/ipv4.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../net/protocol.ts';
import type { DaemonOptions } from '../option/config.ts';
import { datapathFeatures } from '../option/features.ts';

const ALL_BITS = 0xffffffff;

/** What the rules depend on. */
export interface StaticRules {
  readonly podCidr: Cidr4;
  /** `null`: iptables does not masquerade. */
  readonly masquerade: MasqueradeRules | null;
}

/** What rules of source NAT depend on. */
export interface MasqueradeRules {
  /** Destinations that see a pod's own address: ipv4-native-routing-cidr, or the node's pod CIDR. */
  readonly notMasqueraded: Cidr4;
  /** cilium_host's address. */
  readonly hostIp: Ipv4;
  readonly tunnel: boolean;
  /** The device by which the host reaches pods; `null`: each pod has its own. */
  readonly deliveryDevice: string | null;
}

/** The rules that the options ask for. */
export function staticRules(options: DaemonOptions, podCidr: Cidr4, hostIp: Ipv4): StaticRules {
  const { iptablesMasquerade, endpointRoutes } = datapathFeatures(options);
  const notMasqueraded = parseCidr4(options['ipv4-native-routing-cidr']) ?? podCidr;
  const masquerade = {
    notMasqueraded,
    hostIp,
    tunnel: options.tunnel !== 'disabled',
    deliveryDevice: endpointRoutes ? null : 'cilium_host',
  };
  return { podCidr, masquerade: iptablesMasquerade ? masquerade : null };
}

/** The listener whose rules survive a restart of the agent. */
export const DNS_PROXY_NAME = 'cilium-dns-egress';

/** What Cilium adds to built-in chains, and its own chains. */
const CILIUM_CHAINS: readonly (readonly [TableName, HookName, string])[] = [
  ['raw', 'PREROUTING', 'CILIUM_PRE_raw'],
  ['mangle', 'PREROUTING', 'CILIUM_PRE_mangle'],
  ['raw', 'OUTPUT', 'CILIUM_OUTPUT_raw'],
  ['filter', 'OUTPUT', 'CILIUM_OUTPUT'],
  ['filter', 'INPUT', 'CILIUM_INPUT'],
  ['nat', 'POSTROUTING', 'CILIUM_POST_nat'],
];

/**
 * Rules at the start of an agent: those of the agent before go, except the DNS proxy's TPROXY rules, which are copied. Rules of the other proxies
 * name ports that nobody will listen on again.
 * @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.doInstallRules
 */
export function installRules(netfilter: Netfilter, rules: StaticRules): void {
  const kept = netfilter.rules('mangle', 'CILIUM_PRE_mangle').filter((rule) => rule.comment === tproxyComment(DNS_PROXY_NAME));
  for (const [table, hook, chain] of CILIUM_CHAINS) {
    if (netfilter.rules(table, chain).length > 0) {
      netfilter.remove(table, hook, ({ target }) => target.kind === 'JUMP' && target.chain === chain);
      netfilter.remove(table, chain, () => true);
    }
  }
  installStaticRules(netfilter, rules);
  for (const rule of kept) {
    netfilter.append('mangle', 'CILIUM_PRE_mangle', rule);
  }
}

/** The port that rules of a proxy name; 0 if there are none. @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.GetProxyPort */
export function proxyPortOfRules(netfilter: Netfilter, name: string): number {
  const rule = netfilter.rules('mangle', 'CILIUM_PRE_mangle').find(({ comment }) => comment === tproxyComment(name));
  return rule?.target.kind === 'TPROXY' ? rule.target.port : 0;
}

/** Chains and rules that are always there. @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.installStaticProxyRules */
function installStaticRules(netfilter: Netfilter, { podCidr, masquerade }: StaticRules): void {
  const jump = (chain: string): NfRule => ({ matches: [], target: { kind: 'JUMP', chain }, comment: `cilium-feeder: ${chain}` });
  for (const [table, hook, chain] of CILIUM_CHAINS) {
    netfilter.insert(table, hook, jump(chain));
  }

  const proxyMark: Match = { kind: 'mark', value: 0x200, mask: 0xf00 };
  const fromProxy: Match = { kind: 'mark', value: 0xa00, mask: 0xfffffeff };
  const fromL7Lb: Match = { kind: 'mark', value: 0x800, mask: 0xe00 };
  const notrack: Target = { kind: 'NOTRACK' };
  const accept: Target = { kind: 'ACCEPT' };
  netfilter.append('mangle', 'CILIUM_PRE_mangle', {
    matches: [{ kind: 'socket', transparent: true }],
    target: { kind: 'MARK', value: 0x200, mask: ALL_BITS },
    comment: 'cilium: any->pod redirect proxied traffic to host proxy',
  });
  netfilter.append('raw', 'CILIUM_PRE_raw', { matches: [proxyMark], target: notrack, comment: 'cilium: NOTRACK for proxy traffic' });
  netfilter.append('filter', 'CILIUM_INPUT', { matches: [proxyMark], target: accept, comment: 'cilium: ACCEPT for proxy traffic' });
  for (const device of ['lxc+', 'cilium_host']) {
    const matches: Match[] = [{ kind: 'out', device }, fromProxy];
    netfilter.append('raw', 'CILIUM_OUTPUT_raw', { matches, target: notrack, comment: 'cilium: NOTRACK for proxy return traffic' });
    const upstream: NfRule = {
      matches: [{ kind: 'out', device }, fromL7Lb],
      target: notrack,
      comment: 'cilium: NOTRACK for L7 proxy upstream traffic',
    };
    netfilter.append('raw', 'CILIUM_OUTPUT_raw', upstream);
  }
  netfilter.append('filter', 'CILIUM_OUTPUT', { matches: [fromProxy], target: accept, comment: 'cilium: ACCEPT for proxy return traffic' });
  netfilter.append('filter', 'CILIUM_OUTPUT', {
    matches: [fromL7Lb],
    target: accept,
    comment: 'cilium: ACCEPT for l7 proxy upstream traffic',
  });
  const notFrom: Match[] = [
    { kind: 'mark', value: 0xe00, mask: 0xf00, negate: true },
    { kind: 'mark', value: 0xd00, mask: 0xf00, negate: true },
    { kind: 'mark', value: 0xa00, mask: 0xe00, negate: true },
    { kind: 'mark', value: 0x800, mask: 0xe00, negate: true },
    { kind: 'mark', value: 0xf00, mask: 0xf00, negate: true },
  ];
  const hostMark: Target = { kind: 'MARK', value: 0xc00, mask: 0xf00, xset: true };
  netfilter.append('filter', 'CILIUM_OUTPUT', { matches: notFrom, target: hostMark, comment: 'cilium: host->any mark as from host' });
  if (masquerade !== null) {
    installMasqueradeRules(netfilter, podCidr, masquerade);
  }
}

/** @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.installMasqueradeRules */
function installMasqueradeRules(netfilter: Netfilter, podCidr: Cidr4, masquerade: MasqueradeRules): void {
  const append = (comment: string, target: Target, matches: Match[]): void =>
    netfilter.append('nat', 'CILIUM_POST_nat', { matches, target, comment });
  const { notMasqueraded, hostIp, tunnel, deliveryDevice } = masquerade;
  const toHostIp: Target = { kind: 'SNAT', to: hostIp };
  const delivered: Match = { kind: 'out', device: deliveryDevice ?? 'lxc+' };
  const loopback: Cidr4 = { address: 0x7f000001, length: 32 };
  append('cilium masquerade non-cluster', { kind: 'MASQUERADE' }, [
    { kind: 'dst', cidr: notMasqueraded, negate: true },
    { kind: 'src', cidr: podCidr },
    { kind: 'out', device: 'cilium_+', negate: true },
  ]);
  append('exclude proxy return traffic from masquerade', { kind: 'ACCEPT' }, [{ kind: 'mark', value: 0xa00, mask: 0xe00 }]);
  if (tunnel) {
    append('cilium host->cluster masquerade', toHostIp, [
      { kind: 'src', cidr: podCidr, negate: true },
      { kind: 'dst', cidr: podCidr, negate: true },
      { kind: 'out', device: 'cilium_host' },
    ]);
  }
  append('cilium host->cluster from 127.0.0.1 masquerade', toHostIp, [{ kind: 'src', cidr: loopback }, delivered]);
  if (deliveryDevice !== null) {
    append('hairpin traffic that originated from a local pod', toHostIp, [
      { kind: 'mark', value: 0xf00, mask: 0xf00 },
      delivered,
      { kind: 'ctstate', state: 'DNAT' },
    ]);
  }
}

function tproxyComment(name: string): string {
  return `cilium: TPROXY to host ${name} proxy`;
}

/**
 * Sends packets marked for a proxy port to the proxy's socket. Rules for another port of the same proxy go: they stay when a proxy ends, until here.
 * @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.InstallProxyRules
 */
export function installProxyRules(netfilter: Netfilter, name: string, port: number): void {
  if (proxyPortOfRules(netfilter, name) === port) {
    return;
  }
  netfilter.remove('mangle', 'CILIUM_PRE_mangle', ({ comment }) => comment === tproxyComment(name));
  for (const protocol of [IPPROTO_TCP, IPPROTO_UDP]) {
    netfilter.append('mangle', 'CILIUM_PRE_mangle', {
      matches: [
        { kind: 'protocol', protocol },
        { kind: 'mark', value: toProxyMark(port), mask: ALL_BITS },
      ],
      target: { kind: 'TPROXY', port, mark: 0x200, mask: ALL_BITS },
      comment: tproxyComment(name),
    });
  }
}
