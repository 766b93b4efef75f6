/** The judgement of one flow by the statements that speak of its subject. */
import type { IpPrefix } from '../../net/prefix.ts';
import { isAtProxy } from './at_proxy.ts';
import type { OracleSelector } from './labels.ts';
import type { OracleFlow } from './oracle.ts';
import { parserConflict, parserOn } from './parser_conflict.ts';
import { parserAt } from './released.ts';
import { holds, type PortNames, type Requirements, requirementsOf, resolve, speaksOf } from './speaks.ts';
import type { HttpTerm, OraclePeer, PortsTerm, PortTerm, SevenTerm, Statement } from './statement.ts';

/** What the statements about a subject say of one direction. */
export interface Side {
  readonly statements: readonly Statement[];
  readonly requires: Requirements;
}

/** All that judging about one subject needs. */
export interface Question extends PortNames {
  readonly ingress: Side;
  readonly egress: Side;
  /** Why the subject's policy cannot be computed, or `null`. */
  readonly conflict: string | null;
  /** Both directions are enforced whatever there is. */
  readonly always: boolean;
  /** The host comes in unless it is denied (quirk 16). */
  readonly hostComesIn: boolean;
  /** Other nodes fare as the host does: they have no identity of their own. */
  readonly nodesAreHosts: boolean;
  /** Why the subject's policy cannot be computed for want of a secret, or `null`. */
  readonly missing: string | null;
  /** Every prefix the cluster's policies name. */
  readonly prefixes: readonly IpPrefix[];
}

/** The question about a subject that some statements select. */
export function questionOf(statements: readonly Statement[], about: Omit<Question, 'ingress' | 'egress' | 'conflict'>): Question {
  const side = (direction: OracleFlow['direction']): Side => {
    const own = statements.filter((one) => one.direction === direction);
    return { statements: own, requires: requirementsOf(own) };
  };
  return { ...about, ingress: side('ingress'), egress: side('egress'), conflict: parserConflict(statements) ?? about.missing };
}

/** A verdict with the statements that decided. */
export type Judged =
  /** `by` is empty where nothing allows. */
  | { readonly verdict: 'drop'; readonly by: readonly Statement[]; readonly quirks: readonly number[] }
  /** Nothing restricts the content; whether it goes through a proxy all the same. */
  | { readonly verdict: 'pass'; readonly by: readonly Statement[]; readonly quirks: readonly number[]; readonly proxy: AtProxy }
  /** Only requests that one of the rules allows. */
  | { readonly verdict: 'http'; readonly rules: readonly HttpTerm[]; readonly by: readonly Statement[]; readonly quirks: readonly number[] }
  /** The proxy decides about another protocol. */
  | { readonly verdict: 'proxy'; readonly parser: string; readonly by: readonly Statement[]; readonly quirks: readonly number[] }
  /** The subject's policy cannot be computed (quirk 23). */
  | { readonly verdict: 'error'; readonly why: string };

/** `either`: 1.13.3 sends through the proxy whom it knew when the policy was computed, and nobody who joined later (incrementalIgnoresWildcard). */
export type AtProxy = 'no' | 'yes' | 'either';

/** A statement that speaks of the flow, by one of its ports. */
export interface Hit {
  readonly statement: Statement;
  /** It speaks of everyone, not of this peer. */
  readonly everyone: boolean;
  readonly port: number;
  /** The port as written, which is what statements are put together by; empty: a number. */
  readonly name: string;
  /** Empty: any. */
  readonly protocol: string;
  readonly seven: SevenTerm | null;
}

/** Judges. */
export function judge(question: Question, peer: OraclePeer, flow: OracleFlow): Judged {
  if (question.conflict !== null) {
    return { verdict: 'error', why: question.conflict };
  }
  const { statements, requires } = question[flow.direction];
  if (statements.length === 0 && !question.always) {
    return { verdict: 'pass', by: [], quirks: [], proxy: 'no' };
  }
  if (flow.direction === 'ingress' && question.nodesAreHosts && isNode(peer) && isHostDenied(question)) {
    return { verdict: 'drop', by: [], quirks: [16] };
  }
  const view: View = { question, statements, peer, flow, requires };
  const hits = statements.flatMap((statement) => hitsOf(statement, view));
  // Quirk 3: a wider prefix denied on all ports takes its narrower ones' denies and allows away; only what speaks of everyone remains.
  const swallowed = isSwallowed(statements, view);
  const counted = swallowed ? hits.filter(({ everyone }) => everyone) : hits;
  const quirks = swallowed ? [3] : [];
  const denies = counted.filter(({ statement }) => statement.deny);
  const closing = denies.filter(({ protocol, port }) => protocol !== '' || port === 0);
  if (closing.length > 0) {
    return { verdict: 'drop', by: closing.map(({ statement }) => statement), quirks };
  }
  return judgeAllows({ hits, counted, protocolless: denies, view, known: quirks });
}

/** What is left once no deny decides. */
interface Remainder {
  readonly hits: readonly Hit[];
  readonly counted: readonly Hit[];
  readonly protocolless: readonly Hit[];
  readonly view: View;
  readonly known: readonly number[];
}

function judgeAllows({ hits, counted, protocolless, view, known }: Remainder): Judged {
  const quirks = protocolless.length > 0 ? [...known, 12] : known;
  let allows = counted.filter(({ statement }) => !statement.deny);
  if (protocolless.length > 0) {
    // Quirk 12: such a deny matches no packet, but takes away what is allowed by protocol, on whatever port.
    if (protocolless.some(({ everyone }) => !everyone) && allows.some(({ everyone, protocol }) => everyone && protocol !== '')) {
      return { verdict: 'drop', by: protocolless.map(({ statement }) => statement), quirks };
    }
    allows = allows.filter(({ protocol }) => protocol === '');
  }
  const { question, peer, flow } = view;
  const isHost = flow.direction === 'ingress' && (reservedHost(peer) || (question.nodesAreHosts && isNode(peer)));
  if (allows.length === 0) {
    return isHost && question.hostComesIn
      ? { verdict: 'pass', by: [], quirks: [...quirks, 16], proxy: 'no' }
      : { verdict: 'drop', by: [], quirks };
  }
  const by = allows.map(({ statement }) => statement);
  const exempt = isHost && question.hostComesIn;
  const free = allows.filter(({ seven, statement, everyone }) => seven === null || (exempt && (everyone || coversHost(statement))));
  if (free.length > 0) {
    return { verdict: 'pass', by: free.map(({ statement }) => statement), quirks, proxy: isAtProxy(allows, flow) };
  }
  const other = allows.find(({ seven }) => seven?.rules === null && seven.parser !== 'tls');
  if (other?.seven) {
    return { verdict: 'proxy', parser: other.seven.parser, by, quirks };
  }
  if (allows.some(({ seven }) => seven?.rules === null)) {
    // Certificates alone restrict nothing; beside HTTP rules the connection is the HTTP proxy's.
    const http = parserAt(question, flow) === 'http';
    return http ? { verdict: 'pass', by, quirks, proxy: 'yes' } : { verdict: 'proxy', parser: 'tls', by, quirks };
  }
  return judgeAtProxy(hits, allows, view, quirks);
}

/**
 * The proxy's own list knows nothing of denies and of what they take away, and takes ICMP types for TCP ports: whoever is named by a deny, or by a
 * rule for ICMP type 0, is allowed everything there (quirks 19 and 20).
 */
function judgeAtProxy(hits: readonly Hit[], allows: readonly Hit[], view: View, quirks: readonly number[]): Judged {
  const unrestricted = hits.filter(({ statement, seven }) => statement.deny || seven === null);
  if (unrestricted.length > 0) {
    return { verdict: 'pass', by: unrestricted.map(({ statement }) => statement), quirks: [...quirks, 19], proxy: 'yes' };
  }
  const echo = view.statements.filter(
    (one) =>
      one.ports?.some(({ ports }) => ports.some(({ protocol, port }) => isIcmp(protocol) && port === 0)) === true &&
      speaksOf(one, view.requires, view.peer) !== 'nobody',
  );
  if (echo.length > 0) {
    return { verdict: 'pass', by: echo, quirks: [...quirks, 20], proxy: 'yes' };
  }
  const by = [...new Set([...allows, ...hits].map(({ statement }) => statement))];
  return { verdict: 'http', rules: [...new Set([...allows, ...hits])].flatMap(({ seven }) => seven?.rules ?? []), by, quirks };
}

function isIcmp(protocol: string): boolean {
  return protocol === 'ICMP' || protocol === 'ICMPv6';
}

interface View {
  readonly question: Question;
  /** Of the flow's direction. */
  readonly statements: readonly Statement[];
  readonly peer: OraclePeer;
  readonly flow: OracleFlow;
  readonly requires: Requirements;
}

/** One hit for every port of a statement that the flow goes to, a deny that leaves the protocol out included. */
function hitsOf(statement: Statement, view: View): Hit[] {
  const who = speaksOf(statement, view.requires, view.peer);
  if (who === 'nobody') {
    return [];
  }
  const everyone = who === 'everyone';
  if (statement.ports === null) {
    return [{ statement, everyone, port: 0, name: '', protocol: '', seven: null }];
  }
  return statement.ports.flatMap((content) =>
    content.ports.flatMap((term): Hit[] => {
      const port = resolve(term, statement.direction, view.question);
      // ICMP type 0 has the key of all types.
      const fits = term.protocol === '' || (term.protocol === view.flow.protocol && (port === 0 || port === view.flow.port));
      const { name, protocol } = term;
      return fits && port !== null ? [{ statement, everyone, port, name, protocol, seven: sevenOf(content, term) }] : [];
    }),
  );
}

function sevenOf({ seven, parser }: PortsTerm, { protocol }: PortTerm): SevenTerm | null {
  return parserOn(parser, protocol) === '' ? null : seven;
}

/** Another node, but not one that is known for something else besides. */
function isNode({ labels }: OraclePeer): boolean {
  return labels.length === 1 && labels[0]?.source === 'reserved' && labels[0].key === 'remote-node';
}

/** Whether the host itself, not everyone, is denied on all ports. */
function isHostDenied({ ingress: { statements, requires } }: Question): boolean {
  const host: OraclePeer = { labels: [{ source: 'reserved', key: 'host', value: '' }], prefix: null };
  return statements.some((one) => one.deny && deniesAllPorts(one) && speaksOf(one, requires, host) === 'peer');
}

function reservedHost({ labels }: OraclePeer): boolean {
  return labels.some(({ source, key }) => source === 'reserved' && key === 'host');
}

/** Quirk 17: rules for content do not bind the host where something other than the host itself covers it. */
function coversHost({ terms }: Statement): boolean {
  return !terms.some(
    (term) =>
      (term.kind === 'entity' && term.selectors.some(isHostSelector)) || (term.kind === 'endpoints' && isHostSelector(term.selector)),
  );
}

function isHostSelector({ labels, expressions }: OracleSelector): boolean {
  return expressions.length === 0 && labels.length === 1 && labels[0]?.[0] === 'reserved:host';
}

/** Whether a wider known prefix, or the world, is denied on all ports by something that does not speak of everyone. IPv4 only. */
function isSwallowed(statements: readonly Statement[], view: View): boolean {
  const { prefix } = view.peer;
  if (prefix === null || prefix.family !== 4) {
    return false;
  }
  const wider: OraclePeer[] = [
    { labels: view.peer.labels, prefix: null },
    ...view.question.prefixes
      .filter((one) => one.family === 4 && one.length < prefix.length && holds(one, prefix))
      .map((one) => ({ labels: view.peer.labels, prefix: one })),
  ];
  return statements
    .filter((one) => one.deny && deniesAllPorts(one))
    .some((one) => wider.some((peer) => speaksOf(one, view.requires, peer) === 'peer'));
}

function deniesAllPorts({ ports }: Statement): boolean {
  return ports === null || ports.some((one) => one.ports.some(isAllPorts));
}

function isAllPorts({ port, name, protocol }: PortTerm): boolean {
  return port === 0 && name === '' && protocol === '';
}
