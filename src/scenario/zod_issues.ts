/** Turns what a schema found into issues with positions and suggestions. */
import type * as z from 'zod';
import { nearest } from '../net/nearest_word.ts';
import type { SourceDocument } from './document.ts';
import { type Issue, pathText } from './issue.ts';

type SchemaIssue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

/** The issues of a failed parse. `base` is the path of the parsed value in the document. */
export function schemaIssues(schema: z.ZodType, found: readonly SchemaIssue[], document: SourceDocument, base: Path): Issue[] {
  return found.flatMap((issue) => convert(schema, issue, document, base));
}

function convert(schema: z.ZodType, issue: SchemaIssue, document: SourceDocument, base: Path): Issue[] {
  const path: Path = [...base, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path as Path);
    return issue.keys.map((key) =>
      withSuggestion(
        {
          code: 'unknown-key',
          message: `unknown key ${JSON.stringify(key)}${known.length > 0 ? `; known: ${known.join(', ')}` : ''}`,
          position: document.keyPosition(path, key),
          path: pathText([...path, key]),
        },
        nearest(key, known),
      ),
    );
  }
  if (issue.code === 'invalid_union') {
    const deeper = bestBranch(issue.errors as readonly (readonly SchemaIssue[])[]);
    if (deeper !== null) {
      return deeper.flatMap((one) => convert(schema, { ...one, path: [...issue.path, ...one.path] } as SchemaIssue, document, base));
    }
    return [{ code: 'type', message: sentence(issue.message), position: document.position(path), path: pathText(path) }];
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    return [
      withSuggestion(
        { code: 'value', message: `expected one of: ${values.join(', ')}`, position: document.position(path), path: pathText(path) },
        nearest(String(valueAt(document.value, path)), values),
      ),
    ];
  }
  const missing = issue.code === 'invalid_type' && valueAt(document.value, path) === undefined;
  if (missing) {
    const key = path.at(-1);
    const message = key === undefined ? 'the file is empty' : `"${String(key)}" is missing`;
    return [{ code: 'missing', message, position: document.position(path.slice(0, -1)), path: pathText(path) }];
  }
  return [
    {
      code: issue.code === 'invalid_type' ? 'type' : 'value',
      message: sentence(issue.message),
      position: document.position(path),
      path: pathText(path),
    },
  ];
}

/** The branch of a union the author had in mind: one that got further than the type of the value itself. */
function bestBranch(branches: readonly (readonly SchemaIssue[])[]): readonly SchemaIssue[] | null {
  const further = branches.filter(
    (branch) => branch.length > 0 && !branch.some((one) => one.code === 'invalid_type' && one.path.length === 0),
  );
  return further.sort((a, b) => a.length - b.length)[0] ?? null;
}

/** Known keys of the strict object at a path of a schema; for a union those of all its objects. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  const def = (schema as unknown as { readonly def: Definition }).def;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
      return keysAt(def.innerType as z.ZodType, path);
    case 'pipe':
      return keysAt(def.in as z.ZodType, path);
    case 'union':
      return (def.options ?? []).flatMap((option) => keysAt(option, path));
    case 'array':
      return keysAt(def.element as z.ZodType, path.slice(1));
    case 'record':
      return keysAt(def.valueType as z.ZodType, path.slice(1));
    case 'object': {
      const shape = def.shape ?? {};
      const [first, ...rest] = path;
      if (first === undefined) {
        return Object.keys(shape);
      }
      const member = shape[String(first)];
      return member === undefined ? [] : keysAt(member, rest);
    }
    default:
      return [];
  }
}

/** The part of a schema's definition that {@link keysAt} walks through. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce(
    (at: unknown, part) => (typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[part] : undefined),
    value,
  );
}

function withSuggestion(issue: Issue, suggestion: string | null): Issue {
  return suggestion === null ? issue : { ...issue, suggestion };
}

function sentence(message: string): string {
  return message.replace(/^Invalid input: /, '').replace(/^Too (small|big): /, 'too $1: ');
}
