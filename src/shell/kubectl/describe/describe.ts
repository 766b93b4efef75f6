/**
 * `kubectl describe`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/describe/describe.go
 */
import type { ClusterView, ObjectView } from '../../cluster_view.ts';
import type { Flags } from '../../flags.ts';
import { type Parsed, ready, refused } from '../../tool.ts';
import { completeTargets, findTargets, isRefused, parseTargets, TARGET_FLAGS, type Targets } from '../targets.ts';
import type { KubectlVerb } from '../verb.ts';
import { describeGeneric } from './generic.ts';
import { describeEndpoints, describeNamespace, describeNetworkPolicy, describeNode, describeService } from './network.ts';
import { describePod } from './pod.ts';
import { describeDeployment, describeReplicaSet } from './workloads.ts';

/** Pages by kind; other kinds have the page that lists all members. */
const PAGES: Readonly<Record<string, (object: ObjectView, cluster: ClusterView) => string>> = {
  Pod: describePod,
  Service: describeService,
  Endpoints: describeEndpoints,
  Deployment: describeDeployment,
  ReplicaSet: describeReplicaSet,
  DaemonSet: describeReplicaSet,
  Namespace: describeNamespace,
  Node: describeNode,
  NetworkPolicy: describeNetworkPolicy,
};

/** The verb. */
export const describeVerb: KubectlVerb = {
  name: 'describe',
  summary: 'all about objects',
  flags: [...TARGET_FLAGS, { name: 'show-events', value: true, bare: 'true' }],
  parse: parseDescribe,
  complete: completeTargets,
};

function parseDescribe(flags: Flags): Parsed {
  if (flags.positional.length === 0) {
    return refused(
      'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.\nerror: Required resource not specified.',
    );
  }
  const targets = parseTargets(flags.positional, flags);
  if (isRefused(targets)) {
    return targets;
  }
  return ready(({ cluster }) => {
    const found = findTargets(cluster, targets);
    const byPrefix = found.objects.length === 0 ? findByPrefix(cluster, targets) : [];
    const objects = byPrefix.length > 0 ? byPrefix : found.objects.map(({ object }) => object);
    const errors = byPrefix.length > 0 ? [] : found.errors;
    if (objects.length === 0 && errors.length === 0) {
      const where = targets.namespace === null ? 'No resources found' : `No resources found in ${targets.namespace} namespace.`;
      return { exitCode: 0, stdout: '', stderr: `${where}\n` };
    }
    return {
      exitCode: errors.length > 0 ? 1 : 0,
      stdout: objects.map((object) => PAGES[object.kind]?.(object, cluster) ?? describeGeneric(object)).join('\n\n'),
      stderr: errors.map((error) => `${error}\n`).join(''),
    };
  });
}

/** `describe pod deathstar`: all objects whose names begin so. @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/describe/describe.go#DescribeOptions.DescribeMatchingResources */
function findByPrefix(cluster: ClusterView, { targets, namespace }: Targets): readonly ObjectView[] {
  const [only] = targets;
  if (targets.length !== 1 || only === undefined || only.name === null) {
    return [];
  }
  const prefix = only.name;
  return cluster.list(only.type.kind, only.type.namespaced ? namespace : null).filter(({ metadata }) => metadata.name.startsWith(prefix));
}
