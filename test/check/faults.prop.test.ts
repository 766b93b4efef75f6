import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { fault } from '../../src/check/arbitraries/fault.ts';
import type { FaultCase, FaultEvent } from '../../src/check/faults/case.ts';
import { play } from '../../src/check/faults/play.ts';
import { faultScenarioText, faultYaml } from '../../src/check/faults/scenario_text.ts';
import { faultScene } from '../../src/check/faults/scene.ts';
import { faultSearch } from '../../src/check/faults/search.ts';
import { subjectOf } from '../../src/check/run/subject.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import { meetsRedirectsLeft } from '../../src/cluster/redirects_left.ts';
import { parseManifest } from '../../src/k8s/manifest.ts';
import type { Pod } from '../../src/k8s/objects.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { runScenario } from '../../src/scenario/run_scenario.ts';

const NO_FILES = { file: 'test.yaml', readFile: () => ({ error: 'no files' }) };
const SECOND = 1_000_000_000;

const PODS = `{apiVersion: v1, kind: Pod, metadata: {name: server, labels: {app: server}}, spec: {containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client, labels: {app: client}}, spec: {containers: [{name: c, image: curl}]}}
`;
const policy = (name: string, rest: string): string => `---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ${name}}
spec: {endpointSelector: {matchLabels: {app: server}}, ${rest}}
`;
const http = (name: string, rule: string): string =>
  policy(
    name,
    `ingress: [{fromEndpoints: [{matchLabels: {app: client}}], toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [${rule}]}}]}]`,
  );

function subject(...policies: string[]): ReturnType<typeof subjectOf> {
  const text = JSON.stringify({ name: 'faults', steps: [{ apply: PODS + policies.join('') }] });
  const parsed = parseScenario(text, NO_FILES);
  if (!parsed.ok) {
    throw new Error(JSON.stringify(parsed.issues));
  }
  return subjectOf(parsed.scenario);
}

function caseOf(of: ReturnType<typeof subjectOf>, path: string, events: readonly FaultEvent[]): FaultCase {
  const party = (name: string) => {
    const pod = of.cluster.pods.find((one) => one.name === name);
    if (pod === undefined) {
      throw new Error(name);
    }
    return { kind: 'pod' as const, pod, exists: true };
  };
  return {
    from: party('client'),
    to: party('server'),
    port: 80,
    seed: 1,
    requests: [{ method: 'GET', path, host: '', headers: {} }],
    events,
  };
}

const REQUEST: FaultEvent = { kind: 'request', request: 0, kept: false };
const TWO = [http('a', '{method: GET, path: /a}'), http('b', '{method: GET, path: /b}')];

describe('faults', () => {
  test('safety and liveness hold', () => {
    const found = faultSearch(subject(...TWO)).run({ seed: 7, count: 60, path: '', number: 1 });
    expect(found.counterexample).toBeNull();
    expect(found.runs).toBe(60);
  });

  test('the window between a change and its acknowledgement is told, not a failure', () => {
    const of = subject(...TWO);
    const hold: FaultEvent = { kind: 'fault', fault: { kind: 'hold-xds', for: 10 * SECOND } };
    const played = play(faultScene(of), caseOf(of, '/b', [hold, { kind: 'delete', policy: 1 }, REQUEST]));
    expect(played).toMatchObject({ broken: null, windows: 1 });
  });

  test('a deny that does not fit into the map is not in force: told, not a failure', () => {
    const of = subject(
      policy('allow', 'ingress: [{fromEntities: [all]}]'),
      policy('deny', 'ingressDeny: [{fromEndpoints: [{matchLabels: {app: client}}]}]'),
    );
    const full: FaultEvent = { kind: 'fault', fault: { kind: 'map-full', pod: 'default/server', entries: 0, for: 10 * SECOND } };
    const events: FaultEvent[] = [
      { kind: 'delete', policy: 1 },
      { kind: 'wait', nanos: 5 * SECOND },
      full,
      { kind: 'apply', policy: 1 },
      { kind: 'wait', nanos: SECOND },
    ];
    expect(play(faultScene(of), caseOf(of, '/', [...events, REQUEST]))).toMatchObject({ broken: null, windows: 1 });
  });

  test('liveness can fail: a proxy that never comes back', () => {
    const of = subject(...TWO);
    const scene = faultScene(of);
    const one = caseOf(of, '/a', [{ kind: 'fault', fault: { kind: 'proxy-crash' } }, REQUEST]);
    const { broken } = play(scene, one);
    expect(broken).toMatchObject({ what: 'liveness' });
    const text = broken === null ? '' : faultScenarioText(scene, one, broken, 'a test');
    const parsed = parseScenario(text, NO_FILES);
    expect(parsed.ok && runScenario(parsed.scenario).passed).toBe(false);
  });

  const NACK: FaultEvent = { kind: 'fault', fault: { kind: 'nack', for: SECOND } };
  const WAIT: FaultEvent = { kind: 'wait', nanos: 5 * SECOND };
  const without: FaultEvent = { kind: 'delete', policy: 1 };
  const withIt: FaultEvent = { kind: 'apply', policy: 1 };

  test('the listener of a policy that goes and comes while the proxy refuses everything stays where it is', () => {
    const of = subject(http('server', '{method: GET}'));
    const events: FaultEvent[] = [NACK, { kind: 'delete', policy: 0 }, { kind: 'apply', policy: 0 }];
    expect(play(faultScene(of), caseOf(of, '/more', events))).toMatchObject({ broken: null, unmet: [] });
  });

  test('a version that the proxy has refused is not sent again: told, not a failure', () => {
    const of = subject(...TWO);
    const played = play(faultScene(of), caseOf(of, '/b', [without, WAIT, NACK, withIt, without, withIt]));
    expect(played).toMatchObject({ broken: null, unmet: ['refusedVersion'] });
  });

  test('a connection that a proxy had is told from others once its redirect is gone, for a while', () => {
    const of = subject(http('server', '{method: GET}'));
    const cluster = Cluster.create(faultScene(of).options(caseOf(of, '/', [])));
    for (const { object } of parseManifest(PODS + http('server', '{method: GET}'), 'test.yaml').objects) {
      cluster.api.apply({ ...object, metadata: { namespace: 'default', ...object.metadata } });
    }
    cluster.settle();
    const server = cluster.api.get<Pod>('Pod', 'default', 'server')?.status?.podIP ?? '';
    cluster.exec('default', 'client', ['curl', '-s', `http://${server}/`]);
    cluster.advance(SECOND);
    expect(meetsRedirectsLeft(cluster, 20 * SECOND)).toBe(false);
    cluster.api.delete('CiliumNetworkPolicy', 'default', 'server');
    cluster.settle();
    expect(meetsRedirectsLeft(cluster, 20 * SECOND)).toBe(true);
    cluster.advance(25 * SECOND);
    expect(meetsRedirectsLeft(cluster, 20 * SECOND)).toBe(false);
  });

  test('the second failure of an endpoint is left alone: told, not a failure, and not so without the quirk', () => {
    const of = subject(...TWO);
    const one = caseOf(of, '/b', [NACK, without, WAIT, NACK, withIt]);
    expect(play(faultScene(of), one)).toMatchObject({ broken: null, unmet: ['usedUp'] });
    const mended = { ...of, options: { ...of.options, quirks: { recoveryOnlyOnce: false } } };
    expect(play(faultScene(mended), one)).toMatchObject({ broken: null, unmet: [] });
  });

  test('an allow that is written before its deny when the agent dies: told, not a failure', () => {
    const of = subject(
      policy('base', 'ingress: [{}]'),
      policy('open', 'ingress: [{fromEntities: [all]}], ingressDeny: [{fromEndpoints: [{matchLabels: {app: client}}]}]'),
    );
    const dies: FaultEvent = { kind: 'fault', fault: { kind: 'agent-crash', at: 'addPolicyKey', pod: 'default/server', for: SECOND } };
    const played = play(faultScene(of), caseOf(of, '/', [without, WAIT, dies, withIt, REQUEST]));
    expect(played).toMatchObject({ broken: null, unmet: ['halfWritten'] });
    // An agent that lives on opens nothing.
    expect(play(faultScene(of), caseOf(of, '/', [without, WAIT, withIt, REQUEST]))).toMatchObject({ broken: null, unmet: [], windows: 0 });
  });

  it('writes every fault so that it is read as it was', () => {
    fc.assert(
      fc.property(fault({ pods: ['default/a', 'default/b'], names: { 'x.test': ['192.0.2.1', '192.0.2.2'] } }), (one) => {
        const parsed = parseScenario(JSON.stringify({ name: 'f', steps: [{ fault: faultYaml(one) }] }), NO_FILES);
        expect(parsed.ok && parsed.scenario.steps[0]?.action).toEqual({ kind: 'fault', fault: one });
      }),
    );
  });
});
