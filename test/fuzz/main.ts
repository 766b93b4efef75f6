/**
 * `npm run fuzz [-- COUNT [SEED [WORD]]]`: COUNT random and damaged inputs into every parser whose name has the word; default 100,000 from seed 1.
 * Scripts for the shell follow with a tenth of it.
 */
import fc from 'fast-check';
import { fuzz } from '../shell/fuzz.ts';
import { fuzzTargets } from './targets.ts';

const [count = '100000', seed = '1', word = ''] = process.argv.slice(2);
let failed = false;
for (const target of fuzzTargets().filter(({ name }) => name.toLowerCase().includes(word.toLowerCase()))) {
  const start = performance.now();
  const result = fc.check(target.property, { numRuns: Number(count), seed: Number(seed) });
  const seconds = (performance.now() - start) / 1000;
  console.log(`${target.name}: ${result.numRuns} inputs, ${result.failed ? 'FAILED' : 'no failure'}, ${seconds.toFixed(1)} s`);
  if (result.failed) {
    failed = true;
    console.log(fc.defaultReportMessage(result));
  }
}
if ('shell scripts'.includes(word.toLowerCase())) {
  const scripts = Math.ceil(Number(count) / 10);
  const { failures, slowest } = fuzz(scripts, Number(seed));
  failed ||= failures.length > 0;
  console.log(`shell scripts: ${scripts} inputs, ${failures.length} failures, slowest ${Math.round(slowest)} ms`);
  for (const { script, why } of failures) {
    console.log(`--- ${JSON.stringify(script)}\n${why}`);
  }
}
process.exitCode = failed ? 1 : 0;
