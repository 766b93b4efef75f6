import { describe, expect, test } from 'vitest';
import { isErrno, type SocketErrno, type TcpHandlers, type TcpSocket } from '../../src/kernel/socket.ts';
import { fromLatin1, latin1 } from '../../src/net/bytes.ts';
import { IPV4_ANY } from '../../src/net/ipv4.ts';
import { TCP_FIN, TCP_SYN } from '../../src/net/protocol.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { newWire, SERVER, type Wire } from './wire.ts';

function connect(wire: Wire, handlers: TcpHandlers = {}, port = 80): TcpSocket {
  const socket = wire.a.connect({ remote: { address: SERVER, port }, handlers });
  if (isErrno(socket)) {
    throw new Error(socket);
  }
  return socket;
}

function listen(wire: Wire, onAccept: (socket: TcpSocket) => TcpHandlers = () => ({})): void {
  expect(isErrno(wire.b.listen({ local: { address: IPV4_ANY, port: 80 }, onAccept }))).toBe(false);
}

const run = (wire: Wire, seconds: number): void => wire.scheduler.runUntil(wire.scheduler.clock.now() + seconds * SECOND);

describe('TCP', () => {
  test('the handshake is three segments, an orderly end another three or four', () => {
    const wire = newWire();
    const states: string[] = [];
    listen(wire, (server) => ({ onEnd: () => server.close(), onClose: () => void states.push('server closed') }));
    const client = connect(wire, { onConnected: () => void states.push('connected') });
    run(wire, 1);
    expect(wire.text()).toEqual(['> SYN', '< SYN,ACK', '> ACK']);
    client.close();
    run(wire, 1);
    expect(wire.text().slice(3)).toEqual(['> ACK,FIN', '< ACK,FIN', '> ACK']);
    expect(client.state).toBe('TIME-WAIT');
    expect([wire.a.tcp.size, wire.b.tcp.size]).toEqual([1, 0]);
    run(wire, 60);
    expect([client.state, wire.a.tcp.size]).toEqual(['CLOSED', 0]);
    expect(states).toEqual(['connected']);
  });

  test('a SYN without an answer is repeated after 1, 3, 7, 15, 31 and 63 seconds and given up after 127', () => {
    const wire = newWire(() => true);
    const errors: [SocketErrno, number][] = [];
    connect(wire, { onError: (_socket, errno) => void errors.push([errno, wire.scheduler.clock.now() / SECOND]) });
    run(wire, 200);
    expect(wire.packets.map(({ seconds }) => seconds)).toEqual([0, 1, 3, 7, 15, 31, 63]);
    expect(errors).toEqual([['ETIMEDOUT', 127]]);
    expect(wire.a.tcp.size).toBe(0);
  });

  test('a lost SYN-ACK is repeated by the server, or asked for again by the client', () => {
    const wire = newWire((packet) => !packet.fromClient && packet.seconds < 1);
    listen(wire);
    const client = connect(wire);
    run(wire, 5);
    expect(client.state).toBe('ESTAB');
    expect(wire.packets.filter(({ tcp }) => (tcp.flags & TCP_SYN) !== 0).length).toBeGreaterThanOrEqual(3);
  });

  test('nobody listens: a reset, and the connection is refused', () => {
    const wire = newWire();
    const errors: SocketErrno[] = [];
    connect(wire, { onError: (_socket, errno) => void errors.push(errno) });
    run(wire, 1);
    expect(wire.text()).toEqual(['> SYN', '< ACK,RST']);
    expect(errors).toEqual(['ECONNREFUSED']);
  });

  test('lost data comes again with the time-out doubling from 200 ms', () => {
    let lost = 0;
    const wire = newWire((packet) => packet.bytes > 0 && ++lost <= 4);
    const got: string[] = [];
    listen(wire, () => ({ onData: (_socket, bytes) => void got.push(fromLatin1(bytes)) }));
    const client = connect(wire);
    run(wire, 1);
    client.write(latin1('hello'));
    run(wire, 20);
    expect(got).toEqual(['hello']);
    const sent = wire.packets.filter(({ bytes }) => bytes > 0).map(({ seconds }) => Math.round((seconds - 1) * 1000));
    expect(sent).toEqual([0, 200, 600, 1400, 3000]);
  });

  test('data for a socket that its process has closed is answered with a reset', () => {
    const wire = newWire();
    const errors: SocketErrno[] = [];
    listen(wire, (server) => {
      server.close();
      return {};
    });
    const client = connect(wire, { onError: (_socket, errno) => void errors.push(errno) });
    run(wire, 1);
    client.write(latin1('too late'));
    run(wire, 1);
    expect(wire.text().at(-1)).toBe('< RST');
    expect(errors).toEqual(['EPIPE']);
    expect([wire.a.tcp.size, wire.b.tcp.size]).toEqual([0, 0]);
  });

  test('abort resets at once, and the other end hears of it', () => {
    const wire = newWire();
    const errors: SocketErrno[] = [];
    listen(wire, () => ({ onError: (_socket, errno) => void errors.push(errno) }));
    const client = connect(wire);
    run(wire, 1);
    client.abort();
    run(wire, 1);
    expect(wire.text().at(-1)).toBe('> ACK,RST');
    expect(errors).toEqual(['ECONNRESET']);
    expect([wire.a.tcp.size, wire.b.tcp.size]).toEqual([0, 0]);
  });

  test('half a connection goes on: the server may send after it has heard the end', () => {
    const wire = newWire();
    const heard: string[] = [];
    listen(wire, (server) => ({
      onEnd: () => {
        server.write(latin1('last words'));
        server.end();
      },
    }));
    const client = connect(wire, {
      onData: (_socket, bytes) => void heard.push(fromLatin1(bytes)),
      onEnd: () => void heard.push('end'),
      onClose: () => void heard.push('closed'),
    });
    client.end();
    run(wire, 2);
    expect(heard).toEqual(['last words', 'end', 'closed']);
  });

  test('a write of more than a segment is cut at the MSS, and all of it arrives', () => {
    const wire = newWire();
    const got: string[] = [];
    listen(wire, () => ({ onData: (_socket, bytes) => void got.push(fromLatin1(bytes)) }));
    const client = connect(wire);
    run(wire, 1);
    const text = 'x'.repeat(100_000);
    client.write(latin1(text));
    client.close();
    run(wire, 5);
    expect(got.join('') === text).toBe(true);
    expect(Math.max(...wire.packets.map(({ bytes }) => bytes))).toBe(1448);
    expect(wire.packets.filter(({ tcp }) => (tcp.flags & TCP_FIN) !== 0)[0]?.bytes).toBe(0);
  });

  test('ports in use are not given twice, and a second listener is refused', () => {
    const wire = newWire();
    listen(wire);
    expect(wire.b.listen({ local: { address: SERVER, port: 80 }, onAccept: () => ({}) })).toBe('EADDRINUSE');
    const local = { address: 0x0a000001, port: 5000 };
    expect(isErrno(wire.a.connect({ remote: { address: SERVER, port: 80 }, local, handlers: {} }))).toBe(false);
    expect(wire.a.connect({ remote: { address: SERVER, port: 80 }, local, handlers: {} })).toBe('EADDRINUSE');
    expect(wire.a.connect({ remote: { address: SERVER, port: 80 }, local: { address: 1, port: 0 }, handlers: {} })).toBe('EADDRNOTAVAIL');
    expect(wire.a.connect({ remote: { address: 0x08080808, port: 80 }, handlers: {} })).toBe('ENETUNREACH');
  });
});
