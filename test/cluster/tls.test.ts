import { describe, expect, it } from 'vitest';
import { Cluster } from '../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';
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

  it('believes only whom it trusts, unless told otherwise', () => {
    expect(https('--resolve', 'wrong.example.org:443:198.51.100.7', 'https://wrong.example.org/').exitCode).toBe(51);
    expect(https('-k', '--resolve', 'wrong.example.org:443:198.51.100.7', 'https://wrong.example.org/').stdout).toBe('secret\n');
  });
});
