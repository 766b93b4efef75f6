/** The mutants of a scenario: its manifests with one step of one policy changed. */
import { type Document, isMap, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { parseManifest } from '../../k8s/manifest.ts';
import type { SourcePosition } from '../../scenario/issue.ts';
import { pathText } from '../../scenario/issue.ts';
import type { Action, ManifestText, Scenario } from '../../scenario/scenario.ts';
import { unifiedDiff } from './diff.ts';
import { applyEdit, memberOf } from './edit.ts';
import { type Mutation, mutationsOf } from './operators.ts';

/** A changed policy. */
export interface Mutant {
  /** From 1, in the order of the scenario's manifests. */
  readonly number: number;
  readonly operator: string;
  readonly what: string;
  /** `CiliumNetworkPolicy rule1` */
  readonly policy: string;
  readonly element: string;
  readonly position: SourcePosition;
  readonly diff: string;
  readonly manifest: ManifestText;
  readonly text: string;
}

const POLICY_KINDS = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'];

/** All mutants, in a fixed order. */
export function mutantsOf(scenario: Scenario): Mutant[] {
  const found: Mutant[] = [];
  const seen = new Set<string>();
  for (const { action } of scenario.steps) {
    for (const manifest of action.kind === 'apply' ? action.manifests : []) {
      const key = `${manifest.file}\n${manifest.text}`;
      if (!seen.has(key)) {
        seen.add(key);
        found.push(...ofManifest(manifest, found.length));
      }
    }
  }
  return found;
}

/** The scenario with a mutant in the place of its manifest. */
export function withMutant(scenario: Scenario, { manifest, text }: Mutant): Scenario {
  const replaced = (one: ManifestText): ManifestText => (one.file === manifest.file && one.text === manifest.text ? { ...one, text } : one);
  const actionOf = (action: Action): Action =>
    action.kind === 'apply' ? { ...action, manifests: action.manifests.map(replaced) } : action;
  return { ...scenario, steps: scenario.steps.map((step) => ({ ...step, action: actionOf(step.action) })) };
}

function ofManifest(manifest: ManifestText, before: number): Mutant[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(manifest.text, {
    lineCounter: lines,
    version: '1.1',
    schema: 'yaml-1.1',
    merge: true,
    logLevel: 'silent',
  });
  const documents: readonly Document[] = 'empty' in parsed ? [] : parsed;
  const found: Mutant[] = [];
  for (const document of documents) {
    const root = document.contents;
    const kind = textOf(root, 'kind');
    if (!isMap(root) || !POLICY_KINDS.includes(kind) || document.errors.length > 0) {
      continue;
    }
    const policy = `${kind} ${textOf(memberOf(root, 'metadata')?.value, 'name')}`;
    const wholePolicy: Mutation = {
      operator: 'drop-policy',
      what: 'without the policy',
      path: [],
      edit: { ...rangeOf(document), text: '' },
    };
    for (const mutation of [wholePolicy, ...mutationsOf(root)]) {
      const text = applyEdit(manifest.text, mutation.edit);
      // What an edit made unreadable, because of an anchor for instance, is no mutant.
      if (text !== manifest.text && parseManifest(text, manifest.file).issues.length === 0) {
        const { line, col } = lines.linePos(
          mutation.edit.start + (/^[\s,]*(?:- +)?/.exec(manifest.text.slice(mutation.edit.start))?.[0].length ?? 0),
        );
        found.push({
          number: before + found.length + 1,
          operator: mutation.operator,
          what: mutation.what,
          policy,
          element: pathText(mutation.path),
          position: { file: manifest.file, line, column: col + manifest.indent },
          diff: unifiedDiff(manifest.file, manifest.text, text, manifest.indent),
          manifest,
          text,
        });
      }
    }
  }
  return found;
}

function rangeOf({ contents }: Document): { readonly start: number; readonly end: number } {
  const [start, , end] = contents?.range ?? [0, 0, 0];
  return { start, end };
}

function textOf(map: unknown, key: string): string {
  const value = memberOf(map, key)?.value;
  return isScalar(value) ? String(value.value) : '';
}
