/**
 * A small world for policy tests: a few identities, objects applied in order, map states as readable rows.
 */
import fc from 'fast-check';
import { getNetworkPolicy } from '../../../src/agent/envoy/network_policy.ts';
import { type Identity, newCidrIdentities, newIdentity, reservedIdentities } from '../../../src/agent/identity/identity.ts';
import { parseCnp } from '../../../src/agent/k8s/cnp.ts';
import { parseLabelArray } from '../../../src/agent/labels/labels.ts';
import { cidrPrefixes } from '../../../src/agent/policy/cidr.ts';
import { DEFAULT_POLICY_CONFIG, INTENDED_QUIRKS, type PolicyConfig } from '../../../src/agent/policy/config.ts';
import type { MapState } from '../../../src/agent/policy/mapstate.ts';
import { addNewRedirects } from '../../../src/agent/policy/redirects.ts';
import { Repository } from '../../../src/agent/policy/repository.ts';
import { distillPolicy, type EndpointPolicy, type PolicyOwner, type SelectorPolicy } from '../../../src/agent/policy/resolve.ts';
import { SelectorCache } from '../../../src/agent/policy/selectorcache.ts';
import type { NetworkPolicy } from '../../../src/xds/npds.ts';

export const PROXY_PORT = 10_001;
export const WEB = 1001;

/** A pod's identity. */
export function pod(id: number, app: string, namespace = 'default', org = 'empire'): Identity {
  return newIdentity(
    id,
    parseLabelArray([
      `k8s:app=${app}`,
      `k8s:org=${org}`,
      `k8s:io.kubernetes.pod.namespace=${namespace}`,
      'k8s:io.cilium.k8s.policy.cluster=default',
    ]),
  );
}

export const PODS: readonly Identity[] = [
  pod(WEB, 'web'),
  pod(1002, 'api'),
  pod(1003, 'db', 'default', 'alliance'),
  pod(1004, 'api', 'prod'),
  pod(1005, 'db', 'prod', 'alliance'),
];

/** Owner without named ports; all redirects are known when `known`. */
export function owner(known: boolean): PolicyOwner {
  return { namedPort: () => 0, lookupRedirectPort: () => (known ? PROXY_PORT : 0) };
}

export interface World {
  readonly cache: SelectorCache;
  readonly repository: Repository;
  apply(object: object): void;
  subject(id?: number): Identity;
  /** The policy of an identity; an error fails the test. */
  policy(id?: number): SelectorPolicy;
}

export function newWorld(identities: readonly Identity[] = PODS, config: Partial<PolicyConfig> = {}): World {
  const all: PolicyConfig = { ...DEFAULT_POLICY_CONFIG, quirks: INTENDED_QUIRKS, ...config };
  const cache = new SelectorCache([...reservedIdentities(), ...identities], undefined, all.quirks.relabelKeepsSelections);
  const repository = new Repository(cache, all);
  const cidrs = newCidrIdentities();
  const subject = (id = WEB): Identity => {
    const identity = cache.identity(id);
    if (identity === undefined) {
      throw new Error(`no identity ${id}`);
    }
    return identity;
  };
  return {
    cache,
    repository,
    subject,
    apply(object) {
      const parsed = parseCnp(object, all);
      if (parsed.issues.length > 0) {
        throw new Error(parsed.issues[0]?.message);
      }
      const added = cidrPrefixes(parsed.rules).map((prefix) => cidrs.allocate(prefix));
      cache.updateIdentities(
        added.filter(({ isNew }) => isNew).map(({ identity }) => identity),
        [],
      );
      repository.replaceByLabels(parsed.identityLabels, parsed.rules);
    },
    policy(id) {
      const resolved = repository.resolvePolicy(subject(id));
      if (!resolved.ok) {
        throw new Error(resolved.error);
      }
      return resolved.policy;
    },
  };
}

/** The map state with all redirects known. */
export function intended(world: World, id?: number): EndpointPolicy {
  return distillPolicy(world.policy(id), owner(true), false);
}

/** The map state of a first regeneration: redirects get their ports afterwards. */
export function firstWrite(world: World, id?: number): EndpointPolicy {
  const policy = distillPolicy(world.policy(id), owner(false), false);
  addNewRedirects(policy, 1, true, () => PROXY_PORT);
  addNewRedirects(policy, 1, false, () => PROXY_PORT);
  return policy;
}

/** `ingress 1002:80/6 allow`, sorted. */
export function rows(state: MapState): string[] {
  const list: string[] = [];
  state.forEach((identity, port, proto, direction, entry) => {
    const verdict = entry.isDeny ? 'deny' : entry.proxyPort === 0 ? 'allow' : 'redirect';
    list.push(`${direction === 0 ? 'ingress' : 'egress'} ${identity}:${port}/${proto} ${verdict}`);
  });
  return list.sort();
}

/** What happens to every peer and port that could matter, by the order of lookups in the datapath. */
export function verdictTable(world: World, state: MapState): string[] {
  const table: string[] = [];
  for (const { id } of world.cache.allIdentities()) {
    for (const [port, proto] of [
      [80, 6],
      [443, 6],
      [80, 17],
      [443, 17],
      [81, 6],
    ] as const) {
      const hit = [
        [id, port, proto],
        [0, port, proto],
        [id, 0, 0],
        [0, 0, 0],
      ]
        .map(([identity, p, pr]) => state.get(identity as number, p as number, pr as number, 0))
        .find((entry) => entry !== undefined);
      const verdict = hit === undefined || hit.isDeny ? 'drop' : hit.proxyPort === 0 ? 'allow' : 'redirect';
      table.push(`${id}:${port}/${proto} ${verdict}`);
    }
  }
  return table.sort();
}

export function npds(world: World, id?: number): NetworkPolicy {
  return getNetworkPolicy(world.policy(id), { endpointId: 1, ips: ['10.0.0.1'], conntrackMapName: 'global', namedPort: () => 0 });
}

/** A CiliumNetworkPolicy for app=web in default. */
export function cnp(name: string, spec: object): object {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace: 'default' },
    spec: { endpointSelector: { matchLabels: { app: 'web' } }, ...spec },
  };
}

const peers: fc.Arbitrary<object> = fc.oneof(
  fc.constantFrom('web', 'api', 'db').map((app) => ({ fromEndpoints: [{ matchLabels: { app } }] })),
  fc.constantFrom('empire', 'alliance').map((org) => ({
    fromEndpoints: [{ matchLabels: { org }, matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] }],
  })),
  fc.constantFrom('all', 'world', 'host', 'cluster').map((entity) => ({ fromEntities: [entity] })),
  fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32', '0.0.0.0/0').map((cidr) => ({ fromCIDR: [cidr] })),
  fc.constant({}),
);

const ports: fc.Arbitrary<object> = fc.oneof(
  fc.constant({}),
  fc
    .record({ port: fc.constantFrom('80', '443'), protocol: fc.constantFrom('TCP', 'UDP') })
    .map((port) => ({ toPorts: [{ ports: [port] }] })),
);

const http: fc.Arbitrary<object> = fc.constantFrom('/a', '/b').map((path) => ({
  toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'GET', path }] } }],
}));

/** An ingress allow element. */
export const allowElement: fc.Arbitrary<object> = fc.tuple(peers, fc.oneof(ports, http)).map(([a, b]) => ({ ...a, ...b }));
/** An ingress deny element. */
export const denyElement: fc.Arbitrary<object> = fc.tuple(peers, ports).map(([a, b]) => ({ ...a, ...b }));

/** Specs of ingress policies with allows only. */
export const allowSpecs: fc.Arbitrary<object[]> = fc.array(
  fc.array(allowElement, { minLength: 1, maxLength: 3 }).map((ingress) => ({ ingress })),
  { minLength: 1, maxLength: 4 },
);

/** Specs of ingress policies with allows and denies. */
export const specs: fc.Arbitrary<object[]> = fc.array(
  fc.record({ ingress: fc.array(allowElement, { maxLength: 3 }), ingressDeny: fc.array(denyElement, { maxLength: 2 }) }),
  { minLength: 1, maxLength: 4 },
);

/** A world with specs applied as policies p0, p1, ... */
export function worldOf(list: readonly object[], config: Partial<PolicyConfig> = {}): World {
  const world = newWorld(PODS, config);
  list.forEach((spec, i) => {
    world.apply(cnp(`p${i}`, spec));
  });
  return world;
}
