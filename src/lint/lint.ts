/** `trenchrun lint`: the findings about some manifests. */

import type { Issue } from '../scenario/issue.ts';
import { CATALOGUE } from './catalogue.ts';
import type { Finding, Flow, LintResult, Severity } from './finding.ts';
import { runFlows } from './flows.ts';
import { type LintText, loadManifests, POLICY_KINDS } from './load.ts';
import { elementText, policyText } from './names.ts';
import type { Draft, FlowAsk, LintRule } from './rule.ts';
import { type LintSubject, subjectOf } from './subject.ts';

/** Findings, or what is wrong with the texts. */
export type LintOutcome = { readonly ok: true; readonly result: LintResult } | { readonly ok: false; readonly issues: readonly Issue[] };

/** Most flows that are run; findings beyond have none. */
const MAX_FLOWS = 200;
const NO_POLICIES = 'there are no policies';

/** Looks at manifests with all rules, or those named. Equal texts give equal findings. */
export function lintManifests(manifests: readonly LintText[], codes: readonly string[] | null = null): LintOutcome {
  const loaded = loadManifests(manifests);
  if (loaded.issues.length > 0) {
    return { ok: false, issues: loaded.issues };
  }
  const subject = subjectOf(loaded);
  const rules = codes === null ? CATALOGUE : CATALOGUE.filter(({ code }) => codes.includes(code));
  const drafts = rules.flatMap((rule) => rule.check(subject).map((draft) => ({ rule, draft })));
  const asked = drafts.flatMap(({ draft }) => (draft.flow === null ? [] : [draft.flow])).slice(0, MAX_FLOWS);
  const flows = new Map(runFlows(asked, loaded.objects, loaded.workloads).map((flow, i) => [asked[i], flow]));
  const findings = drafts.flatMap(({ rule, draft }) =>
    findingOf(rule, draft, draft.flow === null ? null : (flows.get(draft.flow) ?? null)),
  );
  return {
    ok: true,
    result: {
      findings: unique(findings).sort(byPlace),
      notes: notesOf(subject, loaded.skipped),
      policies: subject.policies.length,
      workloads: subject.workloads.length,
    },
  };
}

/** The results of several groups of files as one. */
export function mergeLintResults(results: readonly LintResult[]): LintResult {
  return merged(results, (counts) => counts.reduce((sum, one) => sum + one, 0));
}

/** Looks at texts as they were applied one after the other: a policy that a later text replaces is looked at too. */
export function lintInOrder(texts: readonly LintText[], codes: readonly string[] | null = null): LintOutcome {
  const results: LintResult[] = [];
  for (const count of texts.keys()) {
    const replaces = count + 1 < texts.length && !replacesPolicy(texts.slice(0, count + 1), texts[count + 1] as LintText);
    const outcome = replaces ? null : lintManifests(texts.slice(0, count + 1), codes);
    if (outcome !== null && !outcome.ok) {
      return outcome;
    }
    results.push(...(outcome === null ? [] : [outcome.result]));
  }
  return texts.length === 0 ? lintManifests([], codes) : { ok: true, result: merged(results, (counts) => Math.max(...counts)) };
}

/** Whether a text holds a policy of the name of one in the texts before. */
function replacesPolicy(before: readonly LintText[], next: LintText): boolean {
  const names = (texts: readonly LintText[]): string[] =>
    loadManifests(texts)
      .objects.filter(({ object }) => POLICY_KINDS.includes(object.kind))
      .map(({ object: { kind, metadata } }) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`);
  const known = new Set(names(before));
  return names([next]).some((name) => known.has(name));
}

function merged(results: readonly LintResult[], join: (counts: readonly number[]) => number): LintResult {
  const policies = join(results.map((one) => one.policies));
  return {
    findings: unique(results.flatMap(({ findings }) => findings)).sort(byPlace),
    notes: [...new Set(results.flatMap(({ notes }) => notes))].filter((note) => policies === 0 || note !== NO_POLICIES),
    policies,
    workloads: join(results.map((one) => one.workloads)),
  };
}

function findingOf(rule: LintRule, draft: Draft, flow: Flow | null): Finding[] {
  const shown = flow === null || draft.flow === null ? null : borneOut(draft, draft.flow, flow);
  if (draft.flow?.decides === true && shown !== true) {
    return [];
  }
  const { policy, path, message, meant = '' } = draft;
  const unseen = shown === false ? `; at present something else hides it, as the flow shows` : '';
  const severity: Severity = shown === false ? 'info' : (draft.severity ?? rule.severity);
  return [
    {
      code: rule.code,
      severity,
      position: { file: policy.origin.file, ...policy.origin.locate(path) },
      policy: policyText(policy.ref),
      element: elementText(path),
      message: `${message}${unseen}`,
      why: draft.why ?? rule.why,
      meant,
      flow,
    },
  ];
}

/** Whether a flow shows what it was run for; `null` if nothing was said about that. */
function borneOut({ policy }: Draft, ask: FlowAsk, flow: Flow): boolean | null {
  if (ask.shows === undefined) {
    return null;
  }
  if (ask.shows === 'stopped') {
    return flow.verdict === 'denied' || flow.verdict === 'dropped';
  }
  const places = (ask.notBy ?? []).map((path) => {
    const { line, column } = policy.origin.locate(path);
    return `${policy.origin.file}:${line}:${column}`;
  });
  const own = flow.policies.some(
    ({ position, says }) =>
      says === 'allows the request' && position !== null && places.includes(`${position.file}:${position.line}:${position.column}`),
  );
  // Whatever fails behind the policy, it was let through; only what a finding hangs on must really have been answered.
  return (flow.verdict === 'allowed' || (flow.verdict === 'failed' && ask.decides !== true)) && !own;
}

function notesOf({ workloads, policies }: LintSubject, skipped: readonly string[]): string[] {
  return [
    ...(policies.length === 0 ? [NO_POLICIES] : []),
    ...(workloads.length === 0 && policies.length > 0
      ? ['there are no workloads: what needs pods to tell (selectors, named ports, rules without effect) was not looked at']
      : []),
    ...(skipped.length === 0 ? [] : [`not looked at: objects of kind ${skipped.join(', ')}`]),
  ];
}

function unique(findings: readonly Finding[]): Finding[] {
  const byKey = new Map<string, Finding>();
  for (const one of findings) {
    const key = `${one.code} ${one.position.file}:${one.position.line}:${one.position.column}`;
    byKey.set(key, byKey.get(key) ?? one);
  }
  return [...byKey.values()];
}

function byPlace(a: Finding, b: Finding): number {
  return (
    (a.position.file < b.position.file ? -1 : a.position.file > b.position.file ? 1 : 0) ||
    a.position.line - b.position.line ||
    a.position.column - b.position.column ||
    (a.code < b.code ? -1 : 1)
  );
}
