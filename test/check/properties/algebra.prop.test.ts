import fc from 'fast-check';
import { expect } from 'vitest';
import { cluster } from '../../../src/check/arbitraries/cluster.ts';
import { entities } from '../../../src/check/arbitraries/entities.ts';
import { httpRule } from '../../../src/check/arbitraries/http_rule.ts';
import { peers as peerParts } from '../../../src/check/arbitraries/peers.ts';
import { element, policy, sections } from '../../../src/check/arbitraries/policy.ts';
import { portProtocol } from '../../../src/check/arbitraries/port.ts';
import { peerSelector } from '../../../src/check/arbitraries/selector.ts';
import type { K8sObject } from '../../../src/check/model/cluster.ts';
import { remaining } from '../../../src/check/oracle/read_cilium.ts';
import { cnp, FIRST_ELEMENT_ONLY, mapRules, mutant, observe, PLAIN, property, scene, without } from './harness.ts';

const pods = cluster({ maxPods: 3 });
const ingress = (list: readonly K8sObject[]): K8sObject => cnp('one', { ingress: list });
const TCP80 = { ports: [{ port: '80', protocol: 'TCP' }] };
const json = (value: unknown): string => JSON.stringify(value);
/** Names no prefix, directly or by a name or service. */
const prefixFree = (value: unknown): boolean => !/CIDR|ipBlock|FQDNs|toServices/.test(json(value));

property({
  id: 1,
  arbitrary: scene(),
  holds: (compute, [model, list]) =>
    expect(observe(compute(model, [...list].reverse()), model)).toEqual(observe(compute(model, list), model)),
  mutant: mutant((list) => list.slice(0, 1)),
});

property({
  id: 2,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const copies = list.map((object) =>
      object['metadata'] === undefined ? object : { ...object, metadata: { ...(object['metadata'] as K8sObject), uid: 'copy' } },
    );
    expect(observe(compute(model, [...list, ...copies]), model)).toEqual(observe(compute(model, list), model));
  },
  mutant: mutant((list) => list.filter((one) => list.filter((other) => json(other['spec']) === json(one['spec'])).length === 1)),
});

property({
  id: 3,
  arbitrary: scene().filter(([, list]) => list.every(({ kind }) => kind !== 'CiliumRules')),
  holds(compute, [model, list]) {
    const [once, twice] = [compute(model, list), compute(model, [...list, ...list])];
    for (const pod of model.pods) {
      expect(twice.rows(pod)).toEqual(once.rows(pod));
    }
  },
  mutant: mutant((list) => list.filter((one, i) => list.indexOf(one) === i && list.lastIndexOf(one) === i)),
});

property({
  id: 4,
  arbitrary: fc.tuple(pods, peerSelector(), peerSelector()),
  holds(compute, [model, a, b]) {
    const together = compute(model, [ingress([{ fromEndpoints: [a, b], toPorts: [TCP80] }])]);
    const apart = compute(model, [
      ingress([
        { fromEndpoints: [a], toPorts: [TCP80] },
        { fromEndpoints: [b], toPorts: [TCP80] },
      ]),
    ]);
    expect(observe(apart, model)).toEqual(observe(together, model));
  },
  mutant: FIRST_ELEMENT_ONLY,
});

property({
  id: 5,
  arbitrary: fc.tuple(pods, peerSelector(), portProtocol(), portProtocol()),
  holds(compute, [model, from, a, b]) {
    const one = (ports: readonly object[]): K8sObject => ({ fromEndpoints: [from], toPorts: [{ ports }] });
    expect(observe(compute(model, [ingress([one([a]), one([b])])]), model)).toEqual(
      observe(compute(model, [ingress([one([a, b])])]), model),
    );
  },
  mutant: FIRST_ELEMENT_ONLY,
});

property({
  id: 6,
  arbitrary: fc.tuple(pods, peerSelector(), httpRule(), httpRule()).filter(([, , a, b]) => !json([a, b]).includes('mismatch')),
  holds(compute, [model, from, a, b]) {
    const one = (http: readonly object[]): K8sObject => ({ fromEndpoints: [from], toPorts: [{ ...TCP80, rules: { http } }] });
    expect(observe(compute(model, [ingress([one([a]), one([b])])]), model)).toEqual(
      observe(compute(model, [ingress([one([a, b])])]), model),
    );
  },
  mutant: FIRST_ELEMENT_ONLY,
});

property({
  id: 7,
  arbitrary: fc.tuple(pods, entities(), entities()),
  holds(compute, [model, a, b]) {
    const together = compute(model, [ingress([{ fromEntities: [...a, ...b] }])]);
    expect(observe(compute(model, [ingress([{ fromEntities: a }, { fromEntities: b }])]), model)).toEqual(observe(together, model));
  },
  mutant: FIRST_ELEMENT_ONLY,
});

property({
  id: 8,
  arbitrary: fc.tuple(scene({ seven: false }), element('egress', false, PLAIN)).filter(([, one]) => prefixFree(one)),
  holds(compute, [[model, list], one]) {
    const rows = (all: readonly K8sObject[]): string[][] => {
      const engine = compute(model, all);
      return model.pods.map((pod) => engine.rows(pod).filter((row) => row.startsWith('ingress')));
    };
    expect(rows([...list, cnp('added', { egress: [one] })])).toEqual(rows(list));
  },
  mutant: mutant((list) => (list.length > 1 && json(list).includes('"added"') ? list.slice(1) : list)),
});

property({
  id: 9,
  arbitrary: fc.tuple(scene(), sections()).filter(([, one]) => prefixFree(one)),
  holds(compute, [[model, list], one]) {
    const other = cnp('other', { ...one, endpointSelector: { matchLabels: { app: 'nobody' } } });
    expect(observe(compute(model, [...list, other]), model)).toEqual(observe(compute(model, list), model));
  },
  mutant: mutant((list) => mapRules(list, (rule) => (json(rule).includes('nobody') ? { ...rule, endpointSelector: {} } : rule))),
});

const ENFORCED = ['default', 'prod', 'dev'].map((namespace) => cnp('enforced', { ingress: [{}], egress: [{}] }, namespace));
const passes = (text: string | undefined): boolean => text === 'pass';

property({
  id: 10,
  arbitrary: fc.tuple(
    scene({ seven: false }),
    policy({ ...PLAIN, deny: false }).filter(({ kind }) => kind !== 'NetworkPolicy'),
  ),
  holds(compute, [[model, list], one]) {
    const before = observe(compute(model, [...ENFORCED, ...list]), model);
    const after = observe(
      compute(model, [...ENFORCED, ...list, { ...one, metadata: { ...(one['metadata'] as K8sObject), name: 'added' } }]),
      model,
    );
    expect([...before].filter(([flow, text]) => passes(text) && !passes(after.get(flow)))).toEqual([]);
  },
  mutant: mutant((list) =>
    list.map((object) =>
      json(object).includes('"added"')
        ? (mapRules([object], (rule) => ({
            endpointSelector: rule['endpointSelector'],
            ingressDeny: rule['ingress'] ?? [],
          }))[0] as K8sObject)
        : object,
    ),
  ),
});

property({
  id: 11,
  arbitrary: fc.tuple(pods, peerSelector(), fc.array(httpRule(), { minLength: 1, maxLength: 2 })),
  holds(compute, [model, from, http]) {
    const plain = { fromEndpoints: [from], toPorts: [TCP80] };
    const restricted = { fromEndpoints: [from], toPorts: [{ ...TCP80, rules: { http } }] };
    expect(observe(compute(model, [ingress([restricted, plain])]), model)).toEqual(observe(compute(model, [ingress([plain])]), model));
  },
  mutant: FIRST_ELEMENT_ONLY,
});

property({
  id: 12,
  arbitrary: fc.tuple(pods, peerSelector(), fc.array(httpRule(), { minLength: 1, maxLength: 2 })),
  holds(compute, [model, from, http]) {
    const restricted = { fromEndpoints: [from], toPorts: [{ ...TCP80, rules: { http } }] };
    expect(observe(compute(model, [ingress([restricted, { toPorts: [TCP80] }])]), model)).toEqual(
      observe(compute(model, [ingress([{ toPorts: [TCP80] }])]), model),
    );
  },
  mutant: FIRST_ELEMENT_ONLY,
});

property({
  id: 13,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const deny = cnp('deny', { ingressDeny: [{ fromEndpoints: [{}], toPorts: [TCP80] }] });
    const engine = compute(model, [...list, deny]);
    const inside = new Set(model.pods.filter(({ namespace }) => namespace === 'default').map(({ name }) => name));
    const open = [...observe(engine, model)].filter(([flow, text]) => {
      const [subject = '', direction, peer = '', port] = flow.split(' ');
      return direction === 'ingress' && port === '80/TCP' && inside.has(subject) && inside.has(peer) && text !== 'drop' && text !== 'error';
    });
    expect(open).toEqual([]);
  },
  mutant: without('ingressDeny'),
});

property({
  id: 14,
  arbitrary: fc.tuple(scene(), element('ingress', true, PLAIN)).filter(([, one]) => prefixFree(one) && !/world|all/.test(json(one))),
  holds(compute, [[model, list], one]) {
    const before = observe(compute(model, [...ENFORCED, ...list]), model);
    const after = observe(compute(model, [...ENFORCED, ...list, cnp('deny', { ingressDeny: [one] })]), model);
    expect([...before].filter(([flow, text]) => text === 'drop' && passes(after.get(flow)))).toEqual([]);
  },
  mutant: mutant((list) =>
    mapRules(list, (rule) => ({
      ...rule,
      ingressDeny: [],
      ingress: [...((rule['ingress'] ?? []) as unknown[]), ...((rule['ingressDeny'] ?? []) as unknown[])],
    })),
  ),
});

property({
  id: 15,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const engine = compute(model, [...list, cnp('closed', { ingressDeny: [{ fromEntities: ['all'] }] })]);
    for (const pod of model.pods.filter((one) => one.namespace === 'default' && engine.subject(one).error === undefined)) {
      expect(engine.rows(pod).filter((row) => row.startsWith('ingress'))).toEqual(['ingress 0 0 0 deny']);
    }
  },
  mutant: without('ingressDeny'),
});

property({
  id: 16,
  arbitrary: fc.tuple(scene(), sections()).filter(([, one]) => prefixFree(one)),
  holds(compute, [[model, list], one]) {
    const [there, gone] = [cnp('added', one), cnp('added', {})];
    const [before, after] = [compute(model, [...list, gone]), compute(model, [...list, there, gone])];
    expect(model.pods.map((pod) => after.rows(pod))).toEqual(model.pods.map((pod) => before.rows(pod)));
  },
  mutant: mutant((list) =>
    list.map((object, i) =>
      object['metadata'] === undefined ? object : { ...object, metadata: { ...(object['metadata'] as K8sObject), uid: `${i}` } },
    ),
  ),
});

const EXCEPT: fc.Arbitrary<{ cidr: string; except: string[] }> = fc.constantFrom(
  { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] },
  { cidr: '10.1.0.0/16', except: ['10.1.2.0/24', '10.1.3.0/25'] },
  { cidr: '10.1.2.0/30', except: ['10.1.2.3/32'] },
);
const NO_EXCEPT = mutant((list) => JSON.parse(json(list).replaceAll(/"except":\[[^\]]*\]/g, '"except":[]')) as K8sObject[]);

property({
  id: 17,
  arbitrary: fc.tuple(pods, EXCEPT),
  holds(compute, [model, set]) {
    const [a, b] = [compute(model, [ingress([{ fromCIDRSet: [set] }])]), compute(model, [ingress([{ fromCIDR: remaining(set) }])])];
    expect(model.pods.map((pod) => a.rows(pod))).toEqual(model.pods.map((pod) => b.rows(pod)));
  },
  mutant: NO_EXCEPT,
});

property({
  id: 18,
  arbitrary: fc.tuple(pods, EXCEPT),
  holds(compute, [model, set]) {
    const open = { ingress: [{ fromEntities: ['all'] }] };
    const a = compute(model, [cnp('one', { ...open, ingressDeny: [{ fromCIDRSet: [set] }] })]);
    const b = compute(model, [cnp('one', { ...open, ingressDeny: [{ fromCIDR: remaining(set) }] })]);
    expect(model.pods.map((pod) => a.rows(pod))).toEqual(model.pods.map((pod) => b.rows(pod)));
  },
  mutant: NO_EXCEPT,
});

property({
  id: 19,
  arbitrary: fc.tuple(pods, peerParts({ direction: 'ingress', deny: false, requires: false })),
  holds(compute, [model, one]) {
    const passing = (element: K8sObject): Set<string> =>
      new Set(
        [...observe(compute(model, [ingress([element])]), model)]
          .filter(([flow, text]) => flow.includes(' ingress ') && text === 'pass')
          .map(([flow]) => flow),
      );
    const everyone = passing({ fromEntities: ['all'] });
    expect([...passing(one)].filter((flow) => !everyone.has(flow))).toEqual([]);
    const [inside, outside, nobody] = [passing({ fromEntities: ['cluster'] }), passing({ fromEntities: ['world'] }), passing({})];
    expect([...inside].filter((flow) => outside.has(flow) && !nobody.has(flow))).toEqual([]);
  },
  mutant: mutant((list) => JSON.parse(json(list).replaceAll('"world"', '"all"')) as K8sObject[]),
});

property({
  id: 20,
  arbitrary: fc.tuple(pods, peerSelector(), fc.constantFrom('80', '443', '53', 'http')),
  holds(compute, [model, from, port]) {
    const rule = (ports: readonly object[]): K8sObject => ingress([{ fromEndpoints: [from], toPorts: [{ ports }] }]);
    const any = compute(model, [rule([{ port, protocol: 'ANY' }])]);
    const three = compute(model, [rule(['TCP', 'UDP', 'SCTP'].map((protocol) => ({ port, protocol })))]);
    expect(model.pods.map((pod) => any.rows(pod))).toEqual(model.pods.map((pod) => three.rows(pod)));
  },
  mutant: mutant((list) => JSON.parse(json(list).replaceAll('"ANY"', '"TCP"')) as K8sObject[]),
});
