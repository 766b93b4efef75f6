/** `npm run bench [-- NAME...]`: a line a figure, of all benches or of the named ones. */
import { benchMatrix } from './matrix.ts';
import { benchMemory } from './memory.ts';
import { benchPackets } from './packets.ts';
import { benchPolicy } from './policy.ts';
import { benchProxy } from './proxy.ts';
import { benchRequests } from './requests.ts';
import { benchStartup } from './startup.ts';

const BENCHES = {
  packets: benchPackets,
  requests: benchRequests,
  proxy: benchProxy,
  memory: benchMemory,
  policy: benchPolicy,
  startup: benchStartup,
  matrix: benchMatrix,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(BENCHES, name));
if (unknown !== undefined) {
  console.error(`there is no bench "${unknown}"; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
for (const [name, bench] of Object.entries(BENCHES)) {
  for (const { name: title, value, unit, note } of wanted.length === 0 || wanted.includes(name) ? bench() : []) {
    const number = value >= 1000 ? Math.round(value).toString() : value.toFixed(2);
    console.log(`${title.padEnd(52)} ${number.padStart(10)} ${unit.padEnd(11)} ${note}`.trimEnd());
  }
}
