/**
 * Pods that end in their own time: between the deletion and the end of the processes lies the preStop hook.
 * @see kubernetes:pkg/registry/core/pod/strategy.go#podStrategy.CheckGracefulDelete
 * @see kubernetes:pkg/kubelet/kuberuntime/kuberuntime_container.go#kubeGenericRuntimeManager.executePreStopHook
 * @remarks Simplified: processes end at once when they are told to, so only a hook that sleeps (`sleep 15`, also by way of a shell) makes a pod
 * stay; a pod without one is gone with its deletion. Not modelled: other hooks.
 */
import type { Container, KubeObject, Pod } from '../k8s/objects.ts';
import { formatRfc3339 } from '../net/rfc3339.ts';
import { type Nanos, SECOND } from '../sim/clock.ts';

/** What Kubernetes gives a pod that says nothing. */
const DEFAULT_GRACE_SECONDS = 30;

/** What a deletion makes of a pod that takes its time: an object with a date of death. `null`: it is gone. */
export function terminatingPod(object: KubeObject, wallMillis: number): KubeObject | null {
  const pod = object as Pod;
  if (pod.metadata.deletionTimestamp !== undefined) {
    return pod;
  }
  if (pod.status?.phase !== 'Running' || terminationTime(pod) === 0) {
    return null;
  }
  const grace = graceSeconds(pod);
  return {
    ...pod,
    metadata: { ...pod.metadata, deletionTimestamp: formatRfc3339(wallMillis + grace * 1000), deletionGracePeriodSeconds: grace },
  };
}

/** How long a pod's processes go on after its deletion. */
export function terminationTime(pod: Pod): Nanos {
  const hooks = pod.spec.containers.map(preStopSeconds);
  return Math.min(Math.max(0, ...hooks), graceSeconds(pod)) * SECOND;
}

/** Whether a pod is on its way out. */
export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

function graceSeconds(pod: Pod): number {
  const seconds = pod.spec['terminationGracePeriodSeconds'];
  return typeof seconds === 'number' ? seconds : DEFAULT_GRACE_SECONDS;
}

function preStopSeconds(container: Container): number {
  const lifecycle = container['lifecycle'] as { readonly preStop?: { readonly exec?: { readonly command?: unknown } } } | undefined;
  const command = lifecycle?.preStop?.exec?.command;
  const text = Array.isArray(command) ? command.join(' ') : '';
  return Number(/(?:^|[\s/])sleep\s+(\d+(?:\.\d+)?)s?\b/.exec(text)?.[1] ?? 0);
}
