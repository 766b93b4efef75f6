import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasShared, readLines, sharedFile } from './module.ts';
import { SuiteRunner, suiteFile } from './suite.ts';
import type { RecipeLine } from './suite_recipe.ts';
import { compareTables, type TableLine, TableRunner } from './suite_table.ts';

/** Of Cyclonus every fourth line and all that are not a case's first; `npm run conformance` runs the rest too. */
const SAMPLE = 4;

function tableLines(suite: string): TableLine[] {
  return readLines(sharedFile(suiteFile(suite))) as TableLine[];
}

function skipped(suite: string): string {
  return hasShared(suiteFile(suite)) ? '' : ` (skipped: ../shared/${suiteFile(suite)} is not there)`;
}

/** A small table made up here: one pod may not speak, one may not listen to it. */
const LINE: TableLine = {
  name: 'both sides',
  step: 1,
  resources: {
    namespaces: { n: { 'kubernetes.io/metadata.name': 'n' } },
    pods: ['a', 'b', 'c'].map((name, index) => ({
      namespace: 'n',
      name,
      labels: { pod: name },
      ip: `10.0.7.${index + 1}`,
      containers: [{ name: 'web', port: 80, protocol: 'SCTP' }],
    })),
  },
  podOrder: ['n/a', 'n/b', 'n/c'],
  policies: [
    policy('silent', { podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Egress'] }),
    policy('deaf', { podSelector: { matchLabels: { pod: 'b' } }, policyTypes: ['Ingress'] }),
  ],
  checks: [{ probe: { port: 80, protocol: 'SCTP' } }],
};

function policy(name: string, spec: object): TableLine['policies'][number] {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'n' }, spec };
}

describe('tables', () => {
  it('tell which side denies, and that nothing stands between a pod and itself', () => {
    expect(new TableRunner().run(LINE)).toEqual([{ probe: LINE.checks[0]?.probe, rows: ['.be', '...', '.i.'] }]);
  });

  it('do not depend on what the cluster was before, nor on expectations', () => {
    const runner = new TableRunner();
    const first = runner.run(LINE);
    runner.run({ ...LINE, policies: [], podOrder: ['n/a'] });
    const check = { ...(LINE.checks[0] as TableLine['checks'][number]), deniedBy: ['...', '...', '...'] };
    expect(runner.run({ ...LINE, checks: [check] })).toEqual(first);
    expect(compareTables({ ...LINE, checks: [check] }, first)).toHaveLength(3);
  });

  it.skipIf(!hasShared(suiteFile('k8s-e2e')))(`agree with k8s-e2e${skipped('k8s-e2e')}`, () => {
    const runner = new SuiteRunner();
    const outcomes = tableLines('k8s-e2e').flatMap((line) => runner.check(line) ?? []);
    expect(outcomes.filter(({ differences }) => differences.length > 0)).toEqual([]);
  });

  it.skipIf(!hasShared(suiteFile('cyclonus')))(
    `agree with a sample of cyclonus${skipped('cyclonus')}`,
    () => {
      const runner = new SuiteRunner();
      const lines = tableLines('cyclonus').filter(({ step }, index) => index % SAMPLE === 0 || step > 1);
      const outcomes = lines.flatMap((line) => runner.check(line) ?? []);
      expect(outcomes.filter(({ differences }) => differences.length > 0)).toEqual([]);
    },
    120_000,
  );
});

describe('emission', () => {
  it('does not break on lines of no suite', () => {
    const runner = new SuiteRunner();
    expect(runner.emit(null)).toEqual([{ error: 'a line must be an object' }]);
    expect(runner.emit({ name: 'x' })).toEqual([{ name: 'x', error: 'a line of no suite known: neither checks, probes nor steps' }]);
    expect(runner.emit({ name: 'x', minCilium: '1.13', policies: [], probes: [] })).toEqual([
      { name: 'x', step: 1, error: 'no topology line came before' },
    ]);
    expect(runner.emit({ ...LINE, podOrder: ['n/z'] })).toEqual([
      { name: LINE.name, step: 1, error: 'podOrder names n/z, which resources.pods does not have' },
    ]);
    expect(runner.emit({ name: 'x', minCilium: '1.16', policies: [], probes: [] })).toEqual([
      { name: 'x', step: 1, skipped: 'needs Cilium 1.16' },
    ]);
  });
});

describe('recipes', () => {
  it.skipIf(!hasShared(suiteFile('recipes')))(`hold${skipped('recipes')}`, () => {
    const runner = new SuiteRunner();
    const outcomes = (readLines(sharedFile(suiteFile('recipes'))) as RecipeLine[]).flatMap((line) => runner.check(line) ?? []);
    expect(outcomes.filter(({ differences }) => differences.length > 0)).toEqual([]);
  });
});

/** Cases of deviations.json; one that begins to pass must leave the list. */
const DEVIATIONS = JSON.parse(readFileSync(new URL('deviations.json', import.meta.url), 'utf8')) as readonly {
  suite: string;
  name: string;
}[];

describe.each(['connectivity', 'guides'])('%s', (suite) => {
  it.skipIf(!hasShared(suiteFile(suite)))(
    `agree${skipped(suite)}`,
    () => {
      const runner = new SuiteRunner();
      const outcomes = (readLines(sharedFile(suiteFile(suite))) as RecipeLine[]).flatMap((line) => runner.check(line) ?? []);
      const present = new Set(outcomes.map(({ name }) => name));
      const failed = outcomes.filter(({ differences }) => differences.length > 0);
      const expected = DEVIATIONS.filter((one) => one.suite === suite && present.has(one.name)).map(({ name }) => name);
      expect(failed.filter(({ name }) => !expected.includes(name))).toEqual([]);
      expect(failed.map(({ name }) => name)).toEqual(expect.arrayContaining(expected));
    },
    120_000,
  );
});
