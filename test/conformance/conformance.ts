/**
 * `npm run -s conformance`: compares with every expectation. Exit 1 if a case fails that deviations.json does not list, or a listed one passes.
 */
import { readFileSync } from 'node:fs';
import { MODULES } from './modules.ts';

/** A case known to differ. */
interface Deviation {
  readonly suite: string;
  readonly name: string;
  /** Why it differs. */
  readonly reason: string;
}

function main(): number {
  const deviations = JSON.parse(readFileSync(new URL('deviations.json', import.meta.url), 'utf8')) as readonly Deviation[];
  const listed = new Set(deviations.map(({ suite, name }) => `${suite}\t${name}`));
  let passed = 0;
  let total = 0;
  let known = 0;
  let failed = false;
  const say = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  for (const module of MODULES) {
    for (const { suite, cases } of module.compare()) {
      const good = cases.filter(({ differences }) => differences.length === 0);
      say(`${suite} ${good.length}/${cases.length}`);
      passed += good.length;
      total += cases.length;
      for (const { name, differences } of cases) {
        const isListed = listed.has(`${suite}\t${name}`);
        if (differences.length > 0) {
          known += isListed ? 1 : 0;
          failed ||= !isListed;
          say(`  ${isListed ? 'known' : 'FAIL'} ${name}: ${(differences[0] ?? '').slice(0, 300)}`);
        } else if (isListed) {
          failed = true;
          say(`  FAIL ${name}: listed as a deviation but passes`);
        }
      }
    }
  }
  say(`conformance ${passed}/${total}, ${known} known deviations`);
  return failed ? 1 : 0;
}

process.exitCode = main();
