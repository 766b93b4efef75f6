/**
 * A network namespace: addresses, routes, netfilter, sockets, and the paths between them.
 *
 * ```
 *  device -> tc ingress -> raw/mangle PREROUTING -> route -+-> INPUT -> socket
 *                                                          +-> FORWARD -> POSTROUTING -> device
 *  socket -> route -> raw/mangle/filter OUTPUT -> route -> POSTROUTING -> tc egress -> device
 * ```
 * @see linux:net/ipv4/ip_input.c#ip_rcv
 * @see linux:net/ipv4/ip_output.c#__ip_local_out
 */
import { formatIpv4, type Ipv4, netmask4 } from '../net/ipv4.ts';
import { ETH_HLEN, type Packet, packetSummary, withIp } from '../net/packet.ts';
import { ICMP_DEST_UNREACH, ICMP_EXC_FRAGTIME, ICMP_FRAG_NEEDED, ICMP_PORT_UNREACH, ICMP_TIME_EXCEEDED } from '../net/protocol.ts';
import { assert } from '../sim/assert.ts';
import { CgroupHooks } from './cgroup_hooks.ts';
import { DNAT_MASQUERADE_MARK, DnatTable } from './dnat.ts';
import { Icmp } from './icmp.ts';
import { Defragmenter, ipFragment, isFragment } from './ip_fragment.ts';
import type { Kernel } from './kernel.ts';
import type { NetDevice } from './netdev.ts';
import { Netfilter, type NfContext, nfRuleText } from './netfilter.ts';
import { beginsConnection, NfConntrack } from './nf_conntrack.ts';
import { type RouteResult, RoutingTables, RT_TABLE_LOCAL, RT_TABLE_MAIN, routeMtu, routeText, ruleText } from './route.ts';
import { SctpLayer } from './sctp/sctp_layer.ts';
import { Skb } from './skb.ts';
import type {
  ConnectOptions,
  ListenOptions,
  PingOptions,
  PingSocket,
  SctpAssociation,
  SctpConnectOptions,
  SctpListener,
  SctpListenOptions,
  SocketErrno,
  SocketLayer,
  TcpListener,
  TcpSocket,
  UdpOptions,
  UdpSocket,
} from './socket.ts';
import { TcpLayer } from './tcp/tcp_layer.ts';
import { decapsulate } from './tunnel.ts';
import { UdpLayer } from './udp.ts';

/** An address of the namespace. */
export interface AddressEntry {
  readonly address: Ipv4;
  readonly length: number;
  readonly device: NetDevice;
}

/** What the hooks of a packet are walked with. */
type HookContext = { inDevice: string; outDevice: string; source: Ipv4 | 'masquerade' | null } & NfContext;

/** A namespace and its socket calls. */
export class NetNs implements SocketLayer {
  readonly name: string;
  readonly kernel: Kernel;
  /** Its cookie; the host's is 1. */
  readonly cookie: number;
  readonly devices = new Map<string, NetDevice>();
  readonly routing = new RoutingTables();
  readonly netfilter = new Netfilter();
  /** Destinations that are translated before routing (kube-proxy's rules). */
  readonly dnat = new DnatTable();
  readonly conntrack: NfConntrack;
  /** Tunnel devices by the UDP port they listen on. */
  readonly tunnels = new Map<number, NetDevice>();
  /** net.ipv4.ip_forward */
  forwarding = false;
  /** Programs that see its socket calls. */
  readonly cgroup: CgroupHooks;
  readonly tcp: TcpLayer;
  readonly udpLayer: UdpLayer;
  readonly sctp: SctpLayer;
  readonly #icmp: Icmp;
  readonly #fragments: Defragmenter;
  readonly #hook: HookContext;
  readonly #addresses: AddressEntry[] = [];
  #loopback: NetDevice | null = null;
  #ipId = 0;

  constructor(kernel: Kernel, name: string, cookie: number) {
    this.kernel = kernel;
    this.name = name;
    this.cookie = cookie;
    this.conntrack = new NfConntrack(() => kernel.scheduler.clock.now());
    this.cgroup = new CgroupHooks(kernel, cookie);
    this.tcp = new TcpLayer(this);
    this.udpLayer = new UdpLayer(this);
    this.sctp = new SctpLayer(this);
    this.#icmp = new Icmp(this);
    this.#fragments = new Defragmenter(kernel.scheduler, (first) => this.#icmp.sendError(first, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME));
    this.#hook = {
      inDevice: '',
      outDevice: '',
      source: null,
      masquerade: () => {
        this.#hook.source = 'masquerade';
      },
      snat: (to) => {
        this.#hook.source = to;
      },
      transparentSocket: (skb) => this.tcp.matchTransparent(skb),
      tproxy: (skb, port) => (skb.packet.l4.kind === 'udp' ? this.udpLayer.tproxy(skb, port) : this.tcp.tproxy(skb, port)),
      matched: (table, chain, rule, skb) => {
        if (kernel.journey.recording) {
          this.#step(skb, 'ipt_do_table', rule.target.kind, `${table} ${chain}: ${nfRuleText(rule)}`);
        }
      },
    };
  }

  /** Called once by the kernel. */
  attachLoopback(device: NetDevice): void {
    this.#loopback = device;
    this.addAddress(device, 0x7f000001, 8);
    this.routing.replaceRoute(RT_TABLE_LOCAL, { kind: 'local', dst: { address: 0x7f000000, length: 8 }, device });
  }

  /** The loopback device. */
  get loopback(): NetDevice {
    assert(this.#loopback !== null, 'loopback is attached at creation');
    return this.#loopback;
  }

  /** Addresses in order of addition. */
  get addresses(): readonly AddressEntry[] {
    return this.#addresses;
  }

  /** `ip addr add`: a local route, and the on-link route of its prefix. */
  addAddress(device: NetDevice, address: Ipv4, length: number): void {
    this.#addresses.push({ address, length, device });
    this.routing.replaceRoute(RT_TABLE_LOCAL, { kind: 'local', dst: { address, length: 32 }, device: this.loopback, src: address });
    if (length < 32 && device !== this.loopback) {
      const network = (address & netmask4(length)) >>> 0;
      this.routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: { address: network, length }, device, src: address });
    }
  }

  /** Whether an address is one of the namespace's own. */
  isLocal(address: Ipv4): boolean {
    for (const entry of this.#addresses) {
      if (entry.address === address) {
        return true;
      }
    }
    return false;
  }

  /** Forgets a device that is gone. */
  detach(device: NetDevice): void {
    this.devices.delete(device.name);
    for (let i = this.#addresses.length - 1; i >= 0; i--) {
      const entry = this.#addresses[i] as AddressEntry;
      if (entry.device === device) {
        this.routing.deleteRoute(RT_TABLE_LOCAL, { address: entry.address, length: 32 });
        this.#addresses.splice(i, 1);
      }
    }
    for (const table of [RT_TABLE_MAIN]) {
      for (const route of this.routing.table(table).filter((one) => one.device === device)) {
        this.routing.deleteRoute(table, route.dst);
      }
    }
  }

  connect(options: ConnectOptions): TcpSocket | SocketErrno {
    return this.tcp.connect(options);
  }

  listen(options: ListenOptions): TcpListener | SocketErrno {
    return this.tcp.listen(options);
  }

  udp(options: UdpOptions): UdpSocket | SocketErrno {
    return this.udpLayer.open(options);
  }

  sctpConnect(options: SctpConnectOptions): SctpAssociation | SocketErrno {
    return this.sctp.connect(options);
  }

  sctpListen(options: SctpListenOptions): SctpListener | SocketErrno {
    return this.sctp.listen(options);
  }

  ping(options: PingOptions): PingSocket {
    return this.#icmp.open(options);
  }

  /** The next IP identification. */
  nextIpId(): number {
    this.#ipId = (this.#ipId + 1) & 0xffff;
    return this.#ipId;
  }

  /**
   * The source address of a packet to `destination`, or `null` without a route.
   * @see linux:net/ipv4/route.c#ip_route_output_key_hash_rcu
   */
  sourceAddress(destination: Ipv4, mark: number): Ipv4 | null {
    const found = this.routing.lookup(destination, mark);
    if (found === null) {
      return null;
    }
    if (found.route.kind === 'local') {
      return destination;
    }
    return (
      found.route.src ??
      this.#addresses.find((entry) => entry.device === found.route.device)?.address ??
      this.#addresses[1]?.address ??
      null
    );
  }

  /** The largest packet to a destination, without its Ethernet header. */
  pathMtu(destination: Ipv4, mark: number): number {
    const found = this.routing.lookup(destination, mark);
    return found === null ? this.loopback.mtu : routeMtu(found.route);
  }

  /** A frame that tc let in. @see linux:net/ipv4/ip_input.c#ip_rcv */
  receive(skb: Skb, device: NetDevice): void {
    // Connection tracking wants whole datagrams, and so does TPROXY. @see linux:net/ipv4/netfilter/nf_defrag_ipv4.c#ipv4_conntrack_defrag
    if (isFragment(skb.packet.ip) && this.netfilter.translates && !this.#defragment(skb)) {
      return;
    }
    const context = this.#context(device.name, '');
    if (
      this.netfilter.walk('raw', 'PREROUTING', skb, context) === 'drop' ||
      this.netfilter.walk('mangle', 'PREROUTING', skb, context) === 'drop'
    ) {
      this.#dropped(skb, 'PREROUTING', 'a netfilter rule');
      return;
    }
    if (!this.#natIn(skb)) {
      return;
    }
    const result = this.#route(skb, 'ip_route_input_slow');
    if (result === null) {
      this.#dropped(skb, 'ip_route_input_slow', 'no route');
      return;
    }
    if (result.route.kind === 'local') {
      if (this.netfilter.walk('filter', 'INPUT', skb, context) === 'drop') {
        this.#dropped(skb, 'INPUT', 'a netfilter rule');
        return;
      }
      this.#deliver(skb);
    } else {
      this.#forward(skb, device, result);
    }
  }

  /** A packet made by a socket here. @see linux:net/ipv4/ip_output.c#__ip_local_out */
  output(packet: Packet, mark: number): void {
    const skb = new Skb(packet);
    skb.mark = mark;
    let result = this.#route(skb, 'ip_route_output_key');
    if (result === null) {
      this.#dropped(skb, 'ip_route_output_key', 'no route');
      return;
    }
    const context = this.#context('', result.route.device.name);
    for (const table of ['raw', 'mangle', 'filter'] as const) {
      if (this.netfilter.walk(table, 'OUTPUT', skb, context) === 'drop') {
        this.#dropped(skb, 'OUTPUT', 'a netfilter rule');
        return;
      }
    }
    if (!this.#natIn(skb)) {
      return;
    }
    if (skb.mark !== mark || skb.packet.ip.dst !== packet.ip.dst) {
      // A changed mark or destination is looked up again, as after the mangle table. @see linux:net/ipv4/netfilter.c#ip_route_me_harder
      result = this.routing.lookup(skb.packet.ip.dst, skb.mark) ?? result;
    }
    const local = result.route.kind === 'local';
    const device = local ? this.loopback : result.route.device;
    this.#natOut(skb, null, device);
    this.#finishOutput(skb, device, local ? device.mtu : routeMtu(result.route));
  }

  /** Waits for the rest of a datagram; `true` once the packet is the whole of it. */
  #defragment(skb: Skb): boolean {
    const whole = this.#fragments.add(skb.packet);
    if (this.kernel.journey.recording) {
      this.#step(
        skb,
        'ip_defrag',
        whole === null ? 'queue' : 'complete',
        `fragment at ${skb.packet.ip.fragmentOffset * 8} of ${this.name}`,
      );
    }
    skb.packet = whole ?? skb.packet;
    return whole !== null;
  }

  /** What is larger than the way goes in pieces. @see linux:net/ipv4/ip_output.c#ip_finish_output */
  #finishOutput(skb: Skb, device: NetDevice, mtu: number): void {
    if (skb.packet.length - ETH_HLEN <= mtu) {
      device.transmit(skb);
      return;
    }
    for (const part of ipFragment(skb.packet, mtu, this.kernel.nextPacketId)) {
      const piece = skb.clone();
      piece.packet = part;
      device.transmit(piece);
    }
  }

  /** Destination NAT, and replies of what was translated; `false`: rejected. @see linux:net/netfilter/nf_nat_core.c#nf_nat_inet_fn */
  #natIn(skb: Skb): boolean {
    if (skb.notrack || (this.conntrack.empty && (this.dnat.empty || !beginsConnection(skb.packet.l4)))) {
      return true;
    }
    const before = skb.packet;
    if (this.conntrack.track(skb) === null && !this.dnat.empty && beginsConnection(skb.packet.l4)) {
      const { rng, scheduler } = this.kernel;
      const choice = this.dnat.choose(skb, { isLocal: (address) => this.isLocal(address), rng, now: scheduler.clock.now() });
      if (choice === 'drop') {
        this.#dropped(skb, 'KUBE-SERVICES', 'the service has no local endpoints, or does not let the source in');
        return false;
      }
      if (choice === 'reject') {
        this.#dropped(skb, 'KUBE-SERVICES', 'rejected: the service has no endpoints');
        this.#icmp.sendError(skb.packet, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
        return false;
      }
      if (choice !== null) {
        skb.mark = choice.masquerade ? (skb.mark | DNAT_MASQUERADE_MARK) >>> 0 : skb.mark;
        this.conntrack.begin(skb, choice.to);
      }
    }
    this.conntrack.translateDestination(skb);
    this.#translated(skb, before, 'nf_nat_ipv4_pre_routing');
    return true;
  }

  /** Source NAT: rules are asked for the first packet of a connection only. @see linux:net/netfilter/nf_nat_core.c#nf_nat_inet_fn */
  #natOut(skb: Skb, from: NetDevice | null, out: NetDevice): void {
    if (skb.nfct !== null && (skb.nfct.connection.confirmed || skb.nfct.related)) {
      const before = skb.packet;
      this.conntrack.translateSource(skb, null);
      this.#translated(skb, before, 'nf_nat_ipv4_out');
      return;
    }
    const context = this.#context(from?.name ?? '', out.name);
    this.netfilter.walk('nat', 'POSTROUTING', skb, context);
    // What a network card brought is tracked as well: its replies must not be taken for connections of their own.
    const crosses = out.kind === 'uplink' || from?.kind === 'uplink' || typeof context.source === 'number';
    if (skb.notrack || (!crosses && skb.nfct === null) || !this.netfilter.translates) {
      return;
    }
    const before = skb.packet;
    if (skb.nfct !== null || this.conntrack.begin(skb, null) !== null) {
      this.conntrack.translateSource(skb, out === this.#loopback ? null : this.#newSource(context, out));
      this.#translated(skb, before, 'nf_nat_ipv4_out');
    }
  }

  #newSource({ source }: HookContext, out: NetDevice): Ipv4 | null {
    return source === 'masquerade' ? (this.#addresses.find((entry) => entry.device === out)?.address ?? null) : source;
  }

  #translated(skb: Skb, before: Packet, fn: string): void {
    if (skb.packet !== before && this.kernel.journey.recording) {
      const [from, to] = [packetSummary(before), packetSummary(skb.packet)];
      if (from !== to) {
        this.kernel.journey.add({
          kind: 'change',
          actor: 'kernel',
          fn,
          see: `linux:net/netfilter/nf_nat_proto.c#${fn}`,
          packet: before.id,
          target: 'packet',
          before: from,
          after: to,
        });
      }
    }
  }

  /** Writes an ICMP error about a packet to its sender. */
  icmpError(packet: Packet, type: number, code: number): void {
    this.#icmp.sendError(packet, type, code);
  }

  #forward(skb: Skb, device: NetDevice, result: RouteResult): void {
    if (!this.forwarding) {
      this.#dropped(skb, 'ip_forward', 'forwarding is off');
      return;
    }
    const { ip } = skb.packet;
    if (ip.ttl <= 1) {
      this.#icmp.sendError(skb.packet, 11, 0);
      this.#dropped(skb, 'ip_forward', 'TTL exceeded');
      return;
    }
    if (ip.dontFragment && skb.packet.length - ETH_HLEN > routeMtu(result.route)) {
      this.#icmp.sendError(skb.packet, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED);
      this.#dropped(skb, 'ip_forward', 'larger than the MTU, and not to be fragmented');
      return;
    }
    skb.packet = withIp(skb.packet, { ...ip, ttl: ip.ttl - 1 });
    const context = this.#context(device.name, result.route.device.name);
    if (
      this.netfilter.walk('mangle', 'FORWARD', skb, context) === 'drop' ||
      this.netfilter.walk('filter', 'FORWARD', skb, context) === 'drop'
    ) {
      this.#dropped(skb, 'FORWARD', 'a netfilter rule');
      return;
    }
    this.#natOut(skb, device, result.route.device);
    // The next device fills in its own Ethernet addresses.
    skb.packet = { ...skb.packet, eth: { dst: 0, src: 0, type: skb.packet.eth.type } };
    this.#finishOutput(skb, result.route.device, routeMtu(result.route));
  }

  #deliver(skb: Skb): void {
    if (isFragment(skb.packet.ip) && !this.#defragment(skb)) {
      return;
    }
    const { l4, ip } = skb.packet;
    if (this.kernel.journey.recording) {
      this.#step(skb, 'ip_local_deliver', 'deliver', `to a socket of ${this.name}`);
    }
    switch (l4.kind) {
      case 'tcp':
        this.tcp.receive(skb, l4);
        return;
      case 'udp': {
        const tunnel = this.tunnels.size === 0 ? undefined : this.tunnels.get(l4.dport);
        if (tunnel === undefined) {
          this.udpLayer.receive(skb, l4);
        } else {
          decapsulate(tunnel, skb, l4);
        }
        return;
      }
      case 'sctp':
        this.sctp.receive(skb, l4);
        return;
      case 'icmp':
        this.#icmp.receive(skb, l4);
        return;
      default:
        if (this.isLocal(ip.dst)) {
          this.#icmp.sendError(skb.packet, 3, 2);
        }
    }
  }

  #route(skb: Skb, fn: string): RouteResult | null {
    const { dst } = skb.packet.ip;
    const result = this.routing.lookup(dst, skb.mark);
    if (this.kernel.journey.recording) {
      this.kernel.journey.add({
        kind: 'lookup',
        actor: 'kernel',
        fn,
        see: `linux:net/ipv4/route.c#${fn}`,
        packet: skb.packet.id,
        map: `routes of ${this.name}`,
        key: { dst: formatIpv4(dst), mark: `0x${skb.mark.toString(16)}` },
        entry: result === null ? null : { rule: ruleText(result.rule), route: routeText(result.route) },
      });
    }
    return result;
  }

  /** The walk's surroundings; one object, since hooks do not nest. */
  #context(inDevice: string, outDevice: string): HookContext {
    this.#hook.source = null;
    this.#hook.inDevice = inDevice;
    this.#hook.outDevice = outDevice;
    return this.#hook;
  }

  #dropped(skb: Skb, fn: string, why: string): void {
    if (this.kernel.journey.recording) {
      this.#step(skb, fn, 'drop', `${why} in ${this.name}: ${packetSummary(skb.packet)}`);
    }
  }

  #step(skb: Skb, fn: string, verdict: string, why: string): void {
    this.kernel.journey.add({ kind: 'decide', actor: 'kernel', fn, packet: skb.packet.id, verdict, why });
  }
}
