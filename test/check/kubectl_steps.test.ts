import { describe, expect, it } from 'vitest';
import { kubectlEffect } from '../../src/check/run/kubectl_steps.ts';
import { subjectOf } from '../../src/check/run/subject.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

describe('kubectl in steps', () => {
  it.each([
    ['kubectl delete pod a b', { verb: 'delete', objects: ['a', 'b'].map((name) => ({ kind: 'Pod', namespace: 'default', name })) }],
    [
      'kubectl delete -n prod cnp/x --wait=false',
      { verb: 'delete', objects: [{ kind: 'CiliumNetworkPolicy', namespace: 'prod', name: 'x' }] },
    ],
    [
      'kubectl --namespace prod label pod a app=x tier- --overwrite',
      { verb: 'label', objects: [{ kind: 'Pod', namespace: 'prod', name: 'a' }], labels: { app: 'x', tier: null } },
    ],
    ['kubectl delete pod -l app=x', null],
    ['kubectl get pods', null],
    ['cilium status', null],
    ['', null],
  ])('%s', (line, effect) => {
    expect(kubectlEffect(line)).toEqual(effect);
  });

  it('count for what is checked', () => {
    const pod = (name: string) =>
      `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: ${name}, old: x}}, spec: {containers: [{name: c, image: nginx}]}}`;
    const policy =
      '{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p}, spec: {endpointSelector: {}, ingress: [{}]}}';
    const apply = [pod('a'), pod('b'), policy].join('\n---\n');
    const commands = ['kubectl delete cnp p', 'kubectl delete pod b', 'kubectl label pod a app=z old- --overwrite'].map((command) => ({
      command,
    }));
    const parsed = parseScenario(JSON.stringify({ name: 'x', steps: [{ apply }, ...commands] }), {
      file: 'x.yaml',
      readFile: () => ({ error: '' }),
    });
    const subject = parsed.ok ? subjectOf(parsed.scenario) : null;
    expect(subject?.policies).toEqual([]);
    expect(subject?.cluster.pods.map(({ name, labels }) => [name, labels])).toEqual([['a', { app: 'z' }]]);
  });
});
