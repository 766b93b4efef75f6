/** DNS messages against dns-packet, which knows nothing of ours; where the two differ is listed. */
import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DnsMessage, type DnsRecord, decodeDns, encodeDns } from '../../src/net/dns.ts';
import { formatIpv4, type Ipv4 } from '../../src/net/ipv4.ts';
import { mutated } from '../support/http_messages.ts';

const label = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const u32 = fc.nat(0xffffffff);
const data: fc.Arbitrary<DnsRecord['data']> = fc.oneof(
  u32.map((address) => ({ kind: 'a' as const, address: address as Ipv4 })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((address) => ({ kind: 'aaaa' as const, address })),
  name.map((target) => ({ kind: 'cname' as const, target })),
  fc
    .record({ primary: name, admin: name, serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 })
    .map((soa) => ({ kind: 'soa' as const, ...soa })),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => ({ kind: 'other' as const, type: 4711, bytes })),
);
const record: fc.Arbitrary<DnsRecord> = fc.record({ name, ttl: u32, data });
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: fc.nat(0xffff),
  response: fc.boolean(),
  authoritative: fc.boolean(),
  truncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  rcode: fc.constantFrom(0, 1, 2, 3, 5),
  questions: fc.array(fc.record({ name, type: fc.constantFrom(1, 28, 16) }), { maxLength: 2 }),
  answers: fc.array(record, { maxLength: 5 }),
  authorities: fc.array(record, { maxLength: 2 }),
});

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 5: 'CNAME', 6: 'SOA', 16: 'TXT', 28: 'AAAA' };
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

function decodePacket(bytes: Uint8Array): ReturnType<typeof dnsPacket.decode> {
  return dnsPacket.decode(Buffer.from(bytes));
}

/** A record as dns-packet reads it. */
function theirs(one: DnsRecord): object {
  const { data: value } = one;
  const base = { name: one.name, ttl: one.ttl };
  switch (value.kind) {
    case 'a':
      return { ...base, type: 'A', data: formatIpv4(value.address) };
    case 'aaaa':
      return { ...base, type: 'AAAA', data: value.address };
    case 'cname':
      return { ...base, type: 'CNAME', data: value.target };
    case 'soa':
      return {
        ...base,
        type: 'SOA',
        data: [value.primary, value.admin, value.serial, value.refresh, value.retry, value.expire, value.minimum],
      };
    default:
      return { ...base, type: `UNKNOWN_${value.type}`, data: [...value.bytes] };
  }
}

/** What dns-packet read, in the form of `theirs`. */
function read(one: { readonly name: string; readonly type: string; readonly ttl: number; readonly data: unknown }): object {
  const base = { name: one.name, ttl: one.ttl, type: one.type };
  if (one.type === 'AAAA') {
    return { ...base, data: ipv6(String(one.data)) };
  }
  if (one.type === 'SOA') {
    const soa = one.data as Record<string, unknown>;
    return { ...base, data: ['mname', 'rname', 'serial', 'refresh', 'retry', 'expire', 'minimum'].map((key) => soa[key]) };
  }
  return { ...base, data: one.data instanceof Uint8Array ? [...one.data] : one.data };
}

function ipv6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail ?? '')];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

describe('dns-packet', () => {
  it('reads what we write, and we read what it writes', () => {
    fc.assert(
      fc.property(message, (one) => {
        const bytes = encodeDns(one);
        const packet = decodePacket(bytes);
        expect(packet.id).toBe(one.id);
        expect(packet.type).toBe(one.response ? 'response' : 'query');
        expect(packet.rcode).toBe(RCODES[one.rcode]);
        expect(packet.questions?.map((question) => [question.name, question.type])).toEqual(
          one.questions.map((q) => [q.name, TYPES[q.type]]),
        );
        expect(packet.answers?.map(read)).toEqual(one.answers.map(theirs));
        expect(packet.authorities?.map(read)).toEqual(one.authorities.map(theirs));
        expect(decodeDns(bytes)).toEqual(one);
        const again = new Uint8Array(dnsPacket.encode(packet));
        const answers = one.answers.filter(({ data: value }) => value.kind !== 'other');
        expect(decodeDns(again)?.answers.filter(({ data: value }) => value.kind !== 'other')).toEqual(answers);
        expect(decodeDns(again)?.questions).toEqual(one.questions);
      }),
      { numRuns: 500 },
    );
  });

  it('reads the same questions in damaged messages that both accept', () => {
    fc.assert(
      fc.property(mutated(message.map(encodeDns)), (bytes) => {
        const own = decodeDns(bytes);
        const text = bytes.join();
        let packet: ReturnType<typeof decodePacket> | null = null;
        try {
          packet = decodePacket(bytes);
        } catch {
          // dns-packet has no other way to say no.
        }
        if (own !== null && packet !== null && !/\\/.test(JSON.stringify(own.questions))) {
          expect([text, own.questions.map((question) => question.name || '.')]).toEqual([
            text,
            packet.questions?.map((question) => question.name),
          ]);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

describe('names', () => {
  const question = (labels: readonly (readonly number[])[]): Uint8Array =>
    Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels.flatMap((one) => [one.length, ...one]), 0, 0, 1, 0, 1]);
  const bytesOf = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));

  it('do not confuse a dot in a label with the end of one, as dns-packet does', () => {
    const bytes = question([bytesOf('good.com'), bytesOf('evil'), bytesOf('net')]);
    expect(decodeDns(bytes)?.questions[0]?.name).toBe('good\\.com.evil.net');
    expect(decodePacket(bytes).questions?.[0]?.name).toBe('good.com.evil.net');
    expect(decodeDns(question([[0, 32, 92, 255]]))?.questions[0]?.name).toBe('\\000\\ \\\\\\255');
  });

  it('survive the way out and in, whatever their bytes', () => {
    const labels = fc.array(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 20 }), { maxLength: 4 });
    fc.assert(
      fc.property(labels, (list) => {
        const bytes = question(list);
        const own = decodeDns(bytes) as DnsMessage;
        expect([...encodeDns(own)]).toEqual([...bytes]);
      }),
    );
  });

  it('end: loops of pointers, pointers beyond the end and names that are too long are no messages', () => {
    const head = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    expect(decodeDns(Uint8Array.from([...head, 0xc0, 12, 0, 1, 0, 1]))).toBeNull();
    expect(decodeDns(Uint8Array.from([...head, 0xc0, 200, 0, 1, 0, 1]))).toBeNull();
    expect(decodeDns(question(Array.from({ length: 5 }, () => Array.from({ length: 60 }, () => 97))))).toBeNull();
    expect(decodeDns(Uint8Array.from([...head, 0x40, 0, 0, 1, 0, 1]))).toBeNull();
  });
});
