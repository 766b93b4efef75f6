/** The library in the proxy: connections read by its parsers, its own NPDS client, its records. */
import { describe, expect, it } from 'vitest';
import { latin1 } from '../../../src/net/bytes.ts';
import { SECOND } from '../../../src/sim/clock.ts';
import type { PortNetworkPolicyRule } from '../../../src/xds/npds.ts';
import { NETWORK_POLICY_TYPE_URL } from '../../../src/xds/stream.ts';
import { allowAll, Rig, type RigOptions, tcpListener } from '../support.ts';

const LISTENER = JSON.parse(
  JSON.stringify(tcpListener()).replaceAll(
    '"proxylib":"libcilium.so"',
    '"proxylib":"libcilium.so","proxylib_params":{"access-log-path":"/var/run/cilium/access_log.sock","xds-path":"/var/run/cilium/xds.sock"}',
  ),
) as ReturnType<typeof tcpListener>;

const READ_ONLY: PortNetworkPolicyRule = { l7_proto: 'r2d2', l7_rules: { l7_allow_rules: [{ rule: { cmd: 'READ' } }] } };

const policy = (rules: readonly PortNetworkPolicyRule[]) => ({ ...allowAll(), ingress_per_port_policies: [{ port: 80, rules }] });

const rig = (rules: readonly PortNetworkPolicyRule[] = [READ_ONLY], options: RigOptions = {}): Rig =>
  new Rig({
    listener: LISTENER,
    policies: [policy(rules)],
    backend: (socket, received) => socket.write(latin1(`ok ${received}`)),
    ...options,
  });

const nodes = (one: Rig): string[] =>
  one.xds.requests
    .filter(({ typeUrl }) => typeUrl === NETWORK_POLICY_TYPE_URL)
    .map(({ nodeId, versionInfo }) => `${nodeId.split('~')[1]} ${versionInfo}`);

describe('a connection with a parser', () => {
  it('passes what is allowed and answers the rest itself', () => {
    const one = rig();
    const client = one.client();
    client.send('READ a\r\nWRITE b\r\nREAD c\r\n');
    one.settle();
    expect([one.backendReceived, client.received, client.ended]).toEqual([
      ['READ a\r\nREAD c\r\n'],
      'ERROR\r\nok READ a\r\nREAD c\r\n',
      false,
    ]);
    expect(one.logs.map(({ entry_type: type, generic_l7: l7 }) => [type, l7?.fields['cmd']])).toEqual([
      ['Request', 'READ'],
      ['Denied', 'WRITE'],
      ['Request', 'READ'],
    ]);
    expect(one.logs[1]).toMatchObject({
      is_ingress: true,
      policy_name: '10.0.0.111',
      source_security_id: 29439,
      destination_security_id: 0,
      destination_address: '10.0.0.111:80',
    });
  });

  it('reads nothing before the upstream connection stands: without a server nothing is logged', () => {
    const one = rig([READ_ONLY], { backend: null });
    const client = one.client();
    client.send('READ a\r\n');
    one.settle(2 * SECOND);
    expect([client.ended, one.logs]).toEqual([true, []]);
  });

  it('whose bytes are in pieces is put together, and each end is passed on', () => {
    const one = rig();
    const client = one.client();
    for (const piece of ['RE', 'AD a', '\r', '\nREA', 'D b\r\nleft over']) {
      client.send(piece);
      one.settle();
    }
    client.socket.end();
    one.settle();
    expect([one.backendReceived, client.received, client.ended]).toEqual([['READ a\r\nREAD b\r\n'], 'ok READ a\r\nok READ b\r\n', true]);
  });

  it('that the parser does not understand is closed, and the server with it', () => {
    const one = rig([{ l7_proto: 'test.lineparser' }], { recording: true });
    const client = one.client();
    client.send('nonsense\n');
    one.settle();
    expect([one.backendReceived, client.received, client.ended]).toEqual([[''], '', true]);
    expect(one.upstreams().every((socket) => socket.closedBy !== null)).toBe(true);
    expect(JSON.stringify(one.journey.steps)).toContain('request: PARSER_ERROR after ERROR 2');
  });

  it('goes by the rules of the moment, though the parser is that of its beginning', () => {
    const one = rig();
    const client = one.client();
    client.send('READ a\r\n');
    one.settle();
    one.policies([policy([{ l7_proto: 'r2d2', l7_rules: { l7_allow_rules: [{ rule: { cmd: 'HALT' } }] } }])]);
    one.settle();
    client.send('READ b\r\nHALT\r\n');
    one.settle();
    one.policies([]);
    one.settle();
    client.send('HALT\r\n');
    one.settle();
    expect(one.backendReceived).toEqual(['READ a\r\nHALT\r\n']);
  });

  it('whose port has rules without a parser is passed on as it is', () => {
    const one = rig([{ remote_policies: [29439] }, READ_ONLY]);
    const client = one.client();
    client.send('anything');
    one.settle();
    expect([one.backendReceived, one.logs]).toEqual([['anything'], []]);
  });
});

describe('the client of the library', () => {
  it('subscribes and acknowledges as a node of its own, once for all filter chains', () => {
    expect(nodes(rig())).toEqual(['127.0.0.1 ', '127.0.0.2 ', '127.0.0.1 1', '127.0.0.2 1']);
  });

  it('refuses rules it does not understand, and the old ones stay', () => {
    const one = rig();
    one.policies([policy([{ l7_proto: 'r2d2', l7_rules: { l7_allow_rules: [{ rule: { cmd: 'BEEP' } }] } }])]);
    one.settle();
    expect(nodes(one).slice(-2)).toEqual(['127.0.0.1 2', '127.0.0.2 1']);
    expect(one.xds.last(NETWORK_POLICY_TYPE_URL)?.errorDetail).toBe(
      'NPDS: Client host~127.0.0.2~libcilium-1~localdomain rejecting invalid policy on /var/run/cilium/xds.sock: NPDS: Unable to parse L7 r2d2 ' +
        'rule with invalid cmd: \'BEEP\' (config: {"l7_proto":"r2d2","l7_rules":{"l7_allow_rules":[{"rule":{"cmd":"BEEP"}}]}})',
    );
    const client = one.client();
    client.send('READ a\r\n');
    one.settle();
    expect(one.backendReceived).toEqual(['READ a\r\n']);
  });

  it('is not there without a path, and then everything is denied', () => {
    const one = rig([READ_ONLY], { listener: tcpListener() });
    const client = one.client();
    client.send('READ a\r\n');
    one.settle();
    expect([nodes(one), client.received]).toEqual([['127.0.0.1 ', '127.0.0.1 1'], 'ERROR\r\n']);
  });

  it('parameters nobody knows make the listener be refused', () => {
    const listener = JSON.parse(JSON.stringify(LISTENER).replaceAll('xds-path', 'xds-socket')) as typeof LISTENER;
    const one = rig([READ_ONLY], { listener });
    expect(JSON.stringify(one.xds.requests)).toContain("'libcilium.so::OpenModule()' rejected parameters");
  });
});
