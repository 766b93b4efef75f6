/**
 * `cilium identity list`, `cilium identity get`.
 * @see cilium:cilium/cmd/identity_list.go
 * @see cilium:cilium/cmd/identity_get.go
 * @remarks Not modelled: the checksum of an identity's labels.
 */
import { reservedIdentity } from '../../maps/identity.ts';
import type { IdentityView, NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';

/** `cilium identity list`. */
export const identityListCommand: CiliumCommand = {
  words: 'identity list',
  summary: 'list identities',
  flags: [{ name: 'endpoints' }, OUTPUT_FLAG],
  check: checkOutput,
  run: (node, flags) => (flags.has('endpoints') ? listOfEndpoints(node, flags) : list(node, flags)),
};

/** `cilium identity get`. */
export const identityGetCommand: CiliumCommand = {
  words: 'identity get',
  summary: 'show an identity',
  flags: [{ name: 'label', value: true }, OUTPUT_FLAG],
  check: (flags) =>
    flags.count('label') === 0 && (flags.positional[0] ?? '') === ''
      ? usage('Invalid identity ID', 'identity get <id>')
      : checkOutput(flags),
  run: get,
  complete: (cluster) => cluster.nodes.flatMap((node) => node.identities().map(({ id }) => String(id))),
};

function list(node: NodeView, flags: Flags): CommandResult {
  const labels = flags.positional;
  if (labels.length === 0) {
    return show(sorted(node.identities()), flags);
  }
  const found = withExactly(node, labels);
  return found === undefined
    ? fatal(`Cannot get identities for given labels [${labels.join(' ')}]. err: [GET /identity][404] getIdentityNotFound \n`)
    : show([found], flags);
}

function get(node: NodeView, flags: Flags): CommandResult {
  const labels = flags.list('label');
  if (labels.length > 0) {
    const found = withExactly(node, labels);
    return found === undefined
      ? fatal(`Cannot get identity for labels [${labels.join(' ')}]: [GET /identity][404] getIdentityNotFound \n`)
      : show([found], flags);
  }
  const text = flags.positional[0] ?? '';
  const id = /^\d{1,10}$/.test(text) ? Number(text) : reservedIdentity(text);
  const found = id === null ? undefined : identityOf(node, id);
  const status = id === null ? '400] getIdentityIdBadRequest' : '404] getIdentityIdNotFound';
  return found === undefined ? fatal(`Cannot get identity for given ID ${text}: [GET /identity/{id}][${status} \n`) : show([found], flags);
}

/** An identity by number; 0 is known too. */
export function identityOf(node: NodeView, id: number): IdentityView | undefined {
  return id === 0 ? { id: 0, labels: ['reserved:unknown'] } : node.identities().find((identity) => identity.id === id);
}

/** The identity with these labels and no others. @see cilium:daemon/cmd/identity.go#getIdentity.Handle */
function withExactly(node: NodeView, labels: readonly string[]): IdentityView | undefined {
  const wanted = [...new Set(labels)].sort();
  return node
    .identities()
    .find((identity) => identity.labels.length === wanted.length && wanted.every((label, i) => identity.labels[i] === label));
}

/** @see cilium:cilium/cmd/identity_get.go#printIdentities */
function show(identities: readonly IdentityView[], flags: Flags): CommandResult {
  if (hasOutput(flags)) {
    return output(
      flags,
      identities.map(({ id, labels }) => ({ id, labels })),
    );
  }
  const rows = identities.flatMap(({ id, labels }) => labels.map((label, i) => [i === 0 ? String(id) : '', label]));
  return printed(ciliumTable([['ID', 'LABELS'], ...rows], 2));
}

/** @see cilium:cilium/cmd/identity_list.go#printIdentitesEndpoints */
function listOfEndpoints(node: NodeView, flags: Flags): CommandResult {
  const counts = new Map<number, number>();
  for (const { identity } of node.endpoints()) {
    if (identity !== null) {
      counts.set(identity, (counts.get(identity) ?? 0) + 1);
    }
  }
  const identities = sorted(node.identities()).filter(({ id }) => counts.has(id));
  if (hasOutput(flags)) {
    return output(
      flags,
      identities.map(({ id, labels }) => ({ identity: { id, labels }, refCount: counts.get(id) })),
    );
  }
  const rows = identities.flatMap(({ id, labels }) =>
    labels.map((label, i) => (i === 0 ? [String(id), label, String(counts.get(id)), ''] : ['', label, ''])),
  );
  return printed(ciliumTable([['ID', 'LABELS', 'REFCOUNT'], ...rows]));
}

function sorted(identities: readonly IdentityView[]): readonly IdentityView[] {
  return [...identities].sort((a, b) => a.id - b.id);
}
