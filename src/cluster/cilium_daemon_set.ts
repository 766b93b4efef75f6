/**
 * The DaemonSet of the agents: a pod per node, made again when it is deleted, and again when the template changes (`kubectl rollout restart`).
 * @see kubernetes:pkg/controller/daemon/daemon_controller.go#DaemonSetsController.manage
 * @remarks Simplified: other DaemonSets have no controller; a rolling update replaces all pods at once instead of two at a time.
 */
import type { ApiServer } from '../k8s/api_server.ts';
import type { KubeObject, Pod } from '../k8s/objects.ts';
import type { Rng } from '../sim/rng.ts';
import { ciliumPod } from './kube_system.ts';
import { randomSuffix } from './names.ts';
import type { NodeOptions } from './options.ts';

/** What it works with. */
export interface CiliumDaemonSetDeps {
  readonly api: ApiServer;
  readonly nodes: readonly NodeOptions[];
  /** Of the pods' names. */
  readonly rng: Rng;
}

/** Starts the controller. */
export function startCiliumDaemonSet({ api, nodes, rng }: CiliumDaemonSetDeps): void {
  const ours = (pod: Pod): boolean =>
    pod.metadata.namespace === 'kube-system' &&
    pod.metadata.ownerReferences?.some(({ kind, name }) => kind === 'DaemonSet' && name === 'cilium') === true;
  const pods = (): Pod[] => api.list<Pod>('Pod', { namespace: 'kube-system' }).filter(ours);
  api.watch<Pod>('Pod', {
    onDelete: (gone) => {
      const node = nodes.find(({ name }) => name === gone.spec.nodeName);
      const served = pods().some((pod) => pod.spec.nodeName === gone.spec.nodeName);
      if (ours(gone) && node !== undefined && !served && api.get('DaemonSet', 'kube-system', 'cilium') !== undefined) {
        const pod = ciliumPod(node);
        api.create({ ...pod, metadata: { ...pod.metadata, name: `cilium-${randomSuffix(rng)}` } });
      }
    },
  });
  const deleteAll = (): void => {
    for (const { metadata } of pods()) {
      api.delete('Pod', 'kube-system', metadata.name);
    }
  };
  api.watch<KubeObject>('DaemonSet', {
    onUpdate: (old, now) => {
      if (isOurSet(now) && templateText(old) !== templateText(now)) {
        deleteAll();
      }
    },
    onDelete: (gone) => {
      if (isOurSet(gone)) {
        deleteAll();
      }
    },
  });
}

function isOurSet({ metadata }: KubeObject): boolean {
  return metadata.namespace === 'kube-system' && metadata.name === 'cilium';
}

function templateText(set: KubeObject): string {
  return JSON.stringify((set['spec'] as { readonly template?: unknown } | undefined)?.template);
}
