import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shardOf } from '../../src/cli/check_search.ts';
import { progressLine } from '../../src/cli/progress.ts';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
/** Threads run what is built. */
const ARGS = ['dist/cli/main.js', 'check'];
let folder: string;
let closed: string;
let holed: string;

const scenario = (path: string): string => `name: ships
steps:
  - apply: |
      {apiVersion: v1, kind: Pod, metadata: {name: tiefighter, labels: {org: empire}}, spec: {containers: [{name: c, image: curl}]}}
      ---
      {apiVersion: v1, kind: Pod, metadata: {name: deathstar, labels: {class: deathstar}}, spec: {containers: [{name: c, image: nginx}]}}
      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: rule1}
      spec:
        endpointSelector: {matchLabels: {class: deathstar}}
        ingress:
          - fromEndpoints: [{matchLabels: {org: empire}}]
            toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{method: POST, path: "${path}"}]}}]
properties:
  - name: only landing
    only: {from: {pod: tiefighter}, to: {pod: deathstar}, http: [{method: POST, path: /v1/land}]}
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trenchrun-search-'));
  closed = join(folder, 'closed.yaml');
  holed = join(folder, 'holed.yaml');
  writeFileSync(closed, scenario('/v1/land'));
  writeFileSync(holed, scenario('/v1/.*'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function check(args: readonly string[], env: Readonly<Record<string, string>> = {}): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...ARGS, ...args], {
    cwd: TOP,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { code: status, out: stdout, err: stderr };
}

describe('many at once', () => {
  test('the number of workers changes nothing, and shards together are the whole', () => {
    const how = [closed, holed, '--runs', '1000', '--format', 'json'];
    const alone = check(how);
    expect(alone.code).toBe(1);
    expect(check([...how, '--workers', '2']).out).toBe(alone.out);
    const shards = [check([...how, '--shard', '1/2']), check([...how, '--shard', '/2'], { JOB_COMPLETION_INDEX: '1' })].map(
      ({ out }, i) => {
        const file = join(folder, `shard${i}.json`);
        writeFileSync(file, out);
        return file;
      },
    );
    const merged = JSON.parse(check(['--merge', ...shards, '--format', 'json']).out) as { properties: { parts?: unknown }[] }[];
    for (const property of merged.flatMap(({ properties }) => properties)) {
      delete property.parts;
    }
    expect(merged).toEqual(JSON.parse(alone.out));
    expect(check(['--merge', shards[0] as string, shards[0] as string])).toMatchObject({
      code: 2,
      err: expect.stringContaining('the same shard is there twice'),
    });
  });

  test('Ctrl-C tells what was found and exits with 130', async () => {
    const child = spawn(process.execPath, [...ARGS, closed, '--runs', '50000000', '--workers', '2'], { cwd: TOP });
    let out = '';
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
    });
    setTimeout(() => child.kill('SIGINT'), 3000);
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(code).toBe(130);
    expect(out).toContain('only landing');
  });

  test('shards', () => {
    expect(shardOf('2/4', undefined)).toEqual({ index: 1, of: 4 });
    expect(shardOf('/4', '0')).toEqual({ index: 0, of: 4 });
    for (const [text, index] of [
      ['0/4', undefined],
      ['5/4', undefined],
      ['1/0', undefined],
      ['a', undefined],
      ['/4', '4'],
      ['/4', undefined],
      ['/4', '-1'],
    ] as const) {
      expect(typeof shardOf(text, index)).toBe('string');
    }
  });

  test('the bar', () => {
    expect(progressLine({ tried: 500, left: 500, seconds: 2 })).toBe('[############------------]  50 %  500 cases  250/s  2s to go');
    expect(progressLine({ tried: 0, left: 0, seconds: 0 })).toContain('100 %');
  });
});
