/** Property testing: cases a second, from verdicts alone to clusters with faults; how soon a counterexample is there; what a second worker brings. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { cluster } from '../../src/check/arbitraries/cluster.ts';
import { policies } from '../../src/check/arbitraries/policy.ts';
import { faultSearch } from '../../src/check/faults/search.ts';
import { Oracle } from '../../src/check/oracle/oracle.ts';
import { checkScenario } from '../../src/check/run/check.ts';
import { type Case, prepare } from '../../src/check/run/property.ts';
import { type CheckSubject, subjectOf } from '../../src/check/run/subject.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import type { PropertySection } from '../../src/scenario/schema/properties.ts';
import { starWars } from './clusters.ts';
import { type Figure, median, seconds } from './measure.ts';

const FOLDER = 'scenarios/star-wars/manifests';
const CASES = 20_000;
const CLUSTERS = 50;
const DRAWN = 4000;
const FAULTS = 100;
/** A second and ten: starting a thread and warming it up takes as long as a hundred thousand cases. */
const SEARCHED = [250_000, 2_500_000] as const;

const ONLY_LAND: PropertySection = {
  name: 'tiefighter may only POST /v1/request-landing',
  only: {
    from: { labels: { class: 'tiefighter' } },
    to: { labels: { class: 'deathstar' } },
    ports: [{ port: 80, protocol: 'TCP' }],
    http: [{ method: 'POST', path: '/v1/request-landing' }],
  },
};

/** The figures. */
export function benchCheck(): Figure[] {
  const closed = scenarioText('/v1/request-landing');
  const hole = parsed(scenarioText('/v1/.*'));
  const subject = subjectOf(parsed(closed));
  return [
    ...verdicts(subject),
    {
      name: 'check: drawn clusters and policies, a verdict each',
      value: DRAWN / median(() => seconds(drawnClusters), 3, 1),
      unit: 'clusters/s',
      note: 'aim: 2000',
    },
    {
      name: 'check: clusters created and brought to rest',
      value: CLUSTERS / median(() => seconds(clusters)),
      unit: 'clusters/s',
      note: 'agent, proxy, pods and policy',
    },
    {
      name: 'check: clusters with faults',
      value: FAULTS / median(() => seconds(() => faultSearch(subject).run({ seed: 1, count: FAULTS, path: '', number: 1 })), 5, 8),
      unit: 'cases/s',
      note: 'aim: 300',
    },
    {
      name: 'check: failure to shrunk, confirmed counterexample',
      value: median(() => seconds(() => found(hole))),
      unit: 's',
      note: 'median, aim: under 2',
    },
    ...SEARCHED.map((runs) => workers(closed, runs)),
    holeTold(),
  ];
}

function verdicts(subject: CheckSubject): Figure[] {
  const prepared = prepare(ONLY_LAND, subject);
  const { cases } = prepared;
  if (cases === null) {
    throw new Error('there are no cases');
  }
  const drawn: Case[] = fc.sample(cases, { numRuns: CASES, seed: 1 });
  const judge = () => {
    for (const one of drawn) {
      prepared.breaks(one);
    }
  };
  const search = () =>
    fc.check(
      fc.property(cases, (one) => prepared.breaks(one) === null),
      { seed: 1, numRuns: CASES },
    );
  return [
    { name: 'check: verdicts on one cluster', value: CASES / median(() => seconds(judge)), unit: 'cases/s', note: 'aim: 100000' },
    { name: 'check: the same, drawn by fast-check as well', value: CASES / median(() => seconds(search)), unit: 'cases/s', note: '' },
  ];
}

function drawnClusters(): void {
  const judged = fc.property(cluster(), policies(), (model, rules) => {
    const [from, to = from] = model.pods;
    if (from !== undefined && to !== undefined) {
      const oracle = new Oracle(model, rules);
      oracle.judge(to, oracle.pod(from), { direction: 'ingress', port: 80, protocol: 'TCP' });
    }
  });
  fc.assert(judged, { seed: 1, numRuns: DRAWN });
}

function clusters(): void {
  for (let i = 0; i < CLUSTERS; i++) {
    starWars(true);
  }
}

let seed = 0;

function found(hole: Scenario): void {
  const { properties } = checkScenario(hole, { seed: ++seed, runs: 10_000, builtins: false, replay: null });
  if (properties[0]?.counterexample?.unconfirmed !== null) {
    throw new Error(`no counterexample with seed ${seed}`);
  }
}

function workers(text: string, runs: number): Figure {
  return inFile(text, (file) => {
    const args = ['dist/cli/main.js', 'check', '--no-builtins', '--runs', String(runs), file];
    const run = (count: number) => seconds(() => search([...args, '--workers', String(count)], 0));
    const [one, two] = [median(() => run(1), 1, 0), median(() => run(2), 1, 0)];
    return {
      name: `check: two workers over one, ${runs} cases`,
      value: one / two,
      unit: 'times',
      note: `${one.toFixed(2)} s, start-up included; aim: 1.8`,
    };
  });
}

/** The whole command with all that is built in. */
function holeTold(): Figure {
  const value = inFile(scenarioText('/v1/.*'), (file) => median(() => seconds(() => search(['dist/cli/main.js', 'check', file], 1)), 3, 1));
  return { name: 'check: a planted hole, the whole command', value, unit: 's', note: 'aim: 1; told after a third of it' };
}

function inFile<T>(text: string, use: (file: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'trenchrun-bench-'));
  const file = join(directory, 'bench.json');
  writeFileSync(file, text);
  try {
    return use(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function search(args: readonly string[], code: number): void {
  const { status, stderr } = spawnSync(process.execPath, args);
  if (status !== code) {
    throw new Error(String(stderr));
  }
}

function scenarioText(path: string): string {
  const app = readFileSync(join(FOLDER, 'app.yaml'), 'utf8');
  const rule = readFileSync(join(FOLDER, 'rule1.yaml'), 'utf8').replace('/v1/request-landing', path);
  return JSON.stringify({
    name: 'bench',
    steps: [{ apply: app }, { apply: rule }],
    properties: [{ ...ONLY_LAND, only: { ...ONLY_LAND.only, ports: [80] } }],
  });
}

function parsed(text: string): Scenario {
  const result = parseScenario(text, { file: 'bench.json', readFile: () => ({ error: 'no files' }) });
  if (!result.ok) {
    throw new Error(JSON.stringify(result.issues));
  }
  return result.scenario;
}
