import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RELEASED_QUIRKS } from '../../../src/agent/policy/config.ts';
import type { MapState } from '../../../src/agent/policy/mapstate.ts';
import { consumeMapChanges, distillPolicy } from '../../../src/agent/policy/resolve.ts';
import { allowSpecs, cnp, firstWrite, intended, newWorld, npds, owner, PODS, pod, rows, specs, verdictTable, worldOf } from './support.ts';

const HTTP = { toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'GET' }] } }] };

describe('policy algebra', () => {
  it('does not depend on the order of policies (allows)', () => {
    fc.assert(
      fc.property(allowSpecs, (list) => {
        const forward = worldOf(list);
        const backward = newWorld();
        list.forEach((_, i) => {
          backward.apply(cnp(`q${i}`, list[list.length - 1 - i] as object));
        });
        // Prefixes get their numbers in order of arrival: compare the verdict rows of all others, and their count.
        const stable = (texts: string[]): string[] => texts.filter((text) => !/ 167772\d\d:/.test(text));
        expect(stable(rows(intended(backward).mapState))).toEqual(stable(rows(intended(forward).mapState)));
        expect(intended(backward).mapState.size).toBe(intended(forward).mapState.size);
      }),
    );
  });

  it('is idempotent for repeated policies', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const once = worldOf(list);
        const twice = worldOf([...list, list[0] as object]);
        expect(rows(intended(twice).mapState)).toEqual(rows(intended(once).mapState));
        expect(npds(twice)).toEqual(npds(once));
      }),
    );
  });

  it('is idempotent for an import repeated, at two revisions more', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const world = worldOf(list);
        const before = rows(intended(world).mapState);
        const revision = world.repository.revision;
        world.apply(cnp(`p${list.length - 1}`, list[list.length - 1] as object));
        expect(rows(intended(world).mapState)).toEqual(before);
        expect(world.repository.revision).toBe(revision + 2);
      }),
    );
  });

  it('loses nothing and gains nothing by adding and removing a policy', () => {
    fc.assert(
      fc.property(specs, specs, (list, more) => {
        const world = worldOf(list);
        // Prefixes keep their identities, so they must be there before.
        more.forEach((spec, i) => {
          world.apply(cnp(`m${i}`, spec));
        });
        more.forEach((_, i) => {
          world.apply(cnp(`m${i}`, {}));
        });
        const before = rows(intended(world).mapState);
        more.forEach((spec, i) => {
          world.apply(cnp(`m${i}`, spec));
        });
        more.forEach((_, i) => {
          world.apply(cnp(`m${i}`, {}));
        });
        expect(rows(intended(world).mapState)).toEqual(before);
      }),
    );
  });

  it('grows with allows', () => {
    fc.assert(
      fc.property(allowSpecs, allowSpecs, (list, more) => {
        const enforced = { ingress: [{}] };
        const identities = (texts: string[]): Set<string> => new Set(texts.map((text) => text.split(' ')[1]?.split('/')[0] ?? ''));
        const small = worldOf([enforced, ...list, ...more.map(() => enforced)]);
        const large = worldOf([enforced, ...list, ...more]);
        const covered = identities(rows(intended(large).mapState));
        for (const key of identities(rows(intended(small).mapState))) {
          const [, port] = key.split(':');
          // Either the key itself or the wildcard of its port or of everything is there.
          expect(covered.has(key) || covered.has(`0:${port}`) || covered.has('0:0')).toBe(true);
        }
      }),
    );
  });

  it('keeps directions apart', () => {
    fc.assert(
      fc.property(specs, fc.constantFrom('api', 'db'), (list, app) => {
        const ingressOnly = worldOf(list);
        const both = worldOf([...list, { egress: [{ toEndpoints: [{ matchLabels: { app } }] }] }]);
        const ingress = (texts: string[]): string[] => texts.filter((text) => text.startsWith('ingress'));
        expect(ingress(rows(intended(both).mapState))).toEqual(ingress(rows(intended(ingressOnly).mapState)));
      }),
    );
  });

  it('leaves other subjects alone', () => {
    fc.assert(
      fc.property(specs, (list) => {
        expect(rows(intended(worldOf(list), 1002).mapState)).toEqual(rows(intended(newWorld(), 1002).mapState));
      }),
    );
  });

  it('keeps no redirect beside a deny that covers it, and none in the first write either when intended', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const world = worldOf(list);
        for (const state of [intended(world).mapState, firstWrite(world).mapState]) {
          state.forEach((identity, port, proto, direction, entry) => {
            if (entry.proxyPort === 0) {
              return;
            }
            for (const [id, p, pr] of [
              [identity, 0, 0],
              [0, port, proto],
              [0, 0, 0],
            ] as const) {
              expect(state.get(id, p, pr, direction)?.isDeny ?? false).toBe(false);
            }
          });
        }
      }),
    );
  });

  it('always has the host’s key unless the host is denied, and everything else of an unenforced direction', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const { mapState } = intended(worldOf(list));
        const all = mapState.get(0, 0, 0, 0);
        expect(mapState.get(1, 0, 0, 0) !== undefined || (all?.isDeny ?? false)).toBe(true);
        expect(mapState.get(0, 0, 0, 1)?.isDeny).toBe(false);
      }),
    );
  });

  it('allows everything when enforcement is never, and no more when always than by default', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const never = rows(intended(worldOf(list, { enforcement: 'never' })).mapState);
        expect(never).toEqual(['egress 0:0/0 allow', 'ingress 0:0/0 allow', 'ingress 1:0/0 allow']);
        const both = [...list, { ingress: [{}], egress: [{}] }];
        expect(rows(intended(worldOf(both, { enforcement: 'always' })).mapState)).toEqual(rows(intended(worldOf(both)).mapState));
      }),
    );
  });
});

describe('incremental updates', () => {
  it('bring the map to where a computation from scratch would (allows)', () => {
    const changes = fc.array(fc.record({ index: fc.nat(PODS.length - 1), add: fc.boolean() }), { maxLength: 8 });
    fc.assert(
      fc.property(allowSpecs, changes, (list, steps) => {
        const world = worldOf(list);
        const policy = intended(world);
        for (const { index, add } of steps) {
          const identity = PODS[index] as (typeof PODS)[number];
          if (identity.id !== 1001) {
            world.cache.updateIdentities(add ? [identity] : [], add ? [] : [identity.id]);
            consumeMapChanges(policy);
          }
        }
        expect(rows(policy.mapState)).toEqual(rows(distillPolicy(world.policy(), owner(true), false).mapState));
      }),
    );
  });

  it('do so with denies too while identities only come', () => {
    fc.assert(
      fc.property(specs, fc.shuffledSubarray([2000, 2001, 2002, 2003]), (list, ids) => {
        const world = worldOf(list);
        const policy = intended(world);
        for (const id of ids) {
          world.cache.updateIdentities([pod(id, ['web', 'api', 'db', 'api'][id - 2000] ?? 'web', id % 2 === 0 ? 'default' : 'prod')], []);
          consumeMapChanges(policy);
        }
        expect(rows(policy.mapState)).toEqual(rows(distillPolicy(world.policy(), owner(true), false).mapState));
      }),
    );
  });

  it('change in 1.13.3 whom the proxy sees, but not who is dropped', () => {
    fc.assert(
      fc.property(allowSpecs, (list) => {
        const world = worldOf(list, { quirks: RELEASED_QUIRKS });
        const policy = intended(world);
        world.cache.updateIdentities([pod(2000, 'web'), pod(2001, 'api', 'prod')], []);
        consumeMapChanges(policy);
        const passes = (state: MapState): string[] => verdictTable(world, state).map((text) => text.replace('redirect', 'allow'));
        expect(passes(policy.mapState)).toEqual(passes(distillPolicy(world.policy(), owner(true), false).mapState));
      }),
    );
  });

  it('tell the keys that changed', () => {
    const world = worldOf([{ ingress: [{ fromEndpoints: [{ matchLabels: { app: 'api' } }], ...HTTP }] }]);
    const policy = intended(world);
    world.cache.updateIdentities([pod(2000, 'api')], [1002]);
    const { adds, deletes } = consumeMapChanges(policy);
    expect([adds.size, deletes.size]).toEqual([1, 1]);
    expect(rows(policy.mapState)).toContain('ingress 2000:80/6 redirect');
    expect(rows(policy.mapState)).not.toContain('ingress 1002:80/6 redirect');
  });
});
