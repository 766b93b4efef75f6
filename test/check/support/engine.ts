/** The policy engine's answer for a model cluster: map entries looked up in the datapath's order, and the proxy's compiled policy. */

import { type K8sObject, type ModelCluster, type ModelPod, podLabelTexts } from '../../../src/check/model/cluster.ts';
import type { OracleRequest } from '../../../src/check/oracle/http.ts';
import type { OracleFlow } from '../../../src/check/oracle/oracle.ts';
import { PolicyInstanceImpl } from '../../../src/envoy/cilium/network_policy.ts';
import { HeaderMap } from '../../../src/envoy/http/header_map.ts';
import type { NetworkPolicy } from '../../../src/xds/npds.ts';
import { computePolicyCase, type MapRow, type PolicyResult, type SubjectResult } from '../../conformance/policy_case.ts';

/** Which of the results of a case. */
export type Profile = 'mapState' | 'firstWrite' | 'nextWrite';

const FIRST_POD = 1000;
const PROTOCOL_NUMBERS = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1, ICMPv6: 58 } as const;

/** A computed cluster. */
export class Engine {
  readonly result: PolicyResult;
  readonly #cluster: ModelCluster;
  readonly #ids = new Map<string, number>();
  readonly #tables = new Map<string, ReadonlyMap<string, string>>();
  readonly #proxies = new Map<number, PolicyInstanceImpl | null>();

  constructor(cluster: ModelCluster, policies: readonly K8sObject[], options: { enforcement?: 'default' | 'always' | 'never' } = {}) {
    this.#cluster = cluster;
    for (const pod of cluster.pods) {
      const text = podLabelTexts(pod, cluster).sort().join();
      this.#ids.set(text, this.#ids.get(text) ?? FIRST_POD + this.#ids.size);
    }
    this.result = computePolicyCase({
      name: 'generated',
      identities: cluster.pods.map((pod) => ({ id: this.id(pod), labels: podLabelTexts(pod, cluster) })),
      policies,
      subjects: cluster.pods.map((pod) => ({
        identity: this.id(pod),
        endpointId: 1,
        namedPorts: Object.fromEntries(pod.ports.map(({ name, port, protocol }) => [name, { port, proto: protocol }])),
      })),
      clusterNamedPorts: cluster.pods.flatMap(({ ports }) => ports.map(({ name, port, protocol }) => ({ name, port, proto: protocol }))),
      enforcement: options.enforcement ?? 'default',
      dns: cluster.dns,
      services: cluster.services.map(({ name, namespace }) => ({ metadata: { name, namespace }, spec: {} })),
      endpoints: cluster.services.map(({ name, namespace, backends }) => ({
        metadata: { name, namespace },
        subsets: [{ addresses: backends.map((ip) => ({ ip })) }],
      })),
    });
  }

  /** The policies the agent takes. */
  accepted(policies: readonly K8sObject[]): K8sObject[] {
    return policies.filter((_, i) => this.result.policies[i]?.accepted);
  }

  id(pod: ModelPod): number {
    return this.#ids.get(podLabelTexts(pod, this.#cluster).sort().join()) ?? 0;
  }

  subject(pod: ModelPod): SubjectResult {
    return this.result.subjects[this.#cluster.pods.indexOf(pod)] as SubjectResult;
  }

  /** The rows of a pod's map, as text, in order. */
  rows(pod: ModelPod, profile: Profile = 'mapState'): string[] {
    const subject = this.subject(pod);
    return (subject[profile] ?? subject.mapState ?? []).map((row) => row.join(' '));
  }

  /** First hit in the datapath's order. @see cilium:bpf/lib/policy.h#__policy_can_access */
  lookup(pod: ModelPod, peer: number | string, flow: OracleFlow, profile: Profile = 'mapState'): 'drop' | 'allow' | 'redirect' {
    const table = this.#table(pod, profile);
    const { direction } = flow;
    const proto = PROTOCOL_NUMBERS[flow.protocol];
    for (const [id, port, pr] of [
      [peer, flow.port, proto],
      [0, flow.port, proto],
      [peer, 0, proto],
      [0, 0, proto],
      [peer, 0, 0],
      [0, 0, 0],
    ] as const) {
      const verdict = table.get(`${direction} ${id} ${port} ${pr}`);
      if (verdict !== undefined) {
        return verdict === 'deny' ? 'drop' : verdict === 'allow' ? 'allow' : 'redirect';
      }
    }
    return 'drop';
  }

  /** Whether the proxy lets a request through; `null` if it would not take the policy. */
  proxyAllows(pod: ModelPod, peer: number | string, flow: OracleFlow, request: OracleRequest): boolean | null {
    const policy = this.#proxy(pod);
    if (policy === null) {
      return null;
    }
    const headers = new HeaderMap();
    headers.add(':method', request.method);
    headers.add(':path', request.path);
    headers.add(':authority', request.host);
    for (const [name, value] of Object.entries(request.headers)) {
      headers.add(name, value);
    }
    const remoteId = typeof peer === 'number' ? peer : (this.result.cidrIdentities?.[peer.slice('cidr:'.length)] ?? 0);
    const log = { missing: [], rejected: [] } as never;
    return policy.allowed({ ingress: flow.direction === 'ingress', port: flow.port, remoteId, headers, log }, null);
  }

  #table(pod: ModelPod, profile: Profile): ReadonlyMap<string, string> {
    const key = `${this.#cluster.pods.indexOf(pod)} ${profile}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      const subject = this.subject(pod);
      const rows: readonly MapRow[] = subject[profile] ?? subject.mapState ?? [];
      table = new Map(rows.map(([direction, identity, port, proto, verdict]) => [`${direction} ${identity} ${port} ${proto}`, verdict]));
      this.#tables.set(key, table);
    }
    return table;
  }

  #proxy(pod: ModelPod): PolicyInstanceImpl | null {
    const index = this.#cluster.pods.indexOf(pod);
    let policy = this.#proxies.get(index);
    if (policy === undefined) {
      const ids = this.result.cidrIdentities ?? {};
      const message = JSON.parse(JSON.stringify(this.subject(pod).npds), (_, value: unknown) =>
        typeof value === 'string' && value.startsWith('cidr:') ? ids[value.slice('cidr:'.length)] : value,
      ) as NetworkPolicy;
      const compiled = PolicyInstanceImpl.compile({ ...message, endpoint_ips: ['10.0.0.1'] }, 1000);
      policy = typeof compiled === 'string' ? null : compiled;
      this.#proxies.set(index, policy);
    }
    return policy;
  }
}
