import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MutateFlags, mutate as run } from '../../src/cli/mutate.ts';
import { type Captured, captured } from './capture.ts';

const POLICY = `name: small
steps:
  - apply: |
      {apiVersion: v1, kind: Pod, metadata: {name: server}, spec: {containers: [{name: c, image: nginx}]}}
      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: guard}
      spec:
        endpointSelector: {}
        ingress: [{fromEntities: [world]}]
`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trenchrun-mutate-'));
  writeFileSync(join(folder, 'loose.yaml'), POLICY);
  writeFileSync(
    join(folder, 'watched.yaml'),
    `${POLICY}  - command: cilium policy get\n    expect: {stdout: {contains: '"fromEntities": ['}}\n`,
  );
  writeFileSync(join(folder, 'none.yaml'), 'name: none\nsteps:\n  - advance: 1s\n');
  writeFileSync(
    join(folder, 'fails.yaml'),
    `${POLICY}  - command: cilium policy get\n    expect: {stdout: {contains: nothing of the kind}}\n`,
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function mutate(file: string, flags: Partial<MutateFlags> = {}): Promise<Captured> {
  return captured(() => run([file.startsWith('/') ? file : join(folder, file)], { seed: 1, runs: 50, color: false, ...flags }));
}

describe('trenchrun mutate', () => {
  test('1 with a survivor, as a diff of the file with its place', async () => {
    const { code, out } = await mutate('loose.yaml');
    expect(code).toBe(1);
    expect(out).toContain(`${join(folder, 'loose.yaml')}:6:7 survived drop-policy`);
    expect(out).toContain('-        ingress: [{fromEntities: [world]}]');
    expect(out).toMatch(/4 mutants: 0 noticed, 4 survived/);
  });

  test('0 without mutants, JSON', async () => {
    const { code, out } = await mutate('none.yaml', { json: true });
    expect([code, JSON.parse(out)]).toEqual([0, [expect.objectContaining({ error: null, possible: 0, mutants: [] })]]);
    const some = JSON.parse((await mutate('watched.yaml', { json: true, max: 2 })).out) as readonly {
      readonly mutants: readonly unknown[];
    }[];
    expect(some[0]?.mutants).toHaveLength(2);
  });

  test('2 for a scenario that does not hold itself, and for what is none', async () => {
    expect(await mutate('fails.yaml')).toMatchObject({ code: 2, out: expect.stringContaining('does not hold without any change') });
    expect(await mutate('/nowhere.yaml')).toMatchObject({ code: 2, err: expect.stringContaining('there is no such file') });
  });
});
