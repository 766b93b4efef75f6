/**
 * The policy engine on the inputs of `../shared/bench`, stage by stage, giving the 1.13.3 result: medians of 5 after a warm-up, memory of a single
 * pass, and how the time grows with the number of map entries.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Figure } from './measure.ts';
import type { StageReport, StageTimes } from './policy_stages.ts';

/** The real engine's figures in milliseconds, the better of its two columns; see `../shared/bench/RESULTS.md`. */
type Reference = Readonly<Partial<Record<keyof StageTimes | 'both', number>>>;

const REFERENCES: Readonly<Record<string, Reference>> = {
  a: { decode: 4.8, repository: 6.9, add: 52, resolve: 31, distill: 63, both: 95, redirects: 1.4, again: 70, npds: 1.0, identity: 1.1 },
  b: {
    decode: 20,
    repository: 16,
    add: 572,
    resolve: 1013,
    distill: 1042,
    both: 2000,
    redirects: 289,
    again: 1169,
    npds: 13,
    identity: 3.5,
  },
};

const STAGES: readonly (readonly [keyof StageTimes, string])[] = [
  ['decode', 'JSON decode'],
  ['repository', 'repository, selector cache, identities'],
  ['add', 'parse and add all policies'],
  ['resolve', 'resolve all subjects, cold'],
  ['distill', 'distill all subjects'],
  ['redirects', 'add redirects, all subjects'],
  ['again', 'resolve and distill again, warm'],
  ['npds', 'NPDS of all subjects'],
  ['identity', 'a new identity, all subjects updated (mean of 20)'],
];

/** Shares of the larger input's policies that growth is measured over. */
const SHARES = [0.25, 0.5, 1] as const;
/** Aim of the growth exponent. */
const GROWTH_AIM = 1.1;
/** Aim of the peak of memory with the larger input. */
const PEAK_AIM = 650;

/** The figures; none where the inputs are absent. */
export function benchPolicy(): Figure[] {
  const files = Object.keys(REFERENCES).filter((name) => existsSync(fileOf(name)));
  if (files.length === 0) {
    return [{ name: 'policy engine', value: 0, unit: '', note: 'skipped: ../shared/bench is not there' }];
  }
  return [...files.flatMap(stages), ...(files.includes('b') ? [growth()] : [])];
}

function stages(name: string): Figure[] {
  const reference = REFERENCES[name] ?? {};
  const { times, entries, largest, additions } = measure(name, 2, 5);
  const line = (what: string, value: number, goal: number | undefined, more = ''): Figure => {
    const multiple = `${(value / times.decode).toFixed(2)} x JSON.parse`;
    return {
      name: `policy (${name}) ${what}`,
      value,
      unit: 'ms',
      note: [multiple, `real engine ${goal}`, more].filter(Boolean).join(', '),
    };
  };
  const { peakMiB } = measure(name, 0, 1);
  return [
    ...STAGES.map(([stage, what]) => line(what, times[stage], reference[stage], stage === 'identity' ? `${additions} additions` : '')),
    line('resolve and distill, cold', times.resolve + times.distill, reference.both, `${entries} entries, largest map ${largest}`),
    {
      name: `policy (${name}) peak of memory, one pass`,
      value: peakMiB,
      unit: 'MiB',
      note: name === 'b' ? `aim: at most ${PEAK_AIM}` : '',
    },
  ];
}

function growth(): Figure {
  const points = SHARES.map((share) => {
    const { times, entries } = measure('b', 1, 3, share);
    return { x: Math.log(entries), y: Math.log(times.resolve + times.distill + times.redirects), entries };
  });
  const note = `over ${points.map(({ entries }) => entries).join(', ')} entries, aim: at most ${GROWTH_AIM}`;
  return { name: 'policy growth exponent in map entries', value: slope(points), unit: '', note };
}

/** Of the straight line with the least squares. */
function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (of: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean((point) => point.x);
  const y = mean((point) => point.y);
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
}

function measure(name: string, warmUp: number, runs: number, share = 1): StageReport {
  const args = ['--import', 'tsx', 'test/bench/policy_stages.ts', fileOf(name), String(warmUp), String(runs), String(share)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`policy_stages.ts exited with ${status}: ${stderr}`);
  }
  return JSON.parse(stdout) as StageReport;
}

function fileOf(name: string): string {
  return `../shared/bench/${name}.json`;
}
