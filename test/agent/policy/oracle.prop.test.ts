import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MapState } from '../../../src/agent/policy/mapstate.ts';
import { meaning, type Peer, proxyAllows, type Spec } from './oracle.ts';
import { cnp, firstWrite, intended, newWorld, npds, PODS, rows, specs, verdictTable, worldOf } from './support.ts';

const PEERS: readonly Peer[] = PODS.map(({ id, index }) => ({
  id,
  app: index.get('k8s.app') ?? '',
  namespace: index.get('k8s.io.kubernetes.pod.namespace') ?? '',
  org: index.get('k8s.org') ?? '',
}));
const FLOWS = PEERS.flatMap((peer) =>
  ['80', '443', '8080'].flatMap((port) => ['TCP', 'UDP'].map((protocol) => ({ peer, port, protocol }))),
);

function lookup(state: MapState, id: number, port: number, proto: number): 'drop' | 'allow' | 'redirect' {
  for (const [identity, p, pr] of [
    [id, port, proto],
    [0, port, proto],
    [id, 0, 0],
    [0, 0, 0],
  ] as const) {
    const entry = state.get(identity, p, pr, 0);
    if (entry !== undefined) {
      return entry.isDeny ? 'drop' : entry.proxyPort === 0 ? 'allow' : 'redirect';
    }
  }
  return 'drop';
}

describe('map and proxy together', () => {
  it('do what the policies say', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const world = worldOf(list);
        const message = npds(world);
        for (const { mapState } of [intended(world), firstWrite(world)]) {
          for (const flow of FLOWS) {
            const port = Number(flow.port);
            const told = meaning(list as Spec[], flow);
            const found = lookup(mapState, flow.peer.id, port, flow.protocol === 'TCP' ? 6 : 17);
            const text = `${flow.peer.id} ${flow.port}/${flow.protocol}`;
            if (told.verdict === 'drop') {
              expect(`${text} ${found}`).toBe(`${text} drop`);
              continue;
            }
            expect(found, text).not.toBe('drop');
            for (const path of ['/a', '/b', '/c']) {
              const passes = found === 'allow' || proxyAllows(message, flow.peer.id, port, path);
              expect(`${text} ${path} ${passes}`).toBe(`${text} ${path} ${told.verdict === 'pass' || told.paths.has(path)}`);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('equal policies', () => {
  const table = (list: readonly object[]): string[] => {
    const world = worldOf(list);
    return verdictTable(world, intended(world).mapState);
  };

  it('are those with their elements spread over several policies', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const spread = (list as Spec[]).flatMap((spec) => [
          ...(spec.ingress ?? []).map((element) => ({ ingress: [element] })),
          ...(spec.ingressDeny ?? []).map((element) => ({ ingressDeny: [element] })),
        ]);
        expect(table(spread)).toEqual(table(list));
      }),
    );
  });

  it.each([
    [
      'peers in one element or in two',
      [{ ingress: [{ fromEndpoints: [{ matchLabels: { app: 'api' } }, { matchLabels: { app: 'db' } }] }] }],
      [{ ingress: [{ fromEndpoints: [{ matchLabels: { app: 'api' } }] }, { fromEndpoints: [{ matchLabels: { app: 'db' } }] }] }],
    ],
    [
      'protocol ANY or all three',
      [{ ingress: [{ fromEntities: ['cluster'], toPorts: [{ ports: [{ port: '80' }] }] }] }],
      [
        {
          ingress: [
            { fromEntities: ['cluster'], toPorts: ['TCP', 'UDP', 'SCTP'].map((protocol) => ({ ports: [{ port: '80', protocol }] })) },
          ],
        },
      ],
    ],
    [
      'entities together or apart',
      [{ ingress: [{ fromEntities: ['host', 'world'] }] }],
      [{ ingress: [{ fromEntities: ['world'] }, { fromEntities: ['host'] }] }],
    ],
  ])('%s', (_name, a, b) => {
    const [left, right] = [worldOf(a), worldOf(b)];
    expect(rows(intended(left).mapState)).toEqual(rows(intended(right).mapState));
  });

  it('are the same messages to the proxy in any order', () => {
    fc.assert(
      fc.property(specs, (list) => {
        // Without prefixes, whose numbers depend on the order.
        const plain = list.filter((spec) => !JSON.stringify(spec).includes('fromCIDR'));
        const backward = newWorld();
        plain.forEach((_, i) => {
          backward.apply(cnp(`q${i}`, plain[plain.length - 1 - i] as object));
        });
        expect(npds(backward)).toEqual(npds(worldOf(plain)));
      }),
    );
  });

  it('stay equal when identities are renumbered', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const renumber = (id: number): number => (id >= 1000 && id < 10_000 ? 3005 - id : id);
        const world = newWorld(PODS.map((one) => ({ ...one, id: renumber(one.id) })));
        list.forEach((spec, i) => {
          world.apply(cnp(`p${i}`, spec));
        });
        const mapped = verdictTable(world, intended(world, renumber(1001)).mapState)
          .map((text) => text.replace(/^\d+/, (id) => (Number(id) < 10_000 ? String(renumber(Number(id))) : id)))
          .sort();
        expect(mapped).toEqual(table(list));
      }),
    );
  });
});
