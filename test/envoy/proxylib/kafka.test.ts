/** Kafka: what upstream's own tests say, and what its code says beyond them. */
import { describe, expect, it } from 'vitest';
import type { KafkaNetworkPolicyRule } from '../../../src/xds/npds.ts';
import { answers, hex, injected, kafkaRules, Library, through } from './library.ts';

/** Produce request version 3 of client "ABC" about topics "EF" and "GH", without partitions: 46 bytes. */
const HEAD = '0000002a 0000 0003 00010001 0003414243 000144 0000 000003E8';
const PRODUCE = hex(HEAD, '00000002 00024546 00000000 00024748 00000000');
const BROKEN = hex(HEAD, '20000002 00024546 00000000 00024748 00000000');
const DENIED = hex('0000001c 00010001 00000002 00024546 00000000 00024748 00000000 00000000');

describe('frames', () => {
  it('are asked for by what is missing', () => {
    const one = new Library([]).connection('kafka');
    expect(answers(one, false, '')).toEqual([]);
    expect(['00', '0000', '000001', '00000100', '00010000010203'].map((text) => answers(one, false, hex(text))[0])).toEqual([
      'MORE 7',
      'MORE 6',
      'MORE 5',
      'MORE 4',
      'MORE 1',
    ]);
    expect(answers(one, false, hex('000100000102030405060708'))).toEqual(['MORE 65528']);
    expect(answers(one, false, hex('ffffffff0102030405060708'))).toEqual(['MORE 4294967287']);
  });

  it('pass where nothing restricts them, and an unreadable one ends the connection', () => {
    const library = new Library([]);
    expect(answers(library.connection('kafka'), false, PRODUCE)).toEqual(['PASS 46']);
    library.takeLogs();
    expect(answers(library.connection('kafka'), false, BROKEN)).toEqual(['ERROR 2']);
    expect(library.takeLogs()).toEqual([['Denied', { correlation_id: 3, error_code: 2, api_version: 0, api_key: 0, topics: [] }]]);
    // Less than a head: kind, version and correlation.
    expect(answers(library.connection('kafka'), false, hex('00000007 0000 0003 000100'))).toEqual(['ERROR 2']);
  });
});

describe('rules', () => {
  const verdict = (rules: readonly KafkaNetworkPolicyRule[], request = PRODUCE): string =>
    answers(new Library([kafkaRules(...rules)]).connection('kafka'), false, request)[0] ?? '';

  it('all topics must be some rule’s', () => {
    expect(verdict([{ api_version: -1, topic: 'EF' }])).toBe('DROP 46');
    expect(
      verdict([
        { api_version: -1, topic: 'EF' },
        { api_version: -1, topic: 'GH' },
      ]),
    ).toBe('PASS 46');
    expect(
      verdict([
        { api_version: -1, topic: 'GH' },
        { api_version: -1, topic: 'EF' },
      ]),
    ).toBe('PASS 46');
    expect(verdict([{ api_version: -1 }])).toBe('PASS 46');
  });

  it('kinds, version and client', () => {
    expect(verdict([{ api_version: -1, api_keys: [0], client_id: 'ABC' }])).toBe('PASS 46');
    expect(verdict([{ api_version: -1, api_keys: [1], client_id: 'ABC' }])).toBe('DROP 46');
    expect(verdict([{ api_version: 3, client_id: 'ABC' }])).toBe('PASS 46');
    expect(verdict([{ api_version: 0, client_id: 'ABC' }])).toBe('DROP 46');
    // No version in a message is version 0.
    expect(verdict([{}])).toBe('DROP 46');
    expect(
      verdict([
        { api_version: -1, topic: 'EF', client_id: 'ABC' },
        { api_version: -1, topic: 'GH' },
      ]),
    ).toBe('PASS 46');
    expect(
      verdict([
        { api_version: -1, topic: 'EF', client_id: 'ABC' },
        { api_version: -1, topic: 'GH', client_id: 'XYZ' },
      ]),
    ).toBe('DROP 46');
  });

  it('a topic counts for kinds that carry topics alone', () => {
    const heartbeat = hex('00000013 000c 0000 00000007 0001 63 0001 67 00000000 00');
    expect(verdict([{ api_version: -1, topic: 'EF' }], heartbeat)).toMatch(/^PASS/);
    // CreateTopics carries topics, but is not read: none is seen, so none can match.
    const create = hex('0000000c 0013 0000 00000007 0000 0000');
    expect(verdict([{ api_version: -1, topic: 'EF' }], create)).toBe('DROP 16');
    expect(verdict([{ api_version: -1 }], create)).toBe('PASS 16');
    // A request for all topics names none.
    const metadata = hex('0000000e 0003 0001 00000007 0000 ffffffff');
    expect(verdict([{ api_version: -1, topic: 'EF' }], metadata)).toBe('DROP 18');
    expect(verdict([{ api_version: -1, api_keys: [3] }], metadata)).toBe('PASS 18');
  });

  it('identities other than the rule’s', () => {
    const library = new Library([kafkaRules({ api_version: -1 })]);
    expect(answers(library.connection('kafka', 1), false, PRODUCE)).toEqual(['PASS 46']);
    expect(answers(library.connection('kafka', 2), false, PRODUCE)).toEqual(['DROP 46']);
    expect(answers(library.connection('kafka', 1, '10.9.9.9'), false, PRODUCE)).toEqual(['DROP 46']);
  });
});

describe('the answer to a denied request', () => {
  const denied = (request: string): string => {
    const one = new Library([kafkaRules({ api_version: -1, api_keys: [17] })]).connection('kafka');
    expect(answers(one, false, hex(request))[0]).toMatch(/^DROP/);
    return [...injected(one)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  };
  const squeeze = (text: string): string => text.replace(/\s/g, '');

  it('to produce requests is that of the upstream test, and the log says what was asked', () => {
    const library = new Library([kafkaRules({ api_version: -1, topic: 'EF' })]);
    const one = library.connection('kafka');
    expect(answers(one, false, Uint8Array.from([...PRODUCE, 0, 0]))).toEqual(['DROP 46', 'MORE 6']);
    expect(injected(one)).toEqual(DENIED);
    // The id in the log of a request is its kind and version.
    expect(library.takeLogs()).toEqual([
      ['Denied', { correlation_id: 3, error_code: 29, api_version: 3, api_key: 0, topics: ['EF', 'GH'] }],
    ]);
  });

  it('carries the error in each partition, in the layout of the request’s version', () => {
    const offsets = '00000025 0002 0001 00000009 0000 ffffffff 00000001 0001 74 00000001 00000005 ffffffffffffffff';
    expect(denied(offsets)).toBe(squeeze('00000021 00000009 00000001 0001 74 00000001 00000005 001d fffff9d1d4b549c9 00000000'));
    expect(denied('0000000f 0003 0005 00000009 0000 00000000 01')).toBe(
      squeeze('00000016 00000009 00000000 00000000 0000 00000000 00000000'),
    );
    expect(denied('0000000e 000a 0001 00000009 0000 0001 67 00')).toBe(
      squeeze('00000016 00000009 00000000 001d 0000 00000000 0000 00000000'),
    );
    expect(denied('00000011 0009 0002 00000009 0000 0001 67 ffffffff')).toBe(squeeze('0000000a 00000009 ffffffff 0000'));
  });

  it('is none for kinds that have none: the client hears nothing', () => {
    expect(denied('0000000a 0012 0000 00000009 0000')).toBe('');
  });

  it('is cut off where the buffer ends', () => {
    const topic = 'a'.repeat(250);
    const name = `00fa${[...topic].map((c) => c.charCodeAt(0).toString(16)).join('')}`;
    const body = `0003 0000 00000009 0000 00000005 ${name.repeat(5)}`;
    const length = (squeeze(body).length / 2).toString(16).padStart(8, '0');
    expect(denied(length + body).length / 2).toBe(1024);
  });
});

it('answers pass, and each is logged by the head of its frame', () => {
  const library = new Library([]);
  const one = library.connection('kafka');
  expect(answers(one, true, hex('00000100 00000007'))).toEqual(['PASS 260']);
  expect(library.takeLogs()).toEqual([['Response', { correlation_id: 7, error_code: 0, api_version: 0, api_key: 0, topics: [] }]]);
});

it('a rule of another protocol, which a policy change can bring, never matches', () => {
  const library = new Library([kafkaRules({ api_version: -1 })]);
  const one = library.connection('kafka');
  library.update([{ l7_proto: 'r2d2', l7_rules: { l7_allow_rules: [{}] } }]);
  expect(answers(one, false, PRODUCE)).toEqual(['DROP 46']);
});

it('what a record batch holds is not read, what follows it is', () => {
  // Version 3, one topic "t" with two partitions, each with 20 bytes of records whose checksum is not that of the old format.
  const records = '0000000000000000 00000008 00000000 02 000000'.replace(/\s/g, '');
  const body = `0000 0003 00000001 0000 0000 0001 000003e8 00000001 0001 74 00000002 00000000 00000014 ${records} 00000001 00000014 ${records}`;
  const length = (body.replace(/\s/g, '').length / 2).toString(16).padStart(8, '0');
  const library = new Library([kafkaRules({ api_version: -1, topic: 't' })]);
  const { toServer, logs } = through(library, 'kafka', [{ reply: false, bytes: hex(length, body) }]);
  expect(toServer.length).toBe(hex(length, body).length);
  expect(logs).toEqual([['Request', { correlation_id: 3, error_code: 0, api_version: 3, api_key: 0, topics: ['t'] }]]);
});
