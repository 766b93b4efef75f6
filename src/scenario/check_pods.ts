/**
 * Pods that steps name must be able to exist: a name that stands in no manifest and no command is a slip, found before anything runs.
 * @remarks Simplified: manifests are searched as text, since a pod may come from a controller, a generated name or a command; a name that only
 * looks as if something could make it fails when its step runs.
 */
import { ON_NODE, OUTSIDE } from '../cluster/cluster.ts';
import type { ClusterOptions } from '../cluster/options.ts';
import { nearest } from '../net/nearest_word.ts';
import type { SourceDocument } from './document.ts';
import { type Issue, pathText } from './issue.ts';
import type { Action, ScenarioStep } from './scenario.ts';

/** Issues for names of pods that nothing in the scenario can make. */
export function podIssues(steps: readonly ScenarioStep[], cluster: ClusterOptions, document: SourceDocument): Issue[] {
  const named = steps.flatMap((step, i) => {
    const reference = referenceOf(step.action);
    return reference === null ? [] : [{ ...reference, path: ['steps', i, ...reference.at] }];
  });
  if (named.length === 0) {
    return [];
  }
  const sources = [...new Set(steps.flatMap(({ action }) => textsOf(action))), JSON.stringify(cluster.pins)];
  const known = new Map<string, boolean>();
  return named.flatMap(({ pod, path }): Issue[] => {
    const possible = known.get(pod) ?? isPossible(pod, sources, cluster);
    known.set(pod, possible);
    if (possible) {
      return [];
    }
    const suggestion = nearest(pod, namesIn(sources));
    return [
      {
        code: 'reference',
        message: `there is no pod "${pod}": nothing in this scenario makes one`,
        position: document.position(path),
        path: pathText(path),
        ...(suggestion === null ? {} : { suggestion }),
      },
    ];
  });
}

function referenceOf(action: Action): { readonly pod: string; readonly at: readonly string[] } | null {
  switch (action.kind) {
    case 'exec':
      return { pod: action.pod, at: ['exec', 'pod'] };
    case 'request':
      return { pod: action.request.from, at: ['request', 'from'] };
    case 'open':
      return { pod: action.from, at: ['connection', 'from'] };
    case 'stop':
    case 'start':
      return { pod: action.pod, at: [action.kind] };
    default:
      return null;
  }
}

function textsOf(action: Action): readonly string[] {
  return action.kind === 'apply' ? action.manifests.map(({ text }) => text) : action.kind === 'command' ? [action.line] : [];
}

/** Whether the name, or the beginning of it that a controller's name could be, stands somewhere. */
function isPossible(reference: string, sources: readonly string[], cluster: ClusterOptions): boolean {
  const parts = reference.split('/');
  const name = parts.at(-1) as string;
  const namespace = parts.length > 1 ? (parts.at(-2) as string) : 'default';
  if (namespace === ON_NODE) {
    return cluster.nodes.some((node) => node.name === name);
  }
  if (namespace === OUTSIDE) {
    return cluster.world.some((host) => host.name === name);
  }
  if (parts.includes('kube-system')) {
    return true;
  }
  const pieces = name.split('-');
  const beginnings = pieces.map((_, i) => pieces.slice(0, i + 1).join('-'));
  return beginnings.some((one) => sources.some((text) => standsIn(one, text)));
}

/** Whether a name stands in a text with no other character of names beside it. */
function standsIn(name: string, text: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const around = `${text.charAt(at - 1)} ${text.charAt(at + name.length)}`;
    if (!/[A-Za-z0-9-]/.test(around)) {
      return true;
    }
  }
  return false;
}

function namesIn(sources: readonly string[]): string[] {
  return [
    ...new Set(sources.flatMap((text) => [...text.matchAll(/\bname:\s*"?([a-z0-9][a-z0-9.-]*)/g)].map((match) => match[1] as string))),
  ];
}
