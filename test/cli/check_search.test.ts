import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { shardOf } from '../../src/cli/check_jobs.ts';
import { progressLine } from '../../src/cli/progress.ts';
import { parseCheckResults } from '../../src/testing.ts';
import { check, type Left, MAIN, newFolder, TOP } from './check_support.ts';

const { closed, holed, file } = newFolder();

/** Runs until it has worked for a while, however long it takes to start on a machine that is busy, and is then sent a signal. */
async function stopped(args: readonly string[], signal: 'SIGINT' | 'SIGTERM'): Promise<Left> {
  const begun = performance.now();
  check([closed, '--runs', '1', '--no-builtins']);
  const start = performance.now() - begun;
  const child = spawn(process.execPath, [MAIN, 'check', ...args, '--runs', '50000000'], { cwd: TOP });
  const left = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => {
    left.out += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    left.err += text.toString();
  });
  setTimeout(() => child.kill(signal), 1000 + 4 * start);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...left };
}

describe('many at once', () => {
  test('the number of workers changes nothing, and shards together are the whole', () => {
    const how = [closed, holed, '--runs', '1000', '--fault-runs', '20', '--format', 'json'];
    const alone = check(how);
    expect(alone.code).toBe(1);
    expect(check([...how, '--workers', '2']).out).toBe(alone.out);
    const shards = [
      check([...how, '--shard', '1/3', '--workers', '2']),
      check([...how, '--shard', '/3'], { JOB_COMPLETION_INDEX: '1' }),
      check([...how, '--shard', '3/3']),
    ].map(({ out }, i) => file(`shard${i}.json`, out));
    const [one = '', two = '', three = ''] = shards;
    expect(check(['--merge', ...shards, '--format', 'json'])).toMatchObject({ code: 1, out: alone.out });
    expect(check(['--merge', three, two, one, '--format', 'json']).out).toBe(alone.out);
    // A result of all is its own whole, in any format.
    expect(check(['--merge', file('alone.json', alone.out)]).out).toBe(check(how.slice(0, 6)).out);
    expect(check(['--merge', one, one])).toMatchObject({ code: 2, err: expect.stringContaining('the same shard is there twice: 1/3') });
    const seeded = file('seeded.json', check([...how, '--seed', '2', '--shard', '2/3']).out);
    expect(check(['--merge', one, seeded])).toMatchObject({ code: 2, err: expect.stringContaining('different seeds') });
  });

  test('a shard that is missing is told of: the others prove nothing', () => {
    const shard = file('only.json', check([closed, '--runs', '1000', '--format', 'json', '--shard', '2/2']).out);
    const { code, out } = check(['--merge', shard]);
    expect(code).toBe(1);
    expect(out).toContain('the results of shard 1 are missing');
    expect(out).toMatch(/\? only landing {2}\d+ cases tried, none breaks it so far/);
    expect(out).not.toContain('all hold');
  });

  test.each([
    { args: [], signal: 'SIGINT', code: 130 },
    { args: ['--workers', '2'], signal: 'SIGINT', code: 130 },
    { args: [], signal: 'SIGTERM', code: 143 },
  ] as const)('$signal tells what was tried and found: $args', async ({ args, signal, code }) => {
    const left = await stopped([closed, ...args], signal);
    expect(left.code).toBe(code);
    expect(left.err).toContain('interrupted');
    expect(left.out).toMatch(/\? only landing {2}\d+ of 50000000 cases tried, none breaks it so far/);
    expect(left.out).toMatch(/\? whatever fails.* {2}\d+ of 100 cases tried/);
    expect(left.out).not.toContain('all hold');
    expect(left.out).toMatch(/3 properties, 3 not tried to the end; \d+ cases, seed 1; interrupted/);
  });

  test('what was found before Ctrl-C is kept, and is the exit code', async () => {
    const { code, out } = await stopped([holed], 'SIGINT');
    expect(code).toBe(1);
    expect(out).toContain('sends POST /v1/ to');
    expect(out).toContain('3 properties, 1 broken, 2 not tried to the end');
  });

  test('Ctrl-C in the formats of machines', async () => {
    const json = await stopped([closed, '--format', 'json'], 'SIGINT');
    expect(json.code).toBe(130);
    expect(parseCheckResults(json.out)).toMatchObject([
      { interrupted: true, passed: false, properties: [{ verdict: 'unfinished', planned: 50_000_000 }, {}, {}] },
    ]);
    const formats = ['junit', 'sarif', 'github'].map((format) =>
      check(['--merge', file('interrupted.json', json.out), '--format', format]),
    );
    expect(formats.map(({ code }) => code)).toEqual([1, 1, 1]);
    const [junit, sarif, github] = formats.map(({ out }) => out);
    expect(junit).toMatch(/tests="3" failures="0" errors="0" skipped="3"/);
    expect(junit).toMatch(/<skipped message="interrupted: \d+ of 50000000 cases tried, none breaks it so far"\/>/);
    expect(JSON.parse(sarif ?? '')).toMatchObject({ runs: [{ invocations: [{ executionSuccessful: false }], results: [] }] });
    expect(github).toMatch(/^::warning file=\S+closed.yaml,line=17,col=\d+,title=only landing::interrupted: \d+ of 50000000/);
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

  test('the bar, as wide as the terminal', () => {
    const state = { tried: 500, left: 500, broken: 0, rate: 250, elapsed: 2, remaining: 2 };
    expect(progressLine(state)).toBe('[############------------]  50 %  500 cases  250/s  2s to go');
    expect(progressLine({ ...state, broken: 1, remaining: 3725 }, 200)).toContain('1 broken  500 cases  250/s  1h02m to go');
    expect(progressLine(state, 40)).toBe('50 %  500 cases  250/s  2s to go');
    expect(progressLine(state, 12)).toBe('50 %  500 c');
    expect(progressLine({ ...state, tried: 0, left: 0, rate: 0, elapsed: 0, remaining: 0 })).toBe(
      '[########################] 100 %  0 cases',
    );
  });
});
