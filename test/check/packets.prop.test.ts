/** What the oracle tells is what packets do: generated clusters, policies and requests, each run in a cluster of its own. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cluster } from '../../src/check/arbitraries/cluster.ts';
import { policies } from '../../src/check/arbitraries/policy.ts';
import { sceneScenario } from '../../src/check/model/scene_scenario.ts';
import { confirm } from '../../src/check/run/confirm.ts';
import { prepare } from '../../src/check/run/property.ts';
import { meetsPolicy } from '../../src/check/run/reach.ts';
import { scenarioText } from '../../src/check/run/scenario_text.ts';
import { subjectOf } from '../../src/check/run/subject.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const readFile = () => ({ error: 'none' });
const party = fc.constantFrom({ entity: 'cluster' }, { entity: 'cluster' }, { entity: 'host' }, { entity: 'world' });

it('reaches and does not reach as told', () => {
  const seen = { yes: 0, no: 0, unknown: 0 };
  fc.assert(
    fc.property(cluster({ maxPods: 3 }), policies({ maxLength: 3 }), party, party, fc.nat(), (model, list, from, to, seed) => {
      const scene = parseScenario(sceneScenario('generated', { ...model, dns: {}, services: [] }, list), { file: 's.yaml', readFile });
      if (!scene.ok) {
        throw new Error('a generated scenario is wrong');
      }
      const subject = subjectOf(scene.scenario);
      const section = { name: 'x', never: { from, to } } as never;
      const prepared = prepare(section, subject);
      const one = prepared.cases === null ? null : fc.sample(prepared.cases, { numRuns: 1, seed })[0];
      if (one === undefined || one === null || !meetsPolicy(one)) {
        return;
      }
      const told = prepared.reach(one).reaches;
      seen[told]++;
      if (told === 'unknown') {
        return;
      }
      // A property that breaks exactly if what is told comes true.
      const kind = told === 'yes' ? 'never' : 'always';
      const text = scenarioText({ ...prepared, kind }, { attempt: one, policies: subject.policies }, { title: 'told', description: '' });
      const run = confirm(text, kind);
      expect(run.confirmed ? 'as told' : `told ${told}: ${run.why}\n${text}`).toBe('as told');
    }),
    { numRuns: Number(process.env['RUNS'] ?? 30), endOnFailure: true },
  );
  console.info(`told by the oracle and tried with packets: ${JSON.stringify(seen)}`);
  expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(0);
}, 600_000);
