import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ClusterCommandsOptions, clusterCommands, clusterSetup } from '../../src/check/testing/cluster_commands.ts';
import type { KubeObject } from '../../src/k8s/objects.ts';

const policy = (name: string, spec: object): KubeObject =>
  ({ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { name, namespace: 'default' }, spec }) as KubeObject;
const SERVER = { endpointSelector: { matchLabels: { app: 'server' } } };
const CLIENT = { fromEndpoints: [{ matchLabels: { app: 'client' } }] };
const ports = (http?: object[]) => ({
  toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], ...(http === undefined ? {} : { rules: { http } }) }],
});

const WORLD: ClusterCommandsOptions = {
  pods: {
    server: [{ app: 'server' }, { app: 'other' }],
    client: [{ app: 'client' }, { app: 'client', tier: 'bad' }, {}],
    other: [{ app: 'other' }, { app: 'client' }],
  },
  policies: [
    policy('http', { ...SERVER, ingress: [{ ...CLIENT, ...ports([{ method: 'GET', path: '/v1/.*' }]) }] }),
    policy('l4', { ...SERVER, ingress: [{ fromEndpoints: [{ matchLabels: { app: 'other' } }], ...ports() }] }),
    policy('deny', { ...SERVER, ingressDeny: [{ fromEndpoints: [{ matchLabels: { tier: 'bad' } }] }] }),
    policy('egress', {
      endpointSelector: { matchLabels: { app: 'client' } },
      egress: [{ toEndpoints: [{ matchLabels: { app: 'server' } }] }],
    }),
  ],
  requests: [{ method: 'GET', path: '/v1/.*' }],
};

it('a cluster behaves as its objects say, whatever the order in which they come and go', () => {
  fc.assert(
    fc.property(clusterCommands(WORLD), (commands) => fc.modelRun(clusterSetup(), commands)),
    { seed: 1, numRuns: Number(process.env['RUNS'] ?? 60) },
  );
});

it('finds a cluster that forgets deletions, and shrinks to the request that shows it', () => {
  const forgetful: typeof clusterSetup = (options) => {
    const setup = clusterSetup(options);
    return () => {
      const made = setup();
      made.real.api.delete = () => null as never;
      return made;
    };
  };
  const { failed, errorInstance, counterexample } = fc.check(
    fc.property(clusterCommands(WORLD), (commands) => fc.modelRun(forgetful(), commands)),
    { seed: 1, numRuns: 500 },
  );
  expect(failed).toBe(true);
  expect(String(errorInstance)).toMatch(/should (not )?reach the server/);
  expect(String(counterexample?.[0]).split(',').length).toBeLessThan(9);
});

it('there must be pods', () => {
  expect(() => clusterCommands({ pods: {}, policies: [] })).toThrow('no pods');
});
