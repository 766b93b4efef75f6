/**
 * What stands around a guide's pods: nodes, hosts outside, servers on the ports that somebody tries.
 */
import type { NodeOptions, WorldHost, WorldServer } from '../../src/cluster/options.ts';
import type { Pod } from '../../src/k8s/objects.ts';
import type { SuitePod } from './suite_cluster.ts';
import type { GuideLine, GuideStep } from './suite_guide.ts';

/** Pods run on the first node; the second is there to be another one. */
export const NODES: readonly NodeOptions[] = [
  { name: 'node1', ip: '192.168.1.10', podCIDR: '10.0.0.0/15' },
  { name: 'node2', ip: '192.168.1.11', podCIDR: '10.2.0.0/16' },
];

const AGNHOST = 'registry.k8s.io/e2e-test-images/agnhost:2.43';
const WEB: readonly WorldServer[] = [
  { port: 80, protocol: 'TCP', text: null },
  { port: 443, protocol: 'TCP', text: null, tls: true },
];

/** Ends of a guide's connections. */
export class GuideWorld {
  readonly hosts: readonly WorldHost[];
  readonly #line: GuideLine;
  readonly #clusterNames: ReadonlySet<string>;

  constructor(line: GuideLine) {
    this.#line = line;
    this.#clusterNames = new Set((line.services ?? []).map(({ name }) => name));
    const addresses = new Set<string>();
    const names = new Set<string>();
    for (const step of line.steps) {
      for (const end of [step.from, step.to]) {
        const [kind, value] = typeof end === 'string' ? (end.split(':') as [string, string | undefined]) : [''];
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

  /** Where a process of an end runs. */
  place(end: string): [namespace: string, name: string] {
    if (isPodName(end)) {
      return end.split('/') as [string, string];
    }
    const [kind, value = ''] = end.split(':');
    return kind === 'host' ? ['node', value === 'local' ? 'node1' : 'node2'] : ['world', `host-${value.replaceAll('.', '-')}`];
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
    return kind === 'host' ? (NODES[value === 'local' ? 0 : 1] as NodeOptions).ip : value;
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

  #isOfCluster(name: string): boolean {
    return name.endsWith('.cluster.local') || this.#clusterNames.has(name.split('.')[0] as string);
  }
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
