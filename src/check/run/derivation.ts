/** Why a counterexample is one, in words: who, what, and the elements of policies that decided, with the place each was written. */
import type { SourcePosition } from '../../scenario/issue.ts';
import type { LabelMap } from '../model/cluster.ts';
import type { Statement } from '../oracle/statement.ts';
import { type Minimal, partyText } from './minimize.ts';
import type { Party } from './party.ts';
import type { Case, Prepared } from './property.ts';
import type { CheckSubject } from './subject.ts';

/** `default/tiefighter sends POST /v1/ to default/deathstar port 80: it reaches the destination` */
export function summaryOf({ attempt, broken }: Minimal): string {
  const { from, to, port, protocol, request } = attempt;
  const ends = `to ${partyText(to)}`;
  if (protocol === 'ICMP') {
    return `${partyText(from)} sends a ping ${ends}: it ${broken.what}`;
  }
  if (protocol !== 'TCP') {
    return `${partyText(from)} sends ${protocol} ${ends} port ${port}: it ${broken.what}`;
  }
  const headers = Object.entries(request.headers).map(([name, value]) => ` ${name}: ${value}`);
  const host = request.host === '' ? '' : ` for host ${request.host}`;
  return `${partyText(from)} sends ${request.method} ${request.path}${host}${headers.join()} ${ends} port ${port}: it ${broken.what}`;
}

/** Line by line: what was changed or made up, and what decided. */
export function derivationOf({ subject }: Prepared, { attempt, broken }: Minimal, found: Case): string[] {
  const deleted = subject.policies[found.deleted];
  const metadata = deleted?.['metadata'] as { readonly name?: string } | undefined;
  const gone = deleted === undefined ? [] : [`${String(deleted['kind'])} ${metadata?.name ?? ''} is deleted`];
  return [...gone, ...[attempt.from, attempt.to].flatMap(changeOf), ...seenAs(attempt.request.path, broken), ...reasons(subject, broken)];
}

/** Where the first element that decided was written. */
export function placeOf({ subject }: Prepared, { broken: { reach } }: Minimal): SourcePosition | null {
  const by = reach.reaches === 'unknown' ? [] : reach.by;
  return by.map((one) => subject.locate(one.policy, one.where)).find((position) => position !== null) ?? null;
}

function changeOf(party: Party): string[] {
  if (party.kind !== 'pod') {
    return [];
  }
  const { pod, exists, was } = party;
  if (was !== undefined) {
    return [`${partyText(party)} is relabelled: from ${labelsText(was)} to ${labelsText(pod.labels)}`];
  }
  return exists ? [] : [`${partyText(party)} does not exist yet; it could, with ${labelsText(pod.labels)}`];
}

/** The proxy can have made another path of it. */
function seenAs(path: string, { reach }: Minimal['broken']): string[] {
  return reach.reaches === 'yes' && reach.request.path !== path
    ? [`the proxy makes ${reach.request.path} of the path before any rule sees it`]
    : [];
}

function reasons(subject: CheckSubject, { reach }: Minimal['broken']): string[] {
  const source = (one: Statement): string => sourceText(one, subject.locate(one.policy, one.where));
  if (reach.reaches === 'yes') {
    const allowed = reach.by.map((one) => `allowed by ${source(one)}`);
    const quirk = reach.quirk
      ? ['1.13.3 lets it through against a deny, because an L7 rule of the same port names the peer (quirk 1)']
      : [];
    return [...new Set(allowed.length === 0 ? ['nothing selects either end: no policy is enforced'] : allowed), ...quirk];
  }
  if (reach.reaches === 'no') {
    const rules = reach.by.map((one) => `${reach.how === 'denied' ? 'not among what is allowed by' : 'denied by'} ${source(one)}`);
    return [...new Set(rules.length === 0 ? [`no policy allows it at ${reach.at}, where policy is enforced`] : rules)];
  }
  return [];
}

function sourceText({ policy, where }: Statement, position: SourcePosition | null): string {
  return position === null ? `${policy}, ${where}` : `${policy}, ${where}  ${position.file}:${position.line}:${position.column}`;
}

function labelsText(labels: LabelMap): string {
  const list = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return list.length === 0 ? 'no labels' : `the labels ${list.join(', ')}`;
}
