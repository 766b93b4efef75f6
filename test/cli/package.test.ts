/** The package as others install it: both doors work and have types, the example of the documentation included. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOP } from '../house/support/source.ts';

const folder = mkdtempSync(join(tmpdir(), 'trenchrun-consumer-'));
const modules = join(folder, 'node_modules');
const run = (program: string, args: readonly string[], cwd = folder): string => {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`);
  }
};
const compile = (skipLibCheck: boolean, files: readonly string[]): string => {
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2022', noEmit: true, types: ['node'], skipLibCheck };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  return run(process.execPath, [join(TOP, 'node_modules/typescript/bin/tsc'), '-p', '.']);
};

const CONSUMER = `
import fc from 'fast-check';
import { parseScenario, runScenario, type ScenarioResult } from 'trenchrun';
import { checkScenario, type CheckResult, cluster, type ModelCluster, Oracle, policies } from 'trenchrun/testing';

const parsed = parseScenario('name: x\\nsteps: [{advance: 1s}]\\n', { file: 'x.yaml', readFile: () => ({ error: 'none' }) });
if (!parsed.ok) {
  throw new Error('it does not parse');
}
const result: ScenarioResult = runScenario(parsed.scenario);
const found: CheckResult = checkScenario(parsed.scenario, { seed: 1, runs: 10, builtins: true, replay: null });
// @ts-expect-error the seed is a number
checkScenario(parsed.scenario, { seed: 'one', runs: 10, builtins: true, replay: null });
fc.assert(
  fc.property(cluster(), policies(), (model: ModelCluster, list) => {
    new Oracle(model, list);
  }),
  { numRuns: 5 },
);
console.log(result.passed, found.passed);
`;

const JEST_TYPES = `
import { expect } from 'expect';
import { reachability } from 'trenchrun/testing';
import 'trenchrun/jest';

const database = reachability('');
expect(database).toAllow({ from: 'api', to: 'db' });
expect(database).not.toDeny({ from: 'api', to: 'db' });
// @ts-expect-error a question names both pods
expect(database).toAllow({ from: 'api' });
`;

/** As Jest gives a test its globals, with Jest's own \`expect\`: the example needs no more of it. Jest itself is not among what this package installs. */
const LIKE_JEST = `
const tests = [];
const names = [];
globalThis.expect = require('expect').expect;
globalThis.describe = (name, body) => { names.push(name); body(); names.pop(); };
globalThis.it = globalThis.test = (name, body) => { tests.push([[...names, name].join(' > '), body]); };
require(require('node:path').resolve(process.argv[2]));
for (const [, body] of tests) body();
console.log(tests.length + ' passed');
`;

beforeAll(() => {
  run(process.execPath, ['.config/emit_types.mjs'], TOP);
  const packed = run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], TOP).trim();
  mkdirSync(join(modules, 'trenchrun'), { recursive: true });
  run('tar', ['-xzf', packed, '-C', join(modules, 'trenchrun'), '--strip-components', '1']);
  for (const name of readdirSync(join(TOP, 'node_modules')).filter((one) => !one.startsWith('.'))) {
    symlinkSync(join(TOP, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }));
  writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
  cpSync(join(TOP, 'docs/examples/policy-tests'), folder, { recursive: true });
  // The team that tests with Jest has not said "type": "module".
  for (const part of ['policy-tests-jest', 'policy-tests/policies.yaml']) {
    cpSync(join(TOP, 'docs/examples', part), join(folder, 'with-jest', part), { recursive: true });
  }
  writeFileSync(join(folder, 'with-jest/package.json'), JSON.stringify({ name: 'with-jest' }));
  writeFileSync(join(folder, 'with-jest/like_jest.js'), LIKE_JEST);
  writeFileSync(join(folder, 'with-jest/types.ts'), JEST_TYPES);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('has types for both doors, and they hold together by themselves', () => {
    expect(compile(false, ['consumer.ts'])).toBe('');
  }, 120_000);

  it('runs', () => {
    const javascript = CONSUMER.split('\n')
      .filter((line) => !line.includes("seed: 'one'"))
      .join('\n')
      .replaceAll(/, type \w+|type \w+, /g, '')
      .replaceAll(/: (ScenarioResult|CheckResult|ModelCluster)/g, '');
    writeFileSync(join(folder, 'consumer.mjs'), javascript);
    expect(run(process.execPath, ['consumer.mjs'])).toBe('true true\n');
  }, 120_000);

  it('has types for Jest, in a folder of CommonJS as in one of modules', () => {
    writeFileSync(join(folder, 'types.ts'), JEST_TYPES);
    expect(compile(true, ['types.ts', 'with-jest/types.ts'])).toBe('');
  }, 120_000);

  it("has an example that holds with Jest's own expect", () => {
    const example = 'policy-tests-jest/policy.test.js';
    expect(run(process.execPath, ['like_jest.js', example], join(folder, 'with-jest'))).toBe('3 passed\n');
    const file = join(folder, 'with-jest', example);
    writeFileSync(file, readFileSync(file, 'utf8').replace("toDeny({ from: 'web'", "toAllow({ from: 'web'"));
    expect(() => run(process.execPath, ['like_jest.js', example], join(folder, 'with-jest'))).toThrow(
      'web -> db:80 GET /rows/1: is dropped at ingress: nothing allows it',
    );
  }, 120_000);

  it('has an example that compiles, holds, and is checked from the command line', () => {
    expect(compile(true, ['policy.test.ts'])).toBe('');
    expect(run(process.execPath, [join(TOP, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, 'policy.test.ts'])).toContain(
      '3 passed',
    );
    const told = run(process.execPath, [join(modules, 'trenchrun/dist/cli/main.js'), 'check', '--runs', '500', 'properties.yaml']);
    expect(told).toContain('all hold');
  }, 120_000);
});
