import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseScenario } from '../../src/scenario/parse.ts';
import { scenarioShell } from '../../src/scenario/scenario_shell.ts';
import { TOP } from '../house/support/source.ts';

const FILE = 'scenarios/star-wars/article.yaml';
const readFile = (path: string) => ({ text: readFileSync(join(TOP, path), 'utf8') });
const parsed = parseScenario(readFile(FILE).text, { file: FILE, readFile });
const shell = scenarioShell(parsed.ok ? parsed.scenario : null, {
  readPath: (path) => ({ kind: 'text', text: readFileSync(join(TOP, 'scenarios/star-wars', path), 'utf8') }),
});
shell.run('kubectl apply -f manifests/app.yaml');

describe('what Tab offers', () => {
  test.each([
    ['hubble obs', ['observe']],
    ['hubble observe', ['observe']],
    ['hubble observe --verd', ['--verdict']],
    ['hubble observe --verdict D', ['DROPPED']],
    ['hubble observe --pod t', ['tiefighter']],
    ['hubble observe --from-pod x', ['xwing']],
    ['hubble observe --to-pod kube-system/cored', ['kube-system/coredns-77ccd57875-4kw4t']],
    ['hubble observe --protocol ht', ['http']],
    ['hubble observe --identity 294', ['29439']],
    ['hubble observe --identity ho', ['host']],
    ['hubble observe -t poli', ['policy-verdict']],
    ['hubble observe -n d', ['default']],
    ['hubble observe -o js', ['json', 'jsonpb']],
    ['hubble observe --node-name u', ['ubuntu-dev3']],
    ['hubble observe --port ', []],
    ['explain --from t', ['tiefighter']],
    ['explain --from tiefighter --to svc/d', ['svc/deathstar']],
    ['explain --ht', ['--http']],
    ['exp', ['explain', 'export']],
  ] as const)('%s', (line, words) => {
    expect(shell.complete(line).words).toEqual(words);
  });
});

describe('explain at the prompt', () => {
  test('asks the cluster as it is', () => {
    expect(shell.run('explain --from xwing --to deathstar').stdout).toMatch(/^✓ a TCP connection from default\/xwing/);
    shell.run('kubectl apply -f manifests/rule1.yaml');
    expect(shell.run('explain --from xwing --to deathstar').stdout).toMatch(/^✗ a TCP connection from default\/xwing/);
    expect(JSON.parse(shell.run('explain --from tiefighter --to deathstar --http "PUT /v1" --json').stdout)).toMatchObject({
      verdict: 'denied',
    });
  });

  test.each([
    ['explain', 'explain: --from is missing'],
    ['explain --from a', 'explain: --to is missing'],
    ['explain --form a', 'Did you mean --from?'],
    ['explain --from tiefighter --to deathstar --port 0', 'explain: "0" is no port'],
    ['explain --from tiefighter --to deathstar -H a:b', 'headers belong to a request'],
    ['explain --from tiefighter --to deathstar x', 'unexpected argument "x"'],
    ['explain --from tyfighter --to deathstar', 'the nearest names are default/tiefighter'],
  ])('%s', (line, message) => {
    const { exitCode, stderr } = shell.run(line);
    expect(stderr).toContain(message);
    expect(exitCode).toBeGreaterThan(0);
  });
});
