import { describe, expect, it } from 'vitest';
import { latin1 } from '../../src/net/bytes.ts';
import { MILLISECOND, SECOND } from '../../src/sim/clock.ts';
import { allowAll, answer, httpListener, ip, LANDING, OK_RESPONSE, POD, Rig, sentText } from './support.ts';

const open = (): Rig => new Rig({ policies: [allowAll()] });
const head = (text: string): string => text.slice(0, text.indexOf('\r\n\r\n'));
const status = (text: string): number => Number(text.slice(9, 12));

describe('local replies', () => {
  it.each([
    ['400 codec error', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 156],
    ['400 two content-lengths', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n', 400, 156],
    ['400 NUL in a value', 'GET / HTTP/1.1\r\nHost: h\r\nX: a\u0000b\r\n\r\n', 400, 156],
    ['400 unknown method', 'BREW / HTTP/1.1\r\nHost: h\r\n\r\n', 400, 156],
    ['400 bad authority', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 156],
    ['400 nominated x-forwarded-for', 'GET / HTTP/1.1\r\nHost: h\r\nConnection: x-forwarded-for\r\n\r\n', 400, 156],
    ['426', 'GET / HTTP/1.0\r\n\r\n', 426, 123],
    ['307', 'GET /a%2Fb HTTP/1.1\r\nHost: h\r\n\r\n', 307, 122],
    ['403 upgrade', 'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 403, 116],
    ['400 fragment', 'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n', 400, 99],
  ])('%s', (_name, request, code, bytes) => {
    const rig = open();
    const received = rig.ask(request);
    expect(status(received)).toBe(code);
    expect(received).toHaveLength(bytes);
    expect(rig.upstreams()).toHaveLength(0);
  });

  it('501 for an unknown transfer coding, 431 for too much, each closing after the delay', () => {
    for (const [request, code] of [
      ['POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n', 501],
      [`GET / HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(61 * 1024)}\r\n\r\n`, 431],
      [`GET / HTTP/1.1\r\nHost: h\r\n${'X: a\r\n'.repeat(101)}\r\n`, 431],
    ] as const) {
      const rig = open();
      const client = rig.client();
      client.send(request);
      rig.settle(999 * MILLISECOND);
      expect(status(client.received)).toBe(code);
      expect(client.received).toContain('connection: close');
      expect(client.ended).toBe(false);
      rig.settle(MILLISECOND);
      expect(client.ended).toBe(true);
    }
  });

  it('500 without a policy for the pod, logged without names', () => {
    const rig = new Rig({ policies: [] });
    expect(rig.ask(LANDING)).toHaveLength(109);
    expect(rig.logTypes()).toEqual(['Request', 'Response']);
    expect(rig.logs[0]?.policy_name).toBe('');
  });

  it('503 after four refused connects, and never a Denied', () => {
    const rig = new Rig({ backend: null });
    const received = rig.ask(LANDING, SECOND);
    expect(received).toHaveLength(303);
    expect(received).toContain(
      'retried and the latest reset reason: connection failure, transport failure reason: delayed connect error: 111',
    );
    expect(rig.net.connects.filter((one) => one.mark !== 0 && one.mark !== undefined)).toHaveLength(4);
    expect(rig.logTypes()).toEqual(['Request', 'Response']);
  });

  it('503 without a transport reason when the connect times out', () => {
    const rig = new Rig({ backend: null });
    rig.net.blackhole({ address: ip(POD), port: 80 });
    const received = rig.ask(LANDING, 5 * SECOND);
    expect(received).toContain(
      '\r\n\r\nupstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection failure',
    );
    expect(received).not.toContain('transport failure');
  });

  it('gRPC refusals are a 200 that is logged as forwarded', () => {
    const rig = new Rig();
    const received = rig.ask('POST /pkg.S/M HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\n\r\n');
    expect(head(received)).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 7\r\ngrpc-message: Access denied%0D%0A\r\n' +
        'date: Tue, 20 Jun 2023 10:00:00 GMT\r\nserver: envoy\r\ncontent-length: 0',
    );
    expect(rig.logTypes()).toEqual(['Request', 'Response']);
  });

  it('a refusal on an idle connection while the body is on its way closes', () => {
    const rig = new Rig();
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    client.send('PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc');
    rig.settle();
    expect(client.received.slice(163)).toHaveLength(158);
    rig.settle(SECOND);
    expect(client.ended).toBe(true);
  });

  it('answers HEAD with the headers alone', () => {
    const rig = new Rig();
    const received = rig.ask('HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(received).toHaveLength(124);
    expect(received).toContain('content-length: 15');
  });
});

describe('requests on their way', () => {
  it('pipelines one after the other, each in its own write', () => {
    const rig = open();
    const client = rig.client();
    client.send(LANDING + LANDING + LANDING);
    rig.settle();
    expect(client.received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    expect(rig.upstreams()).toHaveLength(1);
    expect(rig.logTypes()).toEqual(['Request', 'Response', 'Request', 'Response', 'Request', 'Response']);
  });

  it('relays chunked bodies both ways', () => {
    const rig = new Rig({
      policies: [allowAll()],
      backend: (socket, _received, all) => {
        if (all.endsWith('0\r\n\r\n')) {
          socket.write(latin1('HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'));
        }
      },
    });
    const received = rig.ask(
      'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n',
    );
    expect(rig.backendReceived[0]).toMatch(/transfer-encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n$/);
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\nx-envoy-upstream-service-time: 0\r\n/);
    expect(received).toMatch(/server: envoy\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
  });

  it('keeps a content-length body plain', () => {
    const rig = open();
    rig.ask('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello');
    expect(rig.backendReceived[0]).toMatch(/\r\ncontent-length: 5\r\n[\s\S]*\r\n\r\nhello$/);
  });

  it('answers Expect itself and takes it out', () => {
    const rig = open();
    const client = rig.client();
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
    rig.settle();
    expect(client.received).toBe(`HTTP/1.1 100 Continue\r\n\r\n${client.received.slice(25)}`);
    client.send('abc');
    rig.settle();
    expect(rig.backendReceived.join('')).not.toContain('expect:');
    expect(client.received).toContain('200 OK');
  });

  it('closes at once after a request that asked for it', () => {
    const rig = open();
    const client = rig.client();
    client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    rig.settle();
    expect(client.received).toContain('server: envoy\r\nconnection: close\r\n\r\n');
    expect(client.ended).toBe(true);
    expect(rig.backendReceived[0]).not.toContain('connection');
  });

  it('a body that ends with the connection becomes chunked', () => {
    const rig = new Rig({
      policies: [allowAll()],
      backend: (socket) => {
        socket.write(latin1('HTTP/1.1 200 OK\r\n\r\nall of it'));
        socket.close();
      },
    });
    expect(rig.ask('GET / HTTP/1.1\r\nHost: h\r\n\r\n')).toMatch(/transfer-encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n$/);
  });

  it('normalises before policy and upstream', () => {
    const rig = new Rig();
    expect(status(rig.ask('POST /x/..//v1/./request-landing HTTP/1.1\r\nHost: h\r\n\r\n'))).toBe(200);
    expect(rig.backendReceived[0]).toMatch(/^POST \/v1\/request-landing HTTP/);
    const raw = new Rig({ listener: httpListener({ normalize: false }) });
    expect(status(raw.ask('POST /x/../v1/request-landing HTTP/1.1\r\nHost: h\r\n\r\n'))).toBe(403);
  });

  it('the query is part of the path a rule sees', () => {
    expect(status(new Rig().ask('POST /v1/request-landing?x=1 HTTP/1.1\r\nHost: h\r\n\r\n'))).toBe(403);
  });

  it('believes x-forwarded-for in the log, not for the identity', () => {
    const rig = new Rig();
    rig.ask('POST /v1/request-landing HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n');
    expect(rig.logs[0]?.source_address).toBe('10.1.1.1:0');
    expect(rig.logs[0]?.source_security_id).toBe(29439);
    expect(rig.backendReceived[0]).toContain('x-envoy-internal: true');
  });

  it('gives 404 for CONNECT', () => {
    expect(status(open().ask('CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n'))).toBe(404);
  });

  it('uses the absolute target instead of Host', () => {
    const rig = open();
    rig.ask('GET http://other:81/x?y HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(rig.backendReceived[0]).toMatch(/^GET \/x\?y HTTP\/1\.1\r\nhost: other:81\r\n/);
  });
});

describe('retries', () => {
  it('tries a 5xx four times, with a Request record each, and passes the last one on', () => {
    const rig = new Rig({ backend: answer('HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nbad!') });
    const received = rig.ask(LANDING, SECOND);
    expect(status(received)).toBe(500);
    expect(received).toContain('bad!');
    expect(rig.logTypes()).toEqual(['Request', 'Request', 'Request', 'Request', 'Response']);
    expect(rig.backendReceived.join('').match(/POST/g)).toHaveLength(4);
  });

  it('repeats the body', () => {
    let attempts = 0;
    const rig = new Rig({
      policies: [allowAll()],
      backend: (socket, _received, all) => {
        if (all.endsWith('hello')) {
          attempts += 1;
          socket.write(latin1(attempts < 3 ? 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n' : OK_RESPONSE));
        }
      },
    });
    expect(status(rig.ask('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello', SECOND))).toBe(200);
    expect(rig.backendReceived.join('').match(/hello/g)).toHaveLength(3);
  });

  it('an upstream that closes before it answers is tried again, then 503', () => {
    const rig = new Rig({ backend: (socket) => socket.close() });
    const received = rig.ask(LANDING, SECOND);
    expect(status(received)).toBe(503);
    expect(received).toMatch(/retried and the latest reset reason: connection termination$/);
    expect(rig.backendSockets).toHaveLength(4);
  });

  it('nonsense from the upstream is 502', () => {
    const rig = new Rig({ backend: answer('SMTP ready\r\n') });
    const received = rig.ask(LANDING, SECOND);
    expect(status(received)).toBe(502);
    expect(received).toMatch(/reset reason: protocol error$/);
  });
});

describe('broken connections', () => {
  it('a client that leaves takes its upstream connection with it', () => {
    const rig = new Rig({ backend: () => undefined });
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    expect(rig.upstreams()[0]?.closedBy).toBeNull();
    client.socket.close();
    rig.settle();
    expect(rig.upstreams()[0]?.closedBy).toBe('close');
    expect(rig.logTypes()).toEqual(['Request']);
  });

  it('an upstream that dies mid-response cuts the client off after the delay', () => {
    const rig = new Rig({
      backend: (socket) => {
        socket.write(latin1('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
        socket.abort();
      },
    });
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    expect(client.received).toMatch(/half$/);
    expect(client.ended).toBe(false);
    rig.settle(SECOND);
    expect(client.ended).toBe(true);
  });

  it('a stopped proxy resets everything and runs nothing', () => {
    const rig = new Rig({ backend: () => undefined });
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    rig.envoy.stop();
    rig.settle(10 * SECOND);
    expect(client.error).toBe('ECONNRESET');
    expect(rig.upstreams()[0]?.closedBy).toBe('abort');
    expect(rig.net.listening(19313)).toBe(false);
    expect(rig.logTypes()).toEqual(['Request']);
  });

  it('a silent client is dropped after fifteen seconds', () => {
    const rig = new Rig();
    const client = rig.client();
    client.send('GET');
    rig.settle(14 * SECOND);
    expect(client.ended).toBe(false);
    rig.settle(SECOND);
    expect(client.ended).toBe(true);
  });

  it('the second request of an idle pool is written on the same connection', () => {
    const rig = new Rig();
    rig.ask(LANDING);
    rig.ask(LANDING);
    expect(rig.upstreams()).toHaveLength(1);
    expect(sentText(rig.upstreams()[0] as never).match(/POST/g)).toHaveLength(2);
  });
});
