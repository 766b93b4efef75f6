import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LintFlags, lint as run } from '../../src/cli/lint.ts';
import { type Captured, captured } from './capture.ts';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const SHADOWED = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: open}
spec:
  endpointSelector: {}
  ingress:
  - fromEndpoints: []
    toPorts:
    - ports: [{port: "80", protocol: TCP}]
`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trenchrun-lint-'));
  mkdirSync(join(folder, 'manifests'));
  writeFileSync(join(folder, 'manifests', 'open.yaml'), SHADOWED);
  writeFileSync(join(folder, 'bad.yaml'), 'a: [');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function lint(paths: readonly string[], flags: Partial<LintFlags> = {}): Promise<Captured> {
  return captured(() => run(paths, { severity: 'warning', format: 'text', rule: [], color: false, ...flags }));
}

describe('trenchrun lint', () => {
  test('1 for findings, 0 for milder ones only', async () => {
    const file = join(folder, 'manifests', 'open.yaml');
    const place = `${file}:7:5 error empty-peers-open-port`;
    expect(await lint([join(folder, 'manifests')])).toMatchObject({ code: 1, out: expect.stringContaining(place) });
    expect((await lint([file], { rule: ['empty-section'] })).code).toBe(0);
    expect((await lint(['scenarios/star-wars', 'scenarios/dns'])).out).toMatch(/no findings \(\d+ milder not shown\)/);
    const mild = await lint(['scenarios/star-wars/article.yaml'], { severity: 'info' });
    expect(mild).toMatchObject({ code: 1, out: expect.stringContaining('path-without-query') });
  });

  test('documentation of the rules', async () => {
    expect((await lint([], { explain: true })).out).toContain('deny-without-protocol');
    const one = await lint([], { explain: 'deny-without-protocol' });
    expect(one).toMatchObject({ code: 0, out: expect.stringContaining('Deny sections are not sanitized in 1.13') });
    const near = await lint([], { explain: 'deny-without-protocl' });
    expect(near).toMatchObject({ code: 2, err: expect.stringContaining('did you mean "deny-without-protocol"?') });
  });

  test.each([
    [[], {}, 'give files or directories'],
    [['/nowhere'], {}, 'there is no such file'],
    [['x.yaml'], { format: 'xml' }, 'there is no format "xml"'],
    [['x.yaml'], { severity: 'bad' }, 'there is no severity "bad"; there are: error, warning, info'],
    [['x.yaml'], { rule: ['x'] }, 'there is no rule "x"'],
  ])('2 for %j %j', async (paths, flags, text) => {
    expect(await lint(paths, flags)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(text) });
  });

  test('2 for a file that is no YAML, with its place, from outside', () => {
    const argv = ['--import', 'tsx', 'src/cli/main.ts', 'lint', join(folder, 'bad.yaml')];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: TOP, encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(/bad\.yaml:1:5: /)]);
    expect(stderr).not.toMatch(/\n\s+at |node:internal/);
  });
});
