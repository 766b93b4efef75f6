import { describe, expect, it } from 'vitest';
import { BpfFs } from '../../src/kernel/bpffs.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { isErrno, type SctpAssociation, type SocketErrno } from '../../src/kernel/socket.ts';
import { IPV4_ANY } from '../../src/net/ipv4.ts';
import type { Packet } from '../../src/net/packet.ts';
import { decodeChunks, SCTP_ABORT, SCTP_COOKIE_ECHO, SCTP_INIT } from '../../src/net/sctp.ts';
import { SECOND, SimClock } from '../../src/sim/clock.ts';
import { Journey } from '../../src/sim/journey.ts';
import { Rng } from '../../src/sim/rng.ts';
import { SimScheduler } from '../../src/sim/scheduler.ts';

const CLIENT = 0x0a000001;
const SERVER = 0x0a000002;

/** Two namespaces on one wire; `lose` may take packets away. */
function wire(lose: (packet: Packet) => boolean = () => false) {
  const scheduler = new SimScheduler(new SimClock(0, 0));
  let id = 0;
  const kernel = new Kernel({ scheduler, rng: new Rng(1), journey: new Journey(() => 0), bpffs: new BpfFs(), nextPacketId: () => ++id });
  const [a, b] = [kernel.newNetns('a'), kernel.newNetns('b')];
  const [left, right] = kernel.createVeth({ name: 'eth0', netns: a, mac: 1 }, { name: 'eth0', netns: b, mac: 2 });
  a.addAddress(left, CLIENT, 24);
  b.addAddress(right, SERVER, 24);
  const chunks: number[] = [];
  const watch = (packet: Packet): 0 | 2 => {
    if (lose(packet)) {
      return 2;
    }
    chunks.push(...(decodeChunks(packet.payload) ?? []).map(({ type }) => type));
    return 0;
  };
  left.ingress = (skb) => watch(skb.packet);
  right.ingress = (skb) => watch(skb.packet);
  const heard: string[] = [];
  const handlers = {
    onConnected: () => void heard.push('connected'),
    onError: (_association: SctpAssociation, errno: SocketErrno) => void heard.push(errno),
    onClose: () => void heard.push('closed'),
  };
  const connect = (): SctpAssociation => {
    const association = a.sctpConnect({ remote: { address: SERVER, port: 80 }, handlers });
    if (isErrno(association)) {
      throw new Error(association);
    }
    return association;
  };
  return { scheduler, a, b, chunks, heard, connect };
}

describe('SCTP', () => {
  it('comes up with four packets and goes down with three', () => {
    const { scheduler, a, b, chunks, heard, connect } = wire();
    const accepted: string[] = [];
    b.sctpListen({
      local: { address: IPV4_ANY, port: 80 },
      onAccept: (association) => {
        accepted.push(association.state);
        return { onClose: () => void accepted.push('closed') };
      },
    });
    const association = connect();
    scheduler.runUntil(SECOND);
    expect(association.state).toBe('ESTABLISHED');
    association.close();
    scheduler.runUntil(2 * SECOND);
    expect([chunks, heard, accepted]).toEqual([
      [1, 2, 10, 11, 7, 8, 14],
      ['connected', 'closed'],
      ['ESTABLISHED', 'closed'],
    ]);
    expect([a.sctp.size, b.sctp.size]).toEqual([0, 0]);
  });

  it('is refused where nobody listens', () => {
    const { scheduler, chunks, heard, connect } = wire();
    connect();
    scheduler.runUntil(SECOND);
    expect([chunks, heard]).toEqual([[SCTP_INIT, SCTP_ABORT], ['ECONNREFUSED']]);
  });

  it('repeats a lost INIT after three seconds', () => {
    let lost = 0;
    const { scheduler, b, heard, connect } = wire((packet) => packet.ip.dst === SERVER && lost++ === 0);
    b.sctpListen({ local: { address: IPV4_ANY, port: 80 }, onAccept: () => ({}) });
    connect();
    scheduler.runUntil(2.9 * SECOND);
    expect(heard).toEqual([]);
    scheduler.runUntil(3.1 * SECOND);
    expect(heard).toEqual(['connected']);
  });

  it('gives up after eight repetitions', () => {
    const { scheduler, a, heard, connect } = wire((packet) => packet.ip.dst === SERVER);
    connect();
    scheduler.runUntil(600 * SECOND);
    expect(heard).toEqual(['ETIMEDOUT']);
    expect(a.sctp.size).toBe(0);
  });

  it('survives a lost COOKIE ACK', () => {
    let lost = false;
    const { scheduler, b, chunks, heard, connect } = wire((packet) => {
      const first = !lost && decodeChunks(packet.payload)?.[0]?.type === 11;
      lost ||= first;
      return first;
    });
    b.sctpListen({ local: { address: IPV4_ANY, port: 80 }, onAccept: () => ({}) });
    connect();
    scheduler.runUntil(4 * SECOND);
    expect(heard).toEqual(['connected']);
    expect(chunks.filter((type) => type === SCTP_COOKIE_ECHO)).toHaveLength(2);
  });
});
