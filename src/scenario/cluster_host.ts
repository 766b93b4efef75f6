/** A cluster as a scenario and the commands see it. */

import type { Cluster } from '../cluster/cluster.ts';
import { entryOrigins, proxyRuleOrigins } from '../cluster/policy_origins.ts';
import type { ObjectView } from '../shell/cluster_view.ts';
import type { CommandResult } from '../shell/table.ts';
import type { OpenResult } from './connection.ts';
import { beginFault } from './fault.ts';
import { findPod } from './find_pod.ts';
import type { EnforcedPolicy, Fault, PodName, ScenarioHost } from './host.ts';
import { nodeView } from './node_view.ts';
import { applyManifests, deleteObjects } from './objects.ts';
import { openConnection } from './open_connection.ts';
import { enforcedPolicy } from './policy_references.ts';
import { DEFAULT_TIMEOUT } from './request.ts';
import type { ObjectResult } from './result.ts';
import type { ManifestText, ObjectName } from './scenario.ts';

/** Exit code of a process that had to be killed because it would not end. */
const EXIT_KILLED = 137;

/** Makes the host of a cluster. */
export function clusterHost(cluster: Cluster): ScenarioHost {
  return {
    nodes: cluster.nodes.map((node) => nodeView(cluster, node)),
    wallMillis: () => cluster.clock.wallMillis(),
    list: (kind, namespace) => cluster.api.list(kind, namespace === null ? {} : { namespace }) as unknown as readonly ObjectView[],
    exec: (namespace, pod, argv, limit = DEFAULT_TIMEOUT, stdin = '') => execute(cluster, { namespace, name: pod }, argv, { limit, stdin }),
    now: () => cluster.clock.now(),
    journey: () => cluster.journey.steps,
    apply: (manifests: readonly ManifestText[], namespace: string): ObjectResult[] => applyManifests(cluster, manifests, namespace),
    delete: (manifests: readonly ManifestText[], objects: readonly ObjectName[], namespace: string): ObjectResult[] =>
      deleteObjects(cluster, manifests, objects, namespace),
    settle: (limit) => cluster.settle(limit),
    advance: (nanos) => cluster.advance(nanos),
    api: cluster.api,
    runUntil: (condition, limit) => cluster.runUntil(condition, limit),
    findPod: (reference): PodName | null => findPod(cluster, reference),
    connect: (pod, target): OpenResult => openConnection(cluster, pod, target),
    fault: (fault) => doFault(cluster, fault),
    entryOrigins: (endpointId, key) => cluster.nodes.flatMap((node) => entryOrigins(cluster, node, endpointId, key)),
    proxyRuleOrigins: (place) => cluster.nodes.flatMap((node) => proxyRuleOrigins(cluster, node, place)),
    enforced: (endpointId, direction): EnforcedPolicy | null => enforcedPolicy(cluster, endpointId, direction),
  };
}

/** Runs a program to its end, and lets what it left on the wire arrive. */
function execute(
  cluster: Cluster,
  pod: PodName,
  argv: readonly string[],
  { limit, stdin }: { readonly limit: number; readonly stdin: string },
): CommandResult {
  const execution = cluster.exec(pod.namespace, pod.name, argv, undefined, stdin);
  if (execution === null) {
    return { exitCode: 1, stdout: '', stderr: `Error from server (NotFound): pods "${pod.name}" not found\n` };
  }
  const end = cluster.clock.now() + limit;
  if (!cluster.runUntil(() => execution.done, limit)) {
    cluster.advance(Math.max(0, end - cluster.clock.now()));
    execution.kill();
  }
  cluster.advance(0);
  const { stdout, stderr } = execution.printed();
  return execution.result ?? { exitCode: EXIT_KILLED, stdout, stderr: `${stderr}the process did not end\n` };
}

function doFault(cluster: Cluster, fault: Fault): string | null {
  if ('pod' in fault) {
    const { namespace, name } = fault.pod;
    const node = cluster.nodeOf(namespace, name);
    const sandbox = node?.kubelet.sandbox(namespace, name);
    if (node === undefined || sandbox === undefined) {
      return `pod ${namespace}/${name} does not run`;
    }
    node.kubelet.setRunning(sandbox, fault.kind === 'start');
    return null;
  }
  if (fault.kind === 'fault') {
    const error = beginFault(cluster, fault.fault);
    cluster.advance(0);
    return error;
  }
  const node = fault.node === null ? cluster.nodes[0] : cluster.nodes.find((one) => one.name === fault.node);
  if (node === undefined) {
    return `there is no node "${fault.node ?? ''}"`;
  }
  if (fault.kind === 'agent') {
    if (fault.what !== 'start') {
      node.stopAgent();
    }
    if (fault.what !== 'stop') {
      node.startAgent();
    }
  } else if (fault.kind === 'proxy') {
    if (fault.what !== 'start') {
      node.stopProxy();
    }
    if (fault.what !== 'stop') {
      node.startProxy();
    }
  } else {
    node.agent.xdsServer.hold(fault.kind === 'hold');
  }
  cluster.advance(0);
  return null;
}
