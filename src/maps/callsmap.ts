/**
 * Tail call maps: `cilium_call_policy`, `cilium_egresscall_policy`, `cilium_calls_<id>`.
 * @see cilium:bpf/lib/common.h#CILIUM_CALL_DROP_NOTIFY
 * @see cilium:bpf/lib/maps.h#POLICY_CALL_MAP
 */
import { ProgArray } from '../kernel/prog_array.ts';
import type { TcProgram } from '../kernel/skb.ts';

/** Pinned names and sizes. */
export const POLICY_CALL_NAME = 'cilium_call_policy';
export const POLICY_EGRESSCALL_NAME = 'cilium_egresscall_policy';
export const POLICY_PROG_MAP_SIZE = 65535;
export const CILIUM_CALL_SIZE = 38;

export const CILIUM_CALL_DROP_NOTIFY = 1;
export const CILIUM_CALL_ERROR_NOTIFY = 2;
export const CILIUM_CALL_ARP = 6;
export const CILIUM_CALL_IPV4_FROM_LXC = 7;
export const CILIUM_CALL_IPV4_FROM_NETDEV = 7;
export const CILIUM_CALL_IPV4_FROM_OVERLAY = 7;
export const CILIUM_CALL_IPV4_TO_LXC_POLICY_ONLY = 11;
export const CILIUM_CALL_IPV4_TO_HOST_POLICY_ONLY = 11;
export const CILIUM_CALL_IPV4_TO_ENDPOINT = 13;
export const CILIUM_CALL_IPV4_NODEPORT_NAT_EGRESS = 15;
export const CILIUM_CALL_IPV4_NODEPORT_REVNAT = 17;
export const CILIUM_CALL_IPV4_FROM_HOST = 22;
export const CILIUM_CALL_IPV4_FROM_LXC_CONT = 25;
export const CILIUM_CALL_IPV4_CT_INGRESS = 27;
export const CILIUM_CALL_IPV4_CT_INGRESS_POLICY_ONLY = 28;
export const CILIUM_CALL_IPV4_CT_EGRESS = 29;
export const CILIUM_CALL_IPV4_NODEPORT_NAT_INGRESS = 36;

export type CallsMap = ProgArray<TcProgram>;

/** `cilium_calls_00863` */
export function callsMapName(endpointId: number): string {
  return `cilium_calls_${String(endpointId).padStart(5, '0')}`;
}

/** Creates an endpoint's (or the host's) private tail call map. */
export function newCallsMap(name: string): CallsMap {
  return new ProgArray(name, CILIUM_CALL_SIZE);
}

/** Creates `cilium_call_policy` (or the egress one): index = endpoint id. */
export function newPolicyCallMap(name: string = POLICY_CALL_NAME): CallsMap {
  return new ProgArray(name, POLICY_PROG_MAP_SIZE);
}
