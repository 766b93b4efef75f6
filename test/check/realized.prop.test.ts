/**
 * What stands in the policy maps of a running cluster is what the oracle tells of the objects that are there: after every change of policies, pods and labels, however the
 * agent came to it, by a new computation or by an update of what it had.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contested } from '../../src/check/arbitraries/contested.ts';
import { labels } from '../../src/check/arbitraries/labels.ts';
import { named, policies } from '../../src/check/arbitraries/policy.ts';
import type { K8sObject, LabelMap, ModelCluster, ModelPod } from '../../src/check/model/cluster.ts';
import { Oracle, type OracleFlow } from '../../src/check/oracle/oracle.ts';
import type { OraclePeer } from '../../src/check/oracle/statement.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';
import { policyRefusals } from '../../src/cluster/policy_refusal.ts';
import { isNamespaced } from '../../src/k8s/api_server.ts';
import type { KubeObject } from '../../src/k8s/objects.ts';
import { formatPrefix } from '../../src/net/prefix.ts';
import { SECOND } from '../../src/sim/clock.ts';

/** What is intended: each of these departures of 1.13.3 is shown elsewhere. */
const QUIRKS = {
  redirectOverwritesDeny: false,
  incrementalIgnoresWildcard: false,
  incrementalLosesCovered: false,
  namedPortOfFirstEndpoint: false,
  relabelKeepsSelections: false,
};
const PODS = ['p0', 'p1', 'p2'] as const;
const RESERVED: readonly (readonly [number, readonly string[]])[] = [
  [1, ['host']],
  [2, ['world']],
  [4, ['health']],
  [6, ['remote-node']],
];
const FLOWS: readonly OracleFlow[] = (['ingress', 'egress'] as const).flatMap((direction) => [
  ...[80, 443, 53].flatMap((port) => (['TCP', 'UDP'] as const).map((protocol): OracleFlow => ({ direction, port, protocol }))),
  { direction, port: 8, protocol: 'ICMP' },
]);
const NUMBERS = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1, ICMPv6: 58 } as const;

type Event =
  | { readonly kind: 'policies'; readonly list: readonly K8sObject[] }
  | { readonly kind: 'delete'; readonly index: number }
  | { readonly kind: 'pod'; readonly name: (typeof PODS)[number]; readonly labels: LabelMap }
  | { readonly kind: 'gone'; readonly name: (typeof PODS)[number] };

const some = fc.oneof(
  { weight: 2, arbitrary: contested() },
  { weight: 1, arbitrary: policies({ maxLength: 2, protocolless: false }).map((list) => list.map(named)) },
);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: some.map((list): Event => ({ kind: 'policies', list })) },
  { weight: 1, arbitrary: fc.nat(3).map((index): Event => ({ kind: 'delete', index })) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pod' as const), name: fc.constantFrom(...PODS), labels: labels() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gone' as const), name: fc.constantFrom(...PODS) }) },
);

const refusal = policyRefusals(DEFAULT_CLUSTER_OPTIONS);

/** A running cluster and what the API server holds of it. */
class World {
  readonly cluster = Cluster.create({ ...DEFAULT_CLUSTER_OPTIONS, quirks: QUIRKS });
  readonly pods = new Map<string, ModelPod>();
  readonly policies = new Map<string, K8sObject>();

  constructor() {
    this.cluster.journey.recording = false;
    for (const name of ['prod', 'dev']) {
      this.cluster.api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } } as KubeObject);
    }
  }

  happen(one: Event): void {
    const { api } = this.cluster;
    switch (one.kind) {
      case 'policies':
        for (const object of one.list.filter(({ kind }) => kind !== 'CiliumRules')) {
          const { name, namespace = 'default' } = object['metadata'] as { name: string; namespace?: string };
          const placed = { ...object, metadata: { name, ...(isNamespaced(String(object['kind'])) ? { namespace } : {}) } };
          if (refusal(placed as unknown as KubeObject) !== null) {
            continue;
          }
          this.policies.set(`${String(object['kind'])} ${namespace} ${name}`, placed);
          api.apply(placed as unknown as KubeObject);
        }
        break;
      case 'delete': {
        const [key, object] = [...this.policies][one.index % Math.max(1, this.policies.size)] ?? [];
        if (key !== undefined && object !== undefined) {
          const { name, namespace = '' } = object['metadata'] as { name: string; namespace?: string };
          this.policies.delete(key);
          api.delete(String(object['kind']), namespace, name);
        }
        break;
      }
      case 'pod': {
        const pod: ModelPod = {
          name: one.name,
          namespace: 'default',
          labels: one.labels,
          ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
        };
        this.pods.set(one.name, pod);
        api.apply(podObject(pod));
        break;
      }
      case 'gone':
        if (this.pods.delete(one.name)) {
          api.delete('Pod', 'default', one.name);
        }
    }
    this.cluster.settle();
    // The grace period of a relabelled pod, then whatever gathers changes.
    this.cluster.advance(10 * SECOND);
  }

  /** Where maps and oracle differ. */
  differences(): string[] {
    const agent = this.cluster.nodes[0]?.agent;
    const model = this.model();
    const oracle = new Oracle(model, [...this.policies.values()]);
    const found: string[] = [];
    for (const subject of model.pods.filter(({ namespace }) => namespace === 'default')) {
      const endpoint = agent?.endpoints.ofPod('default', subject.name);
      if (endpoint === undefined || agent === undefined) {
        return [`${subject.name} has no endpoint`];
      }
      // What the proxy refuses (one port by name and by number, with different rules) is a matter of failed regenerations.
      if (endpoint.failures > 0) {
        continue;
      }
      if (agent.ipcache.lookup(endpoint.ipv4)?.identity !== endpoint.identity?.id) {
        found.push(`${subject.name} has an identity that its address has not`);
      }
      const table = new Map(
        [...endpoint.policyMap.entries()].map(([key, { deny, proxyPort }]) => [
          `${key.egress} ${key.secLabel} ${key.dport} ${key.protocol}`,
          deny ? 'drop' : proxyPort === 0 ? 'allow' : 'redirect',
        ]),
      );
      for (const [id, peer] of this.peers(oracle)) {
        for (const flow of FLOWS) {
          const told = oracle.judge(subject, peer, flow);
          if (told.verdict === 'error') {
            return found;
          }
          const got = lookup(table, id, flow);
          const wanted = told.verdict === 'drop' ? 'drop' : told.verdict === 'pass' && told.proxy === 'no' ? 'allow' : 'redirect';
          if (got !== wanted) {
            found.push(`${subject.name} ${flow.direction} ${id} ${flow.port}/${flow.protocol}: map ${got}, oracle ${wanted}`);
          }
        }
      }
    }
    return found;
  }

  private model(): ModelCluster {
    return {
      namespaces: ['default', 'prod', 'dev', 'kube-system'].map((name) => ({ name, labels: {} })),
      pods: [...this.pods.values()],
      services: [],
      dns: {},
    };
  }

  private peers(oracle: Oracle): [number, OraclePeer][] {
    const agent = this.cluster.nodes[0]?.agent;
    return [
      ...[...this.pods.values()].map((pod): [number, OraclePeer] => [
        agent?.endpoints.ofPod('default', pod.name)?.identity?.id ?? -1,
        oracle.pod(pod),
      ]),
      ...RESERVED.map(([id, names]): [number, OraclePeer] => [id, oracle.reserved(...names)]),
      ...oracle.prefixes.flatMap((prefix): [number, OraclePeer][] => {
        const id = agent?.ipcache.get(formatPrefix(prefix))?.identity;
        return id === undefined ? [] : [[id, oracle.prefix(prefix)]];
      }),
    ];
  }
}

function podObject({ name, namespace, labels: own, ports }: ModelPod): KubeObject {
  const list = ports.map((one) => ({ name: one.name, containerPort: one.port, protocol: one.protocol }));
  const spec = { containers: [{ name: 'c', image: 'nginx', ports: list }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: own }, spec } as unknown as KubeObject;
}

/** First hit in the datapath's order. @see cilium:bpf/lib/policy.h#__policy_can_access */
function lookup(table: ReadonlyMap<string, string>, id: number, { direction, port, protocol }: OracleFlow): string {
  const proto = NUMBERS[protocol];
  const keys = [
    [id, port, proto],
    [0, port, proto],
    [id, 0, proto],
    [0, 0, proto],
    [id, 0, 0],
    [0, 0, 0],
  ];
  return keys.map((key) => table.get(`${direction === 'egress' ? 1 : 0} ${key.join(' ')}`)).find((one) => one !== undefined) ?? 'drop';
}

it('after every change the maps hold what the objects say', () => {
  fc.assert(
    fc.property(fc.tuple(labels(), labels()), fc.array(event, { minLength: 1, maxLength: 6 }), ([a, b], events) => {
      const world = new World();
      world.happen({ kind: 'pod', name: 'p0', labels: a });
      world.happen({ kind: 'pod', name: 'p1', labels: b });
      for (const one of events) {
        world.happen(one);
        expect(world.differences()).toEqual([]);
      }
    }),
    { numRuns: Number(process.env['RUNS'] ?? 25), interruptAfterTimeLimit: 100_000 },
  );
}, 300_000);
