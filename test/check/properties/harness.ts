/** Runs the properties of the catalogue: each against the engine, and each against a mutant that must break it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cluster } from '../../../src/check/arbitraries/cluster.ts';
import { policies, type RuleOptions } from '../../../src/check/arbitraries/policy.ts';
import type { K8sObject, ModelCluster, ModelPod } from '../../../src/check/model/cluster.ts';
import { sceneScenario } from '../../../src/check/model/scene_scenario.ts';
import type { OracleFlow } from '../../../src/check/oracle/oracle.ts';
import { type CatalogueEntry, PROPERTIES } from '../../../src/check/properties/catalogue.ts';
import { parseIp, parsePrefix, prefixContains } from '../../../src/net/prefix.ts';
import { Engine, type Profile } from '../support/engine.ts';

/** What computes policy: the engine, or a mutant of it. */
export type Compute = (
  cluster: ModelCluster,
  policies: readonly K8sObject[],
  options?: { enforcement?: 'default' | 'always' | 'never' },
) => Engine;

/** Times as many cases as usual. */
const FACTOR = Number(process.env['FACTOR'] ?? 1);

/** The engine itself. */
export const REAL: Compute = (model, list, options) => new Engine(model, list, options);

/** A mutant that computes something else than it was given. */
export function mutant(change: (list: readonly K8sObject[], model: ModelCluster) => readonly K8sObject[]): Compute {
  return (model, list, options) => REAL(model, change(list, model), options);
}

/** A property as a test. */
export interface PropertyTest<T> {
  readonly id: number;
  readonly arbitrary: fc.Arbitrary<T>;
  holds(compute: Compute, input: T): void;
  readonly mutant: Compute;
  readonly numRuns?: number;
}

/** Declares the two tests of a property. */
export function property<T>({ id, arbitrary, holds, mutant: broken, numRuns = 60 }: PropertyTest<T>): void {
  const entry = PROPERTIES.find((one) => one.id === id) as CatalogueEntry;
  describe(`${id}. ${entry.name}`, () => {
    it('holds', () => {
      const result = fc.check(
        fc.property(arbitrary, (input) => void holds(REAL, input)),
        { numRuns: numRuns * FACTOR },
      );
      if (result.failed) {
        throw new Error(`${fc.defaultReportMessage(result)}\n\n${scenarioOf(entry.statement, result.counterexample?.[0])}`);
      }
    });
    it('can fail', () => {
      const result = fc.check(
        fc.property(arbitrary, (input) => void holds(broken, input)),
        { numRuns: 2000, seed: 4 },
      );
      expect(result.failed).toBe(true);
    });
  });
}

/** A counterexample that holds a cluster, with what of it are policies, as a scenario file. */
function scenarioOf(statement: string, input: unknown): string {
  const parts = (Array.isArray(input) ? (input.flat(2) as unknown[]) : []).filter(
    (one): one is object => typeof one === 'object' && one !== null,
  );
  const model = parts.find((one): one is ModelCluster => 'pods' in one && 'namespaces' in one);
  const policyObjects = parts.filter((one): one is K8sObject => 'kind' in one);
  return model === undefined ? '' : sceneScenario(statement, model, policyObjects);
}

/** A cluster with policies. */
export function scene(
  options: RuleOptions & { readonly maxPods?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<[ModelCluster, K8sObject[]]> {
  return fc.tuple(cluster({ maxPods: options.maxPods ?? 3 }), policies({ maxLength: 3, ...options }));
}

/** Options that leave out prefixes' peers' order and L7 conflicts. */
export const PLAIN: RuleOptions = { seven: false, requires: false };

const ADDRESSES = ['10.1.2.3', '10.1.2.2', '10.1.3.1', '10.2.0.1', '192.0.2.10', '198.51.100.7'];
const RESERVED = [1, 2, 4, 6, 7];
const PORTS: readonly (readonly [number, OracleFlow['protocol']])[] = [
  [80, 'TCP'],
  [443, 'TCP'],
  [53, 'UDP'],
  [81, 'SCTP'],
  [8, 'ICMP'],
];
const REQUESTS = [
  { method: 'GET', path: '/v1/a', host: 'web.default', headers: { 'x-token': 'secret', 'x-any': '1' } },
  { method: 'POST', path: '/v1/request-landing', host: 'other', headers: {} },
];

/** What happens to every flow that matters: `pod-0 ingress pod-1 80/TCP` -> drop, pass, or which requests pass. */
export function observe(engine: Engine, model: ModelCluster, profile: Profile = 'mapState'): Map<string, string> {
  const seen = new Map<string, string>();
  for (const subject of model.pods) {
    for (const [name, peer] of peers(engine, model)) {
      for (const direction of ['ingress', 'egress'] as const) {
        for (const [port, protocol] of PORTS) {
          const flow = { direction, port, protocol };
          seen.set(`${subject.name} ${direction} ${name} ${port}/${protocol}`, fate(engine, subject, peer, flow, profile));
        }
      }
    }
  }
  return seen;
}

/** `drop`, `pass`, `error`, or the numbers of the requests that pass. */
export function fate(engine: Engine, subject: ModelPod, peer: number | string, flow: OracleFlow, profile: Profile = 'mapState'): string {
  if (engine.subject(subject).error !== undefined) {
    return 'error';
  }
  const found = engine.lookup(subject, peer, flow, profile);
  if (found !== 'redirect' || flow.protocol !== 'TCP') {
    return found === 'drop' ? 'drop' : 'pass';
  }
  const passing = REQUESTS.map((request) => engine.proxyAllows(subject, peer, flow, request));
  return passing.includes(null) ? 'refused by the proxy' : passing.every((one) => one) ? 'pass' : `requests ${passing.join()}`;
}

/** Pods by name, reserved identities, and addresses as the most specific prefix that is known. */
export function peers(engine: Engine, model: ModelCluster): [string, number | string][] {
  return [
    ...model.pods.map((pod): [string, number] => [pod.name, engine.id(pod)]),
    ...RESERVED.map((id): [string, number] => [`identity ${id}`, id]),
    ...ADDRESSES.map((text): [string, number | string] => [text, identityOf(engine, text)]),
  ];
}

function identityOf(engine: Engine, text: string): number | string {
  const address = parseIp(text);
  const holding = Object.keys(engine.result.cidrIdentities ?? {})
    .map((prefix) => ({ prefix, parsed: parsePrefix(prefix) }))
    .filter(({ parsed }) => parsed !== null && parsed.length > 0 && address !== null && prefixContains(parsed, address))
    .sort((a, b) => (b.parsed?.length ?? 0) - (a.parsed?.length ?? 0));
  return holding[0] === undefined ? 2 : `cidr:${holding[0].prefix}`;
}

/** A policy for all pods of a namespace. */
export function cnp(name: string, spec: K8sObject, namespace = 'default'): K8sObject {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace },
    spec: { endpointSelector: {}, ...spec },
  };
}

/** Changes every rule of every Cilium policy. */
export function mapRules(list: readonly K8sObject[], change: (rule: K8sObject) => K8sObject): K8sObject[] {
  return list.map((object) => ({
    ...object,
    ...(object['spec'] === undefined || object['kind'] === 'NetworkPolicy' ? {} : { spec: change(object['spec'] as K8sObject) }),
    ...(object['specs'] === undefined ? {} : { specs: (object['specs'] as K8sObject[]).map(change) }),
    ...(object['rules'] === undefined ? {} : { rules: (object['rules'] as K8sObject[]).map(change) }),
  }));
}

/** Rules without some sections. */
export function without(...sections: readonly string[]): Compute {
  return mutant((list) => mapRules(list, (rule) => Object.fromEntries(Object.entries(rule).filter(([key]) => !sections.includes(key)))));
}

/** Only the first element of every section counts. */
export const FIRST_ELEMENT_ONLY = mutant((list) =>
  mapRules(list, (rule) =>
    Object.fromEntries(Object.entries(rule).map(([key, value]) => [key, Array.isArray(value) ? (value as unknown[]).slice(0, 1) : value])),
  ),
);
