import { describe, expect, test } from 'vitest';
import { parseScenario } from '../../src/scenario/parse.ts';
import { plainText } from '../../src/scenario/report/block.ts';
import { failures, report } from '../../src/scenario/report/report.ts';
import type { ScenarioResult } from '../../src/scenario/result.ts';
import { runOnHost } from '../../src/scenario/run.ts';
import { resultSchema } from '../../src/scenario/schema/result.ts';
import { expectGolden } from '../golden/golden.ts';
import { fakeHost } from './fake_host.ts';

/** The fake host has these pods; no manifest does. */
const PINS = 'cluster: {pins: {pods: {default/tiefighter: {}, default/xwing: {}, default/ywing: {}, default/deathstar: {}}}}';

function run(steps: string): { readonly result: ScenarioResult; readonly log: string[] } {
  const parsed = parseScenario(`name: test\nsteps:\n${steps}\n${PINS}`, {
    file: 's.yaml',
    readFile: () => ({ text: 'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n' }),
  });
  expect(parsed.ok ? [] : parsed.issues).toEqual([]);
  const { host, log } = fakeHost();
  return { result: runOnHost((parsed as Extract<typeof parsed, { ok: true }>).scenario, host), log };
}

const THREE = `
  - apply: app.yaml
  - request: {from: tiefighter, method: POST, url: deathstar/v1/request-landing}
    expect: {status: 200, body: Ship landed, outcome: answered, decidedBy: server, dropped: false, monitor: [action redirect, "-> proxy port 19313"]}
  - request: {from: tiefighter, method: PUT, url: deathstar/v1/exhaust-port}
    expect: {status: 403, body: Access denied, outcome: denied, decidedBy: cilium.l7policy, hubble: [http-request DROPPED]}
  - request: {from: xwing, method: POST, url: deathstar/v1/request-landing, connectTimeout: 5s}
    expect: {exitCode: 28, outcome: dropped, decidedBy: bpf policy, dropped: {reason: Policy denied, endpoint: 863, from: xwing, to: "10.0.0.111:80", count: 2}, noMonitor: [to-overlay]}
  - command: cilium bpf policy get 863 -n
    expect: {stdout: {lines: [Allow Egress 0 ANY NONE 0 0]}}
`;

const WRONG = `
  - request: {from: tiefighter, method: PUT, url: deathstar/v1/exhaust-port}
    expect: {status: 200, body: Ship landed, decidedBy: server, dropped: {reason: Policy denied}, monitor: [action redirect, action deny]}
  - request: {from: ywing, url: deathstar}
    expect: {status: 200}
  - command: kubectl get po
    expect: {stdout: {lines: [ywing 1/1 Running]}, status: 200}
`;

describe('running', () => {
  test('three requests of the article', () => {
    const { result, log } = run(THREE);
    expect(result.steps.flatMap(({ expectations }) => expectations).filter(({ passed }) => !passed)).toEqual([]);
    expect(result.passed).toBe(true);
    expect(log.slice(0, 3)).toEqual([
      'apply app.yaml in default',
      'settle',
      'exec default/tiefighter curl -s -XPOST -w \n%{http_code} deathstar/v1/request-landing',
    ]);
    expectGolden('scenario/three.txt', plainText(report(result, 0)));
    expectGolden('scenario/three-v.txt', plainText(report(result, 3)));
  });

  test('denials name the policy and its line, and the step that decided', () => {
    const { result } = run(THREE);
    const fates = result.steps.flatMap(({ detail }) => (detail.kind === 'http' ? [detail.fate] : []));
    expect(fates[1]?.policies.map(({ position }) => position?.line)).toEqual([21]);
    expect(fates[2]?.policies.map(({ position }) => position?.line)).toEqual([5]);
    expect(fates.map((fate) => (fate.step === null ? null : result.journey[fate.step]?.fn))).toEqual([
      null,
      'AccessFilter::decodeHeaders',
      '__policy_can_access',
    ]);
  });

  test('what does not hold is told with what happened instead', () => {
    const { result } = run(WRONG);
    expect(result.passed).toBe(false);
    expectGolden('scenario/wrong.txt', plainText(report(result, 0)));
    expectGolden('scenario/wrong-quiet.txt', plainText(failures(result)));
  });

  test('the result is what the schema says, and survives JSON', () => {
    for (const steps of [THREE, WRONG]) {
      const { result } = run(steps);
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
      expect(resultSchema.parse(result)).toEqual(result);
    }
  });

  test('equal runs give equal results', () => {
    expect(JSON.stringify(run(THREE).result)).toBe(JSON.stringify(run(THREE).result));
  });

  test('faults, connections, time', () => {
    const { result, log } = run(`
  - hold: xds
  - proxy: restart
  - stop: deployment/deathstar
  - {apply: app.yaml, wait: false}
  - delete: [cnp/rule1, app.yaml]
  - connection: {open: c, from: tiefighter, to: "deathstar:8080"}
  - request: {connection: c, method: POST, path: /x}
    expect: {status: 200, body: Ship landed}
  - request: {connection: c, path: /y}
    expect: {outcome: failed}
  - connection: {close: c}
  - advance: 1500ms
  - advance: {until: 58770s}
  - exec: {pod: default/tiefighter, command: curl -s -XPUT deathstar/v1/exhaust-port}
    expect: {exitCode: 0, stdout: Access denied, outcome: denied}
`);
    expect(result.steps.filter(({ passed }) => !passed)).toEqual([]);
    expect(result.steps.at(-1)?.startedAt).toBe(58_770_000_000_000);
    expect(log).toEqual([
      '{"kind":"hold","what":"xds","node":null}',
      '{"kind":"proxy","what":"restart","node":null}',
      '{"kind":"stop","pod":{"namespace":"default","name":"deathstar-7848d6c4d5-58jc8"}}',
      'apply app.yaml in default',
      'delete app.yaml CiliumNetworkPolicy/rule1 in default',
      'settle',
      'connect tiefighter deathstar:8080',
      'close',
      'exec default/tiefighter curl -s -XPUT deathstar/v1/exhaust-port',
    ]);
  });

  test('steps that cannot be done fail, and the rest still runs', () => {
    const { result } = run(
      '  - connection: {close: c}\n  - request: {connection: c, path: /}\n  - stop: ywing\n  - advance: {until: 1s}\n  - advance: 1s\n',
    );
    expect(result.steps.map(({ passed }) => passed)).toEqual([false, false, false, false, true]);
    expect(result.steps.map(({ detail }) => (detail.kind === 'done' ? detail.error : ''))).toEqual([
      'no connection "c" is open',
      'no connection "c" is open',
      'there is no pod "ywing"',
      'it is already 58764 s since boot',
      null,
    ]);
  });
});
