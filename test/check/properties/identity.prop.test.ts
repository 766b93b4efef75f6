import fc from 'fast-check';
import { expect } from 'vitest';
import { sections } from '../../../src/check/arbitraries/policy.ts';
import type { K8sObject, ModelCluster, ModelPod } from '../../../src/check/model/cluster.ts';
import { cnp, mutant, observe, property, scene } from './harness.ts';

const json = (value: unknown): string => JSON.stringify(value);
const rename = <T>(value: T, a: string, b: string): T => {
  const swapped = json(value).replaceAll(`"${a}"`, '"\u0001"').replaceAll(`"${b}"`, `"${a}"`).replaceAll('"\u0001"', `"${b}"`);
  return JSON.parse(swapped) as T;
};
const withPods = (model: ModelCluster, change: (pod: ModelPod, index: number) => ModelPod): ModelCluster => ({
  ...model,
  pods: model.pods.map(change),
});

property({
  id: 21,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    // Identities are numbered in the order of the pods.
    const other = { ...model, pods: [...model.pods].reverse() };
    const [a, b] = [observe(compute(model, list), model), observe(compute(other, list), other)];
    expect(new Map([...b].sort())).toEqual(new Map([...a].sort()));
  },
  mutant: mutant((list, model) => (model.pods[0]?.name === 'pod-0' ? list : list.slice(1))),
});

property({
  id: 22,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const [a, b] = [
      [model, list] as const,
      [rename(rename(model, 'api', 'web'), 'org', 'team-of'), rename(rename(list, 'api', 'web'), 'org', 'team-of')] as const,
    ];
    expect(observe(compute(...b), b[0])).toEqual(observe(compute(...a), a[0]));
  },
  mutant: mutant((list) => JSON.parse(json(list).replaceAll('"team-of"', '"org"')) as K8sObject[]),
});

property({
  id: 23,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const [first] = model.pods as [ModelPod];
    const twins: ModelCluster = { ...model, pods: [...model.pods, { ...first, name: 'twin' }] };
    const engine = compute(twins, list);
    expect(engine.rows(twins.pods.at(-1) as ModelPod)).toEqual(engine.rows(first));
    const seen = observe(engine, twins);
    for (const [flow, text] of seen) {
      expect(seen.get(flow.replaceAll('twin', first.name))).toBe(text);
    }
  },
  mutant: (model, list) => {
    const engine = mutant((all) => all)(model, list);
    const rows = engine.rows.bind(engine);
    engine.rows = (pod, profile) => (pod.name === 'twin' ? rows(pod, profile).slice(1) : rows(pod, profile));
    return engine;
  },
});

property({
  id: 24,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const other = withPods(model, (pod) => ({ ...pod, labels: { ...pod.labels, unmentioned: pod.name } }));
    expect(observe(compute(other, list), other)).toEqual(observe(compute(model, list), model));
  },
  mutant: mutant((list, model) => (json(model.pods).includes('unmentioned') ? list.slice(1) : list)),
});

property({
  id: 25,
  arbitrary: fc.tuple(scene(), sections()).filter(([, one]) => !/CIDR|FQDNs|toServices/.test(json(one))),
  holds(compute, [[model], one]) {
    const engine = compute(model, [cnp('one', one, 'prod')]);
    const untouched = compute(model, []);
    for (const pod of model.pods.filter(({ namespace }) => namespace !== 'prod')) {
      expect(engine.rows(pod)).toEqual(untouched.rows(pod));
    }
  },
  mutant: mutant((list) => list.map((object) => ({ ...object, kind: 'CiliumClusterwideNetworkPolicy' }))),
});

property({
  id: 26,
  arbitrary: fc.tuple(
    scene(),
    fc.constantFrom<K8sObject>({}, { matchLabels: { app: 'web' } }, { matchExpressions: [{ key: 'org', operator: 'Exists' }] }),
  ),
  holds(compute, [[model], from]) {
    const engine = compute(model, [cnp('one', { ingress: [{ fromEndpoints: [from] }] })]);
    const inside = new Set(model.pods.filter(({ namespace }) => namespace === 'default').map(({ name }) => name));
    const strangers = [...observe(engine, model)].filter(([flow, text]) => {
      const [subject = '', direction, peer = ''] = flow.split(' ');
      return inside.has(subject) && direction === 'ingress' && text === 'pass' && !inside.has(peer) && !flow.includes('identity 1 ');
    });
    expect(strangers).toEqual([]);
  },
  mutant: mutant((list) => list.map((object) => ({ ...object, kind: 'CiliumClusterwideNetworkPolicy' }))),
});
