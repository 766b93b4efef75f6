/**
 * `-f`: files, directories and standard input as objects.
 * @see kubernetes:staging/src/k8s.io/cli-runtime/pkg/resource/visitor.go
 */
import type { Origin } from '../../k8s/api_server.ts';
import { type ManifestIssue, parseManifest } from '../../k8s/manifest.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import type { ToolContext } from '../tool.ts';
import { type ResourceType, typeOfKind } from './resource_types.ts';

/** An object of a file. */
export interface FileObject {
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly origin: Origin;
  /** The file, as messages name it; `STDIN` for standard input. */
  readonly source: string;
}

/** What the files hold, and what is wrong with them. */
export interface FileObjects {
  readonly objects: readonly FileObject[];
  readonly errors: readonly string[];
}

/** The flags that name files. */
export const FILE_FLAGS: readonly FlagSpec[] = [
  { name: 'filename', short: 'f', value: true },
  { name: 'recursive', short: 'R' },
];

const EXTENSIONS = /\.(?:json|ya?ml)$/;
/** Directories nested deeper are not read. */
const MAX_DEPTH = 32;

/** Reads what the flags name. `verb` is for messages: `creating`. Objects without a namespace get the one of `-n`. */
export function readManifests(context: ToolContext, flags: Flags, verb: string): FileObjects {
  const objects: FileObject[] = [];
  const errors: string[] = [];
  for (const path of flags.list('filename')) {
    for (const file of filesOf(context, path, flags.has('recursive'), errors)) {
      const manifest = parseManifest(file.text, file.source);
      errors.push(...manifest.issues.map((issue) => issueText(issue, file.source, verb)));
      for (const { object, origin } of manifest.objects) {
        const type = typeOfKind(object.kind);
        const placed = type === null ? null : inNamespace(object, type, flags.value('namespace'));
        if (type !== null && typeof placed !== 'string' && placed !== null) {
          objects.push({ type, object: placed, origin, source: file.source });
        } else if (typeof placed === 'string') {
          errors.push(placed);
        }
      }
    }
  }
  return { objects, errors };
}

interface FileText {
  readonly source: string;
  readonly text: string;
}

function filesOf(context: ToolContext, path: string, recursive: boolean, errors: string[], depth = 0): FileText[] {
  if (path === '-') {
    return [{ source: 'STDIN', text: context.stdin }];
  }
  const read = context.readPath(path);
  if (read.kind === 'text') {
    return [{ source: path, text: read.text }];
  }
  if (read.kind === 'error') {
    const missing = read.error === 'No such file or directory';
    errors.push(
      /^https?:\/\//.test(path)
        ? `error: unable to read URL "${path}": ${read.error}`
        : missing
          ? `error: the path "${path}" does not exist`
          : `error: the path "${path}" cannot be accessed: ${read.error}`,
    );
    return [];
  }
  const inside = (name: string): string => `${path.replace(/\/+$/, '')}/${name}`;
  const files = read.names.flatMap((name) => {
    const isDirectory = !EXTENSIONS.test(name) && recursive && depth < MAX_DEPTH && context.readPath(inside(name)).kind === 'directory';
    return EXTENSIONS.test(name) || isDirectory ? filesOf(context, inside(name), recursive, errors, depth + 1) : [];
  });
  if (depth === 0 && files.length === 0 && errors.length === 0) {
    errors.push(`error: error reading [${path}]: recognized file extensions are [.json .yaml .yml]`);
  }
  return files;
}

/** The object in its namespace, or kubectl's message when the command line names another one. */
function inNamespace(object: KubeObject, type: ResourceType, wanted: string | null): KubeObject | string {
  const { namespace } = object.metadata;
  if (!type.namespaced) {
    return object;
  }
  if (namespace !== undefined && namespace !== '' && wanted !== null && namespace !== wanted) {
    return `error: the namespace from the provided object "${namespace}" does not match the namespace "${wanted}". You must pass '--namespace=${namespace}' to perform this operation.`;
  }
  return namespace !== undefined && namespace !== ''
    ? object
    : { ...object, metadata: { ...object.metadata, namespace: wanted ?? 'default' } };
}

/** The message of the real tools, and below it the place. */
function issueText(issue: ManifestIssue, source: string, verb: string): string {
  const place = `${source}:${issue.line}:${issue.column}: ${issue.message}`;
  return `${realMessage(issue, source, verb)}\n${place}`;
}

function realMessage({ code, message, path, object, line }: ManifestIssue, source: string, verb: string): string {
  const kind = String(object?.['kind'] ?? '');
  const apiVersion = String(object?.['apiVersion'] ?? '');
  const name = String((object?.['metadata'] as { readonly name?: unknown } | undefined | null)?.name ?? '');
  const version = apiVersion.split('/').at(-1) ?? '';
  switch (code) {
    case 'yaml':
      return `error: error parsing ${source}: error converting YAML to JSON: yaml: line ${line}: ${message}`;
    case 'object':
      return `error: error validating "${source}": error validating data: invalid object to validate`;
    case 'kind':
    case 'api-version':
      return kind === '' || apiVersion === ''
        ? `error: error validating "${source}": error validating data: ${kind === '' ? 'kind' : 'apiVersion'} not set; if you choose to ignore these errors, turn validation off with --validate=false`
        : `error: resource mapping not found for name: "${name}" namespace: "" from "${source}": no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`;
    case 'unknown-field':
      return `Error from server (BadRequest): error when ${verb} "${source}": ${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: unknown field "${path}"`;
    case 'name':
      return name === ''
        ? `error: error when retrieving current configuration of:\nResource: "${apiVersion}, Resource=${typeOfKind(kind)?.plural ?? ''}", GroupVersionKind: "${apiVersion}, Kind=${kind}"\nfrom server for: "${source}": resource name may not be empty`
        : `The ${kind} "${name}" is invalid: metadata.name: Invalid value: ${JSON.stringify(name)}: ${message}`;
    case 'type':
      return apiVersion.startsWith('cilium.io/')
        ? `The ${kind} "${name}" is invalid: ${path}: ${schemaTypeError(path, message)}`
        : `Error from server (BadRequest): error when ${verb} "${source}": ${kind} in version "${version}" cannot be handled as a ${kind}: ${path}: ${message}`;
    default:
      return `The ${kind} "${name}" is invalid: ${path === '' ? '' : `${path}: `}${message}`;
  }
}

const JSON_TYPES: Readonly<Record<string, string>> = {
  'a list': 'array',
  'a map': 'object',
  'a text': 'string',
  'a number': 'integer',
  'true or false': 'boolean',
};

/** The words of a definition's schema. @see https://pkg.go.dev/k8s.io/kube-openapi/pkg/validation/errors#InvalidType */
function schemaTypeError(path: string, message: string): string {
  const [, wanted = '', found = ''] = /must be (.+?), not (.+?)(?:;|$)/.exec(message) ?? [];
  const literal = found.startsWith('"') ? 'string' : /^-?\d/.test(found) ? 'integer' : 'boolean';
  const type = JSON_TYPES[found] ?? literal;
  const expected = JSON_TYPES[wanted];
  return expected === undefined
    ? `Invalid value: ${message}`
    : `Invalid value: "${type}": ${path} in body must be of type ${expected}: "${type}"`;
}
