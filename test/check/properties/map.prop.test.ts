import fc from 'fast-check';
import { expect } from 'vitest';
import { cluster } from '../../../src/check/arbitraries/cluster.ts';
import { requestNear } from '../../../src/check/arbitraries/http_request.ts';
import { httpRule, PATH_PATTERNS } from '../../../src/check/arbitraries/http_rule.ts';
import { peers } from '../../../src/check/arbitraries/peers.ts';
import { named, networkPolicy } from '../../../src/check/arbitraries/policy.ts';
import type { K8sObject, ModelPod } from '../../../src/check/model/cluster.ts';
import { requestAllowed as allowed } from '../../../src/check/oracle/http.ts';
import { Oracle, type OracleFlow } from '../../../src/check/oracle/oracle.ts';
import { Engine } from '../support/engine.ts';
import { definitionAllows } from '../support/network_policy_definition.ts';
import { type Compute, cnp, fate, mutant, observe, property, scene, without } from './harness.ts';

const json = (value: unknown): string => JSON.stringify(value);
const pods = cluster({ maxPods: 3 });
type Row = [direction: string, id: string, port: string, proto: string, verdict: string];
const split = (rows: readonly string[]): Row[] => rows.map((row) => row.split(' ') as Row);

/** An engine whose rows are changed after the fact. */
function rowMutant(change: (rows: string[]) => string[]): Compute {
  return (model, list, options) => {
    const engine = new Engine(model, list, options);
    const rows = engine.rows.bind(engine);
    engine.rows = (pod, profile) => change(rows(pod, profile));
    return engine;
  };
}

/** First hit in the datapath's order, told from rows. */
function hit(rows: readonly Row[], id: string, flow: OracleFlow, proto: string): Row | undefined {
  const keys = [
    [id, String(flow.port), proto],
    ['0', String(flow.port), proto],
    [id, '0', proto],
    ['0', '0', proto],
    [id, '0', '0'],
    ['0', '0', '0'],
  ];
  return keys
    .map((key) => rows.find((row) => row[0] === flow.direction && key.every((part, i) => part === row[i + 1])))
    .find((row) => row !== undefined);
}

property({
  id: 35,
  arbitrary: fc.tuple(scene(), fc.nat()),
  holds(compute, [[model, list], pick]) {
    const engine = compute(model, list);
    for (const pod of model.pods) {
      const rows = split(engine.rows(pod));
      const flow: OracleFlow = { direction: 'ingress', port: 80, protocol: 'TCP' };
      const id = String(engine.id(model.pods[pick % model.pods.length] as ModelPod));
      const found = hit(rows, id, flow, '6');
      expect(found === undefined ? 'drop' : found[4] === 'deny' ? 'drop' : found[4].split(':')[0]).toBe(
        engine.subject(pod).error === undefined ? engine.lookup(pod, Number(id), flow) : 'drop',
      );
      for (const row of rows.filter((one) => one !== found)) {
        expect(
          hit(
            rows.filter((one) => one !== row),
            id,
            flow,
            '6',
          ),
        ).toBe(found);
      }
    }
  },
  mutant: rowMutant((rows) => rows.filter((row) => !/ 80 6 /.test(row))),
});

property({
  id: 36,
  arbitrary: fc.tuple(scene(), peers({ direction: 'ingress', deny: true, requires: false })),
  holds(compute, [[model, list], denied]) {
    const open = cnp('open', { ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }] }] }], ingressDeny: [denied] });
    const engine = compute(model, [...list, open]);
    for (const pod of model.pods) {
      const rows = split(engine.rows(pod));
      const denials = rows.filter(([, id, port, proto, verdict]) => id !== '0' && port === '0' && proto === '0' && verdict === 'deny');
      const ports = rows.filter(([, id, port, , verdict]) => id === '0' && port !== '0' && verdict !== 'deny');
      for (const [direction, id] of denials) {
        for (const [, , port, proto] of ports.filter((row) => row[0] === direction)) {
          expect(rows.find((row) => row[0] === direction && row[1] === id && row[2] === port && row[3] === proto)?.[4]).toBe('deny');
        }
      }
    }
  },
  mutant: rowMutant((rows) => rows.filter((row) => !/^ingress \S+ [1-9]\d* \d+ deny$/.test(row))),
  numRuns: 150,
});

property({
  id: 37,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const engine = compute(model, list);
    for (const pod of model.pods) {
      const rows = split(engine.rows(pod));
      for (const [direction, id, port, proto] of rows.filter((row) => row[4].startsWith('redirect'))) {
        const over = rows.filter(
          (row) =>
            row[0] === direction &&
            row[4] === 'deny' &&
            ((row[1] === id && row[2] === '0' && row[3] === '0') ||
              (row[1] === '0' && (row[2] === port || row[2] === '0') && (row[3] === proto || row[3] === '0'))),
        );
        expect(over).toEqual([]);
      }
    }
  },
  // What 1.13.3 writes.
  mutant: (model, list, options) => {
    const extra = cnp('contested', {
      ingress: [{ fromEndpoints: [{}], toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{}] } }] }],
      ingressDeny: [{ fromEndpoints: [{}] }],
    });
    const engine = new Engine(model, [...list, extra], options);
    const rows = engine.rows.bind(engine);
    engine.rows = (pod) => rows(pod, 'nextWrite');
    return engine;
  },
});

property({
  id: 38,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const engine = compute(model, list);
    const { statements } = new Oracle(model, engine.accepted(list));
    const ports = statements.flatMap((one) =>
      (one.deny ? [] : (one.ports ?? [])).flatMap(({ ports: some, seven }) => (seven === null ? [] : some)),
    );
    const numbers = new Set(ports.map(({ port }) => String(port)));
    for (const pod of model.pods) {
      for (const [, , port] of split(engine.rows(pod)).filter((row) => row[4].startsWith('redirect'))) {
        expect(numbers).toContain(port);
      }
    }
  },
  mutant: rowMutant((rows) => rows.map((row) => row.replace(/ (443 6) allow$/, ' $1 redirect:cilium-http-ingress'))),
});

property({
  id: 39,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const engine = compute(model, list);
    for (const pod of model.pods) {
      const { ingressEnforced, egressEnforced, error } = engine.subject(pod);
      for (const [direction, enforced] of [
        ['ingress', ingressEnforced],
        ['egress', egressEnforced],
      ] as const) {
        if (error === undefined && enforced === false) {
          expect(engine.rows(pod)).toContain(`${direction} 0 0 0 allow`);
        }
      }
    }
  },
  mutant: rowMutant((rows) => rows.filter((row) => row !== 'egress 0 0 0 allow')),
});

property({
  id: 40,
  arbitrary: scene().filter(([, list]) => !/Deny/.test(json(list))),
  holds(compute, [model, list]) {
    const engine = compute(model, list);
    for (const pod of model.pods.filter((one) => engine.subject(one).error === undefined)) {
      expect(engine.rows(pod)).toContain('ingress 1 0 0 allow');
    }
  },
  mutant: rowMutant((rows) => (rows.length > 3 ? rows.filter((row) => row !== 'ingress 1 0 0 allow') : rows)),
});

property({
  id: 42,
  arbitrary: scene().filter(([, list]) => !/CIDR|ipBlock|FQDNs|toServices|header|kafka|l7proto/.test(json(list))),
  holds(compute, [model, list]) {
    const [a, b] = [compute(model, list), compute(model, [...list].reverse())];
    expect(model.pods.map((pod) => json(b.subject(pod).npds))).toEqual(model.pods.map((pod) => json(a.subject(pod).npds)));
  },
  mutant: mutant((list) => list.slice(0, 1)),
});

property({
  id: 43,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const engine = compute(model, list);
    for (const pod of model.pods) {
      const { error, ingressEnforced, npds } = engine.subject(pod);
      if (error === undefined) {
        const { ingress_per_port_policies: ports } = npds as { ingress_per_port_policies?: unknown[] };
        expect(ingressEnforced === false ? json(ports) : ports === undefined || json(ports) !== '[]').toBe(
          ingressEnforced === false ? '[{}]' : true,
        );
      }
    }
  },
  mutant: (model, list, options) => {
    const engine = new Engine(model, list, options);
    const subject = engine.subject.bind(engine);
    engine.subject = (pod) => ({ ...subject(pod), npds: {} });
    return engine;
  },
});

const web = (http: readonly object[]): K8sObject =>
  cnp('web', { ingress: [{ fromEntities: ['cluster'], toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http } }] }] });
const TO_80: OracleFlow = { direction: 'ingress', port: 80, protocol: 'TCP' };
const inDefault = pods.map((model) => ({ ...model, pods: model.pods.map((pod) => ({ ...pod, namespace: 'default' })) }));

property({
  id: 44,
  arbitrary: fc
    .tuple(inDefault, fc.array(httpRule(), { minLength: 1, maxLength: 2 }), httpRule())
    .filter(([, ...rules]) => !json(rules).includes('mismatch')),
  holds(compute, [model, rules, more]) {
    const [subject] = model.pods as [ModelPod];
    const [before, after] = [compute(model, [web(rules)]), compute(model, [web([more, ...rules])])];
    const id = before.id(subject);
    expect(fate(before, subject, id, TO_80) === 'pass' && fate(after, subject, id, TO_80) !== 'pass').toBe(false);
  },
  mutant: mutant((list) => JSON.parse(json(list).replace(/"http":\[(\{[^}]*\}),\{[^\]]*\]/, '"http":[$1]')) as K8sObject[]),
  numRuns: 150,
});

property({
  id: 45,
  arbitrary: fc
    .constantFrom(...PATH_PATTERNS)
    .chain((path) => fc.tuple(inDefault, fc.constant(path), requestNear({ method: 'GET', path }))),
  holds(compute, [model, path, request]) {
    const [subject] = model.pods as [ModelPod];
    const engine = compute(model, [web([{ path }])]);
    const allowed = engine.proxyAllows(subject, engine.id(subject), TO_80, request);
    expect(allowed).toBe(new RegExp(`^(?:${path})$`, 's').test(request.path));
  },
  mutant: mutant((list) => JSON.parse(json(list).replaceAll(/"path":"([^"]*)"/g, '"path":"$1.*"')) as K8sObject[]),
  numRuns: 150,
});

property({
  id: 47,
  arbitrary: scene(),
  holds(compute, [model, list]) {
    const [byDefault, always, never] = (['default', 'always', 'never'] as const).map((enforcement) =>
      observe(compute(model, list, { enforcement }), model),
    ) as [Map<string, string>, Map<string, string>, Map<string, string>];
    expect(new Set(never.values())).toEqual(new Set(['pass']));
    expect([...always].filter(([flow, text]) => text === 'pass' && byDefault.get(flow) === 'drop')).toEqual([]);
  },
  mutant: (model, list, options = {}) => new Engine(model, list, options.enforcement === 'never' ? {} : options),
});

property({
  id: 41,
  arbitrary: fc.tuple(inDefault, fc.array(httpRule(), { minLength: 1, maxLength: 3 }), requestNear({ method: 'GET', path: '/v1/(a|b)' })),
  holds(compute, [model, rules, request]) {
    const list = [web(rules)];
    const [subject] = model.pods as [ModelPod];
    const engine = compute(model, list);
    const told = new Oracle(model, list).judge(subject, new Oracle(model, list).pod(subject), TO_80);
    const wanted = told.verdict === 'pass' || (told.verdict === 'http' && told.rules.length > 0);
    expect(wanted).toBe(engine.lookup(subject, engine.id(subject), TO_80) !== 'drop');
    expect(engine.proxyAllows(subject, engine.id(subject), TO_80, request)).toBe(
      told.verdict === 'http' ? allowed(told.rules, request) : true,
    );
  },
  mutant: without('ingress'),
});

/** Sections and types that agree, ports by number: the rest is Cilium's own (properties of the parser). */
const plainly = (object: K8sObject): K8sObject => {
  const { policyTypes: _, ...spec } = object['spec'] as { policyTypes?: string[]; egress?: unknown };
  const text = JSON.stringify({ ...spec, policyTypes: spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress'] });
  return { ...object, spec: JSON.parse(text.replaceAll(/"port":"[a-z]+"/g, '"port":80')) as K8sObject };
};

property({
  id: 48,
  arbitrary: fc
    .tuple(cluster({ maxPods: 3 }), fc.array(networkPolicy(), { minLength: 1, maxLength: 3 }))
    .map(([model, list]): [typeof model, K8sObject[]] => [model, list.map(named).map(plainly)]),
  holds(compute, [model, list]) {
    const engine = compute(model, list);
    for (const subject of model.pods) {
      for (const peer of model.pods) {
        for (const direction of ['ingress', 'egress'] as const) {
          for (const [port, protocol] of [
            [80, 'TCP'],
            [443, 'TCP'],
            [53, 'UDP'],
          ] as const) {
            const allowed = definitionAllows(model, list, { subject, peer, direction, port, protocol });
            const passes = engine.lookup(subject, engine.id(peer), { direction, port, protocol }) !== 'drop';
            expect(passes, `${subject.name} ${direction} ${peer.name} ${port}/${protocol}`).toBe(allowed);
          }
        }
      }
    }
  },
  mutant: mutant((list) => list.slice(1)),
});
