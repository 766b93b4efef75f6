import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explanationSchema } from '../../src/scenario/schema/explanation.ts';
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

describe('trenchrun explain', () => {
  const STAR_WARS = 'scenarios/star-wars';

  test('0 whatever the verdict, 1 for the verdict that was named', () => {
    const question = ['--from', 'xwing', '--to', 'deathstar', '--http', '/v1', `${STAR_WARS}/article.yaml`];
    const { code, out } = cli('explain', ...question);
    expect(code).toBe(0);
    expect(out).toContain('denied, decided by ingress policy');
    expect(cli('explain', '--fail-on', 'deny', ...question).code).toBe(1);
    expect(cli('explain', '--fail-on', 'allow', ...question).code).toBe(0);
  });

  test('a directory of manifests, as JSON', () => {
    const { code, out } = cli('explain', '--json', '--from', 'tiefighter', '--to', 'deathstar', `${STAR_WARS}/manifests`);
    expect(code).toBe(0);
    expect(explanationSchema.parse(JSON.parse(out))).toMatchObject({ verdict: 'allowed' });
  });

  test.each([
    [['--from', 'nobody', '--to', 'deathstar', `${STAR_WARS}/article.yaml`], /there is no pod "nobody"; the nearest names are /],
    [['--from', 'xwing', '--to', 'deathstar', '--http', 'PUT', `${STAR_WARS}/article.yaml`], /"PUT" is no request/],
    [['--from', 'xwing', '--to', 'deathstar', '--port', '99999', `${STAR_WARS}/article.yaml`], /is no port/],
    [['--from', 'xwing', '--to', 'deathstar', '-H', 'x', `${STAR_WARS}/article.yaml`], /is no header/],
    [['--from', 'xwing', '--to', 'deathstar', 'nowhere.yaml'], /nowhere.yaml: there is no such file/],
    [['--from', 'xwing', '--to', 'deathstar', 'package.json'], /package.json:1:1: /],
    [['--from', 'xwing', 'package.json'], /required option '--to/],
  ])('2 for bad input: %j', (args, message) => {
    const { code, err } = cli('explain', ...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
