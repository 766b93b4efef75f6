/**
 * The agent's DNS proxy: takes the questions that the datapath redirects to it, asks the server they were meant for, and lets an answer go only
 * when the addresses in it are known to the maps.
 * @see cilium:pkg/fqdn/dnsproxy/proxy.go#DNSProxy
 */
import { isErrno, type SocketAddress, type SocketLayer, type TcpHandlers, type TcpSocket, type UdpSocket } from '../../kernel/socket.ts';
import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import { identityMark, MARK_MAGIC_IDENTITY, MARK_MAGIC_PROXY_EGRESS } from '../../maps/marks.ts';
import { DNS_RCODE_FORMERR, DNS_RCODE_NOERROR, type DnsMessage, decodeDns, encodeDns } from '../../net/dns.ts';
import { FrameReader, frame } from '../../net/dns_frames.ts';
import { IPV4_ANY, type Ipv4 } from '../../net/ipv4.ts';
import { type Nanos, SECOND } from '../../sim/clock.ts';
import type { Rng } from '../../sim/rng.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { improperQuery, rcodeReply } from './dns_message.ts';
import { DnsRules } from './dns_rules.ts';

/** How long the proxy waits for a server. @see cilium:pkg/fqdn/dnsproxy/proxy.go#ProxyForwardTimeout */
export const PROXY_FORWARD_TIMEOUT: Nanos = 10 * SECOND;
/** How long it waits for a TCP connection. */
const DIAL_TIMEOUT: Nanos = 2 * SECOND;

/** A redirected question and where it came from. */
export interface ProxiedQuery {
  readonly protocol: 'udp' | 'tcp';
  readonly endpoint: Endpoint;
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  readonly serverIdentity: NumericIdentity;
}

/** What happened to a question or an answer. */
export type DnsOutcome = { readonly kind: 'forwarded' | 'denied' } | { readonly kind: 'error'; readonly message: string };

/** What the proxy needs. */
export interface DnsProxyDeps {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  /** The host's. */
  readonly sockets: SocketLayer;
  /** Preferred port; 0 = any. */
  readonly port: number;
  /** Code of a refusal: REFUSED or NXDOMAIN. */
  readonly rejectRcode: number;
  readonly lookupEndpoint: (ip: Ipv4) => Endpoint | undefined;
  /** World when the address is unknown. */
  readonly lookupIdentity: (ip: Ipv4) => NumericIdentity;
  /** Hears of every message; `done` is called when an answer may go to the pod. @see cilium:daemon/cmd/fqdn.go#Daemon.notifyOnDNSMsg */
  readonly notify: (query: ProxiedQuery, message: DnsMessage, outcome: DnsOutcome, done: () => void) => void;
}

/** Sends an answer to the pod. */
type Reply = (message: DnsMessage) => void;

/** The proxy. */
export class DnsProxy {
  readonly rules = new DnsRules();
  /** Servers that have answered. */
  readonly usedServers = new Set<Ipv4>();
  readonly #deps: DnsProxyDeps;
  #closers: (() => void)[] = [];
  /** What ends questions under way and connections of pods. */
  readonly #open = new Set<() => void>();
  #raw: UdpSocket | null = null;
  #port = 0;

  constructor(deps: DnsProxyDeps) {
    this.#deps = deps;
  }

  /** The port it listens on, UDP and TCP; 0 while it does not. */
  get port(): number {
    return this.#port;
  }

  /** Listens. Whether it could. @see cilium:pkg/fqdn/dnsproxy/proxy.go#StartDNSProxy */
  start(): boolean {
    const { sockets, port } = this.#deps;
    const listener = sockets.listen({
      local: { address: IPV4_ANY, port: port === 0 ? this.#freePort() : port },
      mark: MARK_MAGIC_PROXY_EGRESS,
      transparent: true,
      onAccept: (socket) => this.#accept(socket),
    });
    if (isErrno(listener)) {
      return false;
    }
    const udp = sockets.udp({
      local: { address: IPV4_ANY, port: listener.local.port },
      mark: MARK_MAGIC_PROXY_EGRESS,
      transparent: true,
      onMessage: (bytes, from, to) => this.#receive(bytes, from, to),
    });
    if (isErrno(udp)) {
      listener.close();
      return false;
    }
    this.#port = listener.local.port;
    this.#raw = udp;
    this.#closers = [() => listener.close(), () => udp.close()];
    return true;
  }

  /** Ends all sockets, as the end of the agent's process does. */
  stop(): void {
    for (const close of [...this.#closers.splice(0), ...this.#open]) {
      close();
    }
    this.#open.clear();
    this.#raw = null;
    this.#port = 0;
  }

  #freePort(): number {
    return this.#deps.rng.between(32768, 60999);
  }

  #receive(bytes: Uint8Array, client: SocketAddress, server: SocketAddress): void {
    this.#serve('udp', bytes, client, server, (message) => {
      // The pod hears from the server it asked: a raw socket writes the server's address and port.
      this.#raw?.send(client, encodeDns(message), server);
    });
  }

  #accept(socket: TcpSocket): Required<Pick<TcpHandlers, 'onData' | 'onEnd' | 'onError'>> {
    const reader = new FrameReader();
    const close = (): void => socket.abort();
    this.#open.add(close);
    return {
      onData: (_socket, bytes) => {
        for (const message of reader.push(bytes)) {
          this.#serve('tcp', message, socket.remote, socket.local, (reply) => socket.write(frame(encodeDns(reply))));
        }
      },
      onEnd: () => {
        this.#open.delete(close);
        socket.close();
      },
      onError: () => void this.#open.delete(close),
    };
  }

  /** @see cilium:pkg/fqdn/dnsproxy/proxy.go#DNSProxy.ServeDNS */
  #serve(protocol: 'udp' | 'tcp', bytes: Uint8Array, client: SocketAddress, server: SocketAddress, reply: Reply): void {
    const { lookupEndpoint, lookupIdentity, notify, rejectRcode } = this.#deps;
    const request = decodeDns(bytes);
    if (request === null) {
      const id = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
      if (bytes.length >= 12 && ((bytes[2] ?? 0) & 0x80) === 0) {
        reply({ ...rcodeReply(EMPTY_QUERY, DNS_RCODE_FORMERR), id });
      }
      return;
    }
    const improper = improperQuery(request);
    if (improper !== 'proper') {
      if (improper !== null) {
        reply(improper);
      }
      return;
    }
    const refuse = (): void => reply(rcodeReply(request, rejectRcode));
    const endpoint = lookupEndpoint(client.address);
    if (endpoint === undefined) {
      refuse();
      return;
    }
    const query: ProxiedQuery = { protocol, endpoint, client, server, serverIdentity: lookupIdentity(server.address) };
    const allowed = this.rules.checkAllowed({
      endpointId: endpoint.id,
      port: server.port,
      server: query.serverIdentity,
      serverIp: server.address,
      name: request.questions[0]?.name ?? '',
    });
    if (!allowed) {
      refuse();
      notify(query, request, { kind: 'denied' }, () => undefined);
      return;
    }
    notify(query, request, { kind: 'forwarded' }, () => undefined);
    this.#forward(query, request, reply);
  }

  /** Asks the server in the endpoint's name; a server that is silent leaves the pod without an answer. */
  #forward(query: ProxiedQuery, request: DnsMessage, reply: Reply): void {
    const { rng, notify, rejectRcode, scheduler } = this.#deps;
    const id = rng.below(65536);
    const bytes = encodeDns({ ...request, id });
    let close: () => void = () => undefined;
    let finished = false;
    const finish = (): boolean => {
      const first = !finished;
      finished = true;
      timer.cancel();
      close();
      this.#open.delete(finish);
      return first;
    };
    this.#open.add(finish);
    const fail = (message: string): void => {
      if (finish()) {
        reply(rcodeReply(request, rejectRcode));
        notify(query, request, { kind: 'error', message }, () => undefined);
      }
    };
    const timer = scheduler.after(PROXY_FORWARD_TIMEOUT, 'dns proxy time-out', finish);
    const answer = (text: Uint8Array): void => {
      const response = decodeDns(text);
      if (response === null || response.id !== id || !response.response || !finish()) {
        return;
      }
      notify(query, response, { kind: 'forwarded' }, () => {
        reply({ ...response, id: request.id });
        if (response.rcode === DNS_RCODE_NOERROR) {
          this.usedServers.add(query.server.address);
        }
      });
    };
    close = query.protocol === 'udp' ? this.#askUdp(query, bytes, answer, fail) : this.#askTcp(query, bytes, answer, fail);
  }

  #askUdp(query: ProxiedQuery, bytes: Uint8Array, answer: (bytes: Uint8Array) => void, fail: (error: string) => void): () => void {
    const socket = this.#deps.sockets.udp({
      local: { address: IPV4_ANY, port: 0 },
      remote: query.server,
      mark: markOf(query),
      onMessage: (text) => answer(text),
      onError: () => fail('Cannot forward proxied DNS lookup: read: connection refused'),
    });
    if (isErrno(socket)) {
      const later = this.#deps.scheduler.after(0, 'dns proxy', () => fail(`failed to dial connection: ${socket}`));
      return () => later.cancel();
    }
    socket.send(query.server, bytes);
    return () => socket.close();
  }

  #askTcp(query: ProxiedQuery, bytes: Uint8Array, answer: (bytes: Uint8Array) => void, fail: (error: string) => void): () => void {
    const { sockets, scheduler } = this.#deps;
    const reader = new FrameReader();
    const dial = scheduler.after(DIAL_TIMEOUT, 'dns proxy dial', () => fail('failed to dial connection: i/o timeout'));
    const socket = sockets.connect({
      remote: query.server,
      mark: markOf(query),
      handlers: {
        onConnected: (connected) => {
          dial.cancel();
          connected.write(frame(bytes));
        },
        onData: (_socket, data) => {
          for (const message of reader.push(data)) {
            answer(message);
          }
        },
        onEnd: () => fail('Cannot forward proxied DNS lookup: EOF'),
        onError: (_socket, errno) => fail(`failed to dial connection: ${errno}`),
      },
    });
    if (isErrno(socket)) {
      const later = scheduler.after(0, 'dns proxy', () => fail(`failed to dial connection: ${socket}`));
      return () => later.cancel();
    }
    return () => {
      dial.cancel();
      socket.close();
    };
  }
}

/** @see cilium:pkg/fqdn/dnsproxy/proxy.go#setSoMark */
function markOf(query: ProxiedQuery): number {
  return identityMark(MARK_MAGIC_IDENTITY, query.endpoint.identity?.id ?? 0);
}

const EMPTY_QUERY: DnsMessage = {
  id: 0,
  response: false,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  rcode: 0,
  questions: [],
  answers: [],
  authorities: [],
};
