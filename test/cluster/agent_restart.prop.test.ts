/** A restart of the agent changes nothing in the end: what happens around it, or while it is away, leads to the same verdicts as without it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Pod } from '../../src/k8s/objects.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];

type Change =
  | { readonly kind: 'policy'; readonly subject: Name; readonly peer: Name; readonly seven: boolean; readonly deny: boolean }
  | { readonly kind: 'no policy' }
  | { readonly kind: 'relabel'; readonly pod: Name; readonly app: Name }
  | { readonly kind: 'again'; readonly pod: Name };

interface Move {
  readonly change: Change;
  /** When the agent restarts: before, around the change, after, or not at all. */
  readonly restart: 'before' | 'around' | 'after' | 'at once' | 'never';
}

const name = fc.constantFrom(...NAMES);
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('policy' as const), subject: name, peer: name, seven: fc.boolean(), deny: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('no policy' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('relabel' as const), pod: name, app: name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), pod: name }) },
);
const move: fc.Arbitrary<Move> = fc.record({ change, restart: fc.constantFrom('before', 'around', 'after', 'at once', 'never') });

const podText = (pod: string, app: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${pod}, labels: {app: ${app}}}
spec: {containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080}]}]}
`;

function policyText({ subject, peer, seven, deny }: Extract<Change, { kind: 'policy' }>): string {
  const ports = `toPorts: [{ports: [{port: "8080", protocol: TCP}]${seven ? ', rules: {http: [{method: GET}]}' : ''}}]`;
  return `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p}
spec:
  endpointSelector: {matchLabels: {app: ${subject}}}
  ingress: [{fromEndpoints: [{matchLabels: {app: ${peer}}}], ${ports}}, {fromCIDR: [198.51.100.0/24]}]
  ${deny ? `ingressDeny: [{fromEndpoints: [{matchLabels: {app: ${subject}}}]}]` : ''}
`;
}

function make({ cluster, apply }: TestCluster, wanted: Change): void {
  switch (wanted.kind) {
    case 'policy':
      apply(policyText(wanted));
      return;
    case 'no policy':
      cluster.api.delete('CiliumNetworkPolicy', 'default', 'p');
      return;
    case 'relabel': {
      const pod = cluster.api.get<Pod>('Pod', 'default', wanted.pod) as Pod;
      cluster.api.update({ ...pod, metadata: { ...pod.metadata, labels: { app: wanted.app } } });
      return;
    }
    case 'again':
      cluster.api.delete('Pod', 'default', wanted.pod);
      apply(podText(wanted.pod, wanted.pod));
  }
}

function play(moves: readonly Move[], restarts: boolean): string[] {
  const played = newTestCluster(NAMES.map((one) => podText(one, one)));
  const { node, cluster } = played;
  const when = (moment: Move['restart'], { restart }: Move, run: () => void): void => {
    if (restarts && restart === moment) {
      run();
    }
  };
  const restart = (): void => {
    node.stopAgent();
    node.startAgent();
  };
  for (const one of moves) {
    when('before', one, restart);
    when('around', one, () => node.stopAgent());
    make(played, one.change);
    when('at once', one, restart);
    cluster.advance(1e9);
    when('around', one, () => node.startAgent());
    cluster.settle();
    when('after', one, restart);
    cluster.advance(8e9);
    cluster.settle();
  }
  return NAMES.flatMap((from) =>
    NAMES.filter((to) => to !== from).flatMap((to) =>
      ['GET', 'POST'].map((method) => {
        const url = `${played.ip('default', to)}:8080`;
        const { stdout } = played.run(
          'default',
          from,
          'curl',
          '-s',
          '-m',
          '2',
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
          `-X${method}`,
          url,
        );
        return `${from} ${method} ${to}: ${stdout}`;
      }),
    ),
  );
}

test('verdicts after restarts are those without', () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 5 }), (moves) => {
      expect(play(moves, true)).toEqual(play(moves, false));
    }),
    { numRuns: 12 },
  );
}, 60_000);

test('a connection that L3 allows outlives any number of restarts, and one that is denied never comes about', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }), (waits) => {
      const { cluster, node, ip, run } = newTestCluster([
        ...NAMES.map((one) => podText(one, one)),
        policyText({ kind: 'policy', subject: 'b', peer: 'a', seven: false, deny: true }),
      ]);
      const client = cluster.httpClient('default', 'a');
      client?.connect(ip('default', 'b'), 8080, () => undefined);
      cluster.advance(0);
      const answers: string[] = [];
      for (const wait of waits) {
        for (const step of [() => node.stopAgent(), () => node.startAgent(), () => cluster.settle()]) {
          step();
          client?.send({ method: 'GET', path: '/', headers: { Host: 'b' }, body: '' }, (result) => {
            answers.push(result.error ?? String(result.status));
          });
          cluster.advance(wait * 1e9);
        }
        expect(run('default', 'c', 'curl', '-s', '-m', '1', `${ip('default', 'b')}:8080`).exitCode).toBe(28);
      }
      expect(answers).toEqual(waits.flatMap(() => ['200', '200', '200']));
    }),
    { numRuns: 8 },
  );
}, 60_000);
