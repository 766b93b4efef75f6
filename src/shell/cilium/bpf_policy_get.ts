/**
 * `cilium bpf policy get <endpoint id>`: an endpoint's policy map. Ours: `--origins` adds which element of which policy made each entry.
 * @see cilium:cilium/cmd/bpf_policy_get.go#formatMap
 */
import type { PolicyOrigin } from '../../cluster/policy_origins.ts';
import { type PolicyEntry, type PolicyKey, type PolicyMap, policyMapName, TRAFFIC_EGRESS } from '../../maps/policymap.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, protocolName } from '../../net/protocol.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable } from '../table.ts';
import { networkOrder } from './bpf_ct_list.ts';
import type { CiliumCommand } from './command.ts';
import { endpointIds } from './endpoint_get.ts';
import { requireEndpointId } from './endpoint_id.ts';
import { identityOf } from './identity.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** `cilium bpf policy get`. */
export const bpfPolicyGetCommand: CiliumCommand = {
  words: 'bpf policy get',
  summary: "list an endpoint's policy map",
  flags: [{ name: 'numeric', short: 'n' }, { name: 'all' }, { name: 'origins' }, OUTPUT_FLAG],
  check: (flags) => (flags.has('all') ? null : requireEndpointId(flags, 'bpf policy get <endpoint id>')) ?? checkOutput(flags),
  run: (node, flags) => (flags.has('all') ? listAllMaps(node, flags) : bpfPolicyGet(node, flags)),
  complete: endpointIds,
};

/** `cilium bpf policy list`. */
export const bpfPolicyListCommand: CiliumCommand = {
  words: 'bpf policy list',
  summary: 'list all policy maps',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: listAllMaps,
};

/** What an empty map is answered with. */
export const EMPTY_POLICY = 'Policy stats empty. Perhaps the policy enforcement is disabled?\n';

const PATH = '/sys/fs/bpf/tc/globals';
const POLICY_MAP = 'cilium_policy_';

/** Runs the command. */
function bpfPolicyGet(node: NodeView, flags: Flags): CommandResult {
  const id = flags.positional[0] ?? '';
  if (!/^[0-9]{1,5}$/.test(id) || Number(id) > 65535) {
    return fatal(`Failed to parse endpointID "${id}"`);
  }
  return dumpMap(node, policyMapName(Number(id)), flags);
}

/** @see cilium:cilium/cmd/bpf_policy_get.go#listAllMaps */
function listAllMaps(node: NodeView, flags: Flags): CommandResult {
  const names = node
    .mapNames()
    .filter((name) => name.startsWith(POLICY_MAP))
    .sort();
  const dumps = names.map((name) => ({ name, ...dumpMap(node, name, flags) }));
  return {
    exitCode: 0,
    stdout: dumps.length === 0 ? 'no maps found\n' : dumps.map(({ name, stdout }) => `${PATH}/${name}:\n\n${stdout}\n\n`).join(''),
    stderr: dumps.map(({ stderr }) => stderr).join(''),
  };
}

/** @see cilium:cilium/cmd/bpf_policy_get.go#dumpMap */
function dumpMap(node: NodeView, name: string, flags: Flags): CommandResult {
  const entries = entriesOf(node, name);
  if (entries === null) {
    return fatal(`Failed to open map: Unable to get object ${PATH}/${name}: no such file or directory\n`);
  }
  const endpointId = flags.has('origins') ? Number(name.slice(POLICY_MAP.length)) : null;
  if (hasOutput(flags)) {
    const origins = (key: PolicyKey): object => (endpointId === null ? {} : { Origins: node.policyOrigins(endpointId, key) });
    return output(
      flags,
      entries.map((entry) => ({ ...policyRecord(entry), ...origins(entry[0]) })),
    );
  }
  const numeric = flags.has('numeric');
  const unknown = numeric ? [] : entries.filter(([key]) => identityOf(node, key.secLabel) === undefined);
  const stderr = unknown.map(
    ([{ secLabel }]) => `Was impossible to retrieve label ID ${secLabel}: [GET /identity/{id}][404] getIdentityIdNotFound \n`,
  );
  return { exitCode: 0, stdout: policyTable(node, entries, numeric, endpointId), stderr: stderr.join('') };
}

/** An entry as the structures of the map have it: ports in network byte order. @see cilium:pkg/maps/policymap/policymap.go#PolicyEntryDump */
function policyRecord([key, entry]: Entry): object {
  return {
    ProxyPort: networkOrder(entry.proxyPort),
    Flags: entry.deny ? 1 : 0,
    Pad0: 0,
    Pad1: 0,
    Pad2: 0,
    Packets: entry.packets,
    Bytes: entry.bytes,
    Key: { Identity: key.secLabel, DestPort: networkOrder(key.dport), Nexthdr: key.protocol, TrafficDirection: key.egress },
  };
}

/** The table of some entries in the order of the command; with the endpoint's id also where they come from. */
export function policyTable(node: NodeView, entries: readonly Entry[], numeric: boolean, originsOf: number | null = null): string {
  const head = [
    'POLICY',
    'DIRECTION',
    numeric ? 'IDENTITY' : 'LABELS (source:key[=value])',
    'PORT/PROTO',
    'PROXY PORT',
    'BYTES',
    'PACKETS',
  ];
  const rows: string[][] = [[...head, originsOf === null ? '' : 'ORIGIN']];
  for (const [key, entry] of entries) {
    const labels = identityOf(node, key.secLabel)?.labels ?? [];
    const shown = numeric || labels.length === 0 ? [String(key.secLabel)] : labels;
    const icmp = key.protocol === IPPROTO_ICMP || key.protocol === IPPROTO_ICMPV6;
    const origins = originsOf === null ? [] : node.policyOrigins(originsOf, key).map(originText);
    for (let i = 0; i < Math.max(shown.length, origins.length); i++) {
      const label = shown[i] ?? '';
      rows.push(
        i > 0
          ? ['', '', label, '', '', '', '', origins[i] ?? '', '']
          : [
              entry.deny ? 'Deny' : 'Allow',
              key.egress === TRAFFIC_EGRESS ? 'Egress' : 'Ingress',
              label,
              key.dport !== 0 || icmp ? `${key.dport}/${protocolName(key.protocol)}` : 'ANY',
              entry.proxyPort === 0 ? 'NONE' : String(entry.proxyPort),
              String(entry.bytes),
              String(entry.packets),
              origins[0] ?? '',
            ],
      );
    }
  }
  return ciliumTable(rows) + (entries.length === 0 ? EMPTY_POLICY : '');
}

/** `CiliumNetworkPolicy default/rule1 spec.ingress[0].toPorts[0] (rule1.yaml:13:7)` */
function originText({ policy, element, position }: PolicyOrigin): string {
  const place = position === null ? '' : ` (${position.file}:${position.line}:${position.column})`;
  return `${policy} ${element}${place}`;
}

type Entry = readonly [PolicyKey, PolicyEntry];

/**
 * The entries of a policy map: deny first, then ingress, then by identity.
 * @see cilium:pkg/maps/policymap/policymap.go#PolicyEntriesDump.Less
 * @remarks Simplified: ports of one identity come in ascending order; upstream leaves their order to the sort.
 */
function entriesOf(node: NodeView, name: string): Entry[] | null {
  const map = node.map<PolicyMap>(name);
  if (map === undefined) {
    return null;
  }
  const rank = ([key, entry]: Entry): readonly number[] => [entry.deny ? 0 : 1, key.egress, key.secLabel, key.protocol, key.dport];
  return [...map.entries()].sort((a, b) => compare(rank(a), rank(b)));
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, at) => value !== b[at]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
}
