/** `npm run planted [-- WORD...]`: a table of planted bugs with the cases it took to find each; exit code 1 if one is not found. */
import { type Planted, plant } from './plant.ts';
import { VARIANTS } from './variants.ts';

const words = process.argv.slice(2);
const chosen = VARIANTS.filter(({ name, by }) => words.every((word) => `${name} ${by}`.includes(word)));
const found: Planted[] = [];
for (const [number, variant] of chosen.entries()) {
  const one = await plant(variant, true, number);
  found.push(one);
  const cases = one.cases === null ? 'NOT FOUND' : `${one.cases}`;
  console.log(`${one.name.padEnd(64)} ${cases.padStart(9)}  ${(one.millis / 1000).toFixed(1).padStart(5)} s  ${variant.by}`);
}
const missed = found.filter(({ cases }) => cases === null);
const most = Math.max(0, ...found.map(({ cases }) => cases ?? 0));
console.log(`${found.length} planted bugs, ${found.length - missed.length} found, the hardest after ${most} cases`);
process.exitCode = missed.length === 0 ? 0 : 1;
