/** HTTP/2 towards clients: what the proxy says, byte by byte where that matters, and how it ends streams and connections. */
import { describe, expect, it } from 'vitest';
import { concatBytes, fromLatin1, latin1 } from '../../../src/net/bytes.ts';
import { SECOND } from '../../../src/sim/clock.ts';
import { Http2Peer } from '../../../src/workloads/http2_peer.ts';
import { FLAG, FRAME, FrameWriter, frame, hello, numberFrame, readFrames, request } from '../../support/http2_frames.ts';
import { allowAll, type Backend, httpListener, landingPolicy, POD, Rig, sentText, type TestClient } from '../support.ts';

/** A server of HTTP/2 behind the proxy: answers 200 with the headers it got as its body. */
function http2Backend(): Backend {
  const peers = new Map<unknown, Http2Peer>();
  return (socket, received) => {
    let peer = peers.get(socket);
    if (peer === undefined) {
      peer = new Http2Peer(true, { settings: [], connectionWindow: 65535 }, (bytes) => socket.write(bytes), {
        onMessage: (streamId, { headers, body }) => {
          const own = peers.get(socket) as Http2Peer;
          own.respond(streamId, [[':status', '200']], latin1(JSON.stringify([...headers, ['body', fromLatin1(body)]])));
        },
      });
      peers.set(socket, peer);
    }
    peer.receive(latin1(received));
  };
}

function rig(policies = [allowAll()]): Rig {
  return new Rig({ policies, backend: http2Backend(), recording: true });
}

/** Sends bytes on a connection and gives the frames that came back. */
function exchange(one: Rig, client: TestClient, parts: readonly Uint8Array[], nanos = 0): string[] {
  client.received = '';
  client.socket.write(concatBytes(parts));
  one.settle(nanos);
  return readFrames(latin1(client.received));
}

const POST = request({ ':method': 'POST', ':path': '/v1/request-landing' });
const PUT = request({ ':method': 'PUT', ':path': '/v1/exhaust-port' });

describe('the first words', () => {
  it('settings, acknowledgement, window, and the answer', () => {
    const one = rig();
    const client = one.client();
    expect(exchange(one, client, [hello(), new FrameWriter().headers(1, request())])).toEqual([
      'SETTINGS',
      'SETTINGS ack',
      'WINDOW_UPDATE 0 by 268369921',
      'HEADERS 1',
      'DATA 1 end',
    ]);
    // HEADER_TABLE_SIZE 4096, ENABLE_CONNECT_PROTOCOL 0, MAX_CONCURRENT_STREAMS 2^31-1, INITIAL_WINDOW_SIZE 256 MiB
    expect([...latin1(client.received.slice(0, 33))]).toEqual([
      ...[0, 0, 24, 4, 0, 0, 0, 0, 0],
      ...[0, 1, 0, 0, 16, 0, 0, 8, 0, 0, 0, 0, 0, 3, 127, 255, 255, 255, 0, 4, 16, 0, 0, 0],
    ]);
  });

  it('upstream the preface, settings with push off, window, and the request', () => {
    const one = rig();
    exchange(one, one.client(), [hello(), new FrameWriter().headers(1, request())]);
    const sent = one.backendReceived[0] as string;
    expect(sent.startsWith('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x1e\x04')).toBe(true);
    expect(readFrames(latin1(sent.slice(24)))).toEqual(['SETTINGS', 'WINDOW_UPDATE 0 by 268369921', 'HEADERS 1 end', 'SETTINGS ack']);
  });
});

describe('headers on their way', () => {
  const seenBy = (headers: readonly (readonly [string, string])[]): [string, string][] => {
    const one = rig();
    const client = one.client();
    client.socket.write(concatBytes([hello(), new FrameWriter().headers(1, headers)]));
    one.settle();
    const text = client.received;
    return JSON.parse(text.slice(text.indexOf('[['), text.lastIndexOf(']]') + 2)) as [string, string][];
  };

  it('crumbs of a cookie become one, host is joined to the authority, additions come last', () => {
    const seen = seenBy([
      ...request({ 'user-agent': 'x', host: 'other' }),
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
      ['x-a', '1'],
      ['x-a', '2'],
    ]);
    expect(seen.slice(0, -1)).toEqual([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'h,other'],
      ['user-agent', 'x'],
      ['x-a', '1'],
      ['x-a', '2'],
      ['cookie', 'a=1; b=2'],
      ['x-forwarded-proto', 'http'],
      ['x-request-id', 'xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx'],
      ['x-envoy-expected-rq-timeout-ms', '3600000'],
    ]);
  });

  it('headers with characters that are none are passed over in silence', () => {
    const names = seenBy(request({ 'x a': '1', 'x-nul': 'a\0', 'x-good': 'y' })).map(([name]) => name);
    expect(names).toContain('x-good');
    expect(names).not.toContain('x a');
    expect(names).not.toContain('x-nul');
  });

  it('Expect is answered at once and removed', () => {
    const one = rig();
    const client = one.client();
    const w = new FrameWriter();
    const frames = exchange(one, client, [hello(), w.headers(1, request({ ':method': 'POST', expect: '100-continue' }), FLAG.END_HEADERS)]);
    expect(frames).toContain('HEADERS 1');
    expect(exchange(one, client, [w.data(1, 'body')])).toEqual(['HEADERS 1', 'DATA 1 end']);
    expect(client.received).toContain('["body","body"]');
    expect(client.received).not.toContain('"expect"');
  });
});

describe('denied', () => {
  it('one of three streams: its neighbours do not notice, and no byte of it goes upstream', () => {
    const one = rig([landingPolicy()]);
    const client = one.client();
    const w = new FrameWriter();
    const frames = exchange(one, client, [hello(), w.headers(1, POST), w.headers(3, PUT), w.headers(5, POST)]);
    expect(frames.filter((text) => text.startsWith('HEADERS')).sort()).toEqual(['HEADERS 1', 'HEADERS 3', 'HEADERS 5']);
    expect(client.received).toContain('Access denied\r\n');
    expect(readFrames(latin1((one.backendReceived[0] as string).slice(24))).filter((text) => text.startsWith('HEADERS'))).toEqual([
      'HEADERS 1 end',
      'HEADERS 3 end',
    ]);
    expect(one.upstreams()).toHaveLength(1);
    expect(one.logTypes().sort()).toEqual(['Denied', 'Request', 'Request', 'Response', 'Response', 'Response']);
    expect(one.logs.every(({ http }) => http?.http_protocol === 'HTTP2')).toBe(true);
  });

  it('alone: the upstream connection hears the preface and no request', () => {
    const one = rig([landingPolicy()]);
    exchange(one, one.client(), [hello(), new FrameWriter().headers(1, PUT)]);
    expect(readFrames(latin1(sentText(one.upstreams()[0] as never).slice(24)))).toEqual([
      'SETTINGS',
      'WINDOW_UPDATE 0 by 268369921',
      'SETTINGS ack',
    ]);
    // It serves the next request.
    exchange(one, one.client(), [hello(), new FrameWriter().headers(1, POST)]);
    expect(one.upstreams()).toHaveLength(1);
  });

  it('before its body has come: the answer, then RST_STREAM without an error', () => {
    const one = rig([landingPolicy()]);
    const client = one.client();
    const w = new FrameWriter();
    const frames = exchange(one, client, [hello(), w.headers(1, PUT, FLAG.END_HEADERS)]);
    expect(frames.slice(3)).toEqual(['HEADERS 1', 'DATA 1 end', 'RST_STREAM 1 code 0']);
    // What comes later of it is passed over.
    expect(exchange(one, client, [w.data(1, 'late'), w.headers(3, POST)])).toEqual(['HEADERS 3', 'DATA 3 end']);
  });

  it('by the policy of the moment', () => {
    const one = rig([landingPolicy()]);
    const client = one.client();
    const w = new FrameWriter();
    exchange(one, client, [hello(), w.headers(1, POST)]);
    one.policies([{ ...landingPolicy(), ingress_per_port_policies: [] }]);
    one.settle();
    expect(exchange(one, client, [w.headers(3, POST)])).toEqual(['HEADERS 3', 'DATA 3 end']);
    expect(client.received).toContain('Access denied');
  });

  it.each([
    ['//v1///request-landing', 'passes'],
    ['/v1/%2e%2e/v1/request-landing', 'passes'],
    ['/v1\\request-landing', 'passes'],
    ['/v1%2frequest-landing', '307'],
    ['/v1/request-landing#x', '400'],
    ['/v1/request-landing?x', '403'],
    ['/V1/request-landing', '403'],
  ])('the path %s is read as in HTTP/1', (path, outcome) => {
    const one = rig([landingPolicy()]);
    const client = one.client();
    exchange(one, client, [hello(), new FrameWriter().headers(1, request({ ':method': 'POST', ':path': path }))]);
    const http1 = new Rig({ policies: [landingPolicy()] }).ask(`POST ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect(http1.slice(9, 12)).toBe(outcome === 'passes' ? '200' : outcome);
    expect(one.logs.at(-1)?.http?.status).toBe(outcome === 'passes' ? 200 : Number(outcome));
  });
});

describe('a deadline of gRPC', () => {
  const grpc = (timeout: string) =>
    request({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': timeout });

  it.each([
    ['1S', '1000m'],
    ['1500u', '2m'],
    ['99999999m', '99999999m'],
    ['99999999S', '99999999S'],
    ['99999999M', '99999999M'],
    ['99999999H', '99999999H'],
    ['x', 'x'],
    ['123456789m', '123456789m'],
  ])('%s goes on as %s', (timeout, forwarded) => {
    const one = rig();
    const client = one.client();
    exchange(one, client, [hello(), new FrameWriter().headers(1, grpc(timeout))]);
    expect(client.received).toContain(`["grpc-timeout","${forwarded}"]`);
  });

  it('that passes without an answer: status 4', () => {
    const one = new Rig({ policies: [allowAll()], backend: () => undefined });
    const client = one.client();
    expect(exchange(one, client, [hello(), new FrameWriter().headers(1, grpc('1S'))], SECOND / 2)).toHaveLength(3);
    expect(exchange(one, client, [], SECOND)).toEqual(['HEADERS 1 end']);
    expect(one.logs.at(-1)?.http?.headers).toContainEqual({ key: 'grpc-status', value: '4' });
    expect(one.logs.at(-1)?.http?.headers).toContainEqual({ key: 'grpc-message', value: 'downstream duration timeout' });
  });

  it('is not looked at in other requests', () => {
    const one = new Rig({ policies: [allowAll()], backend: () => undefined });
    const client = one.client();
    exchange(one, client, [hello(), new FrameWriter().headers(1, request({ 'grpc-timeout': '1S' }))]);
    expect(exchange(one, client, [], 10 * SECOND)).toEqual([]);
  });
});

describe('what is not HTTP ends the connection without a word', () => {
  it.each([
    ['a name in upper case', request({ 'X-A': 'b' })],
    ['Connection', request({ connection: 'x' })],
    ['no authority', request({ ':authority': null })],
    ['no path', request({ ':path': null })],
    ['a path without a slash', request({ ':path': 'x' })],
    ['te: gzip', request({ te: 'gzip' })],
    [':protocol', request({ ':method': 'CONNECT', ':protocol': 'websocket' })],
  ])('%s', (_name, headers) => {
    const one = rig();
    const client = one.client();
    const w = new FrameWriter();
    exchange(one, client, [hello(), w.headers(1, request())]);
    expect(exchange(one, client, [w.headers(3, headers)])).toEqual([]);
    expect(client.ended).toBe(false);
    one.settle(SECOND);
    expect(client.ended).toBe(true);
    expect(one.envoy.admin.get('/stats').body).toMatch(/http\.proxy\.downstream_cx_protocol_error: 1/);
  });

  it('a frame that is none: GOAWAY with its error, then the end', () => {
    const one = rig();
    const client = one.client();
    expect(exchange(one, client, [hello(), frame(FRAME.DATA, 0, 0, new Uint8Array(1))])).toEqual(['GOAWAY last 0 code 1']);
    one.settle(SECOND);
    expect(client.ended).toBe(true);
  });

  it('a body of another length ends its stream alone', () => {
    const one = rig();
    const client = one.client();
    const w = new FrameWriter();
    const frames = exchange(one, client, [hello(), w.headers(1, request({ 'content-length': '5' }), FLAG.END_HEADERS), w.data(1, 'x')]);
    expect(frames).toContain('RST_STREAM 1 code 1');
    expect(exchange(one, client, [w.headers(3, request())])).toEqual(['HEADERS 3', 'DATA 3 end']);
  });
});

describe('limits', () => {
  it.each([
    ['101 headers', [...request(), ...Array.from({ length: 97 }, (_, i) => [`x-${i}`, 'y'] as const)]],
    ['more than 60 KiB', [...request(), ...Array.from({ length: 61 }, (_, i) => [`x-${i}`, 'y'.repeat(1024)] as const)]],
  ])('%s: the stream is reset, the connection lives', (_name, headers) => {
    const one = rig();
    const client = one.client();
    const w = new FrameWriter();
    const block = w.headers(1, headers);
    // A frame takes 16 KiB.
    const payload = block.subarray(9);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < payload.length; at += 16384) {
      const last = at + 16384 >= payload.length ? FLAG.END_HEADERS : 0;
      pieces.push(
        frame(at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, last | (at === 0 ? FLAG.END_STREAM : 0), 1, payload.subarray(at, at + 16384)),
      );
    }
    expect(exchange(one, client, [hello(), ...pieces])).toContain('RST_STREAM 1 code 2');
    expect(exchange(one, client, [w.headers(3, request())])).toEqual(['HEADERS 3', 'DATA 3 end']);
    expect(one.logs).toHaveLength(2);
  });

  it('100 headers pass', () => {
    const one = rig();
    const headers = [...request(), ...Array.from({ length: 96 }, (_, i) => [`x-${i}`, 'y'] as const)];
    expect(exchange(one, one.client(), [hello(), new FrameWriter().headers(1, headers)])).toContain('HEADERS 1');
  });

  it.each([
    ['empty DATA frames', () => Array.from({ length: 3 }, () => frame(FRAME.DATA, 0, 1, new Uint8Array(0)))],
    ['PRIORITY frames', () => Array.from({ length: 201 }, () => frame(FRAME.PRIORITY, 0, 1, new Uint8Array([0, 0, 0, 3, 9])))],
    ['WINDOW_UPDATE frames', () => Array.from({ length: 8 }, () => numberFrame(FRAME.WINDOW_UPDATE, 0, 1))],
    ['PINGs', () => Array.from({ length: 1001 }, () => frame(FRAME.PING, 0, 0, new Uint8Array(8)))],
  ])('a flood of %s ends the connection', (_name, flood) => {
    const one = rig();
    const client = one.client();
    exchange(one, client, [hello(), new FrameWriter().headers(1, request({ ':method': 'POST' }), FLAG.END_HEADERS), ...flood()], SECOND);
    expect(client.ended).toBe(true);
  });
});

describe('ends', () => {
  it('a removed listener says goodbye in two steps', () => {
    const one = rig();
    const client = one.client();
    const w = new FrameWriter();
    exchange(one, client, [hello(), w.headers(1, request())]);
    one.listeners([httpListener({ port: 1234 })]);
    one.settle();
    expect(exchange(one, client, [w.headers(3, request())])).toEqual(['GOAWAY last 2147483647 code 0', 'HEADERS 3', 'DATA 3 end']);
    expect(exchange(one, client, [w.headers(5, request())])).toEqual(['HEADERS 5', 'DATA 5 end']);
    expect(exchange(one, client, [], 5 * SECOND)).toEqual(['GOAWAY last 5 code 0']);
    one.settle(SECOND);
    expect(client.ended).toBe(true);
  });

  it('an hour of silence likewise', () => {
    const one = rig();
    const client = one.client();
    exchange(one, client, [hello(), new FrameWriter().headers(1, request())]);
    expect(exchange(one, client, [], 3600 * SECOND)).toEqual(['GOAWAY last 2147483647 code 0']);
    expect(exchange(one, client, [], 6 * SECOND)).toEqual(['GOAWAY last 1 code 0']);
    expect(client.ended).toBe(true);
  });

  it('a client that goes away in the middle leaves no stream upstream', () => {
    const one = rig();
    const client = one.client();
    exchange(one, client, [hello(), new FrameWriter().headers(1, POST, FLAG.END_HEADERS)]);
    client.socket.abort();
    one.settle();
    expect(readFrames(latin1((one.backendReceived[0] as string).slice(24)))).toContain('RST_STREAM 1 code 0');
  });

  it('an idle upstream connection goes with its host', () => {
    const one = rig();
    exchange(one, one.client(), [hello(), new FrameWriter().headers(1, request())]);
    one.settle(4 * SECOND);
    expect(one.upstreams()[0]?.closedBy).toBe('close');
  });

  it('the preface in pieces is HTTP/2 if its first piece says so', () => {
    const one = rig();
    const client = one.client();
    const all = concatBytes([hello(), new FrameWriter().headers(1, request())]);
    client.socket.write(all.subarray(0, 16));
    one.settle();
    expect(exchange(one, client, [all.subarray(16)])).toContain('DATA 1 end');
  });

  it('no policy: 500 for each stream', () => {
    const one = new Rig({ policies: [], backend: null });
    const client = one.client();
    const frames = exchange(one, client, [hello(), new FrameWriter().headers(1, request())]);
    expect(frames.slice(3)).toEqual(['HEADERS 1 end']);
    expect(one.client(undefined, POD)).toBeDefined();
  });
});
