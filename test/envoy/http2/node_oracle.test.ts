/** The proxy between Node's HTTP/2 client and Node's HTTP/2 server: nghttp2 on both sides reads what our codecs write. */

import type { Http2Server } from 'node:http2';
import { describe, expect, it } from 'vitest';
import type { TcpSocket } from '../../../src/kernel/socket.ts';
import { concatBytes, latin1 } from '../../../src/net/bytes.ts';
import { MILLISECOND } from '../../../src/sim/clock.ts';
import { type NodeEnd, nodeClient, nodeRequest, nodeServer, turn } from '../../support/node_http2.ts';
import { allowAll, CLIENT, ip, landingPolicy, POD, Rig } from '../support.ts';

/** Clients, the proxy and one backend. */
class Bridge {
  readonly rig: Rig;
  readonly client = nodeClient();
  readonly #socket: TcpSocket;
  #received: Uint8Array[] = [];
  readonly #upstreams: { readonly socket: TcpSocket; readonly end: NodeEnd; closed: boolean }[] = [];

  constructor(server: Http2Server | null, accept: (() => NodeEnd) | null, policies = [landingPolicy()]) {
    this.rig = new Rig({ policies, backend: null, recording: true });
    if (server !== null && accept !== null) {
      this.rig.net.listen({
        local: { address: ip(POD), port: 80 },
        onAccept: (socket) => {
          const one = { socket, end: accept(), closed: false };
          this.#upstreams.push(one);
          return {
            onData: (_socket, bytes) => one.end.give(bytes),
            onEnd: () => {
              one.closed = true;
              one.end.duplex.push(null);
              socket.close();
            },
            onError: () => one.end.duplex.destroy(),
          };
        },
      });
    }
    const before = this.rig.net.defaultAddress;
    this.rig.net.defaultAddress = ip(CLIENT);
    this.#socket = this.rig.net.connect({
      remote: { address: ip(POD), port: 80 },
      handlers: {
        onData: (_socket, bytes) => void this.#received.push(bytes.slice()),
        onEnd: () => void this.client.end.duplex.push(null),
      },
    }) as TcpSocket;
    this.rig.net.defaultAddress = before;
  }

  get upstreams(): number {
    return this.#upstreams.length;
  }

  /** Moves bytes until nobody has any. */
  async pump(rounds = 12): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      await turn();
      const bytes = this.client.end.take();
      if (bytes.length > 0) {
        this.#socket.write(bytes);
      }
      this.rig.settle(MILLISECOND);
      for (const { socket, end, closed } of this.#upstreams) {
        const answer = end.take();
        if (answer.length > 0 && !closed) {
          socket.write(answer);
        }
      }
      this.rig.settle(MILLISECOND);
      this.client.end.give(concatBytes([new Uint8Array(0), ...this.#received]));
      this.#received = [];
    }
  }
}

const LANDING = { ':method': 'POST', ':path': '/v1/request-landing', ':authority': 'deathstar', ':scheme': 'http', 'user-agent': 'node' };

function landingServer(): { server: Http2Server; accept: () => NodeEnd; seen: unknown[] } {
  const { server, accept } = nodeServer();
  const seen: unknown[] = [];
  server.on('stream', (stream, headers) => {
    let body = '';
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    stream.on('error', () => undefined);
    stream.on('trailers', (trailers) => seen.push({ trailers }));
    stream.on('end', () => {
      seen.push({ ...headers, body });
      stream.respond({ ':status': 200, 'content-type': 'text/plain' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
      stream.end(`Ship landed ${body.length}\n`);
    });
  });
  return { server, accept, seen };
}

describe('Node at both ends', () => {
  it('a request with body and trailers passes, and its answer with trailers', async () => {
    const { server, accept, seen } = landingServer();
    const bridge = new Bridge(server, accept);
    const answer = nodeRequest(bridge.client.session, LANDING, 'cargo', { 'x-sum': '7' });
    await bridge.pump();
    expect(bridge.client.errors).toEqual([]);
    expect(answer.headers).toMatchObject({
      ':status': 200,
      'content-type': 'text/plain',
      server: 'envoy',
      'x-envoy-upstream-service-time': expect.anything(),
    });
    expect(answer).toMatchObject({ body: 'Ship landed 5\n', ended: true, reset: 0 });
    expect(answer.trailers).toMatchObject({ 'x-end': 'yes' });
    expect(seen).toContainEqual(
      expect.objectContaining({
        ':path': '/v1/request-landing',
        'x-forwarded-proto': 'http',
        body: 'cargo',
        'x-envoy-expected-rq-timeout-ms': '3600000',
      }),
    );
    expect(seen).toContainEqual({ trailers: expect.objectContaining({ 'x-sum': '7' }) });
    expect(bridge.rig.logs.map(({ entry_type, http }) => [entry_type, http?.http_protocol, http?.status])).toEqual([
      ['Request', 'HTTP2', 0],
      ['Response', 'HTTP2', 200],
    ]);
  });

  it('streams on one connection are judged one by one, and share one connection upstream', async () => {
    const { server, accept, seen } = landingServer();
    const bridge = new Bridge(server, accept);
    const all = ['/v1/request-landing', '/v1/exhaust-port', '/v1/request-landing', '/x/../v1/request-landing'].map((path) =>
      nodeRequest(bridge.client.session, { ...LANDING, ':path': path }),
    );
    await bridge.pump();
    expect(all.map(({ headers, body }) => [headers?.[':status'], body])).toEqual([
      [200, 'Ship landed 0\n'],
      [403, 'Access denied\r\n'],
      [200, 'Ship landed 0\n'],
      [200, 'Ship landed 0\n'],
    ]);
    expect(all[1]?.headers).toMatchObject({ 'content-length': '15', 'content-type': 'text/plain', server: 'envoy' });
    expect(seen.length).toBe(3);
    expect(bridge.upstreams).toBe(1);
    expect(bridge.rig.logs.filter(({ entry_type }) => entry_type === 'Denied').length).toBe(1);
  });

  it('a denied gRPC call is a 200 with grpc-status 7', async () => {
    const { server, accept } = landingServer();
    const bridge = new Bridge(server, accept);
    const headers = { ...LANDING, ':path': '/cloudcity.DoorManager/SetAccessCode', 'content-type': 'application/grpc', te: 'trailers' };
    const answer = nodeRequest(bridge.client.session, headers, '\0\0\0\0\0');
    await bridge.pump();
    expect(answer.headers).toMatchObject({
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': '7',
      'grpc-message': 'Access denied%0D%0A',
    });
    expect(answer).toMatchObject({ body: '', ended: true, reset: 0 });
  });

  it('large bodies flow in both directions, over windows and frames', async () => {
    const { server, accept } = nodeServer();
    const big = 'x'.repeat(300_000);
    server.on('stream', (stream) => {
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
      });
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-size': String(size) });
        stream.end(big);
      });
    });
    const bridge = new Bridge(server, accept, [allowAll()]);
    const answer = nodeRequest(bridge.client.session, LANDING, big);
    await bridge.pump(80);
    expect(answer.headers).toMatchObject({ 'x-size': '300000' });
    expect(answer.body.length).toBe(300_000);
    expect(answer.ended).toBe(true);
  });

  it('a HEAD has no body, and a 404 of the server is passed on', async () => {
    const { server, accept } = nodeServer();
    server.on('stream', (stream, headers) => {
      stream.respond(
        { ':status': headers[':method'] === 'HEAD' ? 200 : 404, 'content-length': '5' },
        { endStream: headers[':method'] === 'HEAD' },
      );
      if (headers[':method'] !== 'HEAD') {
        stream.end('nope\n');
      }
    });
    const bridge = new Bridge(server, accept, [allowAll()]);
    const head = nodeRequest(bridge.client.session, { ...LANDING, ':method': 'HEAD' });
    const get = nodeRequest(bridge.client.session, { ...LANDING, ':method': 'GET' });
    await bridge.pump();
    expect(head.headers).toMatchObject({ ':status': 200, 'content-length': '5' });
    expect(get).toMatchObject({ body: 'nope\n', ended: true });
  });

  it('a client that resets its stream: the upstream one is reset, others live', async () => {
    const { server, accept } = nodeServer();
    const closed: number[] = [];
    server.on('stream', (stream, headers) => {
      stream.on('close', () => closed.push(stream.rstCode));
      stream.on('error', () => undefined);
      if (headers[':path'] !== '/hang') {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      }
    });
    const bridge = new Bridge(server, accept, [allowAll()]);
    const hanging = bridge.client.session.request({ ...LANDING, ':path': '/hang' }, { endStream: true });
    hanging.on('error', () => undefined);
    await bridge.pump();
    hanging.close(8);
    await bridge.pump();
    const other = nodeRequest(bridge.client.session, LANDING);
    await bridge.pump();
    expect(closed[0]).toBe(0);
    expect(other).toMatchObject({ body: 'ok', ended: true });
    expect(bridge.upstreams).toBe(1);
  });

  it('an upstream that refuses a stream is asked again, three times', async () => {
    const { server, accept } = nodeServer();
    let asked = 0;
    server.on('stream', (stream) => {
      asked += 1;
      stream.on('error', () => undefined);
      stream.close(7);
    });
    const bridge = new Bridge(server, accept, [allowAll()]);
    const answer = nodeRequest(bridge.client.session, LANDING);
    for (let i = 0; i < 6; i++) {
      await bridge.pump(4);
      bridge.rig.settle(300 * MILLISECOND);
    }
    await bridge.pump();
    expect(asked).toBe(4);
    expect(answer.headers).toMatchObject({ ':status': 503 });
    expect(answer.body).toBe(
      'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote refused stream reset',
    );
  });

  it('an upstream that says GOAWAY gets no more streams', async () => {
    const { server, accept } = nodeServer();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.session?.goaway(0);
      stream.end('bye');
    });
    const bridge = new Bridge(server, accept, [allowAll()]);
    const first = nodeRequest(bridge.client.session, LANDING);
    await bridge.pump();
    const second = nodeRequest(bridge.client.session, LANDING);
    await bridge.pump();
    expect([first.body, second.body]).toEqual(['bye', 'bye']);
    expect(bridge.upstreams).toBe(2);
  });

  it('an upstream that speaks HTTP/1 breaks the protocol', async () => {
    const rig = new Rig({ policies: [allowAll()], backend: (socket) => socket.write(latin1('HTTP/1.1 400 Bad Request\r\n\r\n')) });
    const client = nodeClient();
    const socket = rig.client();
    const answer = nodeRequest(client.session, LANDING);
    for (let i = 0; i < 12; i++) {
      await turn();
      socket.socket.write(client.end.take());
      rig.settle(300 * MILLISECOND);
      client.end.give(latin1(socket.received));
      socket.received = '';
    }
    await turn();
    expect(answer.headers).toMatchObject({ ':status': 502 });
    expect(answer.body).toContain('reset reason: protocol error');
  });
});
