import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractMsgDetails, improperQuery, MAX_TTL, rcodeReply } from '../../../src/agent/fqdn/dns_message.ts';
import { type DnsMessage, decodeDns } from '../../../src/net/dns.ts';
import { FrameReader, frame } from '../../../src/net/dns_frames.ts';

/** A message as an independent implementation writes it. */
function message(packet: Parameters<typeof dnsPacket.encode>[0]): DnsMessage {
  return decodeDns(new Uint8Array(dnsPacket.encode(packet))) as DnsMessage;
}

describe('what the proxy reads', () => {
  it('follows aliases to the addresses, and takes the lowest time to live', () => {
    const answer = message({
      type: 'response',
      questions: [{ name: 'WWW.example.com', type: 'A' }],
      answers: [
        { name: 'www.example.com', type: 'CNAME', ttl: 20, data: 'edge.cdn.net' },
        { name: 'edge.cdn.net', type: 'A', ttl: 300, data: '1.2.3.4' },
        { name: 'edge.cdn.net', type: 'A', ttl: 300, data: '1.2.3.5' },
      ],
    });
    expect(extractMsgDetails(answer)).toEqual({
      qname: 'www.example.com.',
      qTypes: ['A'],
      ips: [0x01020304, 0x01020305],
      ttl: 20,
      cnames: ['edge.cdn.net.'],
      rcode: 0,
      answerTypes: ['CNAME', 'A', 'A'],
    });
  });

  it('takes nothing from an answer to another question', () => {
    const answer = message({
      type: 'response',
      questions: [{ name: 'a.com', type: 'A' }],
      answers: [{ name: 'b.com', type: 'A', ttl: 300, data: '1.2.3.4' }],
    });
    expect(extractMsgDetails(answer).ips).toEqual([]);
  });

  it('a name without records lives for ever', () => {
    expect(extractMsgDetails(message({ type: 'response', questions: [{ name: 'a.com', type: 'AAAA' }] })).ttl).toBe(MAX_TTL);
  });

  it('answers improper queries as a server does, and responses not at all', () => {
    expect(improperQuery(message({ type: 'query', questions: [{ name: 'a', type: 'A' }] }))).toBe('proper');
    expect(improperQuery(message({ type: 'query', questions: [] }))).toMatchObject({ rcode: 1, response: true });
    expect(improperQuery(message({ type: 'response', questions: [{ name: 'a', type: 'A' }] }))).toBeNull();
  });

  it('keeps id and question in a refusal', () => {
    const query = message({ type: 'query', id: 77, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name: 'a.com', type: 'A' }] });
    expect(rcodeReply(query, 5)).toMatchObject({ id: 77, rcode: 5, response: true, recursionDesired: true, questions: query.questions });
  });
});

describe('DNS over TCP', () => {
  it('gives the same messages however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 })),
        (messages, cuts) => {
          const stream = messages.flatMap((one) => [...frame(one)]);
          const reader = new FrameReader();
          const seen: Uint8Array[] = [];
          for (let from = 0, i = 0; from < stream.length; i++) {
            const size = cuts.length === 0 ? stream.length : (cuts[i % cuts.length] as number);
            seen.push(...reader.push(Uint8Array.from(stream.slice(from, from + size))));
            from += size;
          }
          expect(seen.map((one) => [...one])).toEqual(messages.map((one) => [...one]));
        },
      ),
    );
  });
});
