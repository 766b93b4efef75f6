/** A counterexample as a scenario file: pods, policies, the request, and what the property demands. */
import { stringify } from 'yaml';
import type { K8sObject, LabelMap } from '../model/cluster.ts';
import { type Minimal, partyText } from './minimize.ts';
import type { Party } from './party.ts';
import type { Prepared } from './property.ts';

const CLIENT_IP = '10.0.0.100';
const SERVER_IP = '10.0.0.200';
/** An image that answers every request. */
const SERVER_IMAGE = 'hashicorp/http-echo';
const CLIENT_IMAGE = 'curlimages/curl';

/** What is written into the file besides the counterexample. */
export interface ScenarioTextOptions {
  readonly title: string;
  readonly description: string;
}

/** The text of the scenario. It fails as long as the property is broken. */
export function scenarioText(prepared: Prepared, minimal: Minimal, options: ScenarioTextOptions): string {
  const { attempt, policies } = minimal;
  const { from, to, port, request } = attempt;
  const objects = [
    ...namespaces(prepared, [from, to], policies),
    ...[from, to].flatMap((party, i) => (party.kind === 'pod' ? [podObject(party, prepared, i === 1 ? port : null)] : [])),
  ];
  const host = to.kind === 'pod' ? SERVER_IP : to.ip;
  const headers = { ...request.headers, ...(request.host === '' ? {} : { host: request.host }) };
  const step = {
    name: options.title,
    request: {
      from: from.kind === 'pod' ? `${from.pod.namespace}/${from.pod.name}` : 'world/outside',
      method: request.method,
      url: `${host}${port === 80 ? '' : `:${port}`}${request.path}`,
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      connectTimeout: '5s',
    },
    expect: { outcome: prepared.kind === 'always' ? 'answered' : ['denied', 'dropped'] },
  };
  const pins = pinsOf(from, to);
  const world = worldHosts(from, to, port);
  const cluster = { pins, ...(world.length === 0 ? {} : { world }) };
  const scenario = {
    name: `Counterexample: ${prepared.section.name}`,
    description: options.description,
    cluster,
    steps: [{ apply: manifestText(objects) }, ...(policies.length === 0 ? [] : [{ apply: manifestText(policies.map(clean)) }]), step],
  };
  return stringify(scenario, { lineWidth: 0, blockQuote: 'literal' });
}

/** Every address is pinned, so that none that the node draws can be the server's. */
function pinsOf(from: Party, to: Party): K8sObject {
  const pod = (party: Party, ip: string): K8sObject => (party.kind === 'pod' ? { [partyText(party)]: { ip } } : {});
  return {
    router: { ip: '10.0.0.1' },
    health: { ip: '10.0.0.2' },
    podNames: { 'kube-system/coredns': ['coredns-0'] },
    pods: { 'kube-system/coredns-0': { ip: '10.0.0.3' }, ...pod(from, CLIENT_IP), ...pod(to, SERVER_IP) },
  };
}

function manifestText(objects: readonly K8sObject[]): string {
  // Manifests are read as YAML 1.1, where `yes` is no text.
  return objects.map((object) => stringify(object, { lineWidth: 0, version: '1.1' })).join('---\n');
}

function worldHosts(from: Party, to: Party, port: number): K8sObject[] {
  return [
    ...(from.kind === 'address' ? [{ name: 'outside', ip: from.ip, podRoutes: true }] : []),
    ...(to.kind === 'address' ? [{ name: 'server', ip: to.ip, servers: [{ port }] }] : []),
  ];
}

function namespaces({ subject }: Prepared, ends: readonly Party[], policies: readonly K8sObject[]): K8sObject[] {
  const names = [
    ...ends.flatMap((party) => (party.kind === 'pod' ? [party.pod.namespace] : [])),
    ...policies.flatMap(({ metadata }) => (metadata as { readonly namespace?: string } | undefined)?.namespace ?? []),
  ];
  return [...new Set(names)].flatMap((name) => {
    const labels = subject.cluster.namespaces.find((one) => one.name === name)?.labels ?? {};
    const known = name === 'default' || name === 'kube-system';
    return known && Object.keys(labels).length === 0
      ? []
      : [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...labelled(labels) } }];
  });
}

function labelled(labels: LabelMap): { readonly labels?: LabelMap } {
  return Object.keys(labels).length === 0 ? {} : { labels };
}

/** A pod that is in the manifests keeps what runs in it where that matters: a server answers on the port that was tried. */
function podObject({ pod }: Party & { readonly kind: 'pod' }, { subject }: Prepared, port: number | null): K8sObject {
  const spec = subject.specs.get(pod);
  const named = pod.ports.map(({ name, port: containerPort, protocol }) => ({ name, containerPort, protocol }));
  const ports = port === null ? named : [{ containerPort: port }, ...named.filter((one) => one.containerPort !== port)];
  const kept = port !== null && named.some((one) => one.containerPort === port) ? named : ports;
  const sorted = [...kept].sort((a, b) => (a.containerPort === port ? -1 : b.containerPort === port ? 1 : 0));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: pod.namespace, ...labelled(pod.labels) },
    spec: {
      ...(spec?.serviceAccountName === undefined ? {} : { serviceAccountName: spec.serviceAccountName }),
      containers: [{ name: 'main', image: port === null ? CLIENT_IMAGE : SERVER_IMAGE, ...(sorted.length === 0 ? {} : { ports: sorted }) }],
    },
  };
}

/** Without what a manifest does not say. */
function clean(object: K8sObject): K8sObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'status'));
}
