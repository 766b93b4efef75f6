import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cluster } from '../../src/check/arbitraries/cluster.ts';
import { policies } from '../../src/check/arbitraries/policy.ts';
import { sceneScenario } from '../../src/check/model/scene_scenario.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { runScenario } from '../../src/scenario/run_scenario.ts';

it('every generated cluster with its policies is a scenario that runs', () => {
  fc.assert(
    fc.property(cluster({ maxPods: 3 }), policies({ maxLength: 2, protocolless: false }), (model, list) => {
      const parsed = parseScenario(sceneScenario('generated', model, list), { file: 's.yaml', readFile: () => ({ error: 'none' }) });
      expect(parsed.ok ? [] : parsed.issues).toEqual([]);
      if (parsed.ok) {
        const result = runScenario(parsed.scenario, { record: false });
        const rejected = result.steps
          .flatMap(({ detail }) => (detail.kind === 'objects' ? detail.objects : []))
          .filter(({ outcome }) => outcome === 'rejected');
        expect(rejected).toEqual([]);
      }
    }),
    { numRuns: 25 },
  );
});
