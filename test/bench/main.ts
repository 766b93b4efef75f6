/** `npm run bench`: a line a figure. */
import { benchMemory } from './memory.ts';
import { benchPackets } from './packets.ts';
import { benchPolicy } from './policy.ts';
import { benchRequests } from './requests.ts';
import { benchStartup } from './startup.ts';

for (const bench of [benchPackets, benchRequests, benchMemory, benchPolicy, benchStartup]) {
  for (const { name, value, unit, note } of bench()) {
    const number = value >= 1000 ? Math.round(value).toString() : value.toFixed(2);
    console.log(`${name.padEnd(52)} ${number.padStart(10)} ${unit.padEnd(11)} ${note}`.trimEnd());
  }
}
