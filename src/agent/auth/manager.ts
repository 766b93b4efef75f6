/**
 * Authenticates connections that the datapath has dropped for want of it: the only type there is in 1.13 always succeeds.
 * @see cilium:pkg/auth/manager.go#AuthManager
 * @see cilium:pkg/auth/monitor/monitor.go#dropMonitor
 */
import { CT_AUTH_REQUIRED, type CtMap, TUPLE_F_IN, TUPLE_F_OUT } from '../../maps/ctmap.ts';
import { DROP_POLICY_AUTH_REQUIRED } from '../../maps/drop_reasons.ts';
import { CILIUM_NOTIFY_DROP, type DropNotify } from '../../maps/eventsmap.ts';
import { IPPROTO_TCP } from '../../net/protocol.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { EndpointManager } from '../endpointmanager/manager.ts';
import type { MonitorAgent } from '../monitor/monitor_agent.ts';
import { AUTH_TYPE_NULL } from '../policy/mapstate_entry.ts';

/** What the manager works with. */
export interface AuthDeps {
  readonly scheduler: Scheduler;
  readonly journey: Journey;
  readonly monitor: MonitorAgent;
  readonly endpoints: EndpointManager;
  readonly maps: { readonly ct4: CtMap; readonly ctAny4: CtMap };
}

/** Starts to listen for drops that ask for authentication. */
export function startAuthManager(deps: AuthDeps): void {
  deps.monitor.subscribe((payload) => {
    if (payload.kind === 'datapath' && payload.record.type === CILIUM_NOTIFY_DROP && payload.record.reason === -DROP_POLICY_AUTH_REQUIRED) {
      const { record } = payload;
      deps.scheduler.after(0, 'authentication', () => authRequired(deps, record));
    }
  });
}

/** @see cilium:pkg/auth/manager.go#AuthManager.AuthRequired */
function authRequired({ journey, endpoints, maps }: AuthDeps, { source, extError, dstId, packet }: DropNotify): void {
  const { ip, l4 } = packet;
  if (endpoints.get(source) === undefined || extError !== AUTH_TYPE_NULL) {
    // What comes in is dropped without its type, and so never authenticated.
    return;
  }
  const ports = l4.kind === 'tcp' || l4.kind === 'udp' || l4.kind === 'sctp' ? l4 : { sport: 0, dport: 0 };
  const map = ip.protocol === IPPROTO_TCP ? maps.ct4 : maps.ctAny4;
  const key = {
    daddr: ip.src,
    saddr: ip.dst,
    sport: ports.sport,
    dport: ports.dport,
    nexthdr: ip.protocol,
    flags: dstId === 0 ? TUPLE_F_OUT : TUPLE_F_IN,
  };
  const entry = map.lookup(key);
  if (entry === undefined) {
    return;
  }
  const before = map.spec.valueToJson(entry);
  entry.flags &= ~CT_AUTH_REQUIRED;
  if (journey.recording) {
    journey.add({
      kind: 'change',
      actor: 'agent',
      fn: 'AuthRequired',
      see: 'cilium:pkg/auth/manager.go#AuthManager.AuthRequired',
      target: map.spec.name,
      key: map.spec.key.toJson(key),
      before,
      after: map.spec.valueToJson(entry),
    });
  }
}
