/**
 * Guides of Cilium's documentation: steps in order on one cluster; requests as curl processes, single attempts as agnhost's.
 */
import type { KubeObject, Pod } from '../../src/k8s/objects.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { SuiteCluster, type SuitePod, type SuiteService } from './suite_cluster.ts';
import { FlowRecorder } from './suite_flows.ts';
import { CASSANDRA_TABLES, L7_PROTOCOLS, l7Command, l7Comparable, l7Result, l7Server } from './suite_guide_l7.ts';
import { GuideWorld } from './suite_guide_world.ts';
import { setAuditMode, setHostAuditMode } from './suite_probe.ts';
import { type SuiteSecret, secretObject, trustedAuthorities } from './suite_secrets.ts';

/** One line. */
export interface GuideLine {
  readonly name: string;
  readonly pods?: readonly (SuitePod & { readonly ports?: readonly number[] })[];
  readonly services?: readonly SuiteService[];
  readonly resources?: { readonly secrets?: readonly SuiteSecret[] };
  readonly steps: readonly GuideStep[];
}

/** Who takes part: `namespace/pod`, `external:IP`, `host:local`, `fqdn:NAME`; in the host firewall's guide an address or a node's name. */
export type GuideEnd = string | { readonly ip?: string; readonly identity?: string; readonly host?: string };

/** A step: policies, a mode, a check, or a probe. */
export interface GuideStep {
  readonly apply?: readonly string[];
  readonly policies?: readonly KubeObject[];
  readonly set?: string;
  readonly check?: string;
  readonly from?: GuideEnd;
  readonly to?: GuideEnd;
  readonly port?: number | null;
  readonly protocol?: string;
  readonly dnsQuery?: string;
  readonly command?: string;
  readonly request?: GuideRequest;
  readonly expect?: { readonly outcome?: string; readonly output?: string; readonly exitCode?: number };
  readonly httpStatus?: number;
  /** Of a memcached client's `set`. */
  readonly value?: string;
}

/** A request of a client. */
export interface GuideRequest {
  readonly proto: string;
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly port?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly requests?: readonly { readonly method: string; readonly path: string }[];
}

/** What a step gave. */
export type GuideResult =
  | { readonly applied: true }
  | { readonly outcome: string; readonly output?: string; readonly exitCode?: number; readonly httpStatus?: number };

/** The cluster of a guide and its state between steps. */
export class GuideRun {
  readonly #line: GuideLine;
  readonly #world: GuideWorld;
  readonly #suite: SuiteCluster;
  readonly #policies = new Map<string, KubeObject>();
  #broken: string | null = null;

  constructor(line: GuideLine) {
    this.#line = line;
    this.#world = new GuideWorld(line);
    const policies = line.steps.flatMap((step) => step.policies ?? []);
    // As the guide of the service mesh asks.
    const mesh = policies.some(({ kind }) => kind.endsWith('EnvoyConfig'));
    const dns = line.pods?.find(({ labels }) => labels?.['k8s-app'] === 'kube-dns');
    this.#suite = new SuiteCluster({
      nodes: this.#world.nodes,
      options: {
        tunnel: 'disabled',
        'auto-direct-node-routes': true,
        'ipv4-native-routing-cidr': this.#world.podRange,
        'enable-host-firewall': this.#world.hostFirewall,
        ...(mesh ? { 'enable-envoy-config': true, 'kube-proxy-replacement': 'strict' } : {}),
      },
      coredns: { ip: dns?.ip ?? this.#world.podRange.replace('0.0/14', '255.3'), node: this.#world.nodes[0]?.name ?? '' },
      world: this.#world.hosts,
      trustedAuthorities: trustedAuthorities(line.resources?.secrets ?? []),
      containersOf: (pod) => this.#containers(pod),
    });
    for (const secret of line.resources?.secrets ?? []) {
      this.#suite.cluster.api.create(secretObject(secret, policies));
    }
    this.#reconcile();
    this.#fillTables();
  }

  /** The Cassandra guide fills its tables from the server's own pod. */
  #fillTables(): void {
    const server = this.#line.pods?.find(({ ports }) => ports?.includes(9042));
    if (server !== undefined && this.#line.steps.some(({ request }) => request?.proto === 'cassandra')) {
      const left = this.#run(`${server.namespace}/${server.name}`, ['cqlsh', '-e', CASSANDRA_TABLES.join(' ')]);
      if (left.exitCode !== 0) {
        throw new Error(`the tables cannot be filled: ${left.stderr}`);
      }
    }
  }

  /** Runs a step; throws for what the simulator does not have, and then for all steps that build on it. */
  step(step: GuideStep): GuideResult {
    if (this.#broken !== null) {
      throw new Error(`an earlier step could not be done: ${this.#broken}`);
    }
    try {
      return this.#step(step);
    } catch (error) {
      if (step.from === undefined) {
        this.#broken = error instanceof Error ? error.message : String(error);
      }
      throw error;
    }
  }

  #step(step: GuideStep): GuideResult {
    if (step.policies !== undefined) {
      this.#apply(step.policies);
      return { applied: true };
    }
    if (step.set !== undefined) {
      this.#set(step.set);
      return { applied: true };
    }
    if (step.from === undefined) {
      return { applied: true };
    }
    const from = this.#world.end(step.from);
    const to = step.to === undefined ? undefined : this.#world.end(step.to);
    if (step.dnsQuery !== undefined) {
      return this.#dnsQuery(from, step.dnsQuery);
    }
    if (step.request?.proto === 'grpc') {
      return this.#grpc(from, step.command ?? '');
    }
    return step.request === undefined ? this.#attempt(from, to, step) : this.#request(from, to, { ...valueOf(step), ...step.request });
  }

  #apply(policies: readonly KubeObject[]): void {
    const unknown = policies.find(({ kind }) => !/(NetworkPolicy|EnvoyConfig)$/.test(kind));
    if (unknown !== undefined) {
      throw new Error(`${unknown.kind} is not modelled`);
    }
    for (const policy of policies) {
      this.#policies.set(`${policy.kind} ${policy.metadata.namespace ?? ''}/${policy.metadata.name}`, policy);
    }
    this.#reconcile();
  }

  #set(what: string): void {
    if (!/audit/i.test(what)) {
      throw new Error(`no such mode: ${what}`);
    }
    const enabled = !/\boff\b|Disabled/i.test(what);
    if (this.#world.hostFirewall) {
      setHostAuditMode(this.#suite.cluster, enabled);
    }
    if (!what.startsWith('host endpoint')) {
      setAuditMode(
        this.#suite.cluster,
        (this.#line.pods ?? []).map(({ ip }) => ip),
        enabled,
      );
    }
  }

  #reconcile(): void {
    const pods = (this.#line.pods ?? [])
      .filter(({ labels }) => labels?.['k8s-app'] !== 'kube-dns')
      .map((pod) => ({ ...pod, node: this.#world.nodes[0]?.name ?? '' }));
    const namespaces = Object.fromEntries(
      ['default', ...pods.map(({ namespace }) => namespace)].map((name) => [name, { 'kubernetes.io/metadata.name': name }]),
    );
    this.#suite.reconcile({ namespaces, pods, services: this.#line.services ?? [], policies: [...this.#policies.values()] });
    const [rejection] = this.#suite.rejections;
    if (rejection !== undefined) {
      throw new Error(`policy refused: ${rejection}`);
    }
  }

  #containers(pod: SuitePod): Pod['spec']['containers'] {
    if (pod.labels?.['class'] === 'deathstar') {
      return [{ name: 'deathstar', image: 'docker.io/cilium/starwars', ports: [{ containerPort: 80 }] }];
    }
    if (pod.labels?.['zgroup'] === 'grpcExample') {
      const script =
        pod.labels['app'] === 'cc-door-mgr' ? { command: ['python3'], args: ['/cloudcity/cc_door_server.py'] } : { command: ['sleep'] };
      return [{ name: 'door', image: 'docker.io/cilium/cc-grpc-demo:v3.0', ...script, ports: [{ containerPort: 50051 }] }];
    }
    const ports = this.#line.pods?.find(({ namespace, name }) => namespace === pod.namespace && name === pod.name)?.ports ?? [];
    const server = l7Server(this.#line, ports);
    if (server !== null) {
      return [server];
    }
    if (/^echo/.test(pod.name)) {
      return [{ name: 'echo', image: 'quay.io/cilium/json-mock:v1.3.5', ports: [{ containerPort: 8080 }] }];
    }
    return this.#world.containers(pod, ports);
  }

  #run(from: string, argv: readonly string[]): { readonly exitCode: number; readonly stdout: string; readonly stderr: string } {
    const { cluster } = this.#suite;
    const [namespace, name] = this.#world.place(from);
    const execution = cluster.exec(namespace, name, argv);
    if (execution === null) {
      throw new Error(`nothing runs at ${from}`);
    }
    cluster.runUntil(() => execution.done, 60 * SECOND);
    cluster.advance(SECOND);
    return execution.result ?? { exitCode: 137, stdout: '', stderr: '' };
  }

  /** Up to the first request that is not let through, as the scripts of the guides stop there. */
  #request(from: string, to: string | undefined, request: GuideRequest): GuideResult {
    if (L7_PROTOCOLS.includes(request.proto)) {
      return l7Result(request, this.#run(from, l7Command(this.#line, request)));
    }
    let result: GuideResult = { outcome: 'allowed' };
    for (const { method, path } of request.requests ?? [{ method: request.method ?? 'GET', path: request.path ?? '/' }]) {
      result = this.#curl(from, to, request, method, path);
      if ('outcome' in result && result.outcome !== 'allowed') {
        break;
      }
    }
    return result;
  }

  /** The guide's own client; a call the proxy denies ends with its words. */
  #grpc(from: string, command: string): GuideResult {
    const argv = command.split(' -- ')[1]?.split(' ') ?? [];
    const { exitCode, stdout, stderr } = this.#run(from, argv);
    if (exitCode === 0) {
      return { outcome: 'allowed', output: stdout.trimEnd(), exitCode };
    }
    const denied = stderr.includes('StatusCode.PERMISSION_DENIED') && stderr.includes('details = "Access denied\r\n"');
    return { outcome: denied ? 'http-403' : 'dropped', output: stderr.trimEnd(), exitCode };
  }

  #curl(from: string, to: string | undefined, request: GuideRequest, method: string, path: string): GuideResult {
    const { proto, port = 80, host = '', headers = {} } = request;
    const target = to === undefined ? host : this.#world.address(to);
    const authority = /:\d+$/.test(target) || port === (proto === 'https' ? 443 : 80) ? target : `${target}:${port}`;
    const lines = { ...(to !== undefined && host !== '' ? { Host: host } : {}), ...headers };
    const { exitCode, stdout } = this.#run(from, [
      ...['curl', '-s', '--max-time', '5', '-w', '\n%{response_code}'],
      ...(method === 'HEAD' ? ['-I'] : ['-X', method]),
      ...Object.entries(lines).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      `${proto}://${authority}${path}`,
    ]);
    const [, body = '', code = '000'] = /^([\s\S]*)\n(\d{3})$/.exec(stdout) ?? [];
    const httpStatus = Number(code);
    if (exitCode !== 0 || httpStatus === 0) {
      return { outcome: 'dropped', output: '', exitCode };
    }
    // What the proxy denies is told from what a server might: it has this body.
    const denied = httpStatus === 403 && body === 'Access denied\r\n';
    const output = method === 'HEAD' ? (body.split('\r\n')[0] as string) : body.trimEnd();
    return { outcome: denied ? 'http-403' : 'allowed', output, exitCode, httpStatus };
  }

  #attempt(from: string, to: string | undefined, { port, protocol = 'TCP' }: GuideStep): GuideResult {
    if (to === undefined) {
      throw new Error('the step says neither where to nor what to ask for');
    }
    const target = this.#world.target(to);
    if (protocol.startsWith('ICMP')) {
      const { exitCode } = this.#run(from, ['ping', '-c', '1', '-W', '1', '-w', '2', target]);
      return { outcome: exitCode === 0 ? 'allowed' : 'dropped', exitCode };
    }
    const argv = ['/agnhost', 'connect', `${target}:${port}`, '--timeout=1s', `--protocol=${protocol.toLowerCase()}`];
    const { exitCode, stderr } = this.#run(from, argv);
    // Refused means that the packet has arrived where nobody listens.
    return { outcome: exitCode === 0 || stderr.startsWith('REFUSED') ? 'allowed' : 'dropped' };
  }

  #dnsQuery(from: string, name: string): GuideResult {
    const recorder = new FlowRecorder(this.#suite.cluster);
    const { exitCode } = this.#run(from, ['nslookup', `${name}.`]);
    const seen = recorder.take().filter(({ event }) => event.kind === 'l7' && event.record.dns?.query.replace(/\.$/, '') === name);
    const refused = seen.some(({ verdict }) => verdict === 'DROPPED');
    const answered = exitCode === 0 || seen.some(({ isReply }) => isReply === true);
    return { outcome: refused ? 'dns-refused' : answered ? 'dns-allowed' : 'dropped' };
  }
}

/** What is stored, where the step says it beside the request. */
function valueOf(step: GuideStep): { readonly value?: string } {
  return step.value === undefined ? {} : { value: step.value };
}

/** What differs from a step's expectation, or `null`. Only outputs of modelled servers and of the proxy can be compared. */
export function compareGuideStep(step: GuideStep, result: GuideResult): string | null {
  const { expect } = step;
  if (expect?.outcome === undefined || !('outcome' in result)) {
    return null;
  }
  const alike: Readonly<Record<string, string>> = { 'allowed-by-policy': 'allowed', 'dns-allowed': 'allowed' };
  const have = alike[result.outcome] ?? result.outcome;
  const want = alike[expect.outcome] ?? expect.outcome;
  if (have !== want) {
    return `outcome ${result.outcome}, not ${expect.outcome}`;
  }
  if (step.httpStatus !== undefined && step.httpStatus !== result.httpStatus) {
    return `status ${result.httpStatus}, not ${step.httpStatus}`;
  }
  // What the gRPC client prints for a denied call depends on its library.
  const comparable =
    (l7Comparable(step) || (/^(deathstar|cc-door-server)/.test(step.request?.host ?? '') && have === 'allowed')) &&
    expect.output !== undefined;
  return comparable && expect.output !== result.output
    ? `output ${JSON.stringify(result.output)}, not ${JSON.stringify(expect.output)}`
    : null;
}
