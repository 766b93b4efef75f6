/**
 * What stands around a guide's pods: nodes, hosts outside, servers on the ports that somebody tries.
 */
import type { NodeOptions, WorldHost, WorldServer } from '../../src/cluster/options.ts';
import type { KubeObject, Pod } from '../../src/k8s/objects.ts';
import type { SuitePod } from './suite_cluster.ts';
import type { GuideEnd, GuideLine, GuideStep } from './suite_guide.ts';

const AGNHOST = 'registry.k8s.io/e2e-test-images/agnhost:2.43';
const WEB: readonly WorldServer[] = [
  { port: 80, protocol: 'TCP', text: null },
  { port: 443, protocol: 'TCP', text: null, tls: true },
];

/** Ends of a guide's connections. */
export class GuideWorld {
  readonly hosts: readonly WorldHost[];
  /** Pods run on the first node; the second is there to be another one. */
  readonly nodes: readonly NodeOptions[];
  /** Of all pods of all nodes. */
  readonly podRange: string;
  /** Whether policies are about nodes. */
  readonly hostFirewall: boolean;
  readonly #line: GuideLine;
  readonly #clusterNames: ReadonlySet<string>;

  constructor(line: GuideLine) {
    this.#line = line;
    const policies = line.steps.flatMap((step) => step.policies ?? []);
    this.hostFirewall = JSON.stringify(policies).includes('"nodeSelector"');
    // Guides with pods say their addresses; one without must not take those of hosts outside.
    const start = (line.pods ?? []).length > 0 ? 0 : 244;
    this.podRange = `10.${start}.0.0/14`;
    this.nodes = nodesOf(line, nodeLabels(policies), start);
    this.#clusterNames = new Set((line.services ?? []).map(({ name }) => name));
    const addresses = new Set<string>();
    const names = new Set<string>();
    for (const step of line.steps) {
      for (const end of [step.from, step.to]) {
        const [kind, value] = end === undefined ? [''] : (this.end(end).split(':') as [string, string | undefined]);
        if (kind === 'external' && value !== undefined) {
          addresses.add(value);
        } else if (kind === 'fqdn' && value !== undefined) {
          names.add(value);
        }
      }
      for (const name of namesOf(step)) {
        if (!this.#isOfCluster(name)) {
          names.add(name);
        }
      }
    }
    this.hosts = [
      ...[...addresses].map((ip) => ({ name: `host-${ip.replaceAll('.', '-')}`, names: [], ips: [ip], servers: WEB, podRoutes: true })),
      // Addresses of names are not given: each gets one of its own.
      ...[...names].map((name, index) => ({ name, names: [], ips: [`203.0.113.${index + 10}`], servers: WEB, podRoutes: false })),
    ];
  }

  /** An end as text. */
  end(end: GuideEnd): string {
    if (typeof end === 'string') {
      return end;
    }
    if (end.host !== undefined) {
      return this.nodes[1]?.name === end.host ? 'host:remote' : 'host:local';
    }
    if (end.ip === undefined) {
      throw new Error(`nobody is ${JSON.stringify(end)}`);
    }
    const node = this.nodes.findIndex(({ ip }) => ip === end.ip);
    return node >= 0 ? `host:${node === 0 ? 'local' : 'remote'}` : `external:${end.ip}`;
  }

  /** Where a process of an end runs. */
  place(end: string): [namespace: string, name: string] {
    if (isPodName(end)) {
      return end.split('/') as [string, string];
    }
    const [kind, value = ''] = end.split(':');
    return kind === 'host' ? ['node', this.#node(value).name] : ['world', `host-${value.replaceAll('.', '-')}`];
  }

  /** The address of an end. */
  address(end: string): string {
    if (isPodName(end)) {
      const pod = this.#line.pods?.find(({ namespace, name }) => `${namespace}/${name}` === end);
      if (pod === undefined) {
        throw new Error(`no pod ${end}`);
      }
      return pod.ip;
    }
    const [kind, value = ''] = end.split(':');
    return kind === 'host' ? this.#node(value).ip : value;
  }

  /** The address, or the name where the name is what matters. */
  target(end: string): string {
    return end.startsWith('fqdn:') ? `${end.slice('fqdn:'.length)}.` : this.address(end);
  }

  /** Servers on the ports a pod declares or somebody tries. */
  containers(pod: SuitePod, declared: readonly number[]): Pod['spec']['containers'] {
    const key = `${pod.namespace}/${pod.name}`;
    const ports = new Map(declared.map((port) => [`${port} TCP`, { port, protocol: 'TCP' }]));
    for (const { to, port, protocol = 'TCP' } of this.#line.steps) {
      if (to === key && typeof port === 'number') {
        ports.set(`${port} ${protocol}`, { port, protocol });
      }
    }
    const containers = [...ports.values()].map(({ port, protocol }, index) => ({
      name: `c${index}`,
      image: AGNHOST,
      args:
        protocol === 'UDP'
          ? ['serve-hostname', '--udp', '--http=false', `--port=${port}`]
          : ['netexec', `--http-port=${port}`, '--udp-port=-1'],
      ports: [{ containerPort: port, protocol }],
    }));
    return containers.length === 0 ? [{ name: 'idle', image: AGNHOST, args: ['pause'] }] : containers;
  }

  #node(which: string): NodeOptions {
    return this.nodes[which === 'local' ? 0 : 1] as NodeOptions;
  }

  #isOfCluster(name: string): boolean {
    return name.endsWith('.cluster.local') || this.#clusterNames.has(name.split('.')[0] as string);
  }
}

/** The node that steps go to by name is the first; whoever comes as a remote node is the second. */
function nodesOf({ steps }: GuideLine, labels: Readonly<Record<string, string>>, start: number): NodeOptions[] {
  const ends = steps.flatMap(({ from, to }) => [from, to]).filter((end) => typeof end === 'object');
  const name = ends.find(({ host }) => host !== undefined)?.host ?? 'node1';
  const remote = ends.find(({ ip, identity }) => ip !== undefined && ['remote-node', 'kube-apiserver'].includes(identity ?? ''))?.ip;
  const [a, b, c, d] = (remote ?? '192.168.1.11').split('.').map(Number) as [number, number, number, number];
  return [
    { name, ip: `${a}.${b}.${c}.${d > 10 ? d - 1 : d + 1}`, podCIDR: `10.${start}.0.0/15`, labels },
    { name: name === 'node2' ? 'node1' : 'node2', ip: `${a}.${b}.${c}.${d}`, podCIDR: `10.${start + 2}.0.0/16`, labels: {} },
  ];
}

/** Labels by which policies select nodes: the first node has them. */
function nodeLabels(policies: readonly KubeObject[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const policy of policies) {
    const specs = [policy['spec'], ...((policy['specs'] as readonly unknown[] | undefined) ?? [])];
    for (const spec of specs as readonly ({ readonly nodeSelector?: { readonly matchLabels?: Record<string, string> } } | undefined)[]) {
      Object.assign(labels, spec?.nodeSelector?.matchLabels);
    }
  }
  return labels;
}

/** Whether an end is `namespace/pod`. */
export function isPodName(end: string): boolean {
  return end.includes('/');
}

/** Host names a step's process resolves. */
function namesOf({ to, request, dnsQuery }: GuideStep): string[] {
  const host = to === undefined ? request?.host?.replace(/:\d+$/, '') : undefined;
  return [...(host === undefined ? [] : [host]), ...(dnsQuery === undefined ? [] : [dnsQuery])];
}
