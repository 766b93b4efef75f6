import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { issueText } from '../../src/scenario/issue.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const FILES: Readonly<Record<string, string>> = {
  'dir/app.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: empire}\n',
};
const readFile = (path: string): { text: string } | { error: string } => {
  const text = FILES[path];
  return text === undefined ? { error: 'there is no such file' } : { text };
};
const parse = (text: string) => parseScenario(text, { file: 'dir/s.yaml', readFile });
const issues = (text: string): string[] => {
  const result = parse(text);
  return result.ok ? [] : result.issues.map(issueText);
};
const step = (text: string): string[] => issues(`name: x\nsteps:\n  - ${text}\n`);

describe('what is wrong is said with its place', () => {
  test.each([
    ['', 'dir/s.yaml:1:1: the file is empty'],
    ['# nothing\n', 'dir/s.yaml:1:1: the file is empty'],
    ['[1, 2', 'dir/s.yaml:1:6: Flow sequence must end with a ]'],
    ['name: x\nsteps: [{advance: 1s}]\n---\nname: y\n', 'more than one document'],
    ['name: x\nname: y\nsteps: [{advance: 1s}]\n', 'dir/s.yaml:2:1: Map keys must be unique'],
    ['name: x\n', 'dir/s.yaml:1:1: "steps" is missing'],
    ['name: x\nsteps: []\n', 'dir/s.yaml:2:8: a scenario needs at least one step'],
    ['nam: x\nsteps: [{advance: 1s}]\n', '(did you mean "name"?)'],
    ['name: x\nsteps: {a: 1}\n', 'dir/s.yaml:2:8: expected array, received object'],
    ['just text', 'expected object, received string'],
    ['name: x\u0000\n', 'control characters'],
    [
      'name: x\ncluster: {noodes: []}\nsteps: [{advance: 1s}]\n',
      'dir/s.yaml:2:11: unknown key "noodes"; known: name, nodes, serviceCIDR, options,',
    ],
    [
      'name: x\ncluster: {pins: {pods: {default/a: {ip: 10.0.0.256}}}}\nsteps: [{advance: 1s}]\n',
      'dir/s.yaml:2:41: expected an IPv4 address such as 10.0.0.111',
    ],
    [
      'name: x\ncluster: {bootTime: yesterday}\nsteps: [{advance: 1s}]\n',
      'dir/s.yaml:2:21: "yesterday" is no duration; write for instance 5s, 200ms or 1h30m',
    ],
  ])('%j', (text, message) => {
    expect(issues(text).join('\n')).toContain(message);
  });

  test.each([
    [
      'aply: app.yaml',
      'dir/s.yaml:3:5: unknown step "aply"; a step has one of: apply, delete, exec, request, connection, advance, command, hold, release, proxy, fault, agent, stop, start (did you mean "apply"?)',
    ],
    ['name: only a name', 'dir/s.yaml:3:5: the step does nothing'],
    ['{apply: app.yaml, delete: app.yaml}', 'dir/s.yaml:3:23: a step does one thing: "apply" or "delete", not both'],
    ['hello', 'dir/s.yaml:3:5: expected a mapping'],
    ['apply: ap.yaml', 'dir/s.yaml:3:12: dir/ap.yaml: there is no such file'],
    [
      '{apply: app.yaml, nmespace: x}',
      'dir/s.yaml:3:23: unknown key "nmespace"; known: apply, namespace, wait, name, expect (did you mean "namespace"?)',
    ],
    [
      'request: {from: tiefighter, ur: deathstar}',
      'unknown key "ur"; known: from, url, method, headers, body, connectTimeout, timeout, http2, pathAsIs (did you mean "url"?)',
    ],
    ['request: {from: tiefighter, ur: deathstar}', '"url" is missing'],
    ['request: {connection: c, url: deathstar}', 'unknown key "url"; known: connection, path'],
    ['request: deathstar', 'dir/s.yaml:3:14: expected object, received string'],
    ['{request: {from: a, url: b}, expect: {statsu: 200}}', 'dir/s.yaml:3:43: unknown key "statsu"; known: exitCode, status, body'],
    ['{request: {from: a, url: b}, expect: {status: ok}}', 'dir/s.yaml:3:51: expected number, received string'],
    ['{request: {from: a, url: b}, expect: {outcome: droped}}', '(did you mean "dropped"?)'],
    ['{request: {from: a, url: b}, expect: {body: {contain: x}}}', '(did you mean "contains"?)'],
    ['{request: {from: a, url: b}, expect: {dropped: {reson: x}}}', '(did you mean "reason"?)'],
    ["{command: kubectl get po, expect: {stdout: {matches: '('}}}", 'dir/s.yaml:3:58: this is no regular expression'],
    [
      'command: cilium bpf polcy get 863',
      'dir/s.yaml:3:14: Error: unknown command "polcy" for "cilium bpf"; did you mean "cilium bpf policy get"?',
    ],
    ['delete: podd/x', 'dir/s.yaml:3:13: unknown kind "podd" (did you mean "pod"?)'],
    ['advance: soon', '"soon" is no duration'],
    ['connection: {open: a, from: b, to: "c:99999"}', 'expected host or host:port'],
    ['fault: {kind: los}', 'there is no such kind of fault; there are loss, duplicate'],
    ['fault: {kind: loss, on: nowhere}', 'expected namespace/name'],
    ['fault: {kind: loss, on: fabric, share: 3}', 'too big'],
    ['fault: 5', 'expected a fault such as'],
    ['proxy: stopp', 'dir/s.yaml:3:12: expected one of: stop, start, restart (did you mean "stop"?)'],
  ])('%s', (text, message) => {
    expect(step(text).join('\n')).toContain(message);
  });

  test('several at once, in the order of the file', () => {
    expect(issues('nme: x\nsteps:\n  - aply: a\n  - advance: soon\n').map((line) => line.split(':')[1])).toEqual(['1', '1', '3', '4']);
  });
});

describe('values that do not go together', () => {
  const cluster = (text: string): string => issues(`name: x\ncluster: ${text}\nsteps: [{advance: 1s}]\n`).join('\n');
  test.each([
    ['{options: {monitor-agregation: none}}', 'dir/s.yaml:2:21: unknown option monitor-agregation'],
    ['{options: {tunnel: gre}}', 'tunnel'],
    ['{nodes: [{name: a, ip: 1.1.1.1, podCIDR: 10.0.0.0/24}, {name: a, ip: 1.1.1.1, podCIDR: 10.0.0.0/25}]}', 'there are two nodes "a"'],
    [
      '{nodes: [{name: a, ip: 1.1.1.1, podCIDR: 10.0.0.0/24}, {name: b, ip: 1.1.1.1, podCIDR: 10.0.0.0/25}]}',
      'overlaps the pod range of a',
    ],
    ['{serviceCIDR: 10.43.0.0/30}', 'too small'],
    ['{pins: {router: {ip: 10.9.0.1}}}', '10.9.0.1 is no usable address of 10.0.0.0/24'],
    ['{pins: {router: {ip: 10.0.0.7}, health: {ip: 10.0.0.7}}}', '10.0.0.7 is already pinned for the router'],
    ['{pins: {pods: {d/a: {endpointId: 5}, d/b: {endpointId: 5}}}}', 'endpoint id 5 is already pinned for d/a'],
    ['{pins: {clusterIPs: {d/a: 10.0.0.9}}}', 'no usable address of 10.43.0.0/16'],
  ])('%s', (text, message) => {
    expect(cluster(text)).toContain(message);
  });
});

describe('what is right becomes plain data', () => {
  test('a scenario survives JSON', () => {
    const result = parse(
      'name: x\ncluster: {bootTime: 10s, seed: 7, pins: {pods: {default/a: {}}}}\nsteps:\n  - apply: app.yaml\n  - {request: {from: a, url: b, method: PUT}, expect: {status: 403}}\n',
    );
    expect(result.ok).toBe(true);
    if (result.ok) {
      expect(JSON.parse(JSON.stringify(result.scenario))).toEqual(result.scenario);
      expect(result.scenario.cluster).toMatchObject({ bootTime: 10, seed: 7, clusterName: 'default' });
      expect(result.scenario.steps.map(({ action }) => action.kind)).toEqual(['apply', 'request']);
      expect(result.scenario.steps[1]).toMatchObject({
        position: { line: 5, column: 5 },
        expectPositions: { status: { line: 5, column: 56 } },
      });
    }
  });

  test('inline manifests keep their lines', () => {
    const result = parse('name: x\nsteps:\n  - apply: |\n      apiVersion: v1\n      kind: Namespace\n      metadata: {name: a}\n');
    expect(result.ok).toBe(true);
    const action = result.ok ? result.scenario.steps[0]?.action : undefined;
    expect(action).toMatchObject({
      kind: 'apply',
      manifests: [{ indent: 6, text: '\n\n\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n' }],
    });
  });
});

describe('shipped scenarios', () => {
  const folder = new URL('../../scenarios/star-wars/', import.meta.url);
  const isScenario = (name: string): boolean => readFileSync(new URL(name, folder), 'utf8').includes('\nsteps:');
  test.each(readdirSync(folder).filter((name) => name.endsWith('.yaml') && isScenario(name)))('%s parses', (name) => {
    const file = new URL(name, folder).pathname;
    const result = parseScenario(readFileSync(file, 'utf8'), { file, readFile: (path) => ({ text: readFileSync(path, 'utf8') }) });
    expect(result.ok ? [] : result.issues.map(issueText)).toEqual([]);
    expect(dirname(file)).toContain('scenarios');
  });
});
