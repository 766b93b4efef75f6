/**
 * What lint rules look at: the policies as written, the rules the agent of a simulated cluster made of them, and the pods they speak of. Meaning
 * comes from that agent; rules here only ask it.
 */
import type { EgressRule, IngressRule, Path, PolicyIssue, PolicyRef, PortRule, Rule } from '../agent/policy/api/rule.ts';
import { type EndpointSelector, hasKeyPrefix, selectorMatches } from '../agent/policy/api/selector.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Service } from '../k8s/objects.ts';
import { assertPresent } from '../sim/assert.ts';
import { newBench } from './bench.ts';
import type { Loaded, LoadedObject, SchemaProblem } from './load.ts';
import type { Workload } from './workloads.ts';

/** Kinds of policies, as the agent names them. */
const POLICY_KINDS = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'] as const;

/** A policy as written. */
export interface PolicyObject extends LoadedObject {
  readonly ref: PolicyRef;
}

/** A pod of the simulated cluster. */
export interface LintPod {
  readonly namespace: string;
  readonly name: string;
  readonly endpointId: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly workload: Workload | null;
}

/** One direction of a rule, allowed or denied. */
export type Section = 'ingress' | 'ingressDeny' | 'egress' | 'egressDeny';

/** One element of a section. */
export interface Element {
  readonly rule: Rule;
  readonly policy: PolicyObject;
  readonly section: Section;
  readonly direction: 'ingress' | 'egress';
  readonly deny: boolean;
  readonly path: Path;
  /** `fromEndpoints` or `toEndpoints`. */
  readonly endpoints: readonly EndpointSelector[];
  readonly requires: readonly EndpointSelector[];
  readonly entities: readonly string[];
  readonly cidrs: readonly string[];
  readonly toPorts: readonly PortRule[];
  readonly ingress: IngressRule | null;
  readonly egress: EgressRule | null;
}

/** What is to be looked at. */
export interface LintSubject {
  readonly policies: readonly PolicyObject[];
  readonly workloads: readonly Workload[];
  readonly services: readonly Service[];
  readonly pods: readonly LintPod[];
  readonly rules: readonly Rule[];
  readonly elements: readonly Element[];
  readonly problems: readonly SchemaProblem[];
  /** Policies the agent refused, with its reasons. */
  readonly refused: readonly { readonly policy: PolicyObject; readonly issues: readonly PolicyIssue[] }[];
  /** The cluster on which all of this is in force. */
  readonly cluster: Cluster;
  /** The pods a rule selects. */
  subjects(rule: Rule): readonly LintPod[];
  /** The pods a selector matches. */
  matching(selector: EndpointSelector): readonly LintPod[];
  /** What a policy has at a path, as written; `undefined` if nothing. */
  written(policy: PolicyObject, path: Path): unknown;
}

/** Brings the manifests up on a cluster and collects what rules look at. */
export function subjectOf(loaded: Loaded): LintSubject {
  const { cluster } = newBench({ objects: loaded.objects, workloads: loaded.workloads });
  const { agent } = assertPresent(cluster.nodes[0], 'a node');
  const policies = loaded.objects.flatMap((one): PolicyObject[] => {
    const ref = refOf(one);
    return ref === null ? [] : [{ ...one, ref }];
  });
  const pods = agent.endpoints.list().flatMap((endpoint): LintPod[] => {
    const { namespace, podName: name, id: endpointId, identity } = endpoint;
    const workload = loaded.workloads.find((one) => one.namespace === namespace && one.name === name) ?? null;
    return namespace === '' || identity === null ? [] : [{ namespace, name, endpointId, labels: identity.index, workload }];
  });
  const find = (ref: PolicyRef): PolicyObject =>
    assertPresent(
      policies.find((one) => sameRef(one.ref, ref)),
      `policy ${ref.name}`,
    );
  const rules = agent.repository.allRules();
  const matching = (selector: EndpointSelector): LintPod[] => pods.filter(({ labels }) => selectorMatches(selector, labels));
  return {
    policies,
    workloads: loaded.workloads,
    services: cluster.api.list<Service>('Service', {}),
    pods,
    rules,
    elements: rules.flatMap((rule) => elementsOf(rule, find(rule.ref))),
    problems: loaded.problems,
    refused: agent.rejectedPolicies.map(({ parsed }) => ({ policy: find(parsed.ref), issues: parsed.issues })),
    cluster,
    subjects: ({ endpointSelector }) => (endpointSelector === null ? [] : matching(endpointSelector)),
    matching,
    written: ({ object }, path) => valueAt(object, path),
  };
}

/** Whether a selector names a reserved identity: it is about no pod. */
export function isReserved(selector: EndpointSelector): boolean {
  return hasKeyPrefix(selector, 'reserved.');
}

function refOf({ object: { kind, metadata } }: LoadedObject): PolicyRef | null {
  const known = POLICY_KINDS.find((one) => one === kind);
  const namespace = known === 'CiliumClusterwideNetworkPolicy' ? '' : (metadata.namespace ?? 'default');
  return known === undefined ? null : { kind: known, namespace, name: metadata.name };
}

function sameRef(a: PolicyRef, b: PolicyRef): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

function elementsOf(rule: Rule, policy: PolicyObject): Element[] {
  const ingress = (['ingress', 'ingressDeny'] as const).flatMap((section) =>
    rule[section].map(
      (one): Element => ({
        rule,
        policy,
        section,
        direction: 'ingress',
        deny: section === 'ingressDeny',
        path: one.path,
        endpoints: one.fromEndpoints,
        requires: one.fromRequires,
        entities: one.fromEntities,
        cidrs: [...one.fromCIDR, ...one.fromCIDRSet.map(({ cidr }) => cidr)],
        toPorts: one.toPorts,
        ingress: one,
        egress: null,
      }),
    ),
  );
  const egress = (['egress', 'egressDeny'] as const).flatMap((section) =>
    rule[section].map(
      (one): Element => ({
        rule,
        policy,
        section,
        direction: 'egress',
        deny: section === 'egressDeny',
        path: one.path,
        endpoints: one.toEndpoints,
        requires: one.toRequires,
        entities: one.toEntities,
        cidrs: [...one.toCIDR, ...one.toCIDRSet.map(({ cidr }) => cidr)],
        toPorts: one.toPorts,
        ingress: null,
        egress: one,
      }),
    ),
  );
  return [...ingress, ...egress];
}

function valueAt(value: unknown, path: Path): unknown {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) {
      return undefined;
    }
    at = (at as Readonly<Record<string | number, unknown>>)[key];
  }
  return at;
}
