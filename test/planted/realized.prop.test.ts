/** An endpoint is realized only when the proxy has acknowledged. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newTestCluster } from '../support/test_cluster.ts';

const POD = '{apiVersion: v1, kind: Pod, metadata: {name: server, labels: {app: server}}, spec: {containers: [{name: c, image: nginx}]}}';
const policy = (path: string): string => `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: http}
spec: {endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{path: ${path}}]}}]}]}
`;

it('a revision is realized when the proxy has acknowledged it, not before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 }), (delay, wait) => {
      const { cluster, node, apply } = newTestCluster([POD, policy('/a')]);
      const endpoint = node.agent.endpoints.ofPod('default', 'server');
      node.xds.ackDelay = delay * 1_000_000;
      const before = endpoint?.policyRevision ?? 0;
      cluster.scheduler.after(wait * 1_000_000, 'look', () => {
        expect((endpoint?.policyRevision ?? 0) > before).toBe(wait > delay);
      });
      apply(policy('/b'));
      cluster.advance(5_000_000_000);
    }),
    { numRuns: 20 },
  );
});
