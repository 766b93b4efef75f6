/**
 * Garbage collection of conntrack entries: the datapath never looks at the lifetime, this does.
 * @see cilium:pkg/maps/ctmap/gc/gc.go#Enable
 * @see cilium:pkg/maps/ctmap/ctmap.go#GetInterval
 */
import { type CtMap, type Ipv4CtTuple, TUPLE_F_IN, TUPLE_F_OUT } from '../../maps/ctmap.ts';
import { NAT_DIR_EGRESS, NAT_DIR_INGRESS, type NatMap } from '../../maps/natmap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { type Nanos, SECOND } from '../../sim/clock.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';

const START_INTERVAL = 300;
const MIN_INTERVAL = 10;
const MAX_INTERVAL = 12 * 3600;

/** Removes entries whose lifetime is over; returns how many. @see cilium:pkg/maps/ctmap/ctmap.go#doGC4 */
export function collectGarbage(map: CtMap, nowSeconds: number, nat: NatMap | null = null): number {
  return map.deleteWhere(
    (entry) => entry.lifetime < nowSeconds,
    nat === null || nat.size === 0
      ? null
      : (key) => {
          if ((key.flags & TUPLE_F_IN) === 0) {
            deleteMapping(nat, key);
          }
        },
  );
}

/** The translation of a connection goes with it, in both directions. @see cilium:pkg/maps/nat/nat.go#deleteMapping4 */
function deleteMapping(nat: NatMap, connection: Ipv4CtTuple): void {
  // Connection tracking keeps the addresses the other way round.
  const key = { ...connection, saddr: connection.daddr, daddr: connection.saddr, flags: NAT_DIR_EGRESS };
  const entry = nat.lookup(key);
  if (entry !== undefined) {
    const back = { saddr: key.daddr, sport: key.dport, daddr: entry.address, dport: entry.port };
    nat.delete(key);
    nat.delete({ ...back, nexthdr: key.nexthdr, flags: NAT_DIR_INGRESS });
  }
}

/** Removes the entries of an address, whichever side it is on; returns how many. @see cilium:pkg/maps/ctmap/ctmap.go#GCFilter.doFiltering */
export function scrubAddress(maps: readonly CtMap[], address: Ipv4): number {
  let deleted = 0;
  for (const map of maps) {
    for (const [key] of map.entries()) {
      if (key.saddr === address || key.daddr === address) {
        map.delete(key);
        deleted += 1;
      }
    }
  }
  return deleted;
}

/** The interval to the next run after `ratio` of the entries was deleted. Seconds. */
export function nextInterval(previous: number, ratio: number): number {
  if (ratio > 0.25) {
    return Math.max(MIN_INTERVAL, Math.round(previous * (1 - Math.min(ratio, 0.9))));
  }
  return ratio > 0 && ratio < 0.05 ? Math.min(MAX_INTERVAL, Math.round(previous * 1.5)) : previous;
}

/** Hears which connections live, to keep names alive that they use. @see cilium:pkg/maps/ctmap/gc/gc.go#Enable */
export interface LiveConnections {
  /** Whether there are names that a connection could keep alive. */
  readonly interested: boolean;
  markDnsCtEntry(source: Ipv4, destination: Ipv4, now: Nanos): void;
  markCtGcTime(start: Nanos): void;
}

/** Tells of the connections pods have opened that are still in a map. */
export function tellLiveConnections(map: CtMap, live: LiveConnections, now: Nanos): void {
  if (!live.interested) {
    return;
  }
  for (const [key] of map.entries()) {
    if (key.flags === TUPLE_F_OUT) {
      // The key holds the addresses of the reply: the pod is where the reply goes.
      live.markDnsCtEntry(key.daddr, key.saddr, now);
    }
  }
}

/** The maps it goes through. */
export interface GcMaps {
  readonly ct4: CtMap;
  readonly ctAny4: CtMap;
  readonly nat: NatMap;
}

/** Runs it for ever. */
export function startConntrackGc(scheduler: Scheduler, journey: Journey, maps: GcMaps, live: LiveConnections): void {
  const run = (interval: number): void => {
    scheduler.after(interval * SECOND, 'periodic:ct-gc', () => {
      let ratio = 0;
      const now = scheduler.clock.now();
      for (const map of [maps.ct4, maps.ctAny4]) {
        const size = map.size;
        const deleted = collectGarbage(map, scheduler.clock.seconds(), maps.nat);
        ratio = Math.max(ratio, size === 0 ? 0 : deleted / size);
        tellLiveConnections(map, live, now);
        if (journey.recording && deleted > 0) {
          journey.add({
            kind: 'change',
            actor: 'agent',
            fn: 'doGC4',
            see: 'cilium:pkg/maps/ctmap/ctmap.go#doGC4',
            target: map.spec.name,
            before: { entries: size },
            after: { entries: map.size },
          });
        }
      }
      live.markCtGcTime(now);
      run(nextInterval(interval, ratio));
    });
  };
  run(START_INTERVAL);
}
