/**
 * Keyspaces and tables in memory, and the statements of CQL that the guide's clients use.
 * @see https://cassandra.apache.org/doc/3.11/cassandra/cql/
 * @remarks Simplified: statements are read by patterns; conditions are equations joined by AND; rows come in the order in which they were written,
 * where the real order is that of hashed keys.
 */
import type { Rng } from '../../sim/rng.ts';
import { typeId } from './values.ts';

/** A column. */
export interface Column {
  readonly name: string;
  readonly type: number;
}

/** A row by column. */
type Row = Map<string, string>;

interface Table {
  readonly keyspace: string;
  readonly name: string;
  /** Key columns first, the others in alphabetical order, as they are selected. */
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  rows: Row[];
}

/** What a statement gives. */
export type StatementResult =
  | { readonly kind: 'void' }
  | { readonly kind: 'schema' }
  | { readonly kind: 'keyspace'; readonly name: string }
  | {
      readonly kind: 'rows';
      readonly keyspace: string;
      readonly table: string;
      readonly columns: readonly Column[];
      readonly rows: readonly (string | null)[][];
    }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

const SYNTAX = 0x2000;
const INVALID = 0x2200;
const VOID: StatementResult = { kind: 'void' };
const SCHEMA: StatementResult = { kind: 'schema' };

/** What clients read of a server when they connect. */
const LOCAL: Readonly<Record<string, string>> = {
  key: 'local',
  cluster_name: 'Test Cluster',
  cql_version: '3.4.4',
  data_center: 'datacenter1',
  native_protocol_version: '4',
  partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
  rack: 'rack1',
  release_version: '3.11.3',
};

/** The database. */
export class Database {
  readonly #keyspaces = new Set(['system', 'system_schema']);
  readonly #tables = new Map<string, Table>();
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
    this.#systemTable('system', 'local', Object.keys(LOCAL), [new Map(Object.entries(LOCAL))]);
    this.#systemTable('system', 'peers', ['peer'], []);
    for (const name of ['keyspaces', 'tables', 'columns', 'types', 'functions', 'aggregates', 'triggers', 'indexes', 'views']) {
      this.#systemTable('system_schema', name, ['keyspace_name'], []);
    }
  }

  /** Carries out a statement in a keyspace. */
  run(statement: string, keyspace: string): StatementResult {
    const text = statement.trim().replace(/;+$/, '').trim();
    statements ??= knownStatements();
    for (const [pattern, action] of statements) {
      const match = pattern.exec(text);
      if (match !== null) {
        return action(this, match.slice(1), keyspace);
      }
    }
    return error(SYNTAX, `line 1:0 no viable alternative at input '${text.split(/\s/)[0] ?? ''}'`);
  }

  createKeyspace(name: string, ifNotExists: boolean): StatementResult {
    if (this.#keyspaces.has(name)) {
      return ifNotExists ? VOID : error(0x2400, `Cannot add existing keyspace "${name}"`);
    }
    this.#keyspaces.add(name);
    return SCHEMA;
  }

  createTable(reference: string, definitions: string, ifNotExists: boolean, current: string): StatementResult {
    const [keyspace, name] = qualified(reference, current);
    if (!this.#keyspaces.has(keyspace)) {
      return error(INVALID, `Keyspace '${keyspace}' does not exist`);
    }
    const full = `${keyspace}.${name}`;
    if (this.#tables.has(full)) {
      return ifNotExists ? VOID : error(0x2400, `Cannot add already existing table "${name}" to keyspace "${keyspace}"`);
    }
    const [, primary = ''] = /PRIMARY\s+KEY\s*\(([^)]*)\)+/i.exec(definitions) ?? [];
    const columns = definitions
      .replace(/,?\s*PRIMARY\s+KEY\s*\(.*\)/i, '')
      .split(',')
      .map((one) => one.trim().split(/\s+/))
      .filter(([column]) => column !== '');
    const inline = columns.find((words) => /^primary$/i.test(words[2] ?? ''))?.[0];
    const key = (inline ?? primary)
      .toLowerCase()
      .replace(/[()\s]/g, '')
      .split(',');
    this.#tables.set(full, { keyspace, name, key, columns: ordered(columns, key), rows: [] });
    return SCHEMA;
  }

  dropTable(reference: string, current: string): StatementResult {
    return this.#tables.delete(qualified(reference, current).join('.')) ? SCHEMA : unconfigured(reference);
  }

  insert(reference: string, columns: string, values: string, current: string): StatementResult {
    const table = this.#table(reference, current);
    if (table === undefined) {
      return unconfigured(reference);
    }
    const names = columns.split(',').map((name) => name.trim().toLowerCase());
    const given = splitValues(values);
    const unknown = names.find((name) => !table.columns.some((column) => column.name === name));
    if (unknown !== undefined) {
      return error(INVALID, `Undefined column name ${unknown}`);
    }
    if (names.length !== given.length) {
      return error(INVALID, 'Unmatched column names/values');
    }
    const row: Row = new Map(names.map((name, i) => [name, this.#literal(given[i] as string)]));
    const missing = table.key.find((name) => !row.has(name));
    if (missing !== undefined) {
      return error(INVALID, `Some partition key parts are missing: ${missing}`);
    }
    const old = table.rows.find((one) => table.key.every((name) => one.get(name) === row.get(name)));
    if (old === undefined) {
      table.rows.push(row);
    } else {
      for (const [name, value] of row) {
        old.set(name, value);
      }
    }
    return VOID;
  }

  select(wanted: string, reference: string, conditions: string | undefined, limit: string | undefined, current: string): StatementResult {
    const table = this.#table(reference, current);
    if (table === undefined) {
      return unconfigured(reference);
    }
    const rows = table.rows.filter((row) => this.#holds(row, conditions)).slice(0, limit === undefined ? undefined : Number(limit));
    if (/^count\s*\(/i.test(wanted)) {
      const columns = [{ name: 'count', type: typeId('int') }];
      return { kind: 'rows', keyspace: table.keyspace, table: table.name, columns, rows: [[String(rows.length)]] };
    }
    const names = wanted === '*' ? null : wanted.split(',').map((name) => name.trim().toLowerCase());
    const columns = names === null ? table.columns : names.flatMap((name) => table.columns.filter((column) => column.name === name));
    if (names !== null && columns.length < names.length) {
      return error(INVALID, `Undefined column name ${names.find((name) => !columns.some((column) => column.name === name))}`);
    }
    const cells = rows.map((row) => columns.map(({ name }) => row.get(name) ?? null));
    return { kind: 'rows', keyspace: table.keyspace, table: table.name, columns, rows: cells };
  }

  update(reference: string, assignments: string, conditions: string, current: string): StatementResult {
    const keys = equations(conditions);
    const sets = equations(assignments, ',');
    const all = [...keys, ...sets];
    return this.insert(reference, all.map(([name]) => name).join(','), all.map(([, value]) => value).join(','), current);
  }

  remove(reference: string, conditions: string | undefined, current: string): StatementResult {
    const table = this.#table(reference, current);
    if (table === undefined) {
      return unconfigured(reference);
    }
    table.rows = table.rows.filter((row) => conditions !== undefined && !this.#holds(row, conditions));
    return VOID;
  }

  use(name: string): StatementResult {
    return this.#keyspaces.has(name) ? { kind: 'keyspace', name } : error(INVALID, `Keyspace '${name}' does not exist`);
  }

  #table(reference: string, current: string): Table | undefined {
    return this.#tables.get(qualified(reference, current).join('.'));
  }

  #systemTable(keyspace: string, name: string, columns: readonly string[], rows: Row[]): void {
    const [key = ''] = columns;
    this.#tables.set(`${keyspace}.${name}`, {
      ...{ keyspace, name, rows },
      columns: columns.map((column) => ({ name: column, type: typeId('text') })),
      key: [key],
    });
  }

  #holds(row: Row, conditions: string | undefined): boolean {
    return equations(conditions ?? '').every(([name, value]) => row.get(name) === this.#literal(value));
  }

  /** The value of a literal; `now()` and `uuid()` are drawn. */
  #literal(text: string): string {
    const word = text.trim();
    if (/^(?:now|uuid)\(\)$/i.test(word)) {
      const uuid = this.#rng.uuid();
      return /^now/i.test(word) ? `${uuid.slice(0, 14)}1${uuid.slice(15)}` : uuid;
    }
    return word.startsWith("'") ? word.slice(1, -1).replaceAll("''", "'") : word.toLowerCase();
  }
}

type Action = (database: Database, parts: readonly (string | undefined)[], keyspace: string) => StatementResult;

const NAME = '["\\w.]+';
const statement = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll('NAME', NAME).replaceAll(' ', '\\s+').replaceAll('~', '\\s*')}$`, 'is');

/** Made when first asked for. */
let statements: readonly (readonly [RegExp, Action])[] | null = null;

/** The statements it knows. */
function knownStatements(): readonly (readonly [RegExp, Action])[] {
  return [
    [
      statement('SELECT (.+?) FROM (NAME)(?: WHERE (.+?))?(?: LIMIT (\\d+))?(?: ALLOW FILTERING)?'),
      (database, [what = '', table = '', where, limit], keyspace) => database.select(what, table, where, limit, keyspace),
    ],
    [
      statement('INSERT INTO (NAME)~\\((.+?)\\)~VALUES~\\((.+)\\)'),
      (database, [table = '', columns = '', values = ''], keyspace) => database.insert(table, columns, values, keyspace),
    ],
    [
      statement('UPDATE (NAME) SET (.+) WHERE (.+)'),
      (database, [table = '', sets = '', where = ''], keyspace) => database.update(table, sets, where, keyspace),
    ],
    [
      statement('DELETE(?: .+?)? FROM (NAME) WHERE (.+)'),
      (database, [table = '', where], keyspace) => database.remove(table, where, keyspace),
    ],
    [statement('TRUNCATE(?: TABLE)? (NAME)'), (database, [table = ''], keyspace) => database.remove(table, undefined, keyspace)],
    [
      statement('CREATE KEYSPACE( IF NOT EXISTS)? (NAME) WITH .+'),
      (database, [exists, name = '']) => database.createKeyspace(unquoted(name), exists !== undefined),
    ],
    [
      statement('CREATE TABLE( IF NOT EXISTS)? (NAME)~\\((.+)\\)(?: WITH .+)?'),
      (database, [exists, name = '', columns = ''], keyspace) => database.createTable(name, columns, exists !== undefined, keyspace),
    ],
    [statement('DROP TABLE(?: IF EXISTS)? (NAME)'), (database, [name = ''], keyspace) => database.dropTable(name, keyspace)],
    [statement('USE (NAME)'), (database, [name = '']) => database.use(unquoted(name))],
  ];
}

function error(code: number, message: string): StatementResult {
  return { kind: 'error', code, message };
}

function unconfigured(reference: string): StatementResult {
  return error(INVALID, `unconfigured table ${unquoted(reference).split('.').at(-1) ?? ''}`);
}

function unquoted(name: string): string {
  return name.includes('"') ? name.replaceAll('"', '') : name.toLowerCase();
}

function qualified(reference: string, current: string): [keyspace: string, table: string] {
  const [first = '', second] = unquoted(reference).split('.');
  return second === undefined ? [current, first] : [first, second];
}

function ordered(columns: readonly (readonly string[])[], key: readonly string[]): Column[] {
  const all = columns.map(([name = '', type = '']) => ({ name: name.toLowerCase(), type: typeId(type.toLowerCase()) }));
  const others = all.filter(({ name }) => !key.includes(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...key.flatMap((name) => all.filter((column) => column.name === name)), ...others];
}

/** `a = 1 AND b = 'x'` as pairs. */
function equations(text: string, separator: ' AND ' | ',' = ' AND '): (readonly [string, string])[] {
  const parts = separator === ',' ? splitValues(text) : text.split(/\s+AND\s+/i);
  return parts
    .filter((part) => part.includes('='))
    .map((part) => {
      const at = part.indexOf('=');
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
    });
}

/** Values between commas that stand outside of quotes. */
function splitValues(text: string): string[] {
  return (text.match(/(?:'(?:[^']|'')*'|[^,'])+/g) ?? []).map((value) => value.trim());
}
