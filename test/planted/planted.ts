/** `npm run planted [-- WORD...]`: a table of planted bugs with the cases it took to find each; exit code 1 if one is not found, or if what finds it fails without the bug too. */
import { type Planted, plant } from './plant.ts';
import { VARIANTS } from './variants.ts';

const words = process.argv.slice(2);
const chosen = VARIANTS.filter(({ name, by }) => words.every((word) => `${name} ${by}`.includes(word)));
const found: Planted[] = [];
const unsound: string[] = [];
for (const [number, variant] of chosen.entries()) {
  const one = await plant(variant, true, number);
  found.push(one);
  // What finds a bug must not find as much where there is none.
  const sound = one.cases === null ? null : await plant(variant, false, number, one.cases);
  if (sound !== null && sound.cases !== null) {
    unsound.push(variant.name);
  }
  const cases = one.cases === null ? 'NOT FOUND' : sound?.cases === null ? `${one.cases}` : 'UNSOUND';
  console.log(`${one.name.padEnd(64)} ${cases.padStart(9)}  ${(one.millis / 1000).toFixed(1).padStart(5)} s  ${variant.by}`);
}
const missed = found.filter(({ cases }) => cases === null);
const most = Math.max(0, ...found.map(({ cases }) => cases ?? 0));
console.log(`${found.length} planted bugs, ${found.length - missed.length} found, the hardest after ${most} cases`);
if (unsound.length > 0) {
  console.log(`tests that fail without the bug too: ${unsound.join(', ')}`);
}
process.exitCode = missed.length + unsound.length === 0 ? 0 : 1;
