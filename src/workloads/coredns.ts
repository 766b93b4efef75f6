/**
 * The cluster's DNS server.
 * @see https://github.com/kubernetes/dns/blob/master/docs/specification.md
 * @remarks Not modelled: TCP, SRV and PTR records, the cache.
 */
import { isErrno, type UdpSocket } from '../kernel/socket.ts';
import {
  DNS_RCODE_NOERROR,
  DNS_RCODE_NXDOMAIN,
  DNS_RCODE_SERVFAIL,
  DNS_TYPE_A,
  type DnsMessage,
  type DnsRecord,
  decodeDns,
  encodeDns,
} from '../net/dns.ts';
import { IPV4_ANY, type Ipv4 } from '../net/ipv4.ts';
import type { ProcessEnv, Server } from './process.ts';

/** What the server knows of the world: the addresses of a name, or `null` for a name that does not exist. */
export interface DnsZone {
  /** Domain the server answers for by itself: `cluster.local`. */
  readonly domain: string;
  /** A name below the domain, in lower case. */
  lookup(name: string): readonly Ipv4[] | null;
  /** Any other name; `undefined` when nobody upstream answers. */
  forward(name: string): readonly Ipv4[] | null | undefined;
}

/** Time to live of cluster names, seconds. */
const CLUSTER_TTL = 30;

/** The server. */
export class Coredns implements Server {
  readonly #zone: DnsZone;
  #socket: UdpSocket | null = null;

  constructor(zone: DnsZone) {
    this.#zone = zone;
  }

  start(env: ProcessEnv): void {
    const socket = env.sockets.udp({
      local: { address: IPV4_ANY, port: 53 },
      onMessage: (bytes, from, to) => {
        const query = decodeDns(bytes);
        if (query !== null && !query.response) {
          this.#socket?.send(from, encodeDns(this.#answer(query)), to);
        }
      },
    });
    this.#socket = isErrno(socket) ? null : socket;
  }

  stop(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #answer(query: DnsMessage): DnsMessage {
    const question = query.questions[0];
    const base = { ...query, response: true, recursionAvailable: false, answers: [], authorities: [] };
    if (question === undefined) {
      return { ...base, rcode: 1 };
    }
    const name = question.name.toLowerCase();
    const inside = name === this.#zone.domain || name.endsWith(`.${this.#zone.domain}`);
    const found = inside ? this.#zone.lookup(name) : this.#zone.forward(name);
    if (found === undefined) {
      return { ...base, rcode: DNS_RCODE_SERVFAIL };
    }
    const answers: DnsRecord[] =
      found === null || question.type !== DNS_TYPE_A
        ? []
        : found.map((address) => ({ name: question.name, ttl: CLUSTER_TTL, data: { kind: 'a', address } }));
    return {
      ...base,
      authoritative: inside,
      recursionAvailable: !inside,
      rcode: found === null ? DNS_RCODE_NXDOMAIN : DNS_RCODE_NOERROR,
      answers,
      authorities: inside && answers.length === 0 ? [this.#soa()] : [],
    };
  }

  #soa(): DnsRecord {
    const { domain } = this.#zone;
    return {
      name: domain,
      ttl: CLUSTER_TTL,
      data: {
        kind: 'soa',
        primary: `ns.dns.${domain}`,
        admin: `hostmaster.${domain}`,
        serial: 1,
        refresh: 7200,
        retry: 1800,
        expire: 86400,
        minimum: CLUSTER_TTL,
      },
    };
  }
}
