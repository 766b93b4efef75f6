/**
 * `cilium bpf lb list`: services and their backends in the load balancer's maps.
 * @see cilium:cilium/cmd/bpf_lb_list.go#dumpSVC
 */
import {
  LB_LOOKUP_SCOPE_INT,
  LB4_BACKENDS_NAME,
  LB4_REVERSE_NAT_NAME,
  LB4_SERVICES_NAME,
  type Lb4Backend,
  type Lb4BackendsMap,
  type Lb4ReverseNatMap,
  type Lb4Service,
  type Lb4ServicesMap,
  SVC_FLAG_AFFINITY,
  SVC_FLAG_EXT_LOCAL_SCOPE,
  SVC_FLAG_EXTERNAL_IP,
  SVC_FLAG_HOSTPORT,
  SVC_FLAG_INT_LOCAL_SCOPE,
  SVC_FLAG_L7LOADBALANCER,
  SVC_FLAG_LOADBALANCER,
  SVC_FLAG_LOCALREDIRECT,
  SVC_FLAG_LOOPBACK,
  SVC_FLAG_NODEPORT,
  SVC_FLAG_ROUTABLE,
  SVC_FLAG_SOURCE_RANGE,
  SVC_FLAG_TWO_SCOPES,
} from '../../maps/lbmap.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { protocolName } from '../../net/protocol.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import type { CommandResult } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, keyedOutput, OUTPUT_FLAG } from './output.ts';

/** `cilium bpf lb list`. */
export const bpfLbListCommand: CiliumCommand = {
  words: 'bpf lb list',
  summary: 'list load balancing entries',
  flags: [{ name: 'revnat' }, { name: 'frontends' }, { name: 'backends' }, { name: 'source-ranges' }, OUTPUT_FLAG],
  check: checkOutput,
  run: bpfLbList,
};

/** Runs the command. Frontend rows come before their backends; the real order is that of a hash. */
function bpfLbList(node: NodeView, flags: Flags): CommandResult {
  const address = 'BACKEND ADDRESS (REVNAT_ID) (SLOT)';
  if (flags.has('revnat')) {
    return keyedOutput(flags, 'ID', address, reverseNat(node));
  }
  if (flags.has('frontends')) {
    return keyedOutput(flags, 'SERVICE ADDRESS', 'BACKEND ID', frontends(node));
  }
  if (flags.has('backends')) {
    return keyedOutput(flags, 'ID', address, backends(node));
  }
  if (flags.has('source-ranges')) {
    // No service has one here, so the map is empty.
    return keyedOutput(flags, 'SOURCE RANGE (REVNAT_ID)', '', new Map());
  }
  return keyedOutput(flags, 'SERVICE ADDRESS', address, services(node));
}

/** `ClusterIP, non-routable`. @see cilium:pkg/loadbalancer/loadbalancer.go#ServiceFlags.String */
export function serviceFlagsText(service: Lb4Service): string {
  const { flags, flags2 } = service;
  const words = [serviceType(flags, flags2)];
  const add = (set: boolean, word: string): void => {
    if (set) {
      words.push(word);
    }
  };
  add((flags & SVC_FLAG_EXT_LOCAL_SCOPE) !== 0, 'Local');
  add((flags2 & SVC_FLAG_INT_LOCAL_SCOPE) !== 0, 'InternalLocal');
  add((flags2 & SVC_FLAG_TWO_SCOPES) !== 0, 'two-scopes');
  add((flags & SVC_FLAG_AFFINITY) !== 0, 'sessionAffinity');
  add((flags & SVC_FLAG_ROUTABLE) === 0, 'non-routable');
  add((flags & SVC_FLAG_SOURCE_RANGE) !== 0, 'check source-range');
  add((flags2 & SVC_FLAG_L7LOADBALANCER) !== 0, 'l7-load-balancer');
  add((flags2 & SVC_FLAG_LOOPBACK) !== 0, 'loopback');
  return words.join(', ');
}

/** @see cilium:pkg/loadbalancer/loadbalancer.go#ServiceFlags.SVCType */
function serviceType(flags: number, flags2: number): string {
  if ((flags & SVC_FLAG_EXTERNAL_IP) !== 0) {
    return 'ExternalIPs';
  }
  if ((flags & SVC_FLAG_NODEPORT) !== 0) {
    return 'NodePort';
  }
  if ((flags & SVC_FLAG_LOADBALANCER) !== 0) {
    return 'LoadBalancer';
  }
  if ((flags & SVC_FLAG_HOSTPORT) !== 0) {
    return 'HostPort';
  }
  return (flags2 & SVC_FLAG_LOCALREDIRECT) !== 0 ? 'LocalRedirect' : 'ClusterIP';
}

function serviceEntries(node: NodeView): { readonly key: string; readonly slot: number; readonly service: Lb4Service }[] {
  const entries = [...(node.map<Lb4ServicesMap>(LB4_SERVICES_NAME)?.entries() ?? [])].map(([key, service]) => ({
    key: `${formatIpv4(key.address)}:${key.dport}${key.scope === LB_LOOKUP_SCOPE_INT ? '/i' : ''}`,
    slot: key.backendSlot,
    service,
  }));
  return entries.sort((a, b) => a.slot - b.slot);
}

function services(node: NodeView): Map<string, string[]> {
  const known = node.map<Lb4BackendsMap>(LB4_BACKENDS_NAME);
  return grouped(
    serviceEntries(node).map(({ key, slot, service }) => {
      if (slot === 0) {
        return [key, `0.0.0.0:0 (${service.revNatIndex}) (0) [${serviceFlagsText(service)}]`];
      }
      const backend = known?.lookup(service.backendId);
      return [
        key,
        backend === undefined
          ? `backend ${service.backendId} not found`
          : `${formatIpv4(backend.address)}:${backend.port} (${service.revNatIndex}) (${slot})`,
      ];
    }),
  );
}

function frontends(node: NodeView): Map<string, string[]> {
  return grouped(serviceEntries(node).map(({ key, service: s }) => [key, lbServiceText(s)]));
}

/** @see cilium:pkg/maps/lbmap/ipv4.go#Service4Value.String */
export function lbServiceText(s: Lb4Service): string {
  return `${s.backendId} ${s.count} (${s.revNatIndex}) [0x${s.flags.toString(16)} 0x${s.flags2.toString(16)}]`;
}

function backends(node: NodeView): Map<string, string[]> {
  const entries = [...(node.map<Lb4BackendsMap>(LB4_BACKENDS_NAME)?.entries() ?? [])];
  return grouped(entries.map(([id, backend]) => [String(id), lbBackendText(backend)]));
}

/** @see cilium:pkg/maps/lbmap/ipv4.go#Backend4Value.String */
export function lbBackendText({ proto, address, port }: Lb4Backend): string {
  return `${protocolName(proto)}://${formatIpv4(address)}:${port}`;
}

function reverseNat(node: NodeView): Map<string, string[]> {
  const entries = [...(node.map<Lb4ReverseNatMap>(LB4_REVERSE_NAT_NAME)?.entries() ?? [])];
  return grouped(entries.map(([id, frontend]) => [String(id), `${formatIpv4(frontend.address)}:${frontend.port}`]));
}

function grouped(rows: readonly (readonly [string, string])[] | readonly string[][]): Map<string, string[]> {
  const data = new Map<string, string[]>();
  for (const [key, value] of rows) {
    data.set(key as string, [...(data.get(key as string) ?? []), value as string]);
  }
  return data;
}
