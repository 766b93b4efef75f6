/**
 * nf_conntrack and NAT: connections whose addresses the stack rewrites, and the way back.
 *
 * A connection has two tuples: the one its first packet arrived with, and the one its replies will arrive with. They mirror each other unless
 * the connection is translated.
 * @see linux:net/netfilter/nf_conntrack_core.c#nf_conntrack_in
 * @see linux:net/netfilter/nf_nat_core.c#nf_nat_packet
 * @remarks Simplified: only what crosses a network card or is translated is tracked (nothing else can tell), a TCP connection begins with a SYN, and a
 * port that is taken is replaced by the next free one instead of a random one.
 */
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { type L4Header, type Packet, withIpL4 } from '../net/packet.ts';
import { ICMP_ECHO, ICMP_ECHOREPLY, IPPROTO_TCP, IPPROTO_UDP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../net/protocol.ts';
import { SECOND } from '../sim/clock.ts';
import type { Skb } from './skb.ts';

/** One direction of a connection. For ICMP echo both ports are the identifier. */
export interface NfTuple {
  readonly src: Ipv4;
  readonly sport: number;
  readonly dst: Ipv4;
  readonly dport: number;
  readonly protocol: number;
}

/** A connection. */
export interface NfConnection {
  readonly original: NfTuple;
  reply: NfTuple;
  /** In the table: its first packet has left. */
  confirmed: boolean;
  replied: boolean;
  /** FIN seen from either side: 1 original, 2 reply; 4 a RST. */
  closing: number;
  /** Nanoseconds since boot. */
  expires: number;
}

/** The connection a packet belongs to. */
export interface NfPacketState {
  readonly connection: NfConnection;
  readonly reply: boolean;
  /** An ICMP error about the connection. */
  readonly related: boolean;
}

/** Time-outs. @see linux:net/netfilter/nf_conntrack_proto_tcp.c#tcp_timeouts */
const TCP_SYN_SENT = 120 * SECOND;
const TCP_ESTABLISHED = 432_000 * SECOND;
const TCP_TIME_WAIT = 120 * SECOND;
const TCP_CLOSE = 10 * SECOND;
const UDP_UNREPLIED = 30 * SECOND;
const UDP_STREAM = 120 * SECOND;
const OTHER = 30 * SECOND;

/** Expired entries are looked for once in so many new connections. */
const SWEEP_EVERY = 512;

/** The connection table of one namespace. */
export class NfConntrack {
  readonly #now: () => number;
  /** By the text of either tuple. */
  readonly #table = new Map<string, NfConnection>();
  #created = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether there is anything to find. */
  get empty(): boolean {
    return this.#table.size === 0;
  }

  /** Connections in the table. */
  connections(): readonly NfConnection[] {
    return [...new Set(this.#table.values())];
  }

  /** Finds the connection of a packet and notes it in the skb. @see linux:net/netfilter/nf_conntrack_core.c#resolve_normal_ct */
  track(skb: Skb): NfPacketState | null {
    const { l4 } = skb.packet;
    if (l4.kind === 'icmp' && l4.quoted !== null) {
      const about = tupleOf(l4.quoted);
      const found = about === null ? null : this.#find(mirror(about));
      skb.nfct = found === null ? null : { ...found, related: true };
      return skb.nfct;
    }
    const tuple = tupleOf(skb.packet);
    const found = tuple === null ? null : this.#find(tuple);
    skb.nfct = found === null ? null : { ...found, related: false };
    if (found !== null) {
      this.#refresh(found.connection, found.reply, l4);
    }
    return skb.nfct;
  }

  /** Begins a connection with the packet, if it can begin one; it is in the table once its first packet leaves. */
  begin(skb: Skb, destination: { readonly address: Ipv4; readonly port: number } | null): NfPacketState | null {
    const { l4 } = skb.packet;
    const original = beginsConnection(l4) ? tupleOf(skb.packet) : null;
    if (original === null) {
      return null;
    }
    const reply = mirror(original);
    const connection: NfConnection = {
      original,
      reply: destination === null ? reply : { ...reply, src: destination.address, sport: destination.port },
      confirmed: false,
      replied: false,
      closing: 0,
      expires: 0,
    };
    skb.nfct = { connection, reply: false, related: false };
    return skb.nfct;
  }

  /** Before routing: the destination. @see linux:net/netfilter/nf_nat_proto.c#nf_nat_ipv4_pre_routing */
  translateDestination(skb: Skb): void {
    const state = skb.nfct;
    if (state === null) {
      return;
    }
    const { original, reply } = state.connection;
    if (state.reply) {
      // What answers goes back to who asked; the source is put right here as well, since nothing looks at it in between.
      rewrite(skb, state, { src: original.dst, sport: original.dport, dst: original.src, dport: original.sport });
    } else {
      rewrite(skb, state, { src: original.src, sport: original.sport, dst: reply.src, dport: reply.sport });
    }
  }

  /** After routing: the source; a new connection goes into the table. @see linux:net/netfilter/nf_nat_proto.c#nf_nat_ipv4_out */
  translateSource(skb: Skb, masquerade: Ipv4 | null): void {
    const state = skb.nfct;
    if (state === null || state.reply) {
      return;
    }
    const { connection } = state;
    if (!connection.confirmed) {
      if (masquerade !== null) {
        connection.reply = this.#free({ ...connection.reply, dst: masquerade });
      }
      this.#confirm(connection, skb.packet.l4);
    }
    const { reply } = connection;
    rewrite(skb, state, { src: reply.dst, sport: reply.dport, dst: reply.src, dport: reply.sport });
  }

  #confirm(connection: NfConnection, l4: L4Header): void {
    this.#created += 1;
    if (this.#created % SWEEP_EVERY === 0) {
      this.#sweep();
    }
    connection.confirmed = true;
    this.#table.set(keyOf(connection.original), connection);
    this.#table.set(keyOf(connection.reply), connection);
    this.#refresh(connection, false, l4);
  }

  /** The tuple itself, or one with another port where it is taken. @see linux:net/netfilter/nf_nat_core.c#get_unique_tuple */
  #free(reply: NfTuple): NfTuple {
    let tuple = reply;
    for (let tries = 0; tries < 64512 && this.#find(tuple) !== null; tries++) {
      const port = tuple.dport >= 65535 ? 1024 : Math.max(1024, tuple.dport + 1);
      tuple = { ...tuple, dport: port, ...(isEcho(tuple) ? { sport: port } : {}) };
    }
    return tuple;
  }

  #find(tuple: NfTuple): { readonly connection: NfConnection; readonly reply: boolean } | null {
    const key = keyOf(tuple);
    const connection = this.#table.get(key);
    if (connection === undefined) {
      return null;
    }
    if (connection.expires < this.#now()) {
      this.#remove(connection);
      return null;
    }
    return { connection, reply: keyOf(connection.original) !== key };
  }

  #refresh(connection: NfConnection, reply: boolean, l4: L4Header): void {
    connection.replied ||= reply;
    if (l4.kind === 'tcp') {
      connection.closing |= (l4.flags & TCP_RST) !== 0 ? 4 : (l4.flags & TCP_FIN) !== 0 ? (reply ? 2 : 1) : 0;
      if ((l4.flags & (TCP_SYN | TCP_ACK)) === TCP_SYN) {
        connection.closing = 0;
      }
    }
    connection.expires = this.#now() + timeout(connection);
  }

  #remove(connection: NfConnection): void {
    for (const key of [keyOf(connection.original), keyOf(connection.reply)]) {
      if (this.#table.get(key) === connection) {
        this.#table.delete(key);
      }
    }
  }

  #sweep(): void {
    const now = this.#now();
    for (const connection of this.connections()) {
      if (connection.expires < now) {
        this.#remove(connection);
      }
    }
  }
}

function timeout(connection: NfConnection): number {
  switch (connection.original.protocol) {
    case IPPROTO_TCP:
      if ((connection.closing & 4) !== 0) {
        return TCP_CLOSE;
      }
      return connection.closing === 3 ? TCP_TIME_WAIT : connection.replied ? TCP_ESTABLISHED : TCP_SYN_SENT;
    case IPPROTO_UDP:
      return connection.replied ? UDP_STREAM : UDP_UNREPLIED;
    default:
      return OTHER;
  }
}

/** Whether a packet can be the first of a connection. */
export function beginsConnection(l4: L4Header): boolean {
  switch (l4.kind) {
    case 'tcp':
      return (l4.flags & (TCP_SYN | TCP_ACK | TCP_RST)) === TCP_SYN;
    case 'udp':
    case 'sctp':
      return true;
    case 'icmp':
      return l4.type === ICMP_ECHO;
    case 'none':
      return false;
  }
}

/** The tuple of a packet, or `null` for one that has none. */
export function tupleOf(packet: Packet): NfTuple | null {
  const { ip, l4 } = packet;
  switch (l4.kind) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return { src: ip.src, sport: l4.sport, dst: ip.dst, dport: l4.dport, protocol: ip.protocol };
    case 'icmp':
      return l4.type === ICMP_ECHO || l4.type === ICMP_ECHOREPLY
        ? { src: ip.src, sport: l4.identifier, dst: ip.dst, dport: l4.identifier, protocol: ip.protocol }
        : null;
    case 'none':
      return null;
  }
}

function mirror(tuple: NfTuple): NfTuple {
  return { src: tuple.dst, sport: tuple.dport, dst: tuple.src, dport: tuple.sport, protocol: tuple.protocol };
}

function isEcho(tuple: NfTuple): boolean {
  return tuple.protocol !== IPPROTO_TCP && tuple.protocol !== IPPROTO_UDP && tuple.sport === tuple.dport;
}

function keyOf(tuple: NfTuple): string {
  return `${tuple.protocol} ${tuple.src}:${tuple.sport} ${tuple.dst}:${tuple.dport}`;
}

/** `TCP 10.0.0.1:40000 -> 1.1.1.1:80` */
export function nfTupleText(tuple: Omit<NfTuple, 'protocol'>): string {
  return `${formatIpv4(tuple.src)}:${tuple.sport} -> ${formatIpv4(tuple.dst)}:${tuple.dport}`;
}

/** Puts a tuple into a packet; into an ICMP error its mirror goes into the quoted packet, and the receiver's address into the outer header. */
function rewrite(skb: Skb, state: NfPacketState, to: Omit<NfTuple, 'protocol'>): void {
  const { packet } = skb;
  if (!state.related) {
    skb.packet = withTuple(packet, to);
    return;
  }
  const { l4, ip } = packet;
  if (l4.kind === 'icmp' && l4.quoted !== null) {
    const quoted = withTuple(l4.quoted, { src: to.dst, sport: to.dport, dst: to.src, dport: to.sport });
    const wasPeer = ip.src === l4.quoted.ip.dst;
    skb.packet = withIpL4(packet, { ...ip, src: wasPeer ? to.src : ip.src, dst: to.dst }, { ...l4, quoted });
  }
}

function withTuple(packet: Packet, to: Omit<NfTuple, 'protocol'>): Packet {
  const { ip, l4 } = packet;
  const header = { ...ip, src: to.src, dst: to.dst };
  switch (l4.kind) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return withIpL4(packet, header, { ...l4, sport: to.sport, dport: to.dport });
    case 'icmp':
      return withIpL4(packet, header, { ...l4, identifier: to.sport });
    case 'none':
      return withIpL4(packet, header, l4);
  }
}
