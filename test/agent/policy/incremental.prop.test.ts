import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../src/agent/identity/identity.ts';
import { newCidrIdentities } from '../../../src/agent/identity/identity.ts';
import { INTENDED_QUIRKS } from '../../../src/agent/policy/config.ts';
import { PolicyCache } from '../../../src/agent/policy/distillery.ts';
import { Repository } from '../../../src/agent/policy/repository.ts';
import { consumeMapChanges, distillPolicy, type EndpointPolicy } from '../../../src/agent/policy/resolve.ts';
import { SelectorCache } from '../../../src/agent/policy/selectorcache.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { cnp, intended, owner, pod, rows, specs, type World, worldOf } from './support.ts';

const QUIRKS = INTENDED_QUIRKS;
const APPS = ['web', 'api', 'db'] as const;

/** One thing that happens while a policy is in force. */
type Event =
  | { readonly kind: 'pod'; readonly id: number; readonly app: string; readonly namespace: string; readonly org: string }
  | { readonly kind: 'gone'; readonly id: number }
  | { readonly kind: 'prefix'; readonly index: number; readonly come: boolean }
  | { readonly kind: 'name'; readonly prefixes: readonly number[] };

const ids = fc.constantFrom(1002, 1003, 1004, 2000, 2001, 2002);
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('pod' as const),
      id: ids,
      app: fc.constantFrom(...APPS),
      namespace: fc.constantFrom('default', 'prod'),
      org: fc.constantFrom('empire', 'alliance'),
    }),
    fc.record({ kind: fc.constant('gone' as const), id: ids }),
    fc.record({ kind: fc.constant('prefix' as const), index: fc.nat(3), come: fc.boolean() }),
    fc.record({ kind: fc.constant('name' as const), prefixes: fc.uniqueArray(fc.nat(3), { maxLength: 3 }) }),
  ),
  { minLength: 1, maxLength: 10 },
);

/** Prefixes that come and go besides those that the policies name. */
const PREFIXES: readonly Identity[] = (() => {
  const cidrs = newCidrIdentities();
  // The first numbers belong to the prefixes of policies.
  for (let i = 0; i < 40; i++) {
    cidrs.allocate({ family: 4, bits: BigInt(i) << 8n, length: 24 });
  }
  return ['10.1.0.0/24', '10.2.0.0/16', '10.1.2.0/24', '192.168.0.0/16'].map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === null) {
      throw new Error(text);
    }
    return cidrs.allocate(prefix).identity;
  });
})();

const NAME = { matchName: 'example.com', matchPattern: '' };

const ALL_NAMESPACES = [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }];
const org = (name: string): object => ({ matchLabels: { org: name }, matchExpressions: ALL_NAMESPACES });
const relabel = (id: number, app: string, name: string): Event => ({ kind: 'pod', id, app, namespace: 'default', org: name });

/** An L3 deny goes while a deny of a port comes. Found by the property below. */
const DENY_IN_DENY: [object[], Event[]] = [
  [
    { ingressDeny: [{ fromEndpoints: [org('alliance')], toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }] }] }] },
    { ingressDeny: [{ fromEndpoints: [org('empire')] }] },
  ],
  [relabel(1002, 'web', 'alliance')],
];
/** The reason for a redirect goes, that for a plain allow stays. Likewise. */
const REDIRECT_GOES: [object[], Event[]] = [
  [
    {
      ingress: [
        { fromEndpoints: [org('empire')], toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }] }] },
        {
          fromEndpoints: [{ matchLabels: { app: 'web' } }],
          toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'GET', path: '/a' }] } }],
        },
      ],
    },
  ],
  [relabel(1003, 'web', 'empire'), relabel(1003, 'db', 'empire')],
];

function happen(world: World, event: Event): void {
  switch (event.kind) {
    case 'pod':
      world.cache.updateIdentities([pod(event.id, event.app, event.namespace, event.org)], []);
      break;
    case 'gone':
      world.cache.updateIdentities([], [event.id]);
      break;
    case 'prefix': {
      const identity = PREFIXES[event.index] as Identity;
      world.cache.updateIdentities(event.come ? [identity] : [], event.come ? [] : [identity.id]);
      break;
    }
    case 'name':
      world.cache.updateFqdnSelector(
        NAME,
        event.prefixes.map((index) => (PREFIXES[index] as Identity).id),
      );
  }
}

/** What a computation finds that has never seen anything before: the same rules and identities in a new cache. */
function fresh(world: World, named: readonly number[]): string[] {
  const cache = new SelectorCache(world.cache.allIdentities());
  const repository = new Repository(cache, world.repository.config);
  repository.addList(world.repository.allRules());
  const resolved = repository.resolvePolicy(world.subject());
  if (!resolved.ok) {
    throw new Error(resolved.error);
  }
  cache.updateFqdnSelector(NAME, named);
  return rows(distillPolicy(resolved.policy, owner(true), false).mapState);
}

describe('what changes step by step ends where a computation from scratch would', () => {
  const withNames = specs.map((list) => [...list, { egress: [{ toFQDNs: [{ matchName: NAME.matchName }] }] }]);
  const edits = fc.array(
    fc.record({
      name: fc.nat(3),
      spec: fc.oneof(
        fc.constant({}),
        specs.map(([first]) => first as object),
      ),
      events,
    }),
    { minLength: 1, maxLength: 4 },
  );

  it('identities that come, go and are relabelled, prefixes, names; denies too', () => {
    fc.assert(
      fc.property(withNames, events, (list, happenings) => {
        const world = worldOf(list, { quirks: QUIRKS });
        const policy: EndpointPolicy = intended(world);
        let named: readonly number[] = [];
        for (const event of happenings) {
          named = event.kind === 'name' ? event.prefixes.map((index) => (PREFIXES[index] as Identity).id) : named;
          happen(world, event);
          consumeMapChanges(policy);
          expect(rows(policy.mapState)).toEqual(fresh(world, named));
        }
      }),
      { numRuns: 150, examples: [DENY_IN_DENY, REDIRECT_GOES] },
    );
  });

  it('rules that are added, replaced and deleted, with identities in between', () => {
    fc.assert(
      fc.property(specs, edits, (list, changes) => {
        const world = worldOf(list, { quirks: QUIRKS });
        const cache = new PolicyCache(world.repository);
        cache.addUser(world.subject());
        for (const { name, spec, events: happenings } of changes) {
          world.apply(cnp(`p${name}`, spec));
          const updated = cache.updatePolicy(world.subject());
          if (!updated.ok) {
            throw new Error(updated.error);
          }
          const policy = distillPolicy(updated.policy, owner(true), false);
          for (const event of happenings) {
            happen(world, event);
            consumeMapChanges(policy);
          }
          expect(rows(policy.mapState)).toEqual(fresh(world, []));
        }
      }),
      { numRuns: 100 },
    );
  });
});
