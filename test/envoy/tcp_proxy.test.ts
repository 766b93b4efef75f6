import { describe, expect, it } from 'vitest';
import { latin1 } from '../../src/net/bytes.ts';
import { SECOND } from '../../src/sim/clock.ts';
import type { PortNetworkPolicyRule } from '../../src/xds/npds.ts';
import { allowAll, Rig, type RigOptions, sentText, tcpListener } from './support.ts';

const rig = (options: RigOptions = {}, rules: readonly PortNetworkPolicyRule[] = []): Rig =>
  new Rig({
    listener: tcpListener(),
    policies: [{ ...allowAll(), ingress_per_port_policies: [{ port: 80, rules }] }],
    backend: (socket, received) => socket.write(latin1(`echo ${received}`)),
    ...options,
  });

describe('the TCP proxy', () => {
  it('passes bytes both ways, those included that came before the upstream connection stood', () => {
    const one = rig();
    const client = one.client();
    client.send('hello');
    one.settle();
    client.send(' again');
    one.settle();
    expect([one.backendReceived, client.received]).toEqual([['hello again'], 'echo helloecho  again']);
    expect(one.upstreams().map((socket) => [socket.mark, sentText(socket)])).toEqual([[0x72ff0a00, 'hello again']]);
  });

  it('passes the end of each direction on', () => {
    const one = rig({ backend: null });
    const ended: string[] = [];
    one.net.listen({
      local: { address: 0x0a00006f, port: 80 },
      onAccept: (socket) => ({
        onEnd: () => {
          ended.push('server');
          socket.write(latin1('last words'));
          socket.end();
        },
      }),
    });
    const client = one.client();
    client.send('first words');
    one.settle();
    client.socket.end();
    one.settle();
    expect([ended, client.received, client.ended]).toEqual([['server'], 'last words', true]);
  });

  it('closes without a byte and without an upstream connection when the policy refuses', () => {
    const one = rig({}, [{ remote_policies: [7] }]);
    const client = one.client();
    client.send('hello');
    one.settle();
    expect([client.received, client.ended, one.upstreams()]).toEqual(['', true, []]);
    expect(one.logs).toEqual([]);
  });

  it('refuses what a parser would have to read that is not there', () => {
    const one = rig({ recording: true }, [{ l7_proto: 'dragons' }]);
    const client = one.client();
    client.send('hello');
    one.settle();
    expect([client.ended, one.upstreams()]).toEqual([true, []]);
    expect(JSON.stringify(one.journey.steps)).toContain('Go parser \\"dragons\\" not found');
  });

  it('closes when the upstream refuses or does not answer in time', () => {
    const refused = rig({ backend: null });
    const client = refused.client();
    client.send('hello');
    refused.settle(2 * SECOND);
    expect([client.received, client.ended]).toEqual(['', true]);
  });

  it('closes both when either is reset', () => {
    const one = rig();
    const client = one.client();
    client.send('hello');
    one.settle();
    one.backendSockets[0]?.abort();
    one.settle();
    expect(client.ended || client.error !== null).toBe(true);
  });

  it('a server name is checked on the first rule for the remote alone', () => {
    const hello = clientHello('b.example');
    const policy = (rules: readonly PortNetworkPolicyRule[]): boolean => {
      const one = rig({}, rules);
      const client = one.client();
      client.socket.write(hello);
      one.settle();
      return one.upstreams().length === 1 && one.backendReceived[0]?.length === hello.length;
    };
    expect(policy([{ server_names: ['b.example'] }])).toBe(true);
    expect(policy([{ server_names: ['a.example'] }])).toBe(false);
    expect(policy([{ server_names: ['a.example', 'b.example'] }])).toBe(true);
    expect(policy([{ server_names: ['a.example'] }, { server_names: ['b.example'] }])).toBe(false);
    expect(policy([{ remote_policies: [7], server_names: ['a.example'] }, { server_names: ['b.example'] }])).toBe(true);
  });
});

/** The smallest hello with a server name. */
function clientHello(name: string): Uint8Array {
  const u16 = (value: number): number[] => [value >>> 8, value & 255];
  const host = [...latin1(name)];
  const list = [0, ...u16(host.length), ...host];
  const extension = [...u16(0), ...u16(list.length + 2), ...u16(list.length), ...list];
  const body = [3, 3, ...new Array(32).fill(1), 0, ...u16(2), 0x13, 0x01, 1, 0, ...u16(extension.length), ...extension];
  const handshake = [1, 0, ...u16(body.length), ...body];
  return Uint8Array.from([0x16, 3, 1, ...u16(handshake.length), ...handshake]);
}
