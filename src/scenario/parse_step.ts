/**
 * Reads one step: the key names the action and with it the schema.
 */

import { nearest } from '../net/nearest_word.ts';
import { parseCommand } from '../shell/invocation.ts';
import { findResourceType, resourceNames } from '../shell/kubectl/resource_types.ts';
import { splitWords } from '../shell/words.ts';
import type { SourceDocument } from './document.ts';
import { type Issue, pathText, type SourcePosition } from './issue.ts';
import { manifestIssues } from './manifests.ts';
import type { ParseOptions } from './parse.ts';
import { besideFile } from './paths.ts';
import type { Action, ManifestText, ObjectName, ScenarioStep } from './scenario.ts';
import {
  type NewRequest,
  REQUEST_SCHEMAS,
  type SameConnectionRequest,
  STEP_KINDS,
  STEP_SCHEMAS,
  type StepKind,
  type StepOf,
} from './schema/steps.ts';
import { schemaIssues } from './zod_issues.ts';

/** A step or what is wrong with it. */
export type StepResult = { readonly ok: true; readonly step: ScenarioStep } | { readonly ok: false; readonly issues: readonly Issue[] };

interface Context {
  readonly document: SourceDocument;
  readonly options: ParseOptions;
  readonly path: readonly (string | number)[];
  readonly issues: Issue[];
}

/** Parses the step at an index. */
export function parseStep(value: unknown, index: number, document: SourceDocument, options: ParseOptions): StepResult {
  const context: Context = { document, options, path: ['steps', index], issues: [] };
  const kind = stepKind(value, context);
  if (kind === null) {
    return { ok: false, issues: context.issues };
  }
  const schema = STEP_SCHEMAS[kind];
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const plain = parsed.error.issues.filter((issue) => !(kind === 'request' && issue.path[0] === 'request'));
    context.issues.push(...schemaIssues(schema, plain, document, context.path));
  }
  if (kind === 'request') {
    checkRequest(value, context);
  }
  const action = parsed.success && context.issues.length === 0 ? toAction(kind, parsed.data, context) : null;
  if (action === null || !parsed.success || context.issues.length > 0) {
    return { ok: false, issues: context.issues };
  }
  const { name, expect } = parsed.data;
  const expectPositions = Object.fromEntries(
    Object.keys(expect ?? {}).map((key) => [key, document.keyPosition([...context.path, 'expect'], key)]),
  );
  return {
    ok: true,
    step: { name: name ?? null, position: document.position(context.path), action, expect: expect ?? null, expectPositions },
  };
}

/** The one key of the step that names an action. */
function stepKind(value: unknown, context: Context): StepKind | null {
  const { document, path } = context;
  const known = `a step has one of: ${STEP_KINDS.join(', ')}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(context, 'type', [], `expected a mapping; ${known}`);
    return null;
  }
  const keys = Object.keys(value);
  const [kind, second] = STEP_KINDS.filter((one) => keys.includes(one));
  if (kind === undefined) {
    const key = keys.find((one) => one !== 'name' && one !== 'expect');
    const suggestion = key === undefined ? null : nearest(key, STEP_KINDS);
    const position = key === undefined ? document.position(path) : document.keyPosition(path, key);
    const message = key === undefined ? `the step does nothing; ${known}` : `unknown step "${key}"; ${known}`;
    context.issues.push({ code: 'unknown-key', message, position, path: pathText(path), ...(suggestion === null ? {} : { suggestion }) });
    return null;
  }
  if (second !== undefined) {
    const position = document.keyPosition(path, second);
    context.issues.push({
      code: 'value',
      message: `a step does one thing: "${kind}" or "${second}", not both`,
      position,
      path: pathText(path),
    });
    return null;
  }
  return kind;
}

/** A request has several forms; the one that is meant is checked alone, so that the messages fit. */
function checkRequest(value: unknown, context: Context): void {
  const request = (value as { readonly request: unknown }).request;
  const same = typeof request === 'object' && request !== null && 'connection' in request;
  const schema = !same ? REQUEST_SCHEMAS.new : 'raw' in request ? REQUEST_SCHEMAS.raw : REQUEST_SCHEMAS.same;
  const parsed = schema.safeParse(request);
  if (!parsed.success) {
    context.issues.push(...schemaIssues(schema, parsed.error.issues, context.document, [...context.path, 'request']));
  }
}

function toAction(kind: StepKind, data: unknown, context: Context): Action | null {
  switch (kind) {
    case 'apply': {
      const step = data as StepOf<'apply'>;
      return { kind, manifests: manifests(step.apply, 'apply', context), namespace: step.namespace ?? 'default', wait: step.wait ?? true };
    }
    case 'delete':
      return deleteAction(data as StepOf<'delete'>, context);
    case 'exec': {
      const { pod, command } = (data as StepOf<'exec'>).exec;
      return { kind, pod, argv: typeof command === 'string' ? words(command, ['exec', 'command'], context) : command };
    }
    case 'request': {
      const { request } = data as StepOf<'request'>;
      return 'connection' in request
        ? { kind: 'connection-request', request: request as SameConnectionRequest }
        : { kind, request: request as NewRequest };
    }
    case 'connection':
      return connectionAction((data as StepOf<'connection'>).connection, context);
    case 'advance': {
      const { advance } = data as StepOf<'advance'>;
      return typeof advance === 'number' ? { kind, by: advance } : { kind: 'advance-until', until: advance.until };
    }
    case 'command': {
      const step = data as StepOf<'command'>;
      const parsed = parseCommand(step.command);
      if (!parsed.ok) {
        report(context, 'command', ['command'], parsed.error);
      }
      return { kind, line: step.command, node: step.node ?? null };
    }
    case 'hold':
    case 'release':
      return { kind, what: 'xds', node: (data as StepOf<'hold'>).node ?? null };
    case 'proxy': {
      const step = data as StepOf<'proxy'>;
      return { kind, what: step.proxy, node: step.node ?? null };
    }
    case 'fault':
      return { kind, fault: (data as StepOf<'fault'>).fault };
    case 'agent': {
      const step = data as StepOf<'agent'>;
      return { kind, what: step.agent, node: step.node ?? null };
    }
    case 'stop':
      return { kind, pod: (data as StepOf<'stop'>).stop };
    case 'start':
      return { kind, pod: (data as StepOf<'start'>).start };
  }
}

function connectionAction(connection: StepOf<'connection'>['connection'], context: Context): Action | null {
  if ('close' in connection) {
    return { kind: 'close', id: connection.close };
  }
  const match = /^([^\s:/]+)(?::(\d{1,5}))?$/.exec(connection.to);
  const port = Number(match?.[2] ?? 80);
  if (match === null || port < 1 || port > 65535) {
    report(context, 'value', ['connection', 'to'], 'expected host or host:port');
    return null;
  }
  return {
    kind: 'open',
    id: connection.open,
    from: connection.from,
    host: match[1] as string,
    port,
    http2: connection.http2 ?? false,
    connectTimeout: connection.connectTimeout ?? null,
  };
}

function deleteAction(step: StepOf<'delete'>, context: Context): Action {
  const objects: ObjectName[] = [];
  const files: string[] = [];
  for (const entry of step.delete) {
    const match = /^([A-Za-z.]+)\/([a-z0-9][a-z0-9.-]*)$/.exec(entry);
    if (match === null || /\.(?:ya?ml|json)$/.test(entry)) {
      files.push(entry);
      continue;
    }
    const [, word = '', name = ''] = match;
    const type = findResourceType(word);
    if (type === null) {
      report(context, 'value', ['delete'], `unknown kind "${word}"`, nearest(word, resourceNames()));
    } else {
      objects.push({ kind: type.kind, name });
    }
  }
  return {
    kind: 'delete',
    manifests: manifests(files, 'delete', context),
    objects,
    namespace: step.namespace ?? 'default',
    wait: step.wait ?? true,
  };
}

/** Manifest files read, and inline manifests put where their positions are right. */
function manifests(entries: readonly string[], key: string, context: Context): ManifestText[] {
  const { document, options, path } = context;
  return entries.flatMap((entry, i): ManifestText[] => {
    const at = [...path, key, ...(Array.isArray(valueOf(document, [...path, key])) ? [i] : [])];
    const manifest = entry.includes('\n') ? inlineManifest(entry, document.blockText(at), options.file) : fileManifest(entry, at, context);
    if (manifest !== null) {
      context.issues.push(...manifestIssues(manifest));
    }
    return manifest === null ? [] : [manifest];
  });
}

function inlineManifest(text: string, block: { readonly line: number; readonly indent: number } | null, file: string): ManifestText {
  return { file, text: '\n'.repeat((block?.line ?? 1) - 1) + text, indent: block?.indent ?? 0 };
}

function fileManifest(name: string, at: readonly (string | number)[], context: Context): ManifestText | null {
  const file = besideFile(context.options.file, name);
  const read = context.options.readFile(file);
  if ('error' in read) {
    context.issues.push({ code: 'file', message: `${file}: ${read.error}`, position: context.document.position(at), path: pathText(at) });
    return null;
  }
  return { file, text: read.text, indent: 0 };
}

function words(line: string, at: readonly string[], context: Context): readonly string[] {
  const split = splitWords(line);
  if (!split.ok || split.words.length === 0) {
    report(context, 'command', at, split.ok ? 'the command is empty' : split.error);
    return [];
  }
  return split.words;
}

function report(context: Context, code: string, at: readonly string[], message: string, suggestion: string | null = null): void {
  const path = [...context.path, ...at];
  const position: SourcePosition = context.document.position(path);
  context.issues.push({ code, message, position, path: pathText(path), ...(suggestion === null ? {} : { suggestion }) });
}

function valueOf(document: SourceDocument, path: readonly (string | number)[]): unknown {
  return path.reduce((at: unknown, part) => (at as Record<string | number, unknown> | undefined)?.[part], document.value);
}
