import { describe, expect, it } from 'vitest';
import type { Pod } from '../../src/k8s/objects.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const pod = (probes: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: p}}
spec:
  containers:
    - name: c
      image: registry.k8s.io/echoserver
      ports: [{name: web, containerPort: 8080}]
      ${probes}
`;

function ready({ cluster }: TestCluster): boolean | undefined {
  return cluster.api.get<Pod>('Pod', 'default', 'p')?.status?.containerStatuses?.[0]?.ready;
}

function restarts({ cluster }: TestCluster): number | undefined {
  return cluster.api.get<Pod>('Pod', 'default', 'p')?.status?.containerStatuses?.[0]?.restartCount;
}

function setRunning({ node }: TestCluster, running: boolean): void {
  const sandbox = node.kubelet.sandbox('default', 'p');
  if (sandbox !== undefined) {
    node.kubelet.setRunning(sandbox, running);
  }
}

describe('probes of the kubelet', () => {
  it.each([
    ['no probe', '', true],
    ['a page', 'readinessProbe: {httpGet: {port: 8080}}', true],
    ['a port by its name', 'readinessProbe: {tcpSocket: {port: web}}', true],
    ['a port nobody listens on', 'readinessProbe: {tcpSocket: {port: 81}}', false],
    ['a command', 'readinessProbe: {exec: {command: [cat, /etc/resolv.conf]}}', true],
    ['a command that fails', 'readinessProbe: {exec: {command: ["false"]}}', false],
    ['a command that takes too long', 'readinessProbe: {exec: {command: [sleep, "5"]}}', false],
    ['a command nobody has modelled', 'readinessProbe: {exec: {command: [/bin/check]}}', true],
    ['a delay', 'readinessProbe: {httpGet: {port: 8080}, initialDelaySeconds: 60}', false],
    ['successes in a row', 'readinessProbe: {httpGet: {port: 8080}, successThreshold: 3, periodSeconds: 10}', false],
  ])('%s', (_name, probes, expected) => {
    const test = newTestCluster([pod(probes)]);
    test.cluster.advance(15e9);
    expect(ready(test)).toBe(expected);
  });

  it('of liveness start a container again after so many failures in a row, each time', () => {
    const test = newTestCluster([pod('livenessProbe: {tcpSocket: {port: 81}, periodSeconds: 10, failureThreshold: 3}')]);
    test.cluster.advance(15e9);
    expect(restarts(test)).toBe(0);
    test.cluster.advance(10e9);
    expect(restarts(test)).toBe(1);
    test.cluster.advance(20e9);
    expect(restarts(test)).toBe(1);
    test.cluster.advance(10e9);
    expect(restarts(test)).toBe(2);
  });

  it('go on while the agent is away, and end with the pod', () => {
    const test = newTestCluster([pod('readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1, failureThreshold: 1}')]);
    test.node.stopAgent();
    setRunning(test, false);
    test.cluster.advance(3e9);
    expect(ready(test)).toBe(false);
    setRunning(test, true);
    test.cluster.advance(3e9);
    expect(ready(test)).toBe(true);
    test.node.startAgent();
    test.cluster.settle();
    test.cluster.api.delete('Pod', 'default', 'p');
    test.cluster.advance(1e9);
    const before = test.node.events.total;
    test.cluster.advance(20e9);
    expect(test.node.events.total).toBe(before);
  });
});
