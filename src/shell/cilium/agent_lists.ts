/**
 * `cilium identity list`, `cilium service list`, `cilium policy get`: what the agent's API answers.
 * @see cilium:cilium/cmd/identity_list.go#printIdentities
 * @see cilium:cilium/cmd/service_list.go#printServiceList
 * @see cilium:cilium/cmd/policy_get.go
 */
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, jsonOutput, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';

/** `cilium identity list`. */
export const identityListCommand: CiliumCommand = {
  words: 'identity list',
  summary: 'list identities',
  flags: [{ name: 'endpoints' }],
  run: identityList,
};

/** `cilium service list`. */
export const serviceListCommand: CiliumCommand = {
  words: 'service list',
  summary: 'list services',
  flags: [{ name: 'clustermesh-affinity' }],
  run: serviceList,
};

/** `cilium policy get`. */
export const policyGetCommand: CiliumCommand = {
  words: 'policy get',
  summary: 'show the rules of the policy repository',
  flags: [],
  run: policyGet,
};

/** `cilium identity list [LABELS]`: with labels, the identities that have all of them. */
function identityList(node: NodeView, flags: Flags): CommandResult {
  const wanted = flags.positional;
  const counts = flags.has('endpoints') ? referenceCounts(node) : null;
  const identities = [...node.identities()]
    .filter(({ id, labels }) => wanted.every((label) => labels.includes(label)) && (counts === null || counts.has(id)))
    .sort((a, b) => a.id - b.id);
  const rows: string[][] = [counts === null ? ['ID', 'LABELS'] : ['ID', 'LABELS', 'REFCOUNT']];
  for (const { id, labels } of identities) {
    labels.forEach((label, i) => {
      rows.push(i > 0 ? ['', label, ''] : counts === null ? [String(id), label, ''] : [String(id), label, String(counts.get(id)), '']);
    });
  }
  return printed(ciliumTable(rows));
}

/** `cilium service list`. */
function serviceList(node: NodeView, _flags: Flags): CommandResult {
  const rows: string[][] = [['ID', 'Frontend', 'Service Type', 'Backend', '']];
  for (const service of [...node.services()].sort((a, b) => a.id - b.id)) {
    const backends = service.backends.map(({ address, state }, i) => `${i + 1} => ${address} (${state})`);
    rows.push([String(service.id), service.frontend, service.type, backends[0] ?? '', '']);
    rows.push(...backends.slice(1).map((backend) => ['', '', '', backend, '']));
  }
  return printed(ciliumTable(rows));
}

/** `cilium policy get`: all rules as JSON, then the revision. */
function policyGet(node: NodeView): CommandResult {
  const { rules, revision } = node.policy();
  return printed(`${jsonOutput(rules)}Revision: ${revision}\n`);
}

function referenceCounts(node: NodeView): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { identity } of node.endpoints()) {
    if (identity !== null) {
      counts.set(identity, (counts.get(identity) ?? 0) + 1);
    }
  }
  return counts;
}
