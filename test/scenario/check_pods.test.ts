import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/parse.ts';

const APPLY = `  - apply: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: d}]}}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: tiefighter}
      spec: {containers: [{name: c, image: d}]}
`;

function issues(steps: string): string[] {
  const parsed = parseScenario(`name: x\nsteps:\n${APPLY}${steps}`, { file: 's.yaml', readFile: () => ({ error: 'no files' }) });
  return parsed.ok
    ? []
    : parsed.issues.map(({ position, message, suggestion }) => `${position.line}:${position.column} ${message} ${suggestion}`);
}

describe('pods that steps name', () => {
  it('are looked for before anything runs', () => {
    expect(issues('  - request: {from: tiefigther, url: http://web/}\n')).toEqual([
      '13:21 there is no pod "tiefigther": nothing in this scenario makes one tiefighter',
    ]);
    expect(issues('  - stop: tie\n  - exec: {pod: world/x, command: curl a}\n')).toHaveLength(2);
  });

  it('may come from controllers, commands and the cluster itself', () => {
    for (const name of ['tiefighter', 'default/tiefighter', 'deployment/web', 'web-7848d6c4d5-58jc8', 'kube-system/coredns-1']) {
      expect(issues(`  - stop: ${name}\n`), name).toEqual([]);
    }
    expect(issues('  - command: kubectl run probe --image=x\n  - exec: {pod: probe, command: curl web}\n')).toEqual([]);
  });

  it('nesting without end is told in words', () => {
    const parsed = parseScenario(`steps: ${'['.repeat(20_000)}`, { file: 's.yaml', readFile: () => ({ error: '' }) });
    expect(parsed.ok ? [] : parsed.issues.map(({ message }) => message)[0]).toBe('the values are nested too deeply');
  });
});
