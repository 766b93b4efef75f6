/**
 * Policy trace: resolves the rules for two sets of labels and some ports, telling each step. Knows neither L7 nor connections.
 * @see cilium:pkg/policy/repository.go#Repository.AllowsIngressRLocked
 * @see cilium:daemon/cmd/policy.go#getPolicyResolve.Handle
 * @remarks Not modelled: the lines about merging L7 wildcard rules and about merge conflicts.
 */
import { indexLabels, type LabelArray, labelsText, labelText, POD_NAMESPACE_LABEL, parseSelectLabelArray } from '../labels/labels.ts';
import { isSvcName } from './api/port.ts';
import { PROTO_ANY, type Rule } from './api/rule.ts';
import { selectorMatches } from './api/selector.ts';
import type { L4Filter, L4PolicyMap } from './l4.ts';
import type { PolicyContext } from './policy_context.ts';
import { type Repository, requirementsOf } from './repository.ts';
import { type DirectionWork, type PreparedRule, requiredPeers, resolveElement } from './rule.ts';
import { coveredIcmps, coveredPorts, mergedFilters, portLines, selectorJson, type TracePort, traceL3 } from './trace_lines.ts';

export type { TracePort } from './trace_lines.ts';

/** What is asked. @see cilium:api/v1/models/trace_selector.go#TraceSelector */
export interface TraceSelector {
  /** Label texts; without a source they stand for any. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Empty: L3 only. */
  readonly dports: readonly TracePort[];
  readonly verbose: boolean;
}

/** What is answered. @see cilium:api/v1/models/policy_trace_result.go#PolicyTraceResult */
export interface TraceResult {
  readonly log: string;
  readonly verdict: 'allowed' | 'denied';
}

/** Labels and ports of one trace. */
interface SearchContext {
  readonly from: LabelArray;
  readonly to: LabelArray;
  readonly dports: readonly TracePort[];
}

/** Answers a trace. @see cilium:daemon/cmd/policy.go#getPolicyResolve.Handle */
export function tracePolicy(repository: Repository, selector: TraceSelector): TraceResult {
  const ctx: SearchContext = {
    from: parseSelectLabelArray(selector.from),
    to: parseSelectLabelArray(selector.to),
    dports: selector.dports,
  };
  const { enforcement } = repository.config;
  let [fromEgress, toIngress] = [true, true];
  let disabled: string | null = null;
  if (enforcement === 'never') {
    disabled = 'Policy enforcement is disabled for the daemon.';
  } else if (enforcement === 'default') {
    fromEgress = matchingRules(repository, ctx.from).some(({ egress, egressDeny }) => egress.length + egressDeny.length > 0);
    toIngress = matchingRules(repository, ctx.to).some(({ ingress, ingressDeny }) => ingress.length + ingressDeny.length > 0);
    if (!fromEgress && !toIngress) {
      disabled =
        'Policy enforcement is disabled because no rules in the policy repository match any endpoint selector from the provided destination sets of labels.';
    }
  }
  if (disabled !== null) {
    return { log: `${contextText(ctx)}\n  ${disabled}\nLabel verdict: allowed\n`, verdict: 'allowed' };
  }
  const egress = fromEgress ? allows(repository, ctx, false) : { log: '', allowed: true };
  const ingress = toIngress ? allows(repository, ctx, true) : { log: '', allowed: true };
  return { log: `${egress.log}\n${ingress.log}`, verdict: egress.allowed && ingress.allowed ? 'allowed' : 'denied' };
}

/** @see cilium:pkg/policy/repository.go#Repository.AllowsIngressRLocked @see cilium:pkg/policy/repository.go#Repository.AllowsEgressRLocked */
function allows(repository: Repository, given: SearchContext, ingress: boolean): { readonly log: string; readonly allowed: boolean } {
  const ctx = given.dports.length > 0 ? given : { ...given, dports: [{ port: 0, name: '', protocol: PROTO_ANY }] };
  const lines = [`Tracing ${contextText(ctx)}`];
  const { filters, error } = resolve(repository, ctx, ingress, lines);
  const peer = ingress ? ctx.from : ctx.to;
  const allowed = error === null && filters.size > 0 && containsAllL3L4(filters, peer, ctx.dports);
  lines.push(`${ingress ? 'Ingress' : 'Egress'} verdict: ${allowed ? 'allowed' : 'denied'}`);
  for (const filter of filters.values()) {
    filter.detach(repository.cache);
  }
  return { log: lines.map((line) => `${line}\n`).join(''), allowed };
}

/** @see cilium:pkg/policy/rules.go#ruleSlice.resolveL4IngressPolicy */
function resolve(
  repository: Repository,
  ctx: SearchContext,
  ingress: boolean,
  lines: string[],
): { readonly filters: L4PolicyMap; readonly error: string | null } {
  const subject = ingress ? ctx.to : ctx.from;
  const index = indexLabels(subject);
  lines.push('', `Resolving ${ingress ? 'ingress' : 'egress'} policy for ${labelsText(subject)}`);
  const all = repository.preparedRules();
  const selected = all.filter(({ rule }) => selects(rule, index));
  const filters: L4PolicyMap = new Map();
  const work: DirectionWork = {
    ingress,
    requirements: requirementsOf(
      selected.map(({ rule }) => rule),
      ingress,
    ),
    result: filters,
  };
  const policyCtx: PolicyContext = {
    cache: repository.cache,
    config: repository.config,
    certificates: repository.certificates,
    namespace: index.get(`k8s.${POD_NAMESPACE_LABEL}`) ?? '',
  };
  const found = { allow: 0, deny: 0 };
  for (const prepared of selected) {
    const step = resolveRuleTraced(policyCtx, ctx, prepared, work, lines);
    if (step.error !== null) {
      return { filters, error: step.error };
    }
    found.allow += step.allow > 0 ? 1 : 0;
    found.deny += step.deny > 0 ? 1 : 0;
  }
  lines.push(
    `${selected.length}/${all.length} rules selected`,
    found.allow > 0 ? 'Found allow rule' : 'Found no allow rule',
    found.deny > 0 ? 'Found deny rule' : 'Found no deny rule',
  );
  return { filters, error: null };
}

/** @see cilium:pkg/policy/rule.go#rule.resolveIngressPolicy */
function resolveRuleTraced(
  policyCtx: PolicyContext,
  ctx: SearchContext,
  { rule, ingress, egress }: PreparedRule,
  work: DirectionWork,
  lines: string[],
): { readonly allow: number; readonly deny: number; readonly error: string | null } {
  const count = { allow: 0, deny: 0 };
  const elements = work.ingress ? ingress : egress;
  const peer = work.ingress ? ctx.from : ctx.to;
  const peerIndex = indexLabels(peer);
  lines.push(`* Rule ${selectorJson(rule.endpointSelector)}: selected`);
  if (elements.length === 0) {
    lines.push(`    No ${work.ingress ? 'ingress' : 'egress'} rules`);
  }
  for (const prepared of elements) {
    const { element, isDeny } = prepared;
    const peers = requiredPeers(prepared, work.requirements);
    if (peers.length > 0) {
      lines.push(...traceL3(peers, work.ingress ? 'from' : 'to', isDeny));
      if (!peers.some((selector) => selectorMatches(selector, peerIndex))) {
        lines.push(`      No label match for ${labelsText(peer)}`);
        continue;
      }
      lines.push('      Found all required labels');
    }
    // Only at ingress does a port that was not asked for keep a rule out.
    const asked = work.ingress ? ctx.dports : null;
    const toPorts = coveredPorts(element.toPorts, asked);
    const icmps = coveredIcmps(element.icmps, asked);
    lines.push(...portLines(element, isDeny, asked));
    const l3Only = element.toPorts.length + element.icmps.length === 0;
    if (!l3Only && toPorts.length + icmps.length === 0) {
      continue;
    }
    const error = resolveElement(policyCtx, rule, { ...prepared, element: { ...element, toPorts, icmps } }, work);
    if (error !== null) {
      return { ...count, error };
    }
    count[isDeny ? 'deny' : 'allow'] += l3Only ? Math.min(1, peers.length) : mergedFilters(toPorts, icmps);
  }
  return { ...count, error: null };
}

/** Whether filters let a peer reach all ports. @see cilium:pkg/policy/l4.go#L4PolicyMap.containsAllL3L4 */
function containsAllL3L4(filters: L4PolicyMap, labels: LabelArray, ports: readonly TracePort[]): boolean {
  const l3 = matchesLabels(filters.get(`0/${PROTO_ANY}`), labels);
  if (l3.selected) {
    return !l3.deny;
  }
  return ports.every(({ port, name, protocol }) => {
    const text = isSvcName(name) ? name : String(port);
    if (protocol !== '' && protocol !== PROTO_ANY) {
      const one = matchesLabels(filters.get(`${text}/${protocol}`), labels);
      return one.selected && !one.deny;
    }
    const each = ['TCP', 'UDP', 'SCTP'].map((proto) => matchesLabels(filters.get(`${text}/${proto}`), labels));
    return each.some(({ selected }) => selected) && !each.every(({ deny }) => deny);
  });
}

/** @see cilium:pkg/policy/l4.go#L4Filter.matchesLabels */
function matchesLabels(filter: L4Filter | undefined, labels: LabelArray): { readonly selected: boolean; readonly deny: boolean } {
  if (filter === undefined) {
    return { selected: false, deny: false };
  }
  if (filter.wildcard !== null) {
    return { selected: true, deny: filter.wildcard.policy?.isDeny ?? false };
  }
  const index = indexLabels(labels);
  const matching = [...filter.perSelector.values()].filter(
    ({ selector }) => labels.length > 0 && selector.labels !== null && selectorMatches(selector.labels, index),
  );
  return { selected: matching.length > 0, deny: matching.some(({ policy }) => policy?.isDeny ?? false) };
}

/** @see cilium:pkg/policy/repository.go#Repository.GetRulesMatching */
function matchingRules(repository: Repository, labels: LabelArray): readonly Rule[] {
  const index = indexLabels(labels);
  return repository.allRules().filter((rule) => selects(rule, index));
}

function selects(rule: Rule, index: ReturnType<typeof indexLabels>): boolean {
  const selector = rule.nodeSelector ?? rule.endpointSelector;
  return selector !== null && selectorMatches(selector, index);
}

/** @see cilium:pkg/policy/policy.go#SearchContext.String */
function contextText({ from, to, dports }: SearchContext): string {
  const labels = (all: LabelArray): string => all.map(labelText).join(', ');
  const ports = dports.map(({ port, name, protocol }) => `${name === '' ? port : name}/${protocol}`).join(', ');
  return `From: [${labels(from)}] => To: [${labels(to)}]${ports === '' ? '' : ` Ports: [${ports}]`}`;
}
