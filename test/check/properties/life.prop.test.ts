/** Properties of the catalogue that are about the life of endpoints: on running clusters, each also on one in which something is broken on purpose. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { label } from '../../../src/check/arbitraries/labels.ts';
import { policies } from '../../../src/check/arbitraries/policy.ts';
import type { K8sObject } from '../../../src/check/model/cluster.ts';
import { PROPERTIES } from '../../../src/check/properties/catalogue.ts';
import { Cluster } from '../../../src/cluster/cluster.ts';
import { type ClusterOptions, DEFAULT_CLUSTER_OPTIONS } from '../../../src/cluster/options.ts';
import type { KubeObject } from '../../../src/k8s/objects.ts';
import { SECOND } from '../../../src/sim/clock.ts';

type Agent = NonNullable<Cluster['nodes'][0]['agent']>;
type Endpoint = ReturnType<Agent['endpoints']['get']>;

const pod = (name: string, labels: object): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: { containers: [{ name: 'c', image: 'nginx' }] },
  }) as unknown as KubeObject;

const PODS = [pod('a', { app: 'web', org: 'empire' }), pod('b', { app: 'api', tier: 'back' })];

/** A running cluster with two pods. */
class World {
  readonly cluster: Cluster;

  constructor(options: Partial<ClusterOptions> = {}) {
    this.cluster = Cluster.create({ ...DEFAULT_CLUSTER_OPTIONS, ...options });
    this.cluster.journey.recording = false;
    for (const one of PODS) {
      this.cluster.api.apply(one);
    }
    this.cluster.settle();
  }

  get agent(): Agent {
    return this.cluster.nodes[0]?.agent as Agent;
  }

  endpoint(name: string): NonNullable<Endpoint> {
    return this.agent.endpoints.list().find((one) => one.name === `default/${name}`) as NonNullable<Endpoint>;
  }

  pods(): NonNullable<Endpoint>[] {
    return ['a', 'b'].map((name) => this.endpoint(name));
  }

  /** The objects of the API server; bare rule lists are not such. */
  apply(list: readonly K8sObject[], settle = true): void {
    for (const object of list.filter(({ kind }) => kind !== 'CiliumRules')) {
      this.cluster.api.apply(object as unknown as KubeObject);
    }
    if (settle) {
      this.settle();
    }
  }

  remove({ kind, metadata }: K8sObject): void {
    const { name, namespace = '' } = metadata as { name: string; namespace?: string };
    this.cluster.api.delete(String(kind), namespace, name);
    this.settle();
  }

  settle(): void {
    this.cluster.settle();
    this.cluster.advance(2 * SECOND);
  }

  /** A regeneration of every pod's endpoint. */
  regenerate(): void {
    for (const one of this.pods()) {
      this.agent.regenerate(one, 1, 'a test asks for it');
    }
    this.settle();
  }

  rows(name: string): string[] {
    return rowsOf(this.endpoint(name));
  }
}

function rowsOf(endpoint: NonNullable<Endpoint>): string[] {
  return [...endpoint.policyMap.entries()]
    .map(([key, { proxyPort, deny }]) => `${key.egress} ${key.secLabel} ${key.dport}/${key.protocol} ${deny ? 'deny' : proxyPort}`)
    .sort();
}

/** Whether the map lets a flow through, in the datapath's order. */
function passes(endpoint: NonNullable<Endpoint>, egress: number, identity: number, port: number, protocol: number): boolean {
  const rows = new Map(
    [...endpoint.policyMap.entries()].map(([key, entry]) => [`${key.egress} ${key.secLabel} ${key.dport} ${key.protocol}`, entry]),
  );
  const keys = [
    [identity, port, protocol],
    [0, port, protocol],
    [identity, 0, protocol],
    [0, 0, protocol],
    [identity, 0, 0],
    [0, 0, 0],
  ];
  const hit = keys.map((key) => rows.get(`${egress} ${key.join(' ')}`)).find((one) => one !== undefined);
  return hit !== undefined && !hit.deny;
}

interface LifeTest<T> {
  readonly id: number;
  readonly arbitrary: fc.Arbitrary<T>;
  readonly options?: Partial<ClusterOptions>;
  holds(world: World, input: T): void;
  /** Breaks the cluster; or its options. */
  breaks?(world: World): void;
  readonly broken?: Partial<ClusterOptions>;
  readonly numRuns?: number;
}

function life<T>({ id, arbitrary, holds, breaks, options, broken, numRuns = 12 }: LifeTest<T>): void {
  const entry = PROPERTIES.find((one) => one.id === id);
  describe(`${id}. ${entry?.name}`, () => {
    it('holds', () => {
      fc.assert(
        fc.property(arbitrary, (input) => holds(new World(options), input)),
        { numRuns: numRuns * Number(process.env['FACTOR'] ?? 1), interruptAfterTimeLimit: 100_000 },
      );
    });
    it('can fail', () => {
      const result = fc.check(
        fc.property(arbitrary, (input) => {
          const world = new World(broken ?? options);
          breaks?.(world);
          holds(world, input);
        }),
        { numRuns: 200, seed: 3, endOnFailure: true, interruptAfterTimeLimit: 60_000 },
      );
      expect(result.failed).toBe(true);
    });
  });
}

const some = policies({ maxLength: 3, protocolless: false });
const swap = <T extends object, K extends keyof T>(object: T, key: K, make: (old: T[K]) => T[K]): void => {
  const old = (object[key] as unknown as (...args: unknown[]) => unknown).bind(object);
  Object.defineProperty(object, key, { value: make(old as unknown as T[K]), configurable: true });
};

/** Pods that come and go, each with an identity of its own number in every cluster. */
const GUESTS = [
  { name: 'x', identity: 5001, labels: { app: 'db', org: 'alliance' } },
  { name: 'y', identity: 5002, labels: { app: 'web', tier: 'front' } },
  { name: 'z', identity: 5003, labels: { org: 'empire', tier: 'back' } },
];
const WITH_GUESTS: Partial<ClusterOptions> = {
  pins: { pods: Object.fromEntries(GUESTS.map(({ name, identity }) => [`default/${name}`, { identity }])) },
  quirks: { incrementalIgnoresWildcard: false, incrementalLosesCovered: false, redirectOverwritesDeny: false },
};
const ALLOWS = policies({ maxLength: 3, deny: false, seven: false });

/** What the map of `a` says of those guests that are there. */
const guestRows = (world: World, there: ReadonlySet<string>): string[] => {
  const numbers = GUESTS.filter(({ name }) => there.has(name)).map(({ identity }) => String(identity));
  return world.rows('a').filter((row) => numbers.includes(row.split(' ')[1] ?? ''));
};
const comeOrGo = (world: World, name: string, there: Set<string>): void => {
  const guest = GUESTS.find((one) => one.name === name);
  if (there.delete(name)) {
    world.cluster.api.delete('Pod', 'default', name);
  } else if (guest !== undefined) {
    there.add(name);
    world.cluster.api.apply(pod(name, guest.labels));
  }
  world.settle();
};
/** Nobody tells the map about one of the guests. */
const forgetful = (world: World): void => {
  for (const { policyMap } of world.pods()) {
    swap(policyMap, 'update', (old) => (key, value, flag) => (Number(key.secLabel) === 5002 ? 0 : old(key, value, flag)));
  }
};

life({
  id: 27,
  arbitrary: fc.tuple(ALLOWS, fc.array(fc.constantFrom('x', 'y', 'z'), { minLength: 1, maxLength: 5 })),
  options: WITH_GUESTS,
  holds(world, [list, moves]) {
    world.apply(list);
    const there = new Set<string>();
    for (const name of moves) {
      comeOrGo(world, name, there);
    }
    const fresh = new World(WITH_GUESTS);
    const same = new Set<string>();
    for (const name of there) {
      comeOrGo(fresh, name, same);
    }
    fresh.apply(list);
    fresh.regenerate();
    expect(guestRows(world, there)).toEqual(guestRows(fresh, there));
  },
  breaks: forgetful,
  numRuns: 8,
});

life({
  id: 28,
  arbitrary: fc.tuple(ALLOWS, fc.constantFrom('x', 'y', 'z')),
  options: WITH_GUESTS,
  holds(world, [list, name]) {
    const there = new Set<string>();
    comeOrGo(world, name, there);
    world.apply(list);
    const before = guestRows(world, new Set([name]));
    comeOrGo(world, name, there);
    // The identity itself is collected some time later.
    world.cluster.advance(3600 * SECOND);
    comeOrGo(world, name, there);
    expect(guestRows(world, new Set([name]))).toEqual(before);
  },
  breaks(world) {
    // What is gone is told to the map, what comes back is not.
    for (const { policyMap } of world.pods()) {
      const gone = new Set<number>();
      swap(policyMap, 'delete', (old) => (key) => {
        gone.add(Number(key.secLabel));
        return old(key);
      });
      swap(policyMap, 'update', (old) => (key, value, flag) => (gone.has(Number(key.secLabel)) ? 0 : old(key, value, flag)));
    }
  },
  numRuns: 8,
});

life({
  id: 29,
  arbitrary: some,
  holds(world, list) {
    world.apply(list);
    // The one after a new redirect is another matter in 1.13.3.
    world.regenerate();
    const before = ['a', 'b'].map((name) => world.rows(name));
    world.regenerate();
    expect(['a', 'b'].map((name) => world.rows(name))).toEqual(before);
  },
  breaks(world) {
    let times = 0;
    swap(world.agent, 'regenerate', (old) => (endpoint, level, reason) => {
      old(endpoint, level, reason);
      const [first] = [...endpoint.policyMap.entries()];
      if (times++ > 2 && first !== undefined) {
        endpoint.policyMap.delete(first[0]);
      }
    });
  },
});

life({
  id: 30,
  arbitrary: fc.array(fc.tuple(some, fc.boolean()), { minLength: 1, maxLength: 4 }),
  holds(world, rounds) {
    let last = { repository: 0, endpoint: 0 };
    const look = (): void => {
      const now = { repository: world.agent.repository.revision, endpoint: world.endpoint('a').policyRevision };
      expect(now.repository).toBeGreaterThanOrEqual(last.repository);
      expect(now.endpoint).toBeGreaterThanOrEqual(last.endpoint);
      expect(now.endpoint).toBeLessThanOrEqual(now.repository);
      last = now;
    };
    for (const [list, keep] of rounds) {
      world.apply(list);
      look();
      for (const object of keep ? [] : list.filter(({ kind }) => kind !== 'CiliumRules')) {
        world.remove(object);
        look();
      }
    }
  },
  breaks(world) {
    const { repository } = world.agent;
    let reads = 0;
    const first = repository.revision;
    Object.defineProperty(repository, 'revision', { get: () => first + 10 - reads++, set: () => undefined, configurable: true });
  },
});

/** What the agent's documentation of endpoint states allows, the builder's own changes included. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  new: ['waiting-for-identity', 'restoring'],
  'waiting-for-identity': ['ready', 'disconnecting', 'invalid'],
  ready: ['waiting-for-identity', 'disconnecting', 'waiting-to-regenerate', 'restoring'],
  'waiting-to-regenerate': ['disconnecting', 'restoring', 'regenerating'],
  regenerating: ['waiting-for-identity', 'disconnecting', 'waiting-to-regenerate', 'restoring', 'ready'],
  restoring: ['disconnecting', 'restoring', 'regenerating'],
  disconnecting: ['disconnected'],
};

life({
  id: 31,
  arbitrary: fc.array(fc.tuple(some, label(), fc.boolean()), { minLength: 1, maxLength: 3 }),
  holds(world, rounds) {
    const endpoints = world.pods();
    for (const [list, [key, value], gone] of rounds) {
      world.apply(list, false);
      world.cluster.api.apply(pod('a', { [key]: value }));
      world.agent.regenerate(world.endpoint('b'), 1, 'a test asks for it');
      world.settle();
      if (gone) {
        world.cluster.api.delete('Pod', 'default', 'b');
        world.settle();
        world.cluster.api.apply(PODS[1] as KubeObject);
        world.settle();
      }
    }
    for (const { stateLog } of [...endpoints, ...world.pods()]) {
      for (const [i, { from, to }] of stateLog.entries()) {
        expect(NEXT[from], `${from} -> ${to}`).toContain(to);
        expect(from).toBe(stateLog[i - 1]?.to ?? from);
      }
    }
  },
  breaks(world) {
    // A state that nobody sees.
    for (const endpoint of world.pods()) {
      swap(endpoint, 'setState', (old) => (to, reason) => {
        const done = old(to, reason);
        if (done && to === 'waiting-to-regenerate') {
          endpoint.stateLog.pop();
        }
        return done;
      });
    }
  },
});

const FLOWS = [
  [0, 80, 6],
  [0, 443, 6],
  [0, 53, 17],
  [1, 80, 6],
  [1, 53, 17],
] as const;

life({
  id: 33,
  // A deny beside an L7 rule of the same peer is open for a while in 1.13.3.
  arbitrary: fc.tuple(
    policies({ maxLength: 2, seven: false, protocolless: false }),
    policies({ maxLength: 2, seven: false, protocolless: false }),
  ),
  holds(world, [before, after]) {
    const closed = (): Set<string> => {
      const found = new Set<string>();
      for (const [subject, peer] of [
        ['a', 'b'],
        ['b', 'a'],
      ] as const) {
        const identity = world.endpoint(peer).identity?.id ?? 0;
        for (const [egress, port, protocol] of FLOWS) {
          if (!passes(world.endpoint(subject), egress, identity, port, protocol)) {
            found.add(`${subject} ${egress} ${port}/${protocol}`);
          }
        }
      }
      return found;
    };
    world.apply(before);
    const old = closed();
    const opened: Set<string>[] = [];
    world.apply(after, false);
    for (const object of before.filter(({ kind }) => kind !== 'CiliumRules')) {
      if (!after.some(({ kind, metadata }) => kind === object['kind'] && JSON.stringify(metadata) === JSON.stringify(object['metadata']))) {
        const { name, namespace = '' } = object['metadata'] as { name: string; namespace?: string };
        world.cluster.api.delete(String(object['kind']), namespace, name);
      }
    }
    // After every event of the agent.
    world.cluster.runUntil(() => {
      opened.push(closed());
      return false;
    }, 3 * SECOND);
    world.settle();
    const now = closed();
    for (const flow of [...old].filter((one) => now.has(one))) {
      expect(opened.filter((one) => !one.has(flow)).length, flow).toBe(0);
    }
  },
  breaks(world) {
    // Whenever something is deleted, everybody comes in for a second.
    for (const { policyMap } of world.pods()) {
      const [all] = [...policyMap.entries()];
      const open =
        all === undefined ? null : { ...all[0], secLabel: 0 as (typeof all)[0]['secLabel'], dport: 0, protocol: 0, egress: 0 as const };
      swap(policyMap, 'delete', (old) => (key) => {
        if (open !== null && all !== undefined) {
          policyMap.update(open, { ...all[1], deny: false, proxyPort: 0 });
          world.cluster.scheduler.after(SECOND, 'mutant', () => void old(open));
        }
        return old(key);
      });
    }
  },
});

/** The smallest map there can be. */
const SMALL = 256;
const prefixes = fc
  .integer({ min: 200, max: 400 })
  .map((count) => Array.from({ length: count }, (_, i) => `203.${i >> 8}.${i & 255}.0/24`));

life({
  id: 49,
  arbitrary: prefixes,
  options: { options: { 'bpf-policy-map-max': SMALL } },
  broken: { options: { 'bpf-policy-map-max': 16384 } },
  holds(world, list) {
    world.apply([
      {
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumNetworkPolicy',
        metadata: { name: 'many', namespace: 'default' },
        spec: { endpointSelector: {}, ingress: [{ fromCIDR: list }] },
      },
    ]);
    const { size } = { size: world.rows('a').length };
    expect(size).toBeLessThanOrEqual(SMALL);
    expect(size).toBeGreaterThanOrEqual(Math.min(list.length, SMALL));
  },
  numRuns: 5,
});

/** A policy that closes what replies would need. */
const CLOSED = [
  { name: 'client', app: 'web', section: { ingress: [{}] } },
  { name: 'server', app: 'api', section: { egress: [{}] } },
].map(
  ({ name, app, section }): K8sObject => ({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace: 'default' },
    spec: { endpointSelector: { matchLabels: { app } }, ...section },
  }),
);
const OPEN: K8sObject = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name: 'server-in', namespace: 'default' },
  spec: { endpointSelector: { matchLabels: { app: 'api' } }, ingress: [{ fromEndpoints: [{ matchLabels: { app: 'web' } }] }] },
};

life({
  id: 50,
  arbitrary: fc.tuple(fc.subarray(CLOSED, { minLength: 1 }), fc.boolean(), fc.integer({ min: 1, max: 20 })),
  holds(world, [closed, restricted, requests]) {
    world.apply([...closed, ...(restricted ? [OPEN] : [])]);
    const server = world.cluster.nodes[0]?.kubelet.sandbox('default', 'b')?.ip ?? '';
    const urls = Array.from({ length: requests }, () => `http://${server}/`);
    let exitCode: number | null = null;
    world.cluster.exec('default', 'a', ['curl', '-s', '--connect-timeout', '3', '-m', '5', ...urls], (result) => {
      exitCode = result.exitCode;
    });
    world.cluster.runUntil(() => exitCode !== null, 60 * SECOND);
    expect(exitCode).toBe(0);
  },
  breaks(world) {
    const { ct4 } = world.agent.maps;
    swap(ct4, 'lookup', () => () => undefined);
  },
  numRuns: 8,
});
