/**
 * All rules of a node, in order of arrival, with a revision number.
 * @see cilium:pkg/policy/repository.go#Repository
 */
import { IDENTITY_HOST } from '../../maps/identity.ts';
import type { Identity } from '../identity/identity.ts';
import { containsLabels, type LabelArray, POD_NAMESPACE_LABEL } from '../labels/labels.ts';
import { type EntityMapping, entityMapping } from './api/aggregate.ts';
import type { Rule } from './api/rule.ts';
import { selectorMatches, toRequirements } from './api/selector.ts';
import type { PolicyConfig } from './config.ts';
import { L4Policy, type L4PolicyMap } from './l4.ts';
import type { CertificateManager, PolicyContext, ResolveError } from './policy_context.ts';
import type { SelectorPolicy } from './resolve.ts';
import { type DirectionWork, type PreparedRule, prepareRule, type Requirements, resolveRule } from './rule.ts';
import type { SelectorCache } from './selectorcache.ts';

/** A rule in the repository; remembers which identities it selects. */
interface StoredRule {
  readonly rule: Rule;
  /** Made when first needed. */
  prepared: PreparedRule | null;
  readonly selected: Map<number, boolean>;
}

/** Result of resolving an identity's policy. */
export type ResolveResult = { readonly ok: true; readonly policy: SelectorPolicy } | { readonly ok: false; readonly error: string };

/** What a change of the repository did. */
export interface RepositoryChange {
  /** Revision after the change. */
  readonly revision: number;
  readonly added: readonly Rule[];
  readonly removed: readonly Rule[];
}

/** Reads no secrets: every reference fails. */
export const NO_CERTIFICATES: CertificateManager = {
  tlsContext: () => ({ error: 'secrets are not available' }),
  secretString: () => ({ error: 'secrets are not available' }),
};

/** The repository. */
export class Repository {
  readonly cache: SelectorCache;
  readonly config: PolicyConfig;
  readonly certificates: CertificateManager;
  private readonly entities: EntityMapping;
  private rules: readonly StoredRule[] = [];
  private currentRevision = 1;

  constructor(cache: SelectorCache, config: PolicyConfig, certificates: CertificateManager = NO_CERTIFICATES) {
    this.cache = cache;
    this.config = config;
    this.certificates = certificates;
    this.entities = entityMapping(config.clusterName, !config.enableRemoteNodeIdentity && config.allowLocalhost === 'always');
  }

  /** Starts at 1; +1 for every addition and for every deletion that removed something. */
  get revision(): number {
    return this.currentRevision;
  }

  /** Number of rules. */
  get size(): number {
    return this.rules.length;
  }

  /** All rules in order. */
  allRules(): readonly Rule[] {
    return this.rules.map(({ rule }) => rule);
  }

  /** All rules in order, with their selectors worked out. */
  preparedRules(): readonly PreparedRule[] {
    return this.rules.map((stored) => this.prepared(stored));
  }

  private prepared(stored: StoredRule): PreparedRule {
    stored.prepared ??= prepareRule(stored.rule, this.entities);
    return stored.prepared;
  }

  /** Appends rules. @see cilium:pkg/policy/repository.go#Repository.AddListLocked */
  addList(rules: readonly Rule[]): RepositoryChange {
    this.rules = [...this.rules, ...rules.map((rule) => ({ rule, prepared: null, selected: new Map<number, boolean>() }))];
    this.currentRevision++;
    return { revision: this.currentRevision, added: rules, removed: [] };
  }

  /** Removes every rule that carries all the labels. @see cilium:pkg/policy/repository.go#Repository.DeleteByLabelsLocked */
  deleteByLabels(labels: LabelArray): RepositoryChange {
    const removed = this.rules.filter(({ rule }) => containsLabels(rule.labels, labels));
    if (removed.length > 0) {
      const gone = new Set(removed);
      this.rules = this.rules.filter((stored) => !gone.has(stored));
      this.currentRevision++;
    }
    return { revision: this.currentRevision, added: [], removed: removed.map(({ rule }) => rule) };
  }

  /** Replaces the rules that carry the labels: a deletion and an addition. */
  replaceByLabels(labels: LabelArray, rules: readonly Rule[]): RepositoryChange {
    const { removed } = this.deleteByLabels(labels);
    const { revision } = this.addList(rules);
    return { revision, added: rules, removed };
  }

  /** Changes rules in place; the revision is not one higher for it. @returns the rules before and after @see cilium:pkg/policy/repository.go#Repository.TranslateRules */
  translateRules(translate: (rule: Rule) => Rule): { readonly before: readonly Rule[]; readonly after: readonly Rule[] } {
    const before: Rule[] = [];
    const after: Rule[] = [];
    this.rules = this.rules.map((stored) => {
      const rule = translate(stored.rule);
      if (rule === stored.rule) {
        return stored;
      }
      before.push(stored.rule);
      after.push(rule);
      return { ...stored, rule, prepared: null };
    });
    return { before, after };
  }

  /** Policies have to be computed again. @see cilium:pkg/policy/repository.go#Repository.BumpRevision */
  bumpRevision(): void {
    this.currentRevision++;
  }

  /** Rules that carry all the labels. @see cilium:pkg/policy/repository.go#Repository.SearchRLocked */
  search(labels: LabelArray): readonly Rule[] {
    return this.allRules().filter((rule) => containsLabels(rule.labels, labels));
  }

  /** Rules whose subject an identity is. */
  rulesSelecting(identity: Identity): readonly Rule[] {
    return this.rules.filter((stored) => matches(stored, identity)).map(({ rule }) => rule);
  }

  /** Whether one of some rules selects an identity, for instance the rules of a {@link RepositoryChange}. */
  static anySelects(rules: readonly Rule[], identity: Identity): boolean {
    return rules.some((rule) => ruleSelects(rule, identity));
  }

  /** Forgets what is remembered about an identity whose labels changed or that is gone. */
  forgetIdentity(id: number): void {
    for (const { selected } of this.rules) {
      selected.delete(id);
    }
  }

  /** Computes the policy of an identity. The result uses the selector cache until its `l4Policy` is detached. @see cilium:pkg/policy/repository.go#Repository.resolvePolicyLocked */
  resolvePolicy(identity: Identity): ResolveResult {
    const { ingress, egress, rules } = this.enforcement(identity);
    const ctx: PolicyContext = {
      cache: this.cache,
      config: this.config,
      certificates: this.certificates,
      namespace: identity.index.get(`k8s.${POD_NAMESPACE_LABEL}`) ?? '',
    };
    const ingressFilters: L4PolicyMap = new Map();
    const egressFilters: L4PolicyMap = new Map();
    const error =
      (ingress ? this.resolveDirection(ctx, rules, true, ingressFilters) : null) ??
      (egress ? this.resolveDirection(ctx, rules, false, egressFilters) : null);
    const l4Policy = new L4Policy(this.currentRevision, ingressFilters, egressFilters);
    if (error !== null) {
      l4Policy.detach(this.cache);
      return { ok: false, error };
    }
    l4Policy.attach();
    const policy: SelectorPolicy = {
      revision: this.currentRevision,
      cache: this.cache,
      config: this.config,
      l4Policy,
      namespace: ctx.namespace,
      certificates: this.certificates,
      ingressPolicyEnabled: ingress,
      egressPolicyEnabled: egress,
    };
    return { ok: true, policy };
  }

  private resolveDirection(ctx: PolicyContext, rules: readonly StoredRule[], ingress: boolean, filters: L4PolicyMap): ResolveError {
    const requirements = requirementsOf(
      rules.map(({ rule }) => rule),
      ingress,
    );
    const work: DirectionWork = { ingress, requirements, result: filters };
    for (const stored of rules) {
      const error = resolveRule(ctx, this.prepared(stored), work);
      if (error !== null) {
        return error;
      }
    }
    return null;
  }

  /**
   * Which directions are enforced for an identity, and by which rules.
   * @see cilium:pkg/policy/repository.go#Repository.computePolicyEnforcementAndRules
   */
  private enforcement(identity: Identity): { readonly ingress: boolean; readonly egress: boolean; readonly rules: readonly StoredRule[] } {
    const nothing = { ingress: false, egress: false, rules: [] };
    if (this.config.enforcement === 'never' || (identity.index.has('any.host') && !this.config.enableHostFirewall)) {
      return nothing;
    }
    const rules = this.rules.filter((stored) => matches(stored, identity));
    if (this.config.enforcement === 'always' || identity.index.has('any.init')) {
      return { ingress: true, egress: true, rules };
    }
    return {
      ingress: rules.some(({ rule }) => rule.ingress.length + rule.ingressDeny.length > 0),
      egress: rules.some(({ rule }) => rule.egress.length + rule.egressDeny.length > 0),
      rules,
    };
  }
}

/** What some rules require of the peers of a direction. */
export function requirementsOf(rules: readonly Rule[], ingress: boolean): Requirements {
  return ingress
    ? {
        allow: rules.flatMap((rule) => rule.ingress.flatMap((element) => element.fromRequires.flatMap(toRequirements))),
        deny: rules.flatMap((rule) => rule.ingressDeny.flatMap((element) => element.fromRequires.flatMap(toRequirements))),
      }
    : {
        allow: rules.flatMap((rule) => rule.egress.flatMap((element) => element.toRequires.flatMap(toRequirements))),
        deny: rules.flatMap((rule) => rule.egressDeny.flatMap((element) => element.toRequires.flatMap(toRequirements))),
      };
}

function matches({ rule, selected }: StoredRule, identity: Identity): boolean {
  let known = selected.get(identity.id);
  if (known === undefined) {
    known = ruleSelects(rule, identity);
    selected.set(identity.id, known);
  }
  return known;
}

/** Rules with a node selector are for the host, all others for everyone else. @see cilium:pkg/policy/rule.go#rule.matches */
function ruleSelects(rule: Rule, identity: Identity): boolean {
  if ((rule.nodeSelector !== null) !== (identity.id === IDENTITY_HOST)) {
    return false;
  }
  const selector = rule.nodeSelector ?? rule.endpointSelector;
  return selector !== null && selectorMatches(selector, identity.index);
}
