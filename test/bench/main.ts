/** `npm run bench [-- NAME...]`: a line a figure, of all benches or of the named ones. */
import { benchCheck } from './check.ts';
import { benchMatrix, benchPacketMatrix, benchVerdictMatrix } from './matrix.ts';
import { benchMemory } from './memory.ts';
import { benchPackets } from './packets.ts';
import { benchPaths } from './paths.ts';
import { benchPolicy } from './policy.ts';
import { benchProxy } from './proxy.ts';
import { benchRequests } from './requests.ts';
import { benchStartup } from './startup.ts';

const BENCHES = {
  packets: benchPackets,
  paths: benchPaths,
  requests: benchRequests,
  proxy: benchProxy,
  memory: benchMemory,
  policy: benchPolicy,
  startup: benchStartup,
  check: benchCheck,
  matrix: benchMatrix,
};

/** Parts of `matrix`, which run in processes of their own. */
const PARTS = { 'packet-matrix': benchPacketMatrix, 'verdict-matrix': benchVerdictMatrix };

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(BENCHES, name) && !Object.hasOwn(PARTS, name));
if (unknown !== undefined) {
  console.error(`there is no bench "${unknown}"; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const runs = Object.entries(BENCHES).filter(([name]) => wanted.length === 0 || wanted.includes(name));
for (const [, bench] of [...runs, ...Object.entries(PARTS).filter(([name]) => wanted.includes(name))]) {
  for (const { name: title, value, unit, note } of bench()) {
    const number = value >= 1000 ? Math.round(value).toString() : value.toFixed(2);
    console.log(`${title.padEnd(52)} ${number.padStart(10)} ${unit.padEnd(11)} ${note}`.trimEnd());
  }
}
