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
  /** Agent notifications. */
  readonly notify: (name: string, text: string) => void;
}

/** How an addition replaces. */
export interface AddOptions {
  /** Rules with all these labels go first; `null`: none goes. */
  readonly replaceWithLabels: LabelArray | null;
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

  /** @see cilium:daemon/cmd/policy.go#Daemon.policyAdd */
  #add(rules: readonly Rule[], options: AddOptions): RepositoryChange {
    const { repository, cidrIdentities } = this.#deps;
    const fresh: { readonly prefix: IpPrefix; readonly identity: Identity }[] = [];
    for (const prefix of cidrPrefixes(rules)) {
      const { identity, isNew } = cidrIdentities.allocate(prefix);
      if (isNew) {
        fresh.push({ prefix, identity });
      }
    }
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
  #react(
    change: RepositoryChange,
    fresh: readonly { readonly prefix: IpPrefix; readonly identity: Identity }[],
    released: readonly IpPrefix[],
  ): void {
    const { endpoints, regenerate, ipcache, cidrIdentities } = this.#deps;
    this.#reactions.enqueue((next) => {
      this.#step('PolicyReactionEvent.Handle', `revision ${change.revision}`);
      const gone = released.flatMap((prefix) => {
        const identity = cidrIdentities.release(prefix);
        if (identity === null) {
          return [];
        }
        ipcache.delete(prefix);
        return [identity.id];
      });
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

  #step(fn: string, why: string): void {
    if (this.#deps.journey.recording) {
      this.#deps.journey.add({ kind: 'decide', actor: 'agent', fn, see: `cilium:daemon/cmd/policy.go#Daemon.${fn}`, verdict: 'done', why });
    }
  }
}
