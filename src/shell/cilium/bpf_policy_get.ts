/**
 * `cilium bpf policy get <endpoint id>`: an endpoint's policy map. Ours: `--origins` adds which element of which policy made each entry.
 * @see cilium:cilium/cmd/bpf_policy_get.go#formatMap
 */
import type { PolicyOrigin } from '../../cluster/policy_origins.ts';
import { type PolicyEntry, type PolicyKey, type PolicyMap, policyMapName, TRAFFIC_EGRESS } from '../../maps/policymap.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, protocolName } from '../../net/protocol.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, failed, jsonOutput, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';

/** `cilium bpf policy get`. */
export const bpfPolicyGetCommand: CiliumCommand = {
  words: 'bpf policy get',
  summary: "list an endpoint's policy map",
  flags: [
    { name: 'numeric', short: 'n' },
    { name: 'all' },
    { name: 'origins' },
    { name: 'output', short: 'o', value: true, choices: ['json'] },
  ],
  run: bpfPolicyGet,
  complete: (cluster) => cluster.nodes.flatMap((node) => node.endpoints().map(({ id }) => String(id))),
};

/** What an empty map is answered with. */
export const EMPTY_POLICY = 'Policy stats empty. Perhaps the policy enforcement is disabled?\n';

const POLICY_MAP = 'cilium_policy_';

/** Runs the command. */
function bpfPolicyGet(node: NodeView, flags: Flags): CommandResult {
  const numeric = flags.has('numeric');
  const table = (entries: readonly Entry[], endpointId: number): string =>
    policyTable(node, entries, numeric, flags.has('origins') ? endpointId : null);
  if (flags.has('all')) {
    const names = node
      .mapNames()
      .filter((name) => name.startsWith(POLICY_MAP))
      .sort();
    return printed(
      names
        .map(
          (name) => `/sys/fs/bpf/tc/globals/${name}:\n\n${table(entriesOf(node, name) ?? [], Number(name.slice(POLICY_MAP.length)))}\n\n`,
        )
        .join(''),
    );
  }
  const id = flags.positional[0];
  if (id === undefined) {
    return failed('Missing endpoint ID argument');
  }
  if (!/^[0-9]{1,5}$/.test(id)) {
    return failed(`Failed to parse endpointID "${id}"`);
  }
  const name = policyMapName(Number(id));
  const entries = entriesOf(node, name);
  if (entries === null) {
    return failed(`Failed to open map: Unable to get object /sys/fs/bpf/tc/globals/${name}: no such file or directory\n`);
  }
  if (flags.value('output') === 'json') {
    const origins = (key: PolicyKey): object => (flags.has('origins') ? { Origins: node.policyOrigins(Number(id), key) } : {});
    return printed(jsonOutput(entries.map(([key, entry]) => ({ ...entry, Key: key, ...origins(key) }))));
  }
  return printed(table(entries, Number(id)));
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
  const known = new Map(node.identities().map(({ id, labels }) => [id, labels]));
  for (const [key, entry] of entries) {
    const labels = key.secLabel === 0 ? ['reserved:unknown'] : (known.get(key.secLabel) ?? []);
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
