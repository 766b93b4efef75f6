import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { check, newFolder, ships, trenchrun } from './check_support.ts';

const { path: folder, holed, closed, file } = newFolder();

describe('trenchrun check', () => {
  test('1 with a hole, and a scenario that run replays', () => {
    const { code, out } = check([holed, '--out', join(folder, 'found', 'here')]);
    expect(code).toBe(1);
    expect(out).toContain('default/tiefighter sends POST /v1/ to default/deathstar port 80: it reaches the destination');
    const [written] = readdirSync(join(folder, 'found', 'here'));
    expect(trenchrun(['run', join(folder, 'found', 'here', written as string)]).code).toBe(1);
  });

  test('0 without', () => {
    const { code, out } = check([closed, '--runs', '2000']);
    expect([code, out]).toEqual([0, expect.stringContaining('3 properties, all hold; 4100 cases, seed 1')]);
  });

  test('a counterexample is found again by its handle', () => {
    const { out } = check([holed, '--no-builtins']);
    const [, seed = '', replay = ''] = /again: --seed (\d+) --replay (\S+)/.exec(out) ?? [];
    const again = check([holed, '--seed', seed, '--replay', replay]);
    expect(again.code).toBe(1);
    expect(again.out.replace('  1 cases', '')).toBe(out.replace(/ {2}\d+ cases/, '').replace(/; \d+ cases/, '; 1 cases'));
  });

  test('several files that have the same name', () => {
    for (const name of ['a', 'b']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'same.yaml'), ships('/v1/.*'));
    }
    const files = [join(folder, 'a/same.yaml'), join(folder, 'b/same.yaml')];
    const { code, out } = check([...files, '--no-builtins', '--out', join(folder, 'same')]);
    expect(code).toBe(1);
    expect(readdirSync(join(folder, 'same'))).toEqual(['same-property-1-2.yaml', 'same-property-1.yaml']);
    // Each file's answer is complete before the next begins.
    expect(
      out
        .split('\n')
        .filter((line) => /^(\S*same\.yaml$|. 1 property)/.test(line))
        .map((line) => line.slice(-20)),
    ).toEqual([
      (files[0] as string).slice(-20),
      expect.stringContaining('seed 1'),
      (files[1] as string).slice(-20),
      expect.stringContaining('seed 1'),
    ]);
  });

  test('a directory of manifests, by the built-in properties', () => {
    const directory = join(folder, 'manifests');
    mkdirSync(directory);
    writeFileSync(
      join(directory, 'np.yaml'),
      'apiVersion: networking.k8s.io/v1\r\nkind: NetworkPolicy\r\nmetadata: {name: a}\r\nspec: {podSelector: {}}\r\n',
    );
    const { code, out } = check([directory, '--runs', '500', '--fault-runs', '10']);
    expect([code, out.split('\n')[0]]).toEqual([0, directory]);
    rmSync(join(directory, 'np.yaml'));
    expect(check([directory])).toMatchObject({ code: 2, err: expect.stringContaining('the directory holds no manifests') });
  });

  test.each([
    [['/nowhere.yaml'], 'there is no such file'],
    [[closed, '--format', 'xml'], 'there is no format "xml"'],
    [[closed, '--replay', 'x'], 'it looks like 1:17:0:2'],
    [[closed, '--replay', '9:1'], 'there is no property 9; there are 3'],
    [[closed, '--replay', '1:0:99:99'], '--replay leads to no case'],
    [[closed, '--coverage', 'lcov=/nowhere/x'], '/nowhere/x cannot be written: there is no such directory'],
    [['--merge', file('none.json', '[]')], 'there are no results'],
    [[closed, '--runs', '0'], 'whole number from 1'],
    [[closed, '--runs', '1e3'], 'whole number from 1'],
    [[closed, '--fault-runs', '-1'], 'whole number from 1'],
    [[closed, '--seed', '4294967296'], 'whole number from 0'],
    [[closed, '--workers', '0'], 'whole number from 1'],
    [[closed, '--workers', '2', '--format', 'xml'], 'there is no format "xml"'],
    [['/nowhere.yaml', '--workers', '2'], 'there is no such file'],
    [[closed, '--shard', '3/2'], 'there is no shard 3 of 2'],
    [[closed, '--shard', '/2'], 'JOB_COMPLETION_INDEX'],
    [[closed, '--coverage', 'html'], 'there is no coverage format "html"'],
    [[closed, '--coverage', 'json='], 'names no file'],
    [[closed, '--coverage', 'lcov', '--format', 'json'], 'needs a file of its own: --coverage lcov=FILE'],
    [[closed, '--out', closed], 'this is no directory'],
    [[closed, '--out', ''], 'names no directory'],
    [[closed, '--out', join(closed, 'below')], 'is no directory'],
    [['--merge', closed], 'this is no result'],
    [['--merge', '/nowhere.json'], 'there is no such file'],
    [['--merge', closed, '--shard', '1/2'], '--merge searches nothing'],
    [[file('binary.yaml', Buffer.from([1, 0, 2]))], 'this is a binary file'],
    [[file('latin1.yaml', Buffer.from('name: sch\xf6n\n', 'latin1'))], 'the file is not UTF-8 (byte 9)'],
    [[file('empty.yaml', '')], 'the file is empty'],
    [[file('nothing.yaml', 'name: x\nsteps: [{advance: 1s}]\n'), '--no-builtins'], 'no file states a property'],
    [[], "missing required argument 'path'"],
  ])('2: %j', (args, message) => {
    const { code, err, out } = check(args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(out).toBe('');
  });
});
