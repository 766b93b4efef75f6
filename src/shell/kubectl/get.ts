/**
 * `kubectl get`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/get/get.go
 */
import type { ClusterView, ObjectView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, failed, kubectlTable, printed } from '../table.ts';
import { type Parsed, ready, refused, unknownWord } from '../tool.ts';
import { parseLabelSelector } from './label_selector.ts';
import { findKind, KINDS, type KindPrinter } from './printers.ts';
import { type KubectlVerb, namespaceOf } from './verb.ts';

/** The verb. */
export const getVerb: KubectlVerb = {
  name: 'get',
  summary: 'list objects',
  flags: [
    { name: 'all-namespaces', short: 'A' },
    { name: 'selector', short: 'l', value: true },
    { name: 'output', short: 'o', value: true, choices: ['wide', 'name', 'json', 'jsonpath='] },
    { name: 'no-headers' },
    { name: 'show-labels' },
  ],
  parse: parseGet,
  complete: ([kindWord], cluster, flags) => {
    const kind = kindWord === undefined ? null : findKind(kindWord);
    return kind === null
      ? KINDS.flatMap(({ names }) => names)
      : cluster.list(kind.kind, flags === null || !kind.namespaced ? null : namespaceOf(flags)).map(({ metadata }) => metadata.name);
  },
};

/** What was asked for. */
interface GetRequest {
  readonly kind: KindPrinter;
  /** Empty: all. */
  readonly names: readonly string[];
  /** `null`: all namespaces. */
  readonly namespace: string | null;
  readonly selector: string | null;
  readonly output: string | null;
  readonly noHeaders: boolean;
  readonly showLabels: boolean;
}

function parseGet(flags: Flags): Parsed {
  const [what, ...names] = flags.positional;
  if (what === undefined) {
    return refused('error: you must specify the type of resource to get: kubectl get pods');
  }
  const slash = what.indexOf('/');
  const word = slash < 0 ? what : what.slice(0, slash);
  const kind = findKind(word);
  if (kind === null) {
    return unknownWord(
      `error: the server doesn't have a resource type "${word}"`,
      word,
      KINDS.flatMap((one) => one.names),
    );
  }
  const output = flags.value('output');
  if (output !== null && !['wide', 'name', 'json'].includes(output) && !output.startsWith('jsonpath=')) {
    return refused(
      `error: unable to match a printer suitable for the output format "${output}", allowed formats are: json,jsonpath,name,wide`,
    );
  }
  const request: GetRequest = {
    kind,
    names: slash < 0 ? names : [what.slice(slash + 1), ...names],
    namespace: flags.has('all-namespaces') ? null : namespaceOf(flags),
    selector: flags.value('selector'),
    output,
    noHeaders: flags.has('no-headers'),
    showLabels: flags.has('show-labels'),
  };
  return ready(({ cluster }) => kubectlGet(cluster, request));
}

/** Runs the command. */
function kubectlGet(cluster: ClusterView, request: GetRequest): CommandResult {
  const { kind } = request;
  const matches = request.selector === null ? () => true : parseLabelSelector(request.selector);
  if (matches === null) {
    return failed(`error: unable to parse requirement: ${request.selector ?? ''}`);
  }
  const all = cluster.list(kind.kind, kind.namespaced ? request.namespace : null).filter((object) => matches(object.metadata.labels ?? {}));
  const found = request.names.length === 0 ? all : all.filter((object) => request.names.includes(object.metadata.name));
  const missing = request.names.filter((name) => !found.some((object) => object.metadata.name === name));
  const stderr = missing.map((name) => `Error from server (NotFound): ${kind.resource} "${name}" not found\n`).join('');
  if (missing.length > 0 && found.length === 0) {
    return { exitCode: 1, stdout: '', stderr };
  }
  const output = format(cluster, request, found);
  return { exitCode: missing.length > 0 ? 1 : output.exitCode, stdout: output.stdout, stderr: stderr + output.stderr };
}

function format(cluster: ClusterView, request: GetRequest, objects: readonly ObjectView[]): CommandResult {
  const { kind, output } = request;
  if (output === 'name') {
    return printed(objects.map((object) => `${singular(kind)}/${object.metadata.name}\n`).join(''));
  }
  if (output === 'json') {
    const one =
      request.names.length === 1 ? objects[0] : { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } };
    return printed(`${JSON.stringify(one, null, 4)}\n`);
  }
  if (output?.startsWith('jsonpath=') === true) {
    return jsonPath(output.slice('jsonpath='.length), request.names.length === 1 ? (objects[0] as ObjectView) : { items: objects });
  }
  if (objects.length === 0) {
    const where =
      !kind.namespaced || request.namespace === null ? 'No resources found' : `No resources found in ${request.namespace} namespace.`;
    return { exitCode: 0, stdout: '', stderr: `${where}\n` };
  }
  return printed(table(cluster, request, objects));
}

function table(cluster: ClusterView, request: GetRequest, objects: readonly ObjectView[]): string {
  const { kind } = request;
  const columns = kind.columns.filter((column) => column.wide !== true || request.output === 'wide');
  const everywhere = kind.namespaced && request.namespace === null;
  const header = [...(everywhere ? ['NAMESPACE'] : []), ...columns.map(({ title }) => title), ...(request.showLabels ? ['LABELS'] : [])];
  const now = cluster.wallMillis();
  const rows = objects.map((object) => [
    ...(everywhere ? [object.metadata.namespace ?? ''] : []),
    ...columns.map(({ cell }) => cell(object, now)),
    ...(request.showLabels ? [labelsText(object)] : []),
  ]);
  return kubectlTable(request.noHeaders ? rows : [header, ...rows]);
}

function labelsText(object: ObjectView): string {
  const labels = Object.entries(object.metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return labels.length === 0 ? '<none>' : labels.sort().join(',');
}

function singular(kind: KindPrinter): string {
  const group = kind.resource.includes('.') ? kind.resource.slice(kind.resource.indexOf('.')) : '';
  return `${kind.kind.toLowerCase()}${group}`;
}

/** @remarks Simplified: one path of member names, indexes and `[*]`. @see kubernetes:staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go */
function jsonPath(template: string, root: unknown): CommandResult {
  const path = /^\{((?:\.[A-Za-z0-9_/-]+|\[(?:\d+|\*)\])+)\}$/.exec(template)?.[1];
  if (path === undefined) {
    return failed(`error: error parsing jsonpath ${template}, only one path of names, indexes and [*] is available`);
  }
  let values: unknown[] = [root];
  for (const [step, name, index] of path.matchAll(/\.([A-Za-z0-9_/-]+)|\[(\d+|\*)\]/g)) {
    values = values.flatMap((value): unknown[] => {
      if (step === '[*]') {
        return Array.isArray(value) ? value : [];
      }
      const member =
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[(name ?? index) as string] : undefined;
      return member === undefined ? [] : [member];
    });
  }
  return printed(values.map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value))).join(' '));
}
