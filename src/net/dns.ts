/**
 * DNS messages: the header, questions, and A, AAAA, CNAME and SOA records, as bytes.
 * @see https://www.rfc-editor.org/rfc/rfc1035
 */
import { formatIpv4, type Ipv4 } from './ipv4.ts';

/** Record types. */
export const DNS_TYPE_A = 1;
export const DNS_TYPE_CNAME = 5;
export const DNS_TYPE_SOA = 6;
export const DNS_TYPE_AAAA = 28;

/** Response codes. */
export const DNS_RCODE_NOERROR = 0;
export const DNS_RCODE_FORMERR = 1;
export const DNS_RCODE_SERVFAIL = 2;
export const DNS_RCODE_NXDOMAIN = 3;
export const DNS_RCODE_REFUSED = 5;

const CLASS_IN = 1;

/**
 * A question. Names are absolute, without the final dot, in the case they came in. A dot or another special character within a label is escaped
 * with a backslash, a byte that is no visible character as `\DDD`, so that no label can pass for two.
 * @see miekg/dns:msg.go#UnpackDomainName
 */
export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
}

/** Data of a record. */
export type DnsData =
  | { readonly kind: 'a'; readonly address: Ipv4 }
  | { readonly kind: 'aaaa'; readonly address: bigint }
  | { readonly kind: 'cname'; readonly target: string }
  | {
      readonly kind: 'soa';
      readonly primary: string;
      readonly admin: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  | { readonly kind: 'other'; readonly type: number; readonly bytes: Uint8Array };

/** A resource record. */
export interface DnsRecord {
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  readonly data: DnsData;
}

/** A message. */
export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly rcode: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
}

/** Names of the types. */
export function dnsTypeName(type: number): string {
  return { 1: 'A', 2: 'NS', 5: 'CNAME', 6: 'SOA', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV' }[type] ?? `TYPE${type}`;
}

/** The type number of a record's data. */
export function dnsDataType(data: DnsData): number {
  switch (data.kind) {
    case 'a':
      return DNS_TYPE_A;
    case 'aaaa':
      return DNS_TYPE_AAAA;
    case 'cname':
      return DNS_TYPE_CNAME;
    case 'soa':
      return DNS_TYPE_SOA;
    case 'other':
      return data.type;
  }
}

/** The bytes of a message, with names compressed. */
export function encodeDns(message: DnsMessage): Uint8Array {
  const out: number[] = [];
  const seen = new Map<string, number>();
  const u16 = (value: number): void => {
    out.push((value >>> 8) & 255, value & 255);
  };
  const u32 = (value: number): void => {
    u16(value >>> 16);
    u16(value & 0xffff);
  };
  const name = (text: string): void => {
    let rest = text;
    while (rest !== '') {
      const at = seen.get(rest);
      if (at !== undefined) {
        u16(0xc000 | at);
        return;
      }
      if (out.length < 0x3fff) {
        seen.set(rest, out.length);
      }
      const dot = labelEnd(rest);
      const label = labelBytes(rest.slice(0, dot));
      out.push(label.length, ...label);
      rest = rest.slice(dot + 1);
    }
    out.push(0);
  };
  const record = (one: DnsRecord): void => {
    name(one.name);
    u16(dnsDataType(one.data));
    u16(CLASS_IN);
    u32(one.ttl);
    const lengthAt = out.length;
    u16(0);
    data(one.data);
    const length = out.length - lengthAt - 2;
    out[lengthAt] = length >>> 8;
    out[lengthAt + 1] = length & 255;
  };
  const data = (value: DnsData): void => {
    switch (value.kind) {
      case 'a':
        u32(value.address);
        return;
      case 'aaaa':
        for (let shift = 112n; shift >= 0n; shift -= 16n) {
          u16(Number((value.address >> shift) & 0xffffn));
        }
        return;
      case 'cname':
        name(value.target);
        return;
      case 'soa':
        name(value.primary);
        name(value.admin);
        for (const number of [value.serial, value.refresh, value.retry, value.expire, value.minimum]) {
          u32(number);
        }
        return;
      case 'other':
        out.push(...value.bytes);
    }
  };
  u16(message.id);
  u16(flagsOf(message));
  u16(message.questions.length);
  u16(message.answers.length);
  u16(message.authorities.length);
  u16(0);
  for (const question of message.questions) {
    name(question.name);
    u16(question.type);
    u16(CLASS_IN);
  }
  for (const one of [...message.answers, ...message.authorities]) {
    record(one);
  }
  return Uint8Array.from(out);
}

/** The message of bytes, or `null` if they are none. Additional records are left out. */
export function decodeDns(bytes: Uint8Array): DnsMessage | null {
  const reader = new Reader(bytes);
  const [id, flags, questionCount, answerCount, authorityCount] = [reader.u16(), reader.u16(), reader.u16(), reader.u16(), reader.u16()];
  reader.u16();
  const questions: DnsQuestion[] = [];
  for (let i = 0; i < questionCount && reader.good; i++) {
    const name = reader.name();
    questions.push({ name, type: reader.u16() });
    reader.u16();
  }
  const answers = reader.records(answerCount);
  const authorities = reader.records(authorityCount);
  return reader.good ? { id, ...readFlags(flags), questions, answers, authorities } : null;
}

/** `10.0.0.1`, or the kind of what is no address. */
export function dnsDataText(data: DnsData): string {
  switch (data.kind) {
    case 'a':
      return formatIpv4(data.address);
    case 'cname':
      return `${data.target}.`;
    default:
      return dnsTypeName(dnsDataType(data));
  }
}

function flagsOf(message: DnsMessage): number {
  return (
    (message.response ? 0x8000 : 0) |
    (message.authoritative ? 0x0400 : 0) |
    (message.truncated ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.rcode & 15)
  );
}

function readFlags(
  flags: number,
): Pick<DnsMessage, 'response' | 'authoritative' | 'truncated' | 'recursionDesired' | 'recursionAvailable' | 'rcode'> {
  return {
    response: (flags & 0x8000) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    rcode: flags & 15,
  };
}

/** Where the first label of a name ends: at a dot that is not escaped. */
function labelEnd(name: string): number {
  for (let i = 0; i < name.length; i++) {
    if (name[i] === '.') {
      return i;
    }
    if (name[i] === '\\') {
      i += 1;
    }
  }
  return name.length;
}

/** The bytes of a label's text; 63 at the most, since a length byte holds no more. */
function labelBytes(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < text.length && bytes.length < 63; i++) {
    const digits = /^\\([0-9]{3})/.exec(text.slice(i, i + 4))?.[1];
    if (digits !== undefined) {
      bytes.push(Number(digits) & 255);
      i += 3;
    } else {
      i += text[i] === '\\' ? 1 : 0;
      bytes.push(text.charCodeAt(i) & 255);
    }
  }
  return bytes;
}

const SPECIAL = '."\\ ();@\'';

/** A byte of a label as text. */
function labelText(byte: number): string {
  const character = String.fromCharCode(byte);
  if (byte <= 32 || byte >= 127) {
    return byte === 32 ? '\\ ' : `\\${String(byte).padStart(3, '0')}`;
  }
  return SPECIAL.includes(character) ? `\\${character}` : character;
}

/** Reads, and remembers whether everything was there. */
class Reader {
  good = true;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    const value = this.#bytes[this.#at++];
    this.good &&= value !== undefined;
    return value ?? 0;
  }

  u16(): number {
    return this.u8() * 256 + this.u8();
  }

  u32(): number {
    return this.u16() * 65536 + this.u16();
  }

  name(): string {
    const labels: string[] = [];
    let length = 0;
    let back: number | null = null;
    for (let jumps = 0; this.good; ) {
      const size = this.u8();
      if (size === 0) {
        break;
      }
      if ((size & 0xc0) === 0xc0) {
        const target = (size & 0x3f) * 256 + this.u8();
        back ??= this.#at;
        jumps += 1;
        this.good &&= jumps <= 126 && target < this.#bytes.length;
        this.#at = target;
        continue;
      }
      let label = '';
      for (let i = 0; i < size; i++) {
        label += labelText(this.u8());
      }
      labels.push(label);
      length += size + 1;
      this.good &&= size < 64 && length < 255;
    }
    this.#at = back ?? this.#at;
    return labels.join('.');
  }

  records(count: number): DnsRecord[] {
    const found: DnsRecord[] = [];
    for (let i = 0; i < count && this.good; i++) {
      const name = this.name();
      const type = this.u16();
      this.u16();
      const ttl = this.u32();
      const length = this.u16();
      const end = this.#at + length;
      this.good &&= end <= this.#bytes.length;
      if (this.good) {
        found.push({ name, ttl, data: this.#data(type, length) });
        this.#at = end;
      }
    }
    return found;
  }

  #data(type: number, length: number): DnsData {
    if (type === DNS_TYPE_A && length === 4) {
      return { kind: 'a', address: this.u32() };
    }
    if (type === DNS_TYPE_AAAA && length === 16) {
      let address = 0n;
      for (let i = 0; i < 8; i++) {
        address = (address << 16n) | BigInt(this.u16());
      }
      return { kind: 'aaaa', address };
    }
    if (type === DNS_TYPE_CNAME) {
      return { kind: 'cname', target: this.name() };
    }
    if (type === DNS_TYPE_SOA) {
      const [primary, admin] = [this.name(), this.name()];
      return {
        kind: 'soa',
        primary,
        admin,
        serial: this.u32(),
        refresh: this.u32(),
        retry: this.u32(),
        expire: this.u32(),
        minimum: this.u32(),
      };
    }
    return { kind: 'other', type, bytes: this.#bytes.slice(this.#at, this.#at + length) };
  }
}
