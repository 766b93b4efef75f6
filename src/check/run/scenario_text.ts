/** A counterexample as a scenario file: pods, policies, the request, and what the property demands. */
import { stringify } from 'yaml';
import type { ClusterOptions } from '../../cluster/options.ts';
import type { K8sObject, LabelMap, ModelPod } from '../model/cluster.ts';
import { type Minimal, partyText } from './minimize.ts';
import type { Party } from './party.ts';
import type { Prepared } from './property.ts';
import type { Attempt } from './reach.ts';

const CLIENT_IP = '10.0.0.100';
const SERVER_IP = '10.0.0.200';
/** The node of a cluster that says nothing about nodes. */
const NODE = { name: 'node1', ip: '192.168.1.10' };
/** An image that answers every request. */
const SERVER_IMAGE = 'hashicorp/http-echo';
/** One that answers over UDP and SCTP too. */
const ALL_PROTOCOLS_IMAGE = 'registry.k8s.io/e2e-test-images/agnhost:2.43';
const CLIENT_IMAGE = 'curlimages/curl';
/** Curl and agnhost exit with it when nothing answers. */
const NO_ANSWER = { curl: 28, other: 1 };

/** What is written into the file besides the counterexample. */
export interface ScenarioTextOptions {
  readonly title: string;
  readonly description: string;
  /** Who is away while the request is sent, and back for a second one. */
  readonly restart?: 'proxy' | 'agent';
}

/** The text of the scenario. It fails as long as the property is broken. */
export function scenarioText(prepared: Prepared, minimal: Pick<Minimal, 'attempt' | 'policies'>, options: ScenarioTextOptions): string {
  const { attempt, policies } = minimal;
  const { from, to } = attempt;
  const before = [from, to].flatMap((party, i) => podOf(party, prepared, i === 1 ? attempt : null, true));
  const after = [from, to].flatMap((party, i) => (isRelabelled(party) ? podOf(party, prepared, i === 1 ? attempt : null, false) : []));
  const objects = [...namespaces(prepared, [from, to], policies), ...before, ...(to.kind === 'host' ? [hostServer(attempt)] : [])];
  const external = prepared.subject.external.map(clean);
  const applied = [objects, external, policies.map(clean)].filter((list) => list.length > 0);
  const scenario = {
    name: `Counterexample: ${prepared.section.name}`,
    description: options.description,
    cluster: clusterSection(prepared.subject.options, attempt),
    steps: [...applied.map((list) => ({ apply: manifestText(list) })), ...relabelling(after), ...requests(prepared, attempt, options)],
  };
  return stringify(scenario, { lineWidth: 0, blockQuote: 'literal' });
}

/** An endpoint keeps its old identity for a while (identity-change-grace-period). */
function relabelling(objects: readonly K8sObject[]): K8sObject[] {
  return objects.length === 0 ? [] : [{ apply: manifestText(objects) }, { advance: '10s' }];
}

function requests({ kind }: Prepared, attempt: Attempt, { title, restart }: ScenarioTextOptions): K8sObject[] {
  const step = requestStep(attempt, kind === 'always');
  if (restart === undefined) {
    return [{ name: title, ...step }];
  }
  // While the proxy is away nobody gets an answer from it: nothing that always has to get through can be tried.
  const during = kind === 'always' ? [] : [{ name: `the ${restart} is away`, ...step }];
  return [{ [restart]: 'stop' }, ...during, { [restart]: 'start' }, { advance: '30s' }, { name: `the ${restart} is back`, ...step }];
}

/** The step that tries it; `wanted`: it is expected to arrive. */
function requestStep(attempt: Attempt, wanted: boolean): K8sObject {
  const { from, to, port, protocol, request } = attempt;
  const client = from.kind === 'pod' ? partyText(from) : from.kind === 'host' ? `node/${NODE.name}` : 'world/outside';
  const host = to.kind === 'pod' ? SERVER_IP : to.kind === 'host' ? NODE.ip : (to.name ?? to.ip);
  if (protocol !== 'TCP') {
    const command =
      protocol === 'ICMP'
        ? ['ping', '-c', '1', '-W', '2', host]
        : ['/agnhost', 'connect', `${host}:${port}`, `--protocol=${protocol.toLowerCase()}`, '--timeout=2s'];
    return { exec: { pod: client, command }, expect: { exitCode: wanted ? 0 : NO_ANSWER.other } };
  }
  const headers = { ...request.headers, ...(request.host === '' ? {} : { host: request.host }) };
  return {
    request: {
      from: client,
      method: request.method,
      url: `${host}${port === 80 ? '' : `:${port}`}${request.path}`,
      ...(/\/(\.|%2e){1,2}(\/|$|\?)/i.test(request.path) ? { pathAsIs: true } : {}),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      connectTimeout: '5s',
    },
    expect: { outcome: wanted ? 'answered' : ['denied', 'dropped'] },
  };
}

/** What the scenario's own cluster says, and pins: every address is pinned, so that none that the node draws can be the server's. */
function clusterSection({ options, quirks, clusterName, world, dns, nodes }: ClusterOptions, { from, to, port }: Attempt): K8sObject {
  // Policies for nodes go by their labels.
  const labels = nodes[0]?.labels;
  const pod = (party: Party, ip: string): K8sObject => (party.kind === 'pod' ? { [partyText(party)]: { ip } } : {});
  const pins = {
    router: { ip: '10.0.0.1' },
    health: { ip: '10.0.0.2' },
    podNames: { 'kube-system/coredns': ['coredns-0'] },
    pods: { 'kube-system/coredns-0': { ip: '10.0.0.3' }, ...pod(from, CLIENT_IP), ...pod(to, SERVER_IP) },
  };
  const hosts = [
    ...(from.kind === 'address' ? [{ name: 'outside', ip: from.ip, podRoutes: true }] : []),
    ...(to.kind === 'address' ? outsideServer(to, port, world) : []),
  ];
  const records = to.kind === 'address' && to.name !== null ? dns.map(recordSection) : [];
  return {
    ...(clusterName === 'default' ? {} : { name: clusterName }),
    ...(labels === undefined ? {} : { nodes: [{ ...NODE, podCIDR: '10.0.0.0/24', labels }] }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(quirks === undefined || Object.keys(quirks).length === 0 ? {} : { quirks }),
    pins,
    ...(hosts.length === 0 ? {} : { world: hosts }),
    ...(records.length === 0 ? {} : { dns: records }),
  };
}

function outsideServer({ ip, name }: Party & { readonly kind: 'address' }, port: number, world: ClusterOptions['world']): K8sObject[] {
  const known = world.find(({ ips }) => ips.includes(ip));
  const names = name === null || known === undefined ? [] : [known.name, ...known.names];
  const own = names[0] ?? 'server';
  return [{ name: own, ...(names.length > 1 ? { names: names.slice(1) } : {}), ip, servers: [{ port }, { port, protocol: 'UDP' }] }];
}

function recordSection({ name, cname, ips, ttl }: ClusterOptions['dns'][number]): K8sObject {
  return { name, ...(cname === null ? { ips } : { cname }), ttl };
}

function manifestText(objects: readonly K8sObject[]): string {
  // Manifests are read as YAML 1.1, where `yes` is no text.
  return objects.map((object) => stringify(object, { lineWidth: 0, version: '1.1' })).join('---\n');
}

function namespaces({ subject }: Prepared, ends: readonly Party[], policies: readonly K8sObject[]): K8sObject[] {
  const names = [
    ...ends.flatMap((party) => (party.kind === 'pod' ? [party.pod.namespace] : [])),
    ...[...policies, ...subject.external].flatMap(
      ({ metadata }) => (metadata as { readonly namespace?: string } | undefined)?.namespace ?? [],
    ),
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

function isRelabelled(party: Party): boolean {
  return party.kind === 'pod' && party.was !== undefined;
}

/** A pod that is in the manifests keeps what matters of its specification: a server answers on the port that was tried. */
function podOf(party: Party, { subject }: Prepared, server: Attempt | null, before: boolean): K8sObject[] {
  if (party.kind !== 'pod') {
    return [];
  }
  const { pod, was } = party;
  const spec = specOf(pod, subject.specs);
  const account = spec?.serviceAccountName;
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod.name, namespace: pod.namespace, ...labelled(before ? (was ?? pod.labels) : pod.labels) },
      spec: { ...(account === undefined ? {} : { serviceAccountName: account }), containers: [container(pod, server)] },
    },
  ];
}

function specOf<T>({ name, namespace }: ModelPod, specs: ReadonlyMap<ModelPod, T>): T | undefined {
  return [...specs].find(([one]) => one.name === name && one.namespace === namespace)?.[1];
}

function container(pod: ModelPod, server: Attempt | null): K8sObject {
  const named = pod.ports.map(({ name, port: containerPort, protocol }) => ({ name, containerPort, protocol }));
  if (server === null) {
    return { name: 'main', image: CLIENT_IMAGE, ...(named.length === 0 ? {} : { ports: named }) };
  }
  const { port, protocol } = server;
  if (protocol !== 'TCP') {
    const args = ['netexec', `--udp-port=${protocol === 'UDP' ? port : 8081}`, ...(protocol === 'SCTP' ? [`--sctp-port=${port}`] : [])];
    return { name: 'main', image: ALL_PROTOCOLS_IMAGE, args, ...(named.length === 0 ? {} : { ports: named }) };
  }
  const own = named.find((one) => one.containerPort === port) ?? { containerPort: port };
  return { name: 'main', image: SERVER_IMAGE, ports: [own, ...named.filter((one) => one.containerPort !== port)] };
}

/** A server on the node's own network. */
function hostServer(server: Attempt): K8sObject {
  const pod: ModelPod = { name: 'host-server', namespace: 'default', labels: {}, ports: [] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: pod.namespace },
    spec: { hostNetwork: true, containers: [container(pod, server)] },
  };
}

/** Without what a manifest does not say. */
function clean(object: K8sObject): K8sObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'status'));
}
