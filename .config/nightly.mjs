// The nightly run: a million random cases of the built-in properties, on as many threads as there are processors. RUNS changes the number; what was really run is printed.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const wanted = Number(process.env.RUNS ?? 1_000_000);
/** Of a hundred cases this many are whole clusters with faults, which take a hundred times as long. */
const FAULT_SHARE = 0.01;
const scenarios = readdirSync('scenarios', { recursive: true })
  .filter((name) => name.endsWith('.yaml') && !name.includes('manifests'))
  .map((name) => join('scenarios', name))
  .sort();

const check = (files, runs, faultRuns, seed) =>
  spawnSync(
    process.execPath,
    [
      'dist/cli/main.js',
      'check',
      ...files,
      '--format',
      'json',
      '--workers',
      String(availableParallelism()),
      '--seed',
      String(seed),
      '--runs',
      String(runs),
      '--fault-runs',
      String(faultRuns),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'inherit'] },
  );

const count = (output) => JSON.parse(output).reduce((sum, { properties }) => sum + properties.reduce((all, { runs }) => all + runs, 0), 0);

const start = Date.now();
const seed = Number(process.env.SEED ?? Math.floor(start / 86_400_000));
let ran = 0;
let failed = false;
// The scenarios differ in what they have to check: a small round tells how many cases a run makes.
const probe = check(scenarios, 10, 10, seed);
const perRun = probe.status === 2 ? 0 : count(probe.stdout) / 10;
if (perRun === 0) {
  console.error('there is nothing to check');
  process.exit(2);
}
const share = (files) => Math.max(1, Math.ceil(wanted / files));
for (let round = 0; ran < wanted && !failed; round++) {
  const runs = Math.max(10, Math.min(20_000, share(perRun)));
  const result = check(scenarios, runs, Math.max(1, Math.round(runs * FAULT_SHARE)), seed + round);
  failed = result.status !== 0;
  ran += count(result.stdout);
  console.log(`seed ${seed + round}: ${ran} cases, ${Math.round((Date.now() - start) / 1000)} s`);
  if (failed) {
    for (const { file, properties } of JSON.parse(result.stdout)) {
      for (const { name, verdict, counterexample } of properties.filter((one) => one.verdict !== 'holds')) {
        console.log(`${file}: ${name}: ${verdict}\n${counterexample?.summary ?? ''}\n${counterexample?.scenario ?? ''}`);
      }
    }
  }
}
console.log(`${ran} random cases of the built-in properties${failed ? ', with a failure' : ', all hold'}`);
process.exit(failed ? 1 : 0);
