/**
 * Connections that must be authenticated: the first packet makes an entry and is dropped, later ones wait for the agent to clear the entry's flag.
 * @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc
 */
import type { Skb } from '../../kernel/skb.ts';
import { DROP_POLICY_AUTH_REQUIRED } from '../../maps/drop_reasons.ts';
import type { Identity } from '../../maps/identity.ts';
import type { BpfEnv } from '../env.ts';
import { CT_NEW, type CtDir, ctCreate4, getCtMap4 } from './conntrack.ts';

/** The verdict for a packet of a connection that policy wants authenticated: the proxy port (or 0) once it is. */
export function verdictOfKnown(env: BpfEnv): number {
  const { ctStatus, ctState, proxyPort } = env.scratch;
  return ctStatus === CT_NEW || ctState.authRequired ? DROP_POLICY_AUTH_REQUIRED : proxyPort;
}

/** Makes the entry that the agent is to clear. The look-up's tuple and the new state of `scratch` are used. */
export function createUnauthenticated(env: BpfEnv, skb: Skb, dir: CtDir, srcSecId: Identity): number {
  const { tuple, ctStateNew, proxyPort } = env.scratch;
  ctStateNew.srcSecId = srcSecId;
  ctStateNew.authRequired = true;
  const error = ctCreate4(env, getCtMap4(env, tuple.nexthdr), env.maps.ctAny4, tuple, skb, dir, ctStateNew, proxyPort > 0, false);
  ctStateNew.authRequired = false;
  return Math.min(error, DROP_POLICY_AUTH_REQUIRED);
}
