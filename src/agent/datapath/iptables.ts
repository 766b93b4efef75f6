/**
 * Netfilter rules of the agent: static ones at start, a TPROXY pair for each proxy port when the proxy has acknowledged its listener.
 * @see cilium:pkg/datapath/iptables/iptables.go
 */
import type { Match, Netfilter, NfRule, Target } from '../../kernel/netfilter.ts';
import { toProxyMark } from '../../maps/marks.ts';
import type { Cidr4 } from '../../net/ipv4.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../net/protocol.ts';

const ALL_BITS = 0xffffffff;

/** What the rules depend on. */
export interface StaticRules {
  readonly podCidr: Cidr4;
  /** Destinations that see a pod's own address: ipv4-native-routing-cidr, or the node's pod CIDR. */
  readonly notMasqueraded: Cidr4;
  /** Whether iptables masquerades at all. */
  readonly masquerade: boolean;
}

/** Chains and rules that are always there. @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.installStaticProxyRules */
export function installStaticRules(netfilter: Netfilter, { podCidr, notMasqueraded, masquerade }: StaticRules): void {
  const jump = (chain: string): NfRule => ({ matches: [], target: { kind: 'JUMP', chain }, comment: `cilium-feeder: ${chain}` });
  netfilter.insert('raw', 'PREROUTING', jump('CILIUM_PRE_raw'));
  netfilter.insert('mangle', 'PREROUTING', jump('CILIUM_PRE_mangle'));
  netfilter.insert('raw', 'OUTPUT', jump('CILIUM_OUTPUT_raw'));
  netfilter.insert('filter', 'OUTPUT', jump('CILIUM_OUTPUT'));
  netfilter.insert('filter', 'INPUT', jump('CILIUM_INPUT'));
  netfilter.insert('nat', 'POSTROUTING', jump('CILIUM_POST_nat'));

  const proxyMark: Match = { kind: 'mark', value: 0x200, mask: 0xf00 };
  const fromProxy: Match = { kind: 'mark', value: 0xa00, mask: 0xfffffeff };
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
  }
  netfilter.append('filter', 'CILIUM_OUTPUT', { matches: [fromProxy], target: accept, comment: 'cilium: ACCEPT for proxy return traffic' });
  const notFrom: Match[] = [
    { kind: 'mark', value: 0xe00, mask: 0xf00, negate: true },
    { kind: 'mark', value: 0xd00, mask: 0xf00, negate: true },
    { kind: 'mark', value: 0xa00, mask: 0xe00, negate: true },
    { kind: 'mark', value: 0x800, mask: 0xe00, negate: true },
    { kind: 'mark', value: 0xf00, mask: 0xf00, negate: true },
  ];
  const hostMark: Target = { kind: 'MARK', value: 0xc00, mask: 0xf00, xset: true };
  netfilter.append('filter', 'CILIUM_OUTPUT', { matches: notFrom, target: hostMark, comment: 'cilium: host->any mark as from host' });
  netfilter.append('nat', 'CILIUM_POST_nat', {
    matches: [{ kind: 'mark', value: 0xa00, mask: 0xe00 }],
    target: accept,
    comment: 'exclude proxy return traffic from masquerade',
  });
  if (!masquerade) {
    return;
  }
  netfilter.append('nat', 'CILIUM_POST_nat', {
    matches: [
      { kind: 'src', cidr: podCidr },
      { kind: 'dst', cidr: notMasqueraded, negate: true },
      { kind: 'out', device: 'cilium_+', negate: true },
    ],
    target: { kind: 'MASQUERADE' },
    comment: 'cilium masquerade non-cluster',
  });
}

/** Sends packets marked for a proxy port to the proxy's socket. @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.InstallProxyRules */
export function installProxyRules(netfilter: Netfilter, name: string, port: number): void {
  for (const protocol of [IPPROTO_TCP, IPPROTO_UDP]) {
    netfilter.append('mangle', 'CILIUM_PRE_mangle', {
      matches: [
        { kind: 'protocol', protocol },
        { kind: 'mark', value: toProxyMark(port), mask: ALL_BITS },
      ],
      target: { kind: 'TPROXY', port, mark: 0x200, mask: ALL_BITS },
      comment: `cilium: TPROXY to host ${name} proxy`,
    });
  }
}

/** Takes them away again. @see cilium:pkg/datapath/iptables/iptables.go#IptablesManager.RemoveRules */
export function removeProxyRules(netfilter: Netfilter, port: number): void {
  netfilter.remove('mangle', 'CILIUM_PRE_mangle', (rule) => rule.target.kind === 'TPROXY' && rule.target.port === port);
}
