/**
 * Identities of prefixes, which are the agent's own numbers: the ipcache map of the agent before tells them, so that policy maps stay true.
 * @see cilium:daemon/cmd/daemon.go#newDaemon
 */
import type { BpfFs } from '../../kernel/bpffs.ts';
import { LOCAL_IDENTITY_FLAG, type Identity as NumericIdentity } from '../../maps/identity.ts';
import { ENDPOINT_KEY_IPV4, IPCACHE_NAME, type IpcacheMap } from '../../maps/ipcache.ts';
import type { IpPrefix } from '../../net/prefix.ts';
import { type Nanos, SECOND } from '../../sim/clock.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { CidrIdentities, Identity } from '../identity/identity.ts';
import type { Ipcache } from '../ipcache/ipcache.ts';

/** @see cilium:pkg/defaults/defaults.go#IdentityRestoreGracePeriod */
const IDENTITY_RESTORE_GRACE_PERIOD: Nanos = 600 * SECOND;

/** A prefix and the number it had. */
export interface OldCidr {
  readonly prefix: IpPrefix;
  readonly id: NumericIdentity;
}

/** Prefixes with numbers of their own in the pinned ipcache. To be read before a new map takes its place. */
export function oldCidrs(bpffs: BpfFs): OldCidr[] {
  const found: OldCidr[] = [];
  for (const [key, { secLabel }] of bpffs.get<IpcacheMap>(IPCACHE_NAME)?.entries() ?? []) {
    if ((secLabel & LOCAL_IDENTITY_FLAG) !== 0) {
      const family = key.space === ENDPOINT_KEY_IPV4 ? 4 : 6;
      found.push({ prefix: { family, bits: BigInt(key.address), length: key.length }, id: secLabel });
    }
  }
  return found.sort((a, b) => a.id - b.id);
}

/** What restoring them works with. */
export interface CidrRestoreDeps {
  readonly scheduler: Scheduler;
  readonly cidrIdentities: CidrIdentities;
  readonly ipcache: Ipcache;
  readonly updateIdentities: (added: readonly Identity[], deleted: readonly number[]) => void;
}

/** Gives the prefixes their numbers again; returns those that have them. */
export function restoreCidrs({ cidrIdentities, ipcache, updateIdentities }: CidrRestoreDeps, old: readonly OldCidr[]): IpPrefix[] {
  const restored: IpPrefix[] = [];
  for (const { prefix, id } of old) {
    const identity = cidrIdentities.restore(prefix, id);
    if (identity !== null) {
      updateIdentities([identity], []);
      ipcache.upsert(prefix, { identity: id, source: 'generated', hostIp: 0 });
      restored.push(prefix);
    }
  }
  return restored;
}

/** After a grace period the numbers that nobody asked for are free. @see cilium:daemon/cmd/daemon_main.go#runDaemon */
export function releaseCidrsLater(
  { scheduler, cidrIdentities, ipcache, updateIdentities }: CidrRestoreDeps,
  restored: readonly IpPrefix[],
): void {
  scheduler.after(IDENTITY_RESTORE_GRACE_PERIOD, 'idle:restored CIDR identities', () => {
    const gone: number[] = [];
    for (const prefix of restored) {
      const identity = cidrIdentities.release(prefix);
      if (identity !== null) {
        ipcache.delete(prefix);
        gone.push(identity.id);
      }
    }
    updateIdentities([], gone);
  });
}
