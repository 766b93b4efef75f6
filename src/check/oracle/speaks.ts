/** Whom and which ports statements speak of. */
import { type IpPrefix, parseIp, prefixContains } from '../../net/prefix.ts';
import type { ModelPort } from '../model/cluster.ts';
import { isEmpty, type OracleSelector, selects } from './labels.ts';
import type { Direction, OraclePeer, PortTerm, Statement, Term } from './statement.ts';

/** `fromRequires` and `toRequires` of all statements of a direction (quirk 24). */
export interface Requirements {
  readonly allow: readonly OracleSelector[];
  readonly deny: readonly OracleSelector[];
}

/** Collects the requirements. */
export function requirementsOf(statements: readonly Statement[]): Requirements {
  return {
    allow: statements.flatMap(({ deny, requires }) => (deny ? [] : requires)),
    deny: statements.flatMap(({ deny, requires }) => (deny ? requires : [])),
  };
}

/** Named ports that a subject's statements can mean. */
export interface PortNames {
  readonly ownPorts: readonly ModelPort[];
  readonly clusterPorts: readonly ModelPort[];
}

/** The number of a port; `null` if the name means nothing or more than one thing (quirk 15). */
export function resolve(term: PortTerm, direction: Direction, { ownPorts, clusterPorts }: PortNames): number | null {
  if (term.name === '') {
    return term.port;
  }
  const named = direction === 'ingress' ? ownPorts : clusterPorts;
  const numbers = new Set(named.filter(({ name, protocol }) => name === term.name && protocol === term.protocol).map(({ port }) => port));
  return numbers.size === 1 ? ([...numbers][0] ?? null) : null;
}

/** Whether a statement speaks of a peer, or of everyone, which is more than of each. */
export function speaksOf({ terms, ports, deny }: Statement, all: Requirements, peer: OraclePeer): 'nobody' | 'peer' | 'everyone' {
  const requires = deny ? all.deny : all.allow;
  if (terms.length === 0) {
    // Quirk 8.
    return ports === null ? 'nobody' : 'everyone';
  }
  if (terms.some((term) => term.kind === 'everyone' || (term.kind === 'endpoints' && isEmpty(term.selector) && requires.length === 0))) {
    return 'everyone';
  }
  return terms.some((term) => termMatches(term, peer, requires)) ? 'peer' : 'nobody';
}

/** Whether a term names a peer. */
function termMatches(term: Term, peer: OraclePeer, requires: readonly OracleSelector[]): boolean {
  switch (term.kind) {
    case 'everyone':
      return true;
    case 'endpoints':
      return selects(term.selector, peer.labels) && requires.every((one) => selects(one, peer.labels));
    case 'entity':
      return term.selectors.some((selector) => selects(selector, peer.labels));
    case 'prefix':
      // Quirk 5: /0 of either family is the world.
      return term.prefix.length === 0 ? isWorld(peer) : peer.prefix !== null && holds(term.prefix, peer.prefix);
    case 'names':
      return term.addresses.some((text) => {
        const address = parseIp(text);
        return address !== null && peer.prefix !== null && peer.prefix.length >= 32 && prefixContains(peer.prefix, address);
      });
  }
}

/** Whether one prefix is part of another or equal. */
export function holds(wide: IpPrefix, narrow: IpPrefix): boolean {
  return wide.length <= narrow.length && prefixContains(wide, narrow);
}

function isWorld({ labels }: OraclePeer): boolean {
  return labels.some(({ source, key }) => source === 'reserved' && key === 'world');
}
