/** What the oracle tells is what packets do: generated clusters, policies and requests, each run in a cluster of its own. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cluster } from '../../src/check/arbitraries/cluster.ts';
import { policies } from '../../src/check/arbitraries/policy.ts';
import { sceneScenario } from '../../src/check/model/scene_scenario.ts';
import { confirm } from '../../src/check/run/confirm.ts';
import { type Case, type Prepared, prepare } from '../../src/check/run/property.ts';
import { meetsPolicy } from '../../src/check/run/reach.ts';
import { scenarioText } from '../../src/check/run/scenario_text.ts';
import { subjectOf } from '../../src/check/run/subject.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const readFile = () => ({ error: 'none' });
const party = fc.constantFrom({ entity: 'cluster' }, { entity: 'cluster' }, { entity: 'host' }, { entity: 'world' });

/** What packets show of a case that the oracle has told. */
function shown(prepared: Prepared, one: Case, told: 'yes' | 'no'): string {
  // A property that breaks exactly if what is told comes true.
  const kind = told === 'yes' ? 'never' : 'always';
  const text = scenarioText(
    { ...prepared, kind },
    { attempt: one, policies: prepared.subject.policies },
    { title: 'told', description: '' },
  );
  const run = confirm(text, kind);
  return run.confirmed ? 'as told' : `told ${told}: ${run.why}\n${text}`;
}

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
      expect(shown(prepared, one, told)).toBe('as told');
    }),
    { numRuns: Number(process.env['RUNS'] ?? 30), endOnFailure: true },
  );
  console.info(`told by the oracle and tried with packets: ${JSON.stringify(seen)}`);
  expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(0);
}, 600_000);

const SERVER =
  '{apiVersion: v1, kind: Pod, metadata: {name: server, labels: {app: server}}, spec: {containers: [{name: c, image: nginx}]}}';
const CLIENT = '{apiVersion: v1, kind: Pod, metadata: {name: client, labels: {app: client}}, spec: {containers: [{name: c, image: curl}]}}';
const POLICY = 'apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: free}';
const PORT = 'ports: [{port: "80", protocol: TCP}]';
const CONTENT = 'rules: {http: [{method: GET, path: "/v1(/.*)?"}]}';
const PEER = 'fromEndpoints: [{matchLabels: {app: client}}]';
/** Whether a request gets an answer of the server. */
function arrives(prepared: Prepared, one: Case): boolean {
  const text = scenarioText(prepared, { attempt: one, policies: prepared.subject.policies }, { title: 'told', description: '' });
  const run = confirm(text, 'never');
  expect(String(run.confirmed || run.why)).toMatch(/^true$|^the request was/);
  return run.confirmed;
}

function told({ request }: Case, reaches: string): string {
  return `${JSON.stringify(request)}: told ${reaches}`;
}

/** Content is free although there are rules for it, at the peer's port or at everyone's. */
const FREE = [
  `[{${PEER}, toPorts: [{${PORT}, ${CONTENT}}]}, {${PEER}}]`,
  `[{${PEER}, toPorts: [{${PORT}, ${CONTENT}}]}, {${PEER}, toPorts: [{${PORT}}]}]`,
  `[{${PEER}, toPorts: [{${PORT}, ${CONTENT}}]}, {toPorts: [{${PORT}}]}]`,
  `[{toPorts: [{${PORT}, ${CONTENT}}]}, {${PEER}}]`,
  `[{fromEntities: [world], toPorts: [{${PORT}, ${CONTENT}}]}, {${PEER}}]`,
  `[{fromEndpoints: [{}], toPorts: [{${PORT}, ${CONTENT}}]}, {fromEntities: [cluster]}]`,
];

it('where content is free beside rules for it, paths that the proxy answers or rewrites fare as told', () => {
  const seen = { yes: 0, no: 0, unknown: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...FREE), fc.nat(), (ingress, seed) => {
      const spec = `spec: {endpointSelector: {matchLabels: {app: server}}, ingress: ${ingress}}`;
      const text = JSON.stringify({ name: 'free', steps: [{ apply: `${SERVER}\n---\n${CLIENT}\n---\n{${POLICY}, ${spec}}` }] });
      const scene = parseScenario(text, { file: 's.yaml', readFile });
      const section = {
        name: 'x',
        never: { from: { pod: 'client' }, to: { pod: 'server' }, ports: [{ port: 80, protocol: 'TCP' }] },
      } as never;
      const prepared = prepare(section, subjectOf((scene as Extract<typeof scene, { ok: true }>).scenario));
      const [one] = fc.sample(prepared.cases as fc.Arbitrary<Case>, { numRuns: 1, seed }) as [Case];
      const { reaches } = prepared.reach(one);
      seen[reaches]++;
      expect(reaches === 'unknown' ? 'as told' : arrives(prepared, one) === (reaches === 'yes') ? 'as told' : told(one, reaches)).toBe(
        'as told',
      );
    }),
    { numRuns: Number(process.env['RUNS'] ?? 30) * 2, endOnFailure: true },
  );
  console.info(`free content: ${JSON.stringify(seen)}`);
  expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(0);
  expect(seen.unknown).toBe(0);
}, 600_000);
