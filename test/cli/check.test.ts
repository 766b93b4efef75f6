import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trenchrun-check-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function cli(...args: string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    cwd: TOP,
    encoding: 'utf8',
  });
  expect(stderr).not.toMatch(/\n\s+at |node:internal/);
  return { code: status, out: stdout, err: stderr };
}

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

describe('trenchrun check', () => {
  test('1 with a hole, and a scenario that run replays', () => {
    const file = join(folder, 'hole.yaml');
    writeFileSync(file, scenario('/v1/.*'));
    const { code, out } = cli('check', file, '--out', join(folder, 'found'));
    expect(code).toBe(1);
    expect(out).toContain('default/tiefighter sends POST /v1/ to default/deathstar port 80: it reaches the destination');
    const [written] = readdirSync(join(folder, 'found'));
    expect(cli('run', join(folder, 'found', written as string)).code).toBe(1);
  });

  test('0 without', () => {
    const file = join(folder, 'closed.yaml');
    writeFileSync(file, scenario('/v1/land'));
    const { code, out } = cli('check', file, '--runs', '2000');
    expect([code, out]).toEqual([0, expect.stringContaining('3 properties, all hold; 4100 cases, seed 1')]);
  });

  test('a directory of manifests, by the built-in properties', () => {
    const directory = join(folder, 'manifests');
    mkdirSync(directory);
    writeFileSync(
      join(directory, 'np.yaml'),
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}}\n',
    );
    expect(cli('check', directory, '--runs', '500').code).toBe(0);
    rmSync(join(directory, 'np.yaml'));
    expect(cli('check', directory)).toMatchObject({ code: 2, err: expect.stringContaining('the directory holds no manifests') });
  });

  test.each([
    [['check', '/nowhere.yaml'], 'there is no such file'],
    [['check', 'x.yaml', '--format', 'xml'], 'there is no format "xml"'],
    [['check', 'x.yaml', '--replay', 'x'], 'it looks like 1:17:0:2'],
    [['check', 'x.yaml', '--runs', '0'], 'whole number from 1'],
    [['check'], "missing required argument 'path'"],
  ])('2: %s', (args, message) => {
    const { code, err } = cli(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
