/**
 * One selector policy per identity, shared by the identity's endpoints and computed again when the repository has moved on.
 * @see cilium:pkg/policy/distillery.go#PolicyCache
 */
import type { Identity } from '../identity/identity.ts';
import type { Repository } from './repository.ts';
import type { SelectorPolicy } from './resolve.ts';

/** Result of an update. */
export type UpdateResult =
  | { readonly ok: true; readonly policy: SelectorPolicy /** Whether it was computed now. */; readonly updated: boolean }
  | { readonly ok: false; readonly error: string };

/** The cache. */
export class PolicyCache {
  private readonly repository: Repository;
  private readonly policies = new Map<number, SelectorPolicy>();
  private readonly users = new Map<number, number>();

  constructor(repository: Repository) {
    this.repository = repository;
  }

  /** An endpoint begins to use an identity. */
  addUser(identity: Identity): void {
    this.users.set(identity.id, (this.users.get(identity.id) ?? 0) + 1);
  }

  /** An endpoint stops using an identity; the last one forgets its policy. @see cilium:pkg/policy/distillery.go#PolicyCache.delete */
  removeUser(identity: Identity): void {
    const left = (this.users.get(identity.id) ?? 1) - 1;
    if (left > 0) {
      this.users.set(identity.id, left);
      return;
    }
    this.users.delete(identity.id);
    this.policies.get(identity.id)?.l4Policy.detach(this.repository.cache);
    this.policies.delete(identity.id);
    this.repository.forgetIdentity(identity.id);
  }

  /**
   * The policy of an identity at the repository's revision. The policy it replaces hears of no more changes. When the policy cannot be computed
   * the old one stays.
   * @see cilium:pkg/policy/distillery.go#PolicyCache.updateSelectorPolicy
   */
  updatePolicy(identity: Identity): UpdateResult {
    const old = this.policies.get(identity.id);
    if (old !== undefined && old.revision >= this.repository.revision) {
      return { ok: true, policy: old, updated: false };
    }
    const resolved = this.repository.resolvePolicy(identity);
    if (!resolved.ok) {
      return resolved;
    }
    this.policies.set(identity.id, resolved.policy);
    old?.l4Policy.detach(this.repository.cache);
    return { ok: true, policy: resolved.policy, updated: true };
  }

  /** The policy last computed for an identity. */
  lookup(identity: Identity): SelectorPolicy | undefined {
    return this.policies.get(identity.id);
  }
}
