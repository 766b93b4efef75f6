/** The connectivity of the clusters of `../shared/suites/perf`: as verdicts, and by real packets through the simulated datapath. */
import { spawnSync } from 'node:child_process';
import { type PerfInput, packetMatrix, perfCluster, readPerfInput, verdictMatrix } from '../support/perf_suite.ts';
import { type Figure, median, seconds } from './measure.ts';

/** Cyclonus without its trace of 1,000 pods under 200 policies, in seconds; see `../shared/suites/PERF.md`. */
const REFERENCE = 11.6;
const TIMES_FASTER = 20;

/** The figures; none where the suite is absent. */
export function benchMatrix(): Figure[] {
  const small = readPerfInput('100x100');
  if (small === null) {
    return [{ name: 'connectivity matrices', value: 0, unit: '', note: 'skipped: ../shared/suites/perf is not there' }];
  }
  return [
    { name: 'matrix 100x100 as verdicts', value: verdicts(small) * 1000, unit: 'ms', note: '' },
    ...benchVerdictMatrix(),
    ...packets('100x100', small, ''),
    ...benchPacketMatrix(),
  ];
}

/** Only the large matrix as verdicts. */
export function benchVerdictMatrix(): Figure[] {
  return inOwnProcess('verdict-matrix', ['--max-old-space-size=200'], () => {
    const large = readPerfInput('1000x200');
    if (large === null) {
      return [];
    }
    const took = verdicts(large);
    const faster = (REFERENCE / took).toFixed(0);
    return [
      {
        name: 'matrix 1000x200 as verdicts',
        value: took * 1000,
        unit: 'ms',
        note: `${faster} times faster than Cyclonus without its trace, aim: at least ${TIMES_FASTER}; ${megabytes()} MB resident, aim: at most 300`,
      },
    ];
  });
}

/** Only the large matrix by packets. The young space is large, so that what a connection attempt leaves is garbage before it is copied twice. */
export function benchPacketMatrix(): Figure[] {
  return inOwnProcess('packet-matrix', ['--max-old-space-size=600', '--max-semi-space-size=64'], () => {
    const large = readPerfInput('1000x200');
    return large === null ? [] : packets('1000x200', large, 'aim: at most 60 s and 1 GB');
  });
}

/** Runs a part in a process of its own, started with these flags: what it takes is its own, and garbage is not kept because there is room. */
function inOwnProcess(name: string, flags: readonly string[], run: () => Figure[]): Figure[] {
  if (flags.every((flag) => process.execArgv.includes(flag))) {
    return run();
  }
  const { status } = spawnSync(process.execPath, ['--expose-gc', ...flags, process.argv[1] ?? '', name], { stdio: 'inherit' });
  return status === 0 ? [] : [{ name, value: 0, unit: '', note: `failed with ${flags.join(' ')}` }];
}

function verdicts(input: PerfInput): number {
  const { gc } = globalThis as { readonly gc?: () => void };
  return median(
    () => {
      let matrix: string[] = [];
      gc?.();
      const took = seconds(() => {
        matrix = verdictMatrix(input);
      });
      check(matrix, input.matrix, 'verdicts');
      return took;
    },
    5,
    1,
  );
}

function packets(name: string, input: PerfInput, aim: string): Figure[] {
  const start = process.hrtime.bigint();
  const suite = perfCluster(input);
  const ready = Number(process.hrtime.bigint() - start) / 1e9;
  let matrix: string[] = [];
  const cpu = process.cpuUsage();
  const took = seconds(() => {
    matrix = packetMatrix(suite, input);
  });
  const { user, system } = process.cpuUsage(cpu);
  const blocked = input.matrix.map((line) => line.replace(/[ieb]/g, 'x'));
  // A pod that talks to itself by its own address never leaves its namespace, whatever its policies say.
  const expected = blocked.map((line, i) => `${line.slice(0, i)}.${line.slice(i + 1)}`);
  check(matrix, expected, 'packets');
  const pairs = input.pods.length ** 2;
  return [
    { name: `cluster ${name} with its policies at rest`, value: ready, unit: 's', note: '' },
    {
      name: `matrix ${name} by packets`,
      value: took,
      unit: 's',
      note: `${((took / pairs) * 1e6).toFixed(1)} us a pair, ${((user + system) / 1e6).toFixed(1)} s of CPU, ${megabytes()} MB resident${aim === '' ? '' : `, ${aim}`}`,
    },
  ];
}

function check(matrix: readonly string[], expected: readonly string[], what: string): void {
  const wrong = matrix.findIndex((line, i) => line !== expected[i]);
  if (wrong >= 0 || matrix.length !== expected.length) {
    throw new Error(`the matrix by ${what} differs in line ${wrong + 1}`);
  }
}

/** The largest resident size so far. */
function megabytes(): number {
  return Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
}
