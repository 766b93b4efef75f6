/**
 * The cluster's DNS server, UDP and TCP.
 * @see https://github.com/kubernetes/dns/blob/master/docs/specification.md
 * @remarks Not modelled: SRV and PTR records, the cache, EDNS.
 */
import { isErrno, type TcpSocket } from '../kernel/socket.ts';
import {
  DNS_RCODE_FORMERR,
  DNS_RCODE_NOERROR,
  DNS_RCODE_NXDOMAIN,
  DNS_RCODE_SERVFAIL,
  DNS_TYPE_A,
  DNS_TYPE_CNAME,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  decodeDns,
  encodeDns,
} from '../net/dns.ts';
import { FrameReader, frame } from '../net/dns_frames.ts';
import { IPV4_ANY, type Ipv4 } from '../net/ipv4.ts';
import type { ProcessEnv, Server } from './process.ts';

/** What the server knows of the world. */
export interface DnsZone {
  /** Domain the server answers for by itself: `cluster.local`. */
  readonly domain: string;
  /** Addresses of a name below the domain, in lower case; `null` for one that does not exist. */
  lookup(name: string): readonly Ipv4[] | null;
  /** The name outside that a name below the domain stands for, or `null`. */
  alias?(name: string): string | null;
  /** Records of any other name, aliases first; `undefined` when nobody upstream answers. */
  forward(name: string): readonly DnsRecord[] | null | undefined;
}

/** Time to live of cluster names, seconds. */
const CLUSTER_TTL = 30;
/** Bytes of an answer by UDP to a client that does not offer more. @see https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const UDP_LIMIT = 512;

/** The server. */
export class Coredns implements Server {
  readonly #zone: DnsZone;
  #closers: (() => void)[] = [];

  constructor(zone: DnsZone) {
    this.#zone = zone;
  }

  start(env: ProcessEnv): void {
    const local = { address: IPV4_ANY, port: 53 };
    const socket = env.sockets.udp({
      local,
      onMessage: (bytes, from, to) => {
        const answer = this.#reply(bytes);
        if (answer !== null && !isErrno(socket)) {
          socket.send(from, fitted(answer), to);
        }
      },
    });
    const listener = env.sockets.listen({ local, onAccept: () => this.#conversation() });
    this.#closers = [socket, listener].flatMap((one) => (isErrno(one) ? [] : [() => one.close()]));
  }

  stop(): void {
    for (const close of this.#closers.splice(0)) {
      close();
    }
  }

  #conversation(): { onData: (socket: TcpSocket, bytes: Uint8Array) => void; onEnd: (socket: TcpSocket) => void } {
    const reader = new FrameReader();
    return {
      onData: (socket, bytes) => {
        for (const message of reader.push(bytes)) {
          const answer = this.#reply(message);
          if (answer !== null) {
            socket.write(frame(encodeDns(answer)));
          }
        }
      },
      onEnd: (socket) => socket.close(),
    };
  }

  #reply(bytes: Uint8Array): DnsMessage | null {
    const query = decodeDns(bytes);
    return query === null || query.response ? null : this.#answer(query);
  }

  #answer(query: DnsMessage): DnsMessage {
    const question = query.questions[0];
    const base = { ...query, response: true, recursionAvailable: false, answers: [], authorities: [] };
    if (question === undefined) {
      return { ...base, rcode: DNS_RCODE_FORMERR };
    }
    const name = question.name.toLowerCase();
    const inside = name === this.#zone.domain || name.endsWith(`.${this.#zone.domain}`);
    const found = inside ? this.#inside(name, question) : this.#zone.forward(name);
    if (found === undefined) {
      return { ...base, rcode: DNS_RCODE_SERVFAIL };
    }
    const wanted = (record: DnsRecord): boolean => record.data.kind === 'cname' || question.type === DNS_TYPE_A;
    const answers = (found ?? []).filter(wanted).map((record) => (record.name === name ? { ...record, name: question.name } : record));
    return {
      ...base,
      authoritative: inside,
      recursionAvailable: !inside,
      rcode: found === null ? DNS_RCODE_NXDOMAIN : DNS_RCODE_NOERROR,
      answers: question.type === DNS_TYPE_CNAME ? answers.slice(0, 1) : answers,
      authorities: inside && answers.length === 0 ? [this.#soa()] : [],
    };
  }

  #inside(name: string, question: DnsQuestion): readonly DnsRecord[] | null {
    const target = this.#zone.alias?.(name) ?? null;
    if (target !== null) {
      const alias: DnsRecord = { name, ttl: CLUSTER_TTL, data: { kind: 'cname', target } };
      return [alias, ...(question.type === DNS_TYPE_CNAME ? [] : (this.#zone.forward(target) ?? []))];
    }
    const addresses = this.#zone.lookup(name);
    return addresses === null ? null : addresses.map((address) => ({ name, ttl: CLUSTER_TTL, data: { kind: 'a', address } }));
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

/** An answer that is too long for a datagram is cut, and says so. */
function fitted(answer: DnsMessage): Uint8Array {
  let bytes = encodeDns(answer);
  for (let kept = answer.answers.length - 1; bytes.length > UDP_LIMIT && kept >= 0; kept--) {
    bytes = encodeDns({ ...answer, truncated: true, answers: answer.answers.slice(0, kept) });
  }
  return bytes;
}
