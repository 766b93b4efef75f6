/**
 * `kubectl expose`: a service for the pods of a deployment, replica set, pod or service.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/expose/expose.go
 */
import type { KubeObject } from '../../k8s/objects.ts';
import type { ObjectView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, refused, type ToolContext } from '../tool.ts';
import { get, items, number, text } from './columns/cell.ts';
import { CREATE_FLAGS, createGenerated } from './generated_object.ts';
import { selectorOf } from './pods_of.ts';
import { completeTargets, findTargets, isRefused, parseTargets, type Targets } from './targets.ts';
import { type KubectlVerb, namespaceOf } from './verb.ts';

/** The verb. */
export const exposeVerb: KubectlVerb = {
  name: 'expose',
  summary: 'make a service for pods',
  flags: [
    ...CREATE_FLAGS,
    { name: 'port', value: true },
    { name: 'target-port', value: true },
    { name: 'protocol', value: true },
    { name: 'name', value: true },
    { name: 'type', value: true, choices: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
    { name: 'selector', value: true },
    { name: 'labels', short: 'l', value: true },
    { name: 'cluster-ip', value: true },
  ],
  parse: parseExpose,
  complete: completeTargets,
};

function parseExpose(flags: Flags): Parsed {
  if (flags.positional.length === 0) {
    return refused('error: You must provide one or more resources by argument or filename.');
  }
  const none = { ...flags, value: (name: string) => (name === 'selector' ? null : flags.value(name)) };
  const targets = parseTargets(flags.positional, none);
  if (isRefused(targets)) {
    return targets;
  }
  const first = targets.targets[0];
  if (first === undefined || first.name === null) {
    return refused('error: resource(s) were provided, but no name was specified');
  }
  return createGenerated(flags, (context) => service(context, targets, flags), 'exposed');
}

function service({ cluster }: ToolContext, targets: Targets, flags: Flags): KubeObject | string {
  const found = findTargets(cluster, targets);
  const one = found.objects[0];
  if (one === undefined) {
    return found.errors[0] ?? 'error: no objects passed to expose';
  }
  const { object, type } = one;
  const given = flags.value('selector');
  const selector = given === null ? selectorOfExposed(object) : Object.fromEntries(given.split(',').map((pair) => pair.split('=', 2)));
  if (selector === null) {
    return `error: cannot expose a ${type.kind}.${type.group}`.replace(/\.$/, '');
  }
  if (Object.keys(selector).length === 0) {
    return `error: couldn't retrieve selectors via --selector flag or introspection: the ${type.singular} has no labels and cannot be exposed`;
  }
  const ports = flags.value('port') === null ? portsOf(object) : flags.list('port').map(Number);
  if (ports.length === 0) {
    return `error: couldn't find port via --port flag or introspection`;
  }
  const target = flags.value('target-port');
  const protocol = (flags.value('protocol') ?? 'TCP').toUpperCase();
  const labels =
    flags.value('labels') === null
      ? (object.metadata.labels ?? {})
      : Object.fromEntries((flags.value('labels') ?? '').split(',').map((pair) => pair.split('=', 2)));
  const clusterIP = flags.value('cluster-ip');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: flags.value('name') ?? object.metadata.name, namespace: namespaceOf(flags), labels },
    spec: {
      ...(flags.value('type') === null ? {} : { type: flags.value('type') }),
      ...(clusterIP === null ? {} : { clusterIP }),
      selector,
      ports: ports.map((port, i) => ({
        ...(ports.length > 1 ? { name: `port-${i + 1}` } : {}),
        port,
        protocol,
        targetPort: target === null ? port : /^\d+$/.test(target) ? Number(target) : target,
      })),
    },
  };
}

/** @see kubernetes:staging/src/k8s.io/kubectl/pkg/polymorphichelpers/mapbasedselectorforobject.go */
function selectorOfExposed(object: ObjectView): Readonly<Record<string, string>> | null {
  return object.kind === 'Pod' ? (object.metadata.labels ?? {}) : (selectorOf(object)?.matchLabels ?? null);
}

function portsOf(object: ObjectView): number[] {
  const pod = object.kind === 'Pod' ? get(object, 'spec') : get(object, 'spec', 'template', 'spec');
  const containers = items(get(pod, 'containers')).flatMap((one) =>
    items(get(one, 'ports')).map((port) => number(get(port, 'containerPort'))),
  );
  const ports = object.kind === 'Service' ? items(get(object, 'spec', 'ports')).map((port) => number(get(port, 'port'))) : containers;
  return ports.filter((port) => text(port, '0') !== '0');
}
