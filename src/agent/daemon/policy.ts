/**
 * From a policy object's rules to endpoints that regenerate.
 * @see cilium:daemon/cmd/policy.go
 */
import { formatPrefix, type IpPrefix } from '../../net/prefix.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { REGENERATE_WITHOUT_DATAPATH, type RegenerationLevel } from '../endpoint/state.ts';
import type { CidrIdentities, Identity } from '../identity/identity.ts';
import type { Ipcache } from '../ipcache/ipcache.ts';
import type { LabelArray } from '../labels/labels.ts';
import type { Rule } from '../policy/api/rule.ts';
import { cidrPrefixes } from '../policy/cidr.ts';
import { Repository, type RepositoryChange } from '../policy/repository.ts';
import { EventQueue } from './event_queue.ts';

/** What policy handling works with. */
export interface PolicyDeps {
  readonly scheduler: Scheduler;
  readonly journey: Journey;
  readonly repository: Repository;
  readonly cidrIdentities: CidrIdentities;
  readonly ipcache: Ipcache;
  readonly endpoints: () => readonly Endpoint[];
  /** Tells the selector cache of new and gone identities. */
  readonly updateIdentities: (added: readonly Identity[], deleted: readonly number[]) => void;
  readonly regenerate: (endpoint: Endpoint, level: RegenerationLevel, reason: string) => void;
  /** Regenerates all endpoints soon. */
  readonly triggerPolicyUpdates: (reason: string) => void;
  /** Agent notifications. */
  readonly notify: (name: string, text: string) => void;
}

/** How an addition replaces. */
export interface AddOptions {
  /** Rules with all these labels go first; `null`: none goes. */
  readonly replaceWithLabels: LabelArray | null;
}

interface PrefixIdentity {
  readonly prefix: IpPrefix;
  readonly identity: Identity;
}

/** Serialises all changes of the repository. */
export class PolicyManager {
  readonly #deps: PolicyDeps;
  /** @see cilium:daemon/cmd/daemon.go `repository-change-queue` */
  readonly #changes: EventQueue;
  readonly #reactions: EventQueue;

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
    this.#changes = new EventQueue(deps.scheduler, 'repository-change-queue');
    this.#reactions = new EventQueue(deps.scheduler, 'repository-reaction-queue');
  }

  /** Whether no change is on its way. */
  get idle(): boolean {
    return this.#changes.idle && this.#reactions.idle;
  }

  /** Queues an addition; `done` hears the new revision before any endpoint has changed. @see cilium:daemon/cmd/policy.go#Daemon.PolicyAdd */
  policyAdd(rules: readonly Rule[], options: AddOptions, done: (revision: number) => void = () => undefined): void {
    this.#step('PolicyAdd', `${rules.length} rules to the repository-change-queue`);
    this.#changes.enqueue((next) => {
      const change = this.#add(rules, options);
      done(change.revision);
      next();
    });
  }

  /** Queues a deletion. @see cilium:daemon/cmd/policy.go#Daemon.PolicyDelete */
  policyDelete(labels: LabelArray, done: (revision: number) => void = () => undefined): void {
    this.#step('PolicyDelete', 'to the repository-change-queue');
    this.#changes.enqueue((next) => {
      const change = this.#deps.repository.deleteByLabels(labels);
      this.#step('policyDelete', `${change.removed.length} rules removed, revision ${change.revision}`);
      this.#deps.notify('Policy deleted', JSON.stringify({ revision: change.revision, rule_count: change.removed.length }));
      this.#react(change, [], cidrPrefixes(change.removed));
      done(change.revision);
      next();
    });
  }

  /**
   * Changes rules as services come, change and go; all endpoints regenerate if a rule did change.
   * @see cilium:pkg/k8s/watchers/watcher.go#K8sWatcher.k8sServiceHandler
   * @remarks Simplified: new prefixes are counted before old ones are given back, which the real agent reaches by giving back later.
   */
  translateRules(translate: (rule: Rule) => Rule, reason: string): void {
    const { repository, ipcache } = this.#deps;
    const { before, after } = repository.translateRules(translate);
    if (after.length === 0) {
      return;
    }
    const fresh = this.#allocate(after);
    for (const { prefix, identity } of fresh) {
      ipcache.upsert(prefix, { identity: identity.id, source: 'generated', hostIp: 0 });
    }
    const gone = this.#release(cidrPrefixes(before));
    this.#deps.updateIdentities(
      fresh.map((one) => one.identity),
      gone,
    );
    repository.bumpRevision();
    this.#step('TriggerPolicyUpdates', `${reason}: ${after.length} rules changed, revision ${repository.revision}`);
    this.#deps.triggerPolicyUpdates(reason);
  }

  /** @see cilium:daemon/cmd/policy.go#Daemon.policyAdd */
  #add(rules: readonly Rule[], options: AddOptions): RepositoryChange {
    const { repository } = this.#deps;
    const fresh = this.#allocate(rules);
    this.#deps.updateIdentities(
      fresh.map((one) => one.identity),
      [],
    );
    const { replaceWithLabels } = options;
    const change = replaceWithLabels === null ? repository.addList(rules) : repository.replaceByLabels(replaceWithLabels, rules);
    this.#step('policyAdd', `${rules.length} rules added, ${change.removed.length} replaced, revision ${change.revision}`);
    this.#deps.notify('Policy updated', JSON.stringify({ revision: change.revision, rule_count: rules.length }));
    this.#react(change, fresh, cidrPrefixes(change.removed));
    return change;
  }

  /** @see cilium:daemon/cmd/policy.go#Daemon.reactToRuleUpdates */
  #react(change: RepositoryChange, fresh: readonly PrefixIdentity[], released: readonly IpPrefix[]): void {
    const { endpoints, regenerate, ipcache } = this.#deps;
    this.#reactions.enqueue((next) => {
      this.#step('PolicyReactionEvent.Handle', `revision ${change.revision}`);
      const gone = this.#release(released);
      for (const endpoint of endpoints()) {
        const { identity } = endpoint;
        if (identity === null) {
          continue;
        }
        if (Repository.anySelects([...change.added, ...change.removed], identity)) {
          this.#step('EndpointRegenerationEvent', `endpoint ${endpoint.id} (${endpoint.name}) is selected: regenerate`);
          regenerate(endpoint, REGENERATE_WITHOUT_DATAPATH, 'policy rules added');
        } else {
          endpoint.queue.enqueue((done) => {
            endpoint.nextPolicyRevision = Math.max(endpoint.nextPolicyRevision, change.revision);
            endpoint.policyRevision = Math.max(endpoint.policyRevision, change.revision);
            done();
          });
        }
      }
      for (const { prefix, identity } of fresh) {
        ipcache.upsert(prefix, { identity: identity.id, source: 'generated', hostIp: 0 });
        this.#step('UpsertGeneratedIdentities', `${formatPrefix(prefix)} is identity ${identity.id}`);
      }
      if (gone.length > 0) {
        this.#deps.updateIdentities([], gone);
      }
      next();
    });
  }

  /** Prefixes of rules that had no identity yet. @see cilium:pkg/ipcache/cidr.go#IPCache.AllocateCIDRs */
  #allocate(rules: readonly Rule[]): PrefixIdentity[] {
    return cidrPrefixes(rules).flatMap((prefix) => {
      const { identity, isNew } = this.#deps.cidrIdentities.allocate(prefix);
      return isNew ? [{ prefix, identity }] : [];
    });
  }

  /** Gives prefixes back. @returns identities that are gone with them @see cilium:pkg/ipcache/cidr.go#IPCache.ReleaseCIDRIdentitiesByCIDR */
  #release(prefixes: readonly IpPrefix[]): number[] {
    return prefixes.flatMap((prefix) => {
      const identity = this.#deps.cidrIdentities.release(prefix);
      if (identity === null) {
        return [];
      }
      this.#deps.ipcache.delete(prefix);
      return [identity.id];
    });
  }

  #step(fn: string, why: string): void {
    if (this.#deps.journey.recording) {
      this.#deps.journey.add({ kind: 'decide', actor: 'agent', fn, see: `cilium:daemon/cmd/policy.go#Daemon.${fn}`, verdict: 'done', why });
    }
  }
}
