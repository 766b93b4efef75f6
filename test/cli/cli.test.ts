import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runOutputSchema } from '../../src/scenario/schema/result.ts';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trenchrun-cli-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs the command line from its sources. */
function cli(...args: string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    cwd: TOP,
    encoding: 'utf8',
  });
  expect(stderr).not.toMatch(/\n\s+at |node:internal/);
  return { code: status, out: stdout, err: stderr };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const GOOD = 'name: nothing happens\nsteps:\n  - advance: 1s\n  - command: kubectl get ns\n    expect: {stdout: {contains: kube-system}}\n';

describe('trenchrun run', () => {
  test('0 when all holds, and no colours in a pipe', () => {
    const { code, out } = cli('run', file('good.yaml', GOOD));
    expect(code).toBe(0);
    expect(out).toContain('1 expectation held');
    expect(out).not.toContain('\u001b');
  });

  test('1 when something does not hold, with what happened instead', () => {
    const path = file('fails.yaml', GOOD.replace('contains: kube-system', 'contains: empire'));
    const { code, out } = cli('run', path);
    expect(code).toBe(1);
    expect(out).toContain(`✗ stdout: expected contains "empire"  ${path}:5:14`);
    expect(out).toContain('instead: "empire" does not occur in');
    expect(cli('run', '--quiet', path).out).toContain('1 of 1 expectation failed');
  });

  test('several files: each is told, the worst code counts', () => {
    const good = file('good.yaml', GOOD);
    const bad = file('bad.yaml', 'name: x\nsteps:\n  - aply: a.yaml\n');
    const { code, out, err } = cli('run', good, bad);
    expect(code).toBe(2);
    expect(out).toContain(`✓ ${good}: held\n✗ ${bad}: bad input`);
    expect(err).toContain(`${bad}:3:5: unknown step "aply"`);
    expect(err).toContain('(did you mean "apply"?)');
  });

  test('--json is what its schema says', () => {
    const { code, out } = cli('run', '--json', '--seed', '7', file('good.yaml', GOOD), join(folder, 'absent.yaml'));
    expect(code).toBe(2);
    const output = runOutputSchema.parse(JSON.parse(out));
    expect(output.runs.map(({ ok }) => ok)).toEqual([true, false]);
    expect(output.runs[0]).toMatchObject({ result: { seed: 7, passed: true } });
  });

  test('files that are no scenarios', () => {
    const cases: [string, string][] = [
      [join(folder, 'absent.yaml'), 'there is no such file'],
      [folder, 'this is a directory'],
      [file('empty.yaml', ''), 'the file is empty'],
      [file('binary.yaml', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1])), 'this is a binary file'],
      [file('latin1.yaml', new Uint8Array([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xe9, 0x0a])), 'the file is not UTF-8 (byte 7)'],
      [file('yaml.yaml', 'name: [1\n'), 'Flow sequence'],
      [file('steps.yaml', 'name: x\nsteps: []\n'), 'a scenario needs at least one step'],
      [file('command.yaml', 'name: x\nsteps:\n  - command: kubectl gt po\n'), 'did you mean "kubectl get"?'],
      [file('option.yaml', 'name: x\ncluster: {options: {monitor-agregation: none}}\nsteps:\n  - advance: 1s\n'), 'monitor-agregation'],
    ];
    const { code, err } = cli('run', ...cases.map(([path]) => path));
    expect(code).toBe(2);
    for (const [path, message] of cases) {
      const line = err.split('\n').find((one) => one.startsWith(`${path}:`));
      expect(line, path).toContain(message);
    }
  });

  test('wrong arguments', () => {
    for (const args of [['run'], ['rnu', 'x'], ['run', '--sed', '1', 'x'], ['run', '--seed', 'x', 'y'], ['schema', 'x']]) {
      const { code, err } = cli(...args);
      expect(code, args.join(' ')).toBe(2);
      expect(err).toContain('error:');
    }
  });

  test('a reader that goes away is no error', () => {
    const script = `${process.execPath} --import tsx src/cli/main.ts schema result | head -1`;
    expect(execFileSync('bash', ['-c', `set -o pipefail; ${script}`], { cwd: TOP, encoding: 'utf8' })).toBe('{\n');
  });
});

test('schemas, version, help', () => {
  expect(JSON.parse(cli('schema').out)).toMatchObject({ title: 'trenchrun scenario', type: 'object', required: ['name', 'steps'] });
  expect(JSON.parse(cli('schema', 'result').out)).toMatchObject({ title: 'trenchrun run --json' });
  expect(cli('--version').out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(cli('--help').out).toContain('run scenario files');
  expect(cli('run', '--help').out).toContain('Exit code: 0 all expectations hold');
});
