/**
 * `kubectl create`: from files, and the generators of namespaces, deployments, services and service accounts.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/create/create.go
 */
import type { KubeObject } from '../../k8s/objects.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, type Refused, ready, refused, unknownWord } from '../tool.ts';
import { CREATE_FLAGS, createGenerated } from './generated_object.ts';
import { FILE_FLAGS, readManifests } from './manifest_files.ts';
import { Report } from './report.ts';
import { createObject, statusText } from './requests.ts';
import { qualifiedSingular } from './resource_types.ts';
import { isRefused } from './targets.ts';
import { type KubectlVerb, namespaceOf } from './verb.ts';

const GENERATORS = ['deployment', 'namespace', 'service', 'serviceaccount'];

/** The verb. */
export const createVerb: KubectlVerb = {
  name: 'create',
  summary: 'create objects of files, or a namespace, deployment, service, serviceaccount',
  flags: [
    ...FILE_FLAGS,
    ...CREATE_FLAGS,
    { name: 'image', value: true },
    { name: 'replicas', short: 'r', value: true },
    { name: 'port', value: true },
    { name: 'tcp', value: true },
    { name: 'clusterip', value: true },
  ],
  parse: parseCreate,
  complete: (before) => (before.length === 0 ? GENERATORS : []),
};

function parseCreate(flags: Flags): Parsed {
  if (flags.count('filename') > 0) {
    return flags.positional.length > 0 ? refused(`error: Unexpected args: [${flags.positional.join(' ')}]`) : createFromFiles(flags);
  }
  const [what, ...words] = flags.positional;
  if (what === undefined) {
    return refused('error: must specify one of -f and -k');
  }
  const made = generate(what, words, flags);
  return isRefused(made) ? made : createGenerated(flags, () => made);
}

function createFromFiles(flags: Flags): Parsed {
  return ready((context) => {
    const report = new Report();
    const read = readManifests(context, flags, 'creating');
    const suffix =
      ({ client: ' (dry run)', server: ' (server dry run)' } as Readonly<Record<string, string>>)[flags.value('dry-run') ?? ''] ?? '';
    for (const one of read.objects) {
      const { status: _status, ...object } = one.object;
      const answer =
        suffix === '' ? createObject(context.cluster, { ...one, object: object as unknown as KubeObject }) : { ok: true as const };
      if (answer.ok) {
        report.print(`${qualifiedSingular(one.type)}/${one.object.metadata.name} created${suffix}`);
      } else {
        report.fail(statusText(answer.status, `error when creating "${one.source}"`));
      }
    }
    for (const error of read.errors) {
      report.fail(error);
    }
    if (read.objects.length + read.errors.length === 0) {
      report.fail('error: no objects passed to create');
    }
    context.cluster.advance(0);
    return report.result();
  });
}

function generate(what: string, words: readonly string[], flags: Flags): KubeObject | Refused {
  const service = what === 'service' || what === 'svc';
  const kind = service ? words[0] : what;
  const [name, ...more] = service ? words.slice(1) : words;
  if (!GENERATORS.includes(what) && !['deploy', 'ns', 'svc', 'sa'].includes(what)) {
    return unknownWord(`error: unknown command "create ${what}"`, what, GENERATORS) as Refused;
  }
  if (name === undefined || (more.length > 0 && flags.dash === null)) {
    return refused(
      `error: exactly one NAME is required, got ${name === undefined ? 0 : more.length + 1}`,
      1,
      `See 'kubectl create ${what} -h' for help and examples`,
    );
  }
  const namespace = namespaceOf(flags);
  switch (what) {
    case 'namespace':
    case 'ns':
      return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    case 'serviceaccount':
    case 'sa':
      return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
    case 'service':
    case 'svc':
      return serviceObject(kind ?? '', name, namespace, flags);
    default:
      return deploymentObject(name, namespace, more, flags);
  }
}

/** @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/create/create_service.go */
function serviceObject(kind: string, name: string, namespace: string, flags: Flags): KubeObject | Refused {
  const types: Readonly<Record<string, string>> = { clusterip: 'ClusterIP', nodeport: 'NodePort', loadbalancer: 'LoadBalancer' };
  const type = types[kind];
  if (type === undefined) {
    return unknownWord(`error: unknown command "create service ${kind}"`, kind, Object.keys(types)) as Refused;
  }
  const ports = [];
  for (const text of flags.list('tcp')) {
    const match = /^(\d+)(?::(\w[\w-]*))?$/.exec(text);
    if (match === null) {
      return refused(`error: invalid port format '${text}', should be 'port' or 'port:port'`);
    }
    const port = Number(match[1]);
    const target = match[2] ?? match[1] ?? '';
    ports.push({ name: text.replace(':', '-'), port, protocol: 'TCP', targetPort: /^\d+$/.test(target) ? Number(target) : target });
  }
  if (ports.length === 0 && flags.value('clusterip') !== 'None') {
    return refused('error: at least one tcp port specifier must be provided');
  }
  const clusterIP = flags.value('clusterip');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: { app: name } },
    spec: { type, ports, selector: { app: name }, ...(clusterIP === null ? {} : { clusterIP }) },
  };
}

/** @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/create/create_deployment.go */
function deploymentObject(name: string, namespace: string, command: readonly string[], flags: Flags): KubeObject | Refused {
  const images = flags.count('image') === 0 ? [] : flags.list('image');
  if (images.length === 0) {
    return refused('error: required flag(s) "image" not set');
  }
  const port = flags.value('port');
  const containers = images.map((image) => ({
    name: (image.split('/').at(-1) ?? image).replace(/[@:].*$/, '').replace(/[^a-z0-9-]/g, '-'),
    image,
    ...(command.length === 0 ? {} : { command: [...command] }),
    ...(port === null ? {} : { ports: [{ containerPort: Number(port) }] }),
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      replicas: Number(flags.value('replicas') ?? '1'),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  };
}
