/**
 * Reads the JSON form of protobuf messages against tables of their fields, as `protojson.Unmarshal` does: names in either spelling, numbers as
 * texts, enum values by name or number. What comes out has proto field names, so that everybody reads one form.
 * @see https://protobuf.dev/programming-guides/json/
 */
import { nearest } from '../net/nearest_word.ts';

/** A field. */
export type Field =
  | 'string'
  | 'bool'
  /** Also of UInt32Value. */
  | 'uint32'
  /** Text in JSON. */
  | 'int64'
  | 'double'
  /** Base64 text. */
  | 'bytes'
  /** `1.5s` */
  | 'duration'
  /** Taken as it is: nothing reads it. */
  | 'opaque'
  | { readonly values: readonly string[] }
  | { readonly message: () => MessageType }
  | { readonly list: Field }
  | { readonly map: Field }
  /** A message in google.protobuf.Any: by its type URL. */
  | { readonly any: () => Readonly<Record<string, MessageType>> };

/** A message. */
export interface MessageType {
  /** `envoy.config.route.v3.Route` */
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Sets of which at most one may be given. */
  readonly oneofs?: readonly (readonly string[])[];
  /** Sets of which one must be given: what the message's validation rules ask. */
  readonly required?: readonly (readonly string[])[];
}

/** Where something stands in an object. */
export type ProtoPath = readonly (string | number)[];

/** Something wrong. */
export interface ProtoIssue {
  readonly path: ProtoPath;
  readonly message: string;
  /** The text can be read, but the message's validation rules ask for more. */
  readonly invalid?: true;
}

type Raw = Readonly<Record<string, unknown>>;

/** Prefix of type URLs. */
const TYPE_PREFIX = 'type.googleapis.com/';
const DURATION = /^-?\d+(\.\d{1,9})?s$/;

/** A message's JSON with proto field names; what is wrong is added to `issues`. */
export function readMessage(value: unknown, type: MessageType, path: ProtoPath, issues: ProtoIssue[]): Raw {
  if (!isRaw(value)) {
    issues.push({ path, message: `${type.name} must be a map, not ${shown(value)}` });
    return {};
  }
  const found: Record<string, unknown> = {};
  const given = new Map<string, string>();
  for (const [key, item] of Object.entries(value)) {
    if (key === '@type' || item === null) {
      continue;
    }
    const name = protoName(type, key);
    const field = name === null ? undefined : type.fields[name];
    if (name === null || field === undefined) {
      issues.push({ path: [...path, key], message: unknownField(type, key) });
    } else if (given.has(name)) {
      issues.push({ path: [...path, key], message: `${given.get(name)} and ${key} are the same field` });
    } else {
      given.set(name, key);
      found[name] = readField(item, field, [...path, key], issues);
    }
  }
  for (const set of type.oneofs ?? []) {
    const both = set.filter((name) => given.has(name));
    if (both.length > 1) {
      issues.push({ path: [...path, given.get(both[1] as string) as string], message: `only one of ${both.join(', ')} may be given` });
    }
  }
  for (const set of type.required ?? []) {
    // Of several one is enough, even if it is empty.
    if (!(set.length > 1 ? set.some((name) => given.has(name)) : isPresent(found[set[0] as string]))) {
      issues.push({ path, message: `${type.name} needs ${set.length === 1 ? set[0] : `one of ${set.join(', ')}`}`, invalid: true });
    }
  }
  return found;
}

/** A message in an Any, whose type must be one of those known. @returns `null` if it is not */
export function readAny(
  value: unknown,
  types: Readonly<Record<string, MessageType>>,
  path: ProtoPath,
  issues: ProtoIssue[],
): ({ readonly '@type': string } & Raw) | null {
  const url = isRaw(value) ? value['@type'] : undefined;
  if (typeof url !== 'string') {
    issues.push({ path, message: `${isRaw(value) ? 'the message' : shown(value)} has no @type` });
    return null;
  }
  const type = Object.hasOwn(types, url) ? types[url] : undefined;
  if (type === undefined) {
    const known = Object.keys(types);
    const best = nearest(url, known);
    const hint = best === null ? `; known here are ${known.join(', ')}` : `; did you mean ${best}?`;
    issues.push({ path: [...path, '@type'], message: `no model of type ${JSON.stringify(url)}${hint}` });
    return null;
  }
  return { '@type': url, ...readMessage(value, type, path, issues) };
}

/** Message types by their type URLs. */
export function typeUrls(types: readonly MessageType[]): Readonly<Record<string, MessageType>> {
  return Object.fromEntries(types.map((type) => [`${TYPE_PREFIX}${type.name}`, type]));
}

/** A message type. */
export function messageType(
  name: string,
  fields: Readonly<Record<string, Field>>,
  more: Omit<MessageType, 'name' | 'fields'> = {},
): MessageType {
  return { name, fields, ...more };
}

/** A field with one message. */
export function of(type: MessageType): Field {
  return { message: () => type };
}

/** A field with a list of messages. */
export function listOf(type: MessageType): Field {
  return { list: of(type) };
}

function readField(value: unknown, field: Field, path: ProtoPath, issues: ProtoIssue[]): unknown {
  if (typeof field === 'string') {
    return readScalar(value, field, path, issues);
  }
  if ('values' in field) {
    const name = typeof value === 'number' ? field.values[value] : value;
    if (typeof name === 'string' && field.values.includes(name)) {
      return name;
    }
    issues.push({ path, message: `${shown(value)} is none of ${field.values.join(', ')}` });
    return undefined;
  }
  if ('message' in field) {
    return readMessage(value, field.message(), path, issues);
  }
  if ('any' in field) {
    return readAny(value, field.any(), path, issues) ?? undefined;
  }
  if ('list' in field) {
    if (!Array.isArray(value)) {
      issues.push({ path, message: `must be a list, not ${shown(value)}` });
      return [];
    }
    return value.map((item: unknown, index) => readField(item, field.list, [...path, index], issues));
  }
  if (!isRaw(value)) {
    issues.push({ path, message: `must be a map, not ${shown(value)}` });
    return {};
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readField(item, field.map, [...path, key], issues)]));
}

function readScalar(value: unknown, kind: Extract<Field, string>, path: ProtoPath, issues: ProtoIssue[]): unknown {
  const wrong = (wanted: string): undefined => {
    issues.push({ path, message: `must be ${wanted}, not ${shown(value)}` });
    return undefined;
  };
  switch (kind) {
    case 'opaque':
      return value;
    case 'string':
    case 'bytes':
      return typeof value === 'string' ? value : wrong('a text');
    case 'bool':
      return typeof value === 'boolean' ? value : wrong('true or false');
    case 'duration':
      return typeof value === 'string' && DURATION.test(value) ? value : wrong('a duration such as 1.5s');
    case 'double': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      return typeof number === 'number' && !Number.isNaN(number) ? number : wrong('a number');
    }
    case 'uint32': {
      const number = wholeNumber(value);
      return number !== null && number >= 0 && number <= 0xffffffff ? number : wrong('a whole number from 0 to 4294967295');
    }
    case 'int64': {
      const number = wholeNumber(value);
      return number === null ? wrong('a whole number') : String(number);
    }
  }
}

function wholeNumber(value: unknown): number | null {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
}

/** The proto name of a member given as `route_config` or `routeConfig`. */
function protoName(type: MessageType, key: string): string | null {
  if (Object.hasOwn(type.fields, key)) {
    return key;
  }
  const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return !key.includes('_') && Object.hasOwn(type.fields, snake) ? snake : null;
}

function unknownField(type: MessageType, key: string): string {
  const best = nearest(key, Object.keys(type.fields));
  return `unknown field ${JSON.stringify(key)} of ${type.name}, or one that is not modelled${best === null ? '' : `; did you mean ${best}?`}`;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
}

function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return Array.isArray(value) ? 'a list' : isRaw(value) ? 'a map' : (JSON.stringify(value) ?? 'nothing');
}
