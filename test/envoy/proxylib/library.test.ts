/** The library itself: r2d2 and the parsers for tests, policies, what the filter does with operations. */
import { describe, expect, it } from 'vitest';
import { GoFilterInstance } from '../../../src/envoy/proxylib/go_filter.ts';
import { InjectBuffer } from '../../../src/envoy/proxylib/inject_buffer.ts';
import { concatBytes, fromLatin1, latin1 } from '../../../src/net/bytes.ts';
import { answers, injected, kafkaRules, Library, l7Rules, POD, through } from './library.ts';

describe('r2d2', () => {
  it('is read line by line', () => {
    const one = new Library([{ l7_proto: 'r2d2' }]).connection('r2d2');
    expect(answers(one, false, 'READ xssss')).toEqual(['MORE 1']);
    expect(answers(one, false, 'READ sssss\r\nWRITE sssss\r\nHALT\r\nRESET\r\n')).toEqual([
      'PASS 12',
      'PASS 13',
      'PASS 6',
      'PASS 7',
      'MORE 1',
    ]);
    expect(answers(one, true, 'OK\r\n')).toEqual(['PASS 4', 'MORE 1']);
  });

  it('a denied line is answered with an error; a file is one only in a line of two words', () => {
    const library = new Library([l7Rules('r2d2', { cmd: 'READ', file: 's.*' })]);
    const one = library.connection('r2d2');
    expect(answers(one, false, 'READ ssss\r\nREAD xyz\r\nWRITE ssss\r\nREAD ss more\r\n')).toEqual([
      'PASS 11',
      'DROP 10',
      'DROP 12',
      'DROP 14',
      'MORE 1',
    ]);
    expect(fromLatin1(injected(one))).toBe('ERROR\r\n'.repeat(3));
    expect(library.takeLogs().slice(0, 2)).toEqual([
      ['Request', { cmd: 'READ', file: 'ssss' }],
      ['Denied', { cmd: 'READ', file: 'xyz' }],
    ]);
  });

  it('rules are checked', () => {
    const refusal = (rule: Readonly<Record<string, string>>): string | undefined =>
      new Library().update([l7Rules('r2d2', rule)])?.split(' (config')[0];
    expect(refusal({ cmd: 'BEEP' })).toBe("NPDS: Unable to parse L7 r2d2 rule with invalid cmd: 'BEEP'");
    expect(refusal({ cmd: 'HALT', file: 'x' })).toBe("NPDS: Unable to parse L7 r2d2 rule, cmd 'HALT' is not compatible with 'file'");
    expect(refusal({ command: 'READ' })).toBe('NPDS: Unsupported key: command');
    expect(refusal({ file: '*' })).toContain('missing argument to repetition operator');
  });
});

describe('policies', () => {
  it('of a parser nobody knows deny their port, those of Envoy’s own filters too', () => {
    for (const proto of ['dragons', 'envoy.filters.network.mysql_proxy', 'test.passer']) {
      const library = new Library([{ l7_proto: proto }]);
      expect(answers(library.connection('r2d2'), false, 'HALT\r\n')[0]).toBe('DROP 6');
    }
  });

  it('of two protocols on one port are refused, as are two entries of one port', () => {
    expect(new Library().update([{ l7_proto: 'r2d2' }, kafkaRules({})])).toMatch(/^NPDS: Mismatching L7 types on the same port/);
    const policy = { endpoint_ips: [POD], endpoint_id: 2, ingress_per_port_policies: [{ port: 80 }, { port: 80 }] };
    expect(new Library().instance.policyUpdate([policy])).toMatch(/^NPDS: Duplicate port number 80 in/);
    expect(new Library().instance.policyUpdate([{ ...policy, endpoint_ips: [] }])).toBe('NPDS: Policy has no endpoint_ips');
    const sctp = { endpoint_ips: [POD], endpoint_id: 2, egress_per_port_policies: [{ port: 80, protocol: 'SCTP' as const }] };
    expect(new Library().instance.policyUpdate([sctp])).toMatch(/^NPDS: Invalid transport protocol SCTP/);
    expect(
      new Library().instance.policyUpdate([{ ...sctp, egress_per_port_policies: [{ port: 80, protocol: 'UDP' as const }] }]),
    ).toBeNull();
  });

  it('fall back to those of port 0', () => {
    const library = new Library();
    const entries = [{ rules: [{ remote_policies: [1] }] }, { port: 80, rules: [l7Rules('r2d2', { cmd: 'READ' })] }];
    expect(library.instance.policyUpdate([{ endpoint_ips: [POD], endpoint_id: 2, ingress_per_port_policies: entries }])).toBeNull();
    const verdict = (identity: number): string | undefined => answers(library.connection('r2d2', identity), false, 'HALT\r\n')[0];
    expect([verdict(1), verdict(3)]).toEqual(['PASS 6', 'DROP 6']);
  });
});

describe('new connections', () => {
  const start = {
    proto: 'r2d2',
    ingress: true,
    sourceId: 1,
    destinationId: 2,
    source: '1.1.1.1:1',
    destination: '10.0.0.2:80',
    policyName: POD,
  };

  it('are refused without a parser, a port, or by the parser', () => {
    const { instance } = new Library();
    expect(instance.newConnection({ ...start, proto: 'invalid-parser-should-not-exist' })).toBe('UNKNOWN_PARSER');
    expect(instance.newConnection({ ...start, destination: '10.0.0.2' })).toBe('INVALID_ADDRESS');
    expect(instance.newConnection({ ...start, destination: '10.0.0.2:0' })).toBe('INVALID_ADDRESS');
    expect(instance.newConnection({ ...start, destination: '[::1]:80' })).toMatchObject({ port: 80 });
    expect(instance.newConnection({ ...start, proto: 'test.passer', policyName: 'invalid-policy' })).toBe('POLICY_DROP');
  });
});

describe('the parsers for tests', () => {
  it('line parser', () => {
    const one = new Library([]).connection('test.lineparser');
    expect(answers(one, false, 'No-newline')).toEqual(['MORE 1']);
    expect(answers(one, false, 'PASS1\nDROP2\nPASS3')).toEqual(['PASS 6', 'DROP 6', 'MORE 1']);
    expect(answers(one, false, 'INJECT reverse\nINSERT here\n')).toEqual(['DROP 15', 'INJECT 12', 'DROP 12']);
    expect([fromLatin1(injected(one)), fromLatin1(one.origBuffer.take())]).toEqual(['INJECT reverse\n', 'INSERT here\n']);
    expect(answers(one, false, 'what\n')[0]).toBe('ERROR 2');
  });

  it('block parser', () => {
    const one = new Library([]).connection('test.blockparser');
    expect(answers(one, false, 'No-newline')).toEqual(['MORE 1']);
    expect(answers(one, false, '4:No')).toEqual(['ERROR 2', ...new Array<string>(15).fill('ERROR 2')]);
    expect(answers(one, false, '12:more')).toEqual(['MORE 5']);
    expect(answers(one, false, '7:PASS17:DROP2')).toEqual(['PASS 7', 'DROP 7']);
    expect(answers(one, false, '3:PASS')[0]).toBe('ERROR 2');
    expect(answers(one, false, '1:')[0]).toBe('ERROR 3');
    expect(answers(one, false, '10:INSERT.').slice(0, 2)).toEqual(['INJECT 10', 'DROP 10']);
  });

  it('header parser', () => {
    const library = new Library([l7Rules('test.headerparser', { prefix: 'Beginning' }, { suffix: 'End' })]);
    expect(through(library, 'test.headerparser', [{ reply: false, bytes: latin1('Beginning=1\nfoo\n at End \r\n') }])).toMatchObject({
      toServer: 'Beginning=1\n at End \r\n',
      toClient: 'Line dropped: foo\n',
    });
  });

  it('passer', () => {
    expect(answers(new Library([]).connection('test.passer'), false, 'anything')).toEqual(['PASS 8']);
  });
});

describe('the filter', () => {
  it('goes on with more than sixteen operations, and passes on what its buffer has room for', () => {
    const lines = 'PASS\n'.repeat(40);
    expect(through(new Library([]), 'test.lineparser', [{ reply: false, bytes: latin1(lines) }]).toServer).toBe(lines);
    const block = `1100:INSERT${'x'.repeat(1100 - 11)}`;
    const sent = through(new Library([]), 'test.blockparser', [{ reply: false, bytes: latin1(block) }]);
    expect([sent.failed, sent.toServer]).toEqual([false, block]);
  });

  it('what was injected for the other direction waits for the border of a frame there', () => {
    const filter = new GoFilterInstance(new Library([]).connection('test.blockparser'));
    const text = (reply: boolean, data: string): string => fromLatin1(filter.onIo(reply, latin1(data), false).output);
    expect(text(true, '10:PASS..')).toBe('10:PASS..');
    expect(text(false, '8:INJECT')).toBe('');
    expect(filter.wantsReplyInject).toBe(true);
    // One byte of the answer is missing.
    expect(text(true, '')).toBe('');
    expect(text(true, 'z')).toBe('z8:INJECT');
  });

  it('drops what was decided about before it came', () => {
    const filter = new GoFilterInstance(new Library([]).connection('test.blockparser'));
    const text = (data: string): string => fromLatin1(filter.onIo(false, latin1(data), false).output);
    expect(['20:DROP', 'abc', `${'d'.repeat(10)}6:PASS`].map(text)).toEqual(['', '', '6:PASS']);
  });

  it('injected bytes that nobody asks for are an error', () => {
    const connection = new Library([]).connection('test.passer');
    const filter = new GoFilterInstance(connection);
    connection.use({
      onData: (reply) => {
        connection.inject(reply, latin1('x'));
        return { op: 'NOP' };
      },
    });
    expect(filter.onIo(false, latin1('data'), false).result).toBe('PARSER_ERROR');
  });

  it('a buffer takes what it has room for', () => {
    const buffer = new InjectBuffer(4);
    expect([buffer.append(latin1('abc')), buffer.append(latin1('def')), buffer.atCapacity]).toEqual([3, 1, true]);
    expect([fromLatin1(buffer.drain(2)), buffer.length, buffer.append(latin1('z')), buffer.atCapacity]).toEqual(['ab', 2, 0, true]);
    expect([fromLatin1(buffer.take()), buffer.atCapacity]).toEqual(['cd', false]);
  });
});

it('texts that are not UTF-8 make a record that cannot be sent', () => {
  const library = new Library([{ l7_proto: 'r2d2' }]);
  const send = (file: Uint8Array): unknown[] =>
    through(library, 'r2d2', [{ reply: false, bytes: concatBytes([latin1('READ '), file, latin1('\r\n')]) }]).logs;
  expect(send(Uint8Array.of(0xff))).toEqual([]);
  expect(send(Uint8Array.of(0xc3, 0xa9))).toEqual([['Request', { cmd: 'READ', file: 'é' }]]);
});
