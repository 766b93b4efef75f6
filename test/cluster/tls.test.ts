import { describe, expect, it } from 'vitest';
import { Cluster } from '../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';
import { inspectTls } from '../../src/envoy/network/tls_inspector.ts';
import { clientHello, encodeRecord, TLS_HANDSHAKE, takeRecords } from '../../src/net/tls.ts';
import { SECOND } from '../../src/sim/clock.ts';

function https(...args: string[]): { readonly exitCode: number; readonly stdout: string; readonly stderr: string } {
  const servers = [
    { port: 443, protocol: 'TCP', text: 'secret\n', tls: true },
    { port: 80, protocol: 'TCP', text: 'open\n' },
  ] as const;
  const cluster = Cluster.create({
    ...DEFAULT_CLUSTER_OPTIONS,
    world: [{ name: 'www.example.com', names: [], ips: ['198.51.100.7'], servers, podRoutes: false }],
  });
  cluster.api.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'client', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'curlimages/curl' }] },
  });
  cluster.settle();
  const run = cluster.exec('default', 'client', ['curl', '-sS', ...args]);
  cluster.runUntil(() => run?.done === true, 30 * SECOND);
  return run?.result ?? { exitCode: -1, stdout: '', stderr: '' };
}

describe('https', () => {
  it('reaches a server that speaks TLS', () => {
    expect(https('https://www.example.com/')).toEqual({ exitCode: 0, stdout: 'secret\n', stderr: '' });
  });

  it('fails with 35 where the server does not', () => {
    expect(https('https://www.example.com:80/').exitCode).toBe(35);
    expect(https('http://www.example.com:443/').stdout).toContain('Client sent an HTTP request to an HTTPS server');
    expect(https('https://www.example.com:444/').exitCode).toBe(7);
  });

  it('shows its server name to whoever looks', () => {
    const random = new Uint8Array(32);
    expect(inspectTls(encodeRecord(TLS_HANDSHAKE, clientHello(random, 'One.One.one.one')))).toEqual({
      kind: 'tls',
      sni: 'one.one.one.one',
    });
    expect(inspectTls(encodeRecord(TLS_HANDSHAKE, clientHello(random, '1.1.1.1')))).toEqual({ kind: 'tls', sni: '' });
  });

  it('waits for whole records', () => {
    const bytes = encodeRecord(TLS_HANDSHAKE, clientHello(new Uint8Array(32), 'a.b'));
    expect(takeRecords(bytes.subarray(0, 20))?.records).toEqual([]);
    expect(takeRecords(bytes)?.records).toHaveLength(1);
    expect(takeRecords(Uint8Array.from([0x48, 0x54, 0x54, 0x50, 0x2f]))).toBeNull();
  });
});
