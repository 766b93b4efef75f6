import { describe, expect, it } from 'vitest';
import { fuzz, newShell, tryScript } from './fuzz.ts';

describe('random and mutated scripts', () => {
  it('leave no trace of the machinery, end, and have exit codes of a shell (npm run fuzz tries more)', () => {
    const { failures, exitCodes, slowest } = fuzz(600, 20231126);
    expect(failures).toEqual([]);
    expect(slowest).toBeLessThan(10_000);
    expect([...exitCodes.keys()]).toEqual(expect.arrayContaining([0, 1, 2, 127]));
  });

  it.each([
    ['while true; do :; done', 137],
    ['while true; do sleep 1d; done', 137],
    ['f() { f | f; }; f', 137],
    [`${'('.repeat(3000)}echo${')'.repeat(3000)}`, 2],
    [`echo ${'$('.repeat(3000)}`, 2],
    [`echo ${'"$('.repeat(500)}`, 2],
    [`echo $((${'('.repeat(3000)}1${')'.repeat(3000)}))`, 1],
    ['x=a; while true; do x="$x$x"; done', 1],
    ['echo {1..9999}{1..9999}{1..9999}', 0],
    ["cat /dev/null | grep -E '(a*)*b'", 1],
    ['echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac | grep -E "^(a+)+$"', 1],
    ['timeout 30d cilium monitor | head -1', 0],
    ['printf "%999999999d" 1 | wc -c', 0],
    ['jq -n "[range(1e9)]"', 3],
    ['seq 1 999999999', 1],
    ['. /dev/stdin <<< ". /dev/stdin"', 1],
  ])('%s', (script, exitCode) => {
    const codes = new Map<number, number>();
    const before = performance.now();
    expect(tryScript(newShell(), script.slice(0, 20_000), codes)).toBeNull();
    expect([...codes.keys()]).toEqual([exitCode]);
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});
