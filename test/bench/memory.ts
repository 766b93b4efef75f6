/** A long mixed run: what is kept after half of it and after all of it, once garbage is collected. */
import { SECOND } from '../../src/sim/clock.ts';
import { starWars } from './clusters.ts';
import type { Figure } from './measure.ts';

const HALF = 50_000;
/**
 * Virtual time between requests. Cilium keeps the conntrack entries of a proxied connection for six hours after its end (the article's have
 * `RxClosing` and expire that late): the first half of the run is longer than that, so their number is steady.
 */
const PACE = 2 * SECOND;

/** The figures. Needs `--expose-gc`. */
export function benchMemory(): Figure[] {
  const cluster = starWars(true);
  const host = cluster.api.get<{ readonly spec?: { readonly clusterIP?: string } } & Parameters<typeof cluster.api.apply>[0]>(
    'Service',
    'default',
    'deathstar',
  )?.spec?.clusterIP;
  const kept = cluster.httpClient('default', 'tiefighter');
  if (host === undefined || kept === null) {
    throw new Error('the bench cluster has no deathstar or no tiefighter');
  }
  kept.connect(host, 80, () => undefined);
  const commands = [
    { pod: 'tiefighter', argv: ['curl', '-s', '-XPOST', `${host}/v1/request-landing`], exitCode: 0 },
    { pod: 'tiefighter', argv: ['curl', '-s', '-XPUT', `${host}/v1/exhaust-port`], exitCode: 0 },
    { pod: 'xwing', argv: ['curl', '-s', '-m', '1', '-XPOST', `${host}/v1/request-landing`], exitCode: 28 },
    { pod: 'tiefighter', argv: ['curl', '-s', 'deathstar.default.svc.cluster.local/v1/request-landing', '-XPOST'], exitCode: 0 },
  ];
  let number = 0;
  const run = (): void => {
    for (let i = 0; i < HALF; i++) {
      number += 1;
      const command = commands[number % 16];
      if (command === undefined) {
        let status = 0;
        kept.send({ method: 'POST', path: '/v1/request-landing', headers: { Host: 'deathstar' }, body: '' }, (result) => {
          status = result.status;
        });
        cluster.runUntil(() => status !== 0, 10 * SECOND);
        check(status === 200, `request ${number} on the kept connection: ${status}`);
      } else {
        const execution = cluster.exec('default', command.pod, command.argv);
        cluster.runUntil(() => execution?.done === true, 10 * SECOND);
        check(execution?.result?.exitCode === command.exitCode, `request ${number}: ${JSON.stringify(execution?.result)}`);
      }
      cluster.advance(PACE);
    }
  };
  run();
  const half = heapUsed();
  run();
  const growth = (heapUsed() / half - 1) * 100;
  return [
    { name: 'heap after 50,000 requests of a mixed run', value: half / 1e6, unit: 'MB', note: '' },
    { name: 'its growth from there to request 100,000', value: growth, unit: '%', note: 'aim: less than 5' },
  ];
}

function heapUsed(): number {
  const { gc } = globalThis as { readonly gc?: () => void };
  check(gc !== undefined, 'node runs without --expose-gc');
  gc?.();
  return process.memoryUsage().heapUsed;
}

function check(condition: boolean, message: string): void {
  if (!condition) {
    throw new Error(message);
  }
}
