/**
 * Cilium's connectivity tests: the clients and echo servers of its topology on its nodes, probes as curl and ping processes.
 *
 * Nodes route to each other's pods without a tunnel; the suite's expectations do not depend on how packets cross. Where a probe goes to a host
 * port or a node port, Cilium stands in kube-proxy's place, as it does where the suite's authors run these; for the host firewall pods keep
 * their addresses on the way to other nodes, which needs masquerading by BPF.
 */
import type { Execution } from '../../src/cluster/cluster.ts';
import type { Ingress, KubeObject, Pod } from '../../src/k8s/objects.ts';
import type { Flow } from '../../src/monitor/hubble/flow.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { SuiteCluster, type SuiteClusterSpec, type SuitePod, type SuiteService } from './suite_cluster.ts';
import { dropReasonName, FlowRecorder, type ProbeFlow, probeFlows } from './suite_flows.ts';
import { type SuiteSecret, secretObject, trustedAuthorities } from './suite_secrets.ts';

/** The first line of the file. */
export interface Topology {
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly nodes: readonly { readonly name: string; readonly ip: string; readonly podCIDR: string; readonly kubeApiserver?: boolean }[];
  readonly outside: { readonly name: string; readonly ip: string };
  readonly pods: readonly SuitePod[];
  readonly services: readonly SuiteService[];
  readonly dns: Readonly<Record<string, readonly string[]>>;
}

/** A scenario. */
export interface ConnectivityLine {
  readonly name: string;
  readonly minCilium: string;
  readonly requires?: readonly string[];
  readonly policies: readonly KubeObject[];
  readonly secrets?: readonly SuiteSecret[];
  readonly extraPods?: readonly SuitePod[];
  readonly placement?: Readonly<Record<string, string>>;
  readonly probes: readonly ConnectivityProbe[];
}

type End = Readonly<Record<string, string>>;

interface ConnectivityProbe {
  readonly id: string;
  readonly from: End;
  readonly to: End;
  readonly kind: 'http' | 'icmp-echo';
  readonly toIP?: string;
  readonly request?: { readonly method?: string; readonly url: string; readonly headers?: Readonly<Record<string, string>> };
  readonly expect?: { readonly outcome?: string; readonly exitCode?: number | 'any'; readonly dropReason?: string };
  readonly flows?: readonly FlowRequirement[];
}

/** Flow requirements of check/action.go in words. */
export interface FlowRequirement {
  readonly at: 'source' | 'destination';
  readonly first: string;
  readonly middle?: readonly string[];
  readonly last: string;
  readonly never?: readonly string[];
}

/** What a probe gave. */
export interface ProbeResult {
  readonly id: string;
  readonly outcome: string;
  readonly exitCode: number;
  readonly dropReason?: string;
  readonly egress?: object;
  readonly ingress?: object;
  readonly flows: readonly ProbeFlow[];
}

/** Why a line is not computed for 1.13.3, or `null`. */
export function skipReason(line: ConnectivityLine): string | null {
  const [, major = '0', minor = '0', patch = '0'] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(line.minCilium) ?? [];
  const wanted = [Number(major), Number(minor), Number(patch)] as const;
  const newer = wanted[0] > 1 || wanted[1] > 13 || (wanted[1] === 13 && wanted[2] > 3);
  return newer ? `needs Cilium ${line.minCilium}` : null;
}

/** What a line needs and the simulator does not have, or `null`. */
function missing(line: ConnectivityLine): string | null {
  return (line.requires ?? []).includes('mutual-auth') ? 'mutual authentication is not modelled' : null;
}

/** Runs a scenario on a fresh cluster. */
export function runConnectivity(topology: Topology, line: ConnectivityLine): ProbeResult[] {
  const why = missing(line);
  if (why !== null) {
    throw new Error(why);
  }
  const suite = new SuiteCluster(specOf(topology, line));
  const placed = topology.pods
    .filter(({ namespace, name }) => namespace !== 'kube-system' || !name.startsWith('coredns'))
    .map((pod) => ({
      ...pod,
      ...(line.placement?.[pod.name] === undefined ? {} : movedTo(topology, pod, line.placement[pod.name] as string)),
    }));
  const pods = [...placed, ...(line.extraPods ?? [])];
  const namespaces = Object.fromEntries(
    [...new Set(pods.map(({ namespace }) => namespace))].map((name) => [
      name,
      topology.namespaces[name] ?? { 'kubernetes.io/metadata.name': name },
    ]),
  );
  for (const secret of line.secrets ?? []) {
    suite.cluster.api.create(secretObject(secret, line.policies));
  }
  const services = topology.services.filter(({ namespace }) => namespace !== 'kube-system');
  suite.reconcile({ namespaces, pods, services, policies: [...line.policies, ...ingressesOf(line)] });
  const [rejection] = suite.rejections;
  if (rejection !== undefined) {
    throw new Error(`policy refused: ${rejection}`);
  }
  return line.probes.map((probe) => runProbe(suite, topology, pods, probe));
}

/** The Ingress of the suite's deployment, for its own probes. @see https://github.com/cilium/cilium-cli/blob/v0.14.7/connectivity/check/deployment.go#newIngress */
function ingressesOf(line: ConnectivityLine): KubeObject[] {
  const ends = new Map(line.probes.flatMap(({ to }) => (to['ingress'] === undefined ? [] : [[to['ingress'], to['backend'] ?? '']])));
  return [...ends].map(([name, backend]): Ingress => {
    const [service = '', port] = backend.split(':');
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name,
        namespace: 'cilium-test',
        annotations: { 'ingress.cilium.io/loadbalancer-mode': 'dedicated', 'ingress.cilium.io/service-type': 'NodePort' },
      },
      spec: {
        ingressClassName: 'cilium',
        rules: [
          { http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { number: Number(port) } } } }] } },
        ],
      },
    };
  });
}

/** A pod on another node needs an address of that node. */
function movedTo(topology: Topology, pod: SuitePod, node: string): Pick<SuitePod, 'node' | 'ip'> {
  const cidr = topology.nodes.find(({ name }) => name === node)?.podCIDR;
  if (cidr === undefined) {
    throw new Error(`placement names node ${node}, which the topology does not have`);
  }
  const host = pod.ip.split('.').at(-1) as string;
  return { node, ip: `${cidr.split('.').slice(0, 3).join('.')}.${host}` };
}

/** Whose work services of nodes are, and what the line's policies need. */
function optionsOf(line: ConnectivityLine): NonNullable<SuiteClusterSpec['options']> {
  const hostFirewall = (line.requires ?? []).includes('host-firewall') || JSON.stringify(line.policies).includes('"nodeSelector"');
  const ingress = (line.requires ?? []).includes('ingress-controller');
  const replaced = hostFirewall || ingress || line.probes.some(({ to }) => to['hostPort'] !== undefined || to['nodePort'] !== undefined);
  return {
    // An outside host is seen only where its packets enter, and such events are left out unless everything is told, as the suite's authors run it.
    ...(line.probes.some(({ from, to }) => from['outside'] !== undefined && to['nodePort'] !== undefined)
      ? { 'monitor-aggregation': 'none' }
      : {}),
    ...(replaced ? { 'kube-proxy-replacement': 'strict' } : {}),
    ...(ingress ? { 'enable-ingress-controller': true } : {}),
    ...(hostFirewall ? { 'enable-host-firewall': true, 'enable-bpf-masquerade': true } : {}),
  };
}

function specOf(topology: Topology, line: ConnectivityLine): SuiteClusterSpec {
  // The API server runs on the first node of a cluster.
  const nodes = [...topology.nodes].sort((a, b) => Number(b.kubeApiserver ?? false) - Number(a.kubeApiserver ?? false));
  const dns = topology.pods.find(({ namespace, name }) => namespace === 'kube-system' && name.startsWith('coredns'));
  const kubeDns = topology.services.find(({ namespace, name }) => namespace === 'kube-system' && name === 'kube-dns');
  const servers = [
    { port: 80, protocol: 'TCP', text: null },
    { port: 443, protocol: 'TCP', text: null, tls: true },
  ] as const;
  return {
    nodes: nodes.map(({ name, ip, podCIDR }) => ({ name, ip, podCIDR })),
    ...(kubeDns?.clusterIP === undefined ? {} : { serviceCIDR: `${kubeDns.clusterIP.split('.').slice(0, 2).join('.')}.0.0/16` }),
    options: {
      tunnel: 'disabled',
      'auto-direct-node-routes': true,
      'ipv4-native-routing-cidr': '10.244.0.0/16',
      ...optionsOf(line),
    },
    trustedAuthorities: trustedAuthorities(line.secrets ?? []),
    ...(dns === undefined ? {} : { coredns: { ip: dns.ip, node: dns.node as string } }),
    world: [
      { name: topology.outside.name, names: [], ips: [topology.outside.ip], servers: [], podRoutes: true },
      ...Object.entries(topology.dns).map(([name, ips]) => ({ name, names: [], ips, servers, podRoutes: false })),
    ],
    containersOf,
  };
}

function containersOf(pod: SuitePod): Pod['spec']['containers'] {
  const image = pod.labels?.['kind'] === 'echo' ? 'quay.io/cilium/json-mock:v1.3.5' : 'quay.io/cilium/alpine-curl:v1.6.0';
  const names = [...new Set((pod.containers ?? []).map(({ name }) => name))];
  if (names.length === 0) {
    return [{ name: pod.name, image }];
  }
  return names.map((container) => ({
    name: container,
    // The DNS test server serves names nobody asks for.
    image: container === 'dns-test-server' ? 'registry.k8s.io/pause:3.9' : image,
    ports: (pod.containers ?? [])
      .filter(({ name }) => name === container)
      .map(({ port, protocol = 'TCP', portName, hostPort }) => ({
        containerPort: port,
        protocol,
        ...(portName === undefined ? {} : { name: portName }),
        ...(hostPort === undefined ? {} : { hostPort }),
      })),
  }));
}

function runProbe(suite: SuiteCluster, topology: Topology, pods: readonly SuitePod[], probe: ConnectivityProbe): ProbeResult {
  const { cluster } = suite;
  const from = placeOf(probe.from, topology, pods);
  const recorder = new FlowRecorder(cluster);
  const execution = cluster.exec(from.namespace, from.name, argvOf(probe));
  if (execution === null) {
    throw new Error(`nothing runs at ${JSON.stringify(probe.from)}`);
  }
  cluster.runUntil(() => execution.done, 30 * SECOND);
  cluster.advance(SECOND);
  const flows = recorder.take();
  const destination = destinationOf(probe, topology, pods);
  return { id: probe.id, ...conclude(probe, execution, flows, from.ip), flows: probeFlows(flows, from.ip, destination) };
}

interface Place {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
}

function placeOf(end: End, topology: Topology, pods: readonly SuitePod[]): Place {
  if (end['outside'] !== undefined) {
    return { namespace: 'world', name: topology.outside.name, ip: topology.outside.ip };
  }
  if (end['host'] !== undefined) {
    const node = topology.nodes.find(({ name }) => name === end['host']);
    return { namespace: 'node', name: end['host'], ip: node?.ip ?? '' };
  }
  const [namespace = '', name = ''] = (end['pod'] ?? '').split('/');
  return { namespace, name, ip: pods.find((pod) => pod.namespace === namespace && pod.name === name)?.ip ?? '' };
}

/** The address whose flows are the destination's: the pod behind a service, a node or an outside address by itself. */
function destinationOf(probe: ConnectivityProbe, topology: Topology, pods: readonly SuitePod[]): string {
  const { to } = probe;
  const pod = to['backend']?.split(':')[0] ?? to['pod'] ?? to['service'] ?? to['hostPort'] ?? to['nodePort'];
  if (pod !== undefined) {
    const name = pod.split('/').at(-1) as string;
    return pods.find((one) => one.name === name && (to['pod'] === undefined || `${one.namespace}/${one.name}` === to['pod']))?.ip ?? '';
  }
  if (to['host'] !== undefined) {
    return topology.nodes.find(({ name }) => name === to['host'])?.ip ?? '';
  }
  const external = to['external'] ?? '';
  return parseIpv4(external) === null ? (topology.dns[external]?.[0] ?? '') : external;
}

/** @see https://github.com/cilium/cilium-cli/blob/v0.14.7/connectivity/check/context.go */
function argvOf(probe: ConnectivityProbe): string[] {
  if (probe.kind === 'icmp-echo') {
    return ['ping', '-c', '1', '-W', '2', '-w', '10', probe.toIP ?? ''];
  }
  const { method, headers } = probe.request ?? {};
  const given = probe.request?.url ?? '';
  // The source asks the API server for its health. See connectivity/check/peer.go#Service.Path of cilium-cli.
  const url = probe.to['what'] === 'kube-apiserver' && /:\d+\/?$/.test(given) ? `${given.replace(/\/$/, '')}/healthz` : given;
  return [
    ...['curl', '-w', '%{response_code}', '--silent', '--fail', '--show-error', '--output', '/dev/null'],
    ...['--connect-timeout', '2', '--max-time', '10'],
    // Pods do not know the cluster's authority.
    ...(probe.to['what'] === 'kube-apiserver' ? ['--insecure'] : []),
    ...(method === undefined ? [] : ['-X', method]),
    ...Object.entries(headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    url,
  ];
}

type Conclusion = Pick<ProbeResult, 'outcome' | 'exitCode' | 'dropReason' | 'egress' | 'ingress'>;

/** What the process and the flows say together. */
function conclude(probe: ConnectivityProbe, execution: Execution, flows: readonly Flow[], fromIp: string): Conclusion {
  const exitCode = execution.result?.exitCode ?? 137;
  const status = /(\d{3})$/.exec(execution.result?.stdout ?? '')?.[1] ?? '';
  const drop = flows.find(({ event }) => event.kind === 'drop');
  const reason = drop?.event.kind === 'drop' ? dropReasonName(drop.event.code) : undefined;
  const atEgress = drop?.direction === 'EGRESS' && drop.source.ip === fromIp;
  // Behind an Ingress a denial is the proxy's answer, whatever it is, or none.
  const ingress = probe.to['ingress'] !== undefined && exitCode !== 0;
  const outcome = ingress
    ? 'denied'
    : exitCode === 0
      ? 'allowed'
      : exitCode === 22
        ? `http-${status}`
        : exitCode === 35
          ? 'tls-error'
          : 'dropped';
  const exit = exitCode === 0 ? {} : { exit: exitCode };
  const denied = { drop: true, dropAt: atEgress ? 'egress' : 'ingress', reason, ...exit };
  if (reason !== undefined && (outcome === 'dropped' || outcome === 'denied')) {
    return {
      outcome,
      exitCode,
      dropReason: reason,
      egress: atEgress ? denied : { drop: true, ...exit },
      ingress: atEgress ? { none: true } : denied,
    };
  }
  const l7 = flows.filter(({ event }) => event.kind === 'l7');
  const seen = (direction: 'INGRESS' | 'EGRESS'): object =>
    sideOf(l7.filter((flow) => flow.direction === direction && flow.isReply === false));
  return probe.kind === 'http'
    ? { outcome, exitCode, egress: { ...seen('EGRESS'), ...exit }, ingress: seen('INGRESS') }
    : { outcome, exitCode };
}

/** What a proxy at one side saw. */
function sideOf(requests: readonly Flow[]): object {
  const http = requests.find(({ event }) => event.kind === 'l7' && event.record.http !== undefined);
  const dns = requests.some(({ event }) => event.kind === 'l7' && event.record.dns !== undefined);
  const record = http?.event.kind === 'l7' ? http.event.record.http : undefined;
  return {
    ...(dns ? { dnsProxy: true } : {}),
    ...(record === undefined ? {} : { http: { method: record.method, url: record.url } }),
    ...(http?.verdict === 'DROPPED' ? { l7: true, drop: true } : {}),
  };
}
