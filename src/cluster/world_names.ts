/** Names of the world outside: those of its hosts, and names with records of their own, whose addresses may rotate. */
import type { DnsRecord } from '../net/dns.ts';
import { type Ipv4, parseIpv4 } from '../net/ipv4.ts';
import { type Clock, SECOND } from '../sim/clock.ts';
import type { WorldHost, WorldName } from './options.ts';

/** Time to live of hosts' names, seconds. */
const HOST_TTL = 30;
/** An alias of an alias of ... ends here. */
const MAX_ALIASES = 8;

interface Entry {
  readonly cname: string | null;
  readonly ips: readonly Ipv4[];
  readonly ttl: number;
  /** Addresses in one answer, and how long a selection stays, nanoseconds; 0 = for ever. */
  readonly answers: number;
  readonly rotate: number;
}

/** The names. */
export class WorldNames {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, hosts: readonly WorldHost[], names: readonly WorldName[]) {
    this.#clock = clock;
    for (const host of hosts) {
      const ips = addresses(host.ips);
      for (const name of [host.name, ...host.names]) {
        const key = name.toLowerCase();
        const known = this.#entries.get(key)?.ips ?? [];
        const all = [...known, ...ips];
        this.#entries.set(key, { cname: null, ips: all, ttl: HOST_TTL, answers: all.length, rotate: 0 });
      }
    }
    for (const { name, cname, ips, ttl, answers, rotate } of names) {
      const all = addresses(ips);
      this.#entries.set(name.toLowerCase(), {
        cname,
        ips: all,
        ttl,
        answers: answers === 0 ? all.length : answers,
        rotate: rotate * SECOND,
      });
    }
  }

  /** Gives a name other addresses from now on; `false` if there is no such name, or it is an alias. */
  replace(name: string, ips: readonly Ipv4[]): boolean {
    const key = name.toLowerCase();
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.cname !== null) {
      return false;
    }
    this.#entries.set(key, { ...entry, ips, answers: entry.answers === entry.ips.length ? ips.length : entry.answers });
    return true;
  }

  /** Records that answer a question for addresses, aliases first; `null` for a name that does not exist. */
  resolve(question: string): readonly DnsRecord[] | null {
    const records: DnsRecord[] = [];
    let name = question;
    for (let i = 0; i < MAX_ALIASES; i++) {
      const entry = this.#entries.get(name.toLowerCase());
      if (entry === undefined) {
        return records.length === 0 ? null : records;
      }
      if (entry.cname === null) {
        const at = name;
        return [
          ...records,
          ...this.#choose(entry).map((address): DnsRecord => ({ name: at, ttl: entry.ttl, data: { kind: 'a', address } })),
        ];
      }
      records.push({ name, ttl: entry.ttl, data: { kind: 'cname', target: entry.cname } });
      name = entry.cname;
    }
    return records;
  }

  #choose({ ips, answers, rotate }: Entry): readonly Ipv4[] {
    const start = rotate === 0 ? 0 : (Math.floor(this.#clock.now() / rotate) * answers) % Math.max(1, ips.length);
    return ips.map((_ip, i) => ips[(start + i) % ips.length] as Ipv4).slice(0, answers);
  }
}

function addresses(texts: readonly string[]): Ipv4[] {
  return texts.flatMap((text) => parseIpv4(text) ?? []);
}
