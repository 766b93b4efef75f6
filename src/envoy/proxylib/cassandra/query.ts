/**
 * What a CQL statement does, and to which table, found by its words alone.
 * @see cilium:proxylib/cassandra/cassandraparser.go#parseQuery
 * @remarks Simplified: capital letters outside of ASCII are those of JavaScript, whose tables are newer than Go's; blanks are those of ASCII.
 */
import { fromLatin1, fromUtf8, latin1, utf8 } from '../../../net/bytes.ts';

/** Action and table; the table is empty where the action has none. */
export interface QueryAction {
  readonly action: string;
  readonly table: string;
  /** The keyspace that USE sets. */
  readonly keyspace?: string;
}

/** What the words say: an action; nothing one can understand; or the panic of Go where a word is missing. */
export type ParsedQuery = QueryAction | 'invalid' | { readonly panicIndex: number; readonly words: number };

/** Reads a statement (one character a byte) in a keyspace. */
export function parseQuery(query: string, keyspace: string): ParsedQuery {
  const words = lowerCase(query.replace(/;+$/, ''))
    .split(/[\t\n\v\f\r ]+/)
    .filter((word) => word !== '');
  // A comment could hide which table is meant.
  if (words.length < 2 || words.some((word) => /^(?:--|\/\*|\/\/)/.test(word))) {
    return 'invalid';
  }
  const parsed = actionOf(words);
  if (typeof parsed === 'string' || 'words' in parsed || parsed.action === 'use') {
    return parsed;
  }
  const { action, table } = parsed;
  return { action, table: table === '' || table.includes('.') ? table : `${keyspace}.${table}` };
}

function lowerCase(text: string): string {
  return /[\u0080-\u00ff]/.test(text) ? fromLatin1(utf8(fromUtf8(latin1(text)).toLowerCase())) : text.toLowerCase();
}

function actionOf(words: readonly string[]): ParsedQuery {
  const [verb = '', second = '', third] = words;
  switch (verb) {
    case 'select':
    case 'delete':
      return afterFrom(verb, words);
    case 'insert':
      return third === undefined ? 'invalid' : { action: verb, table: third };
    case 'update':
      return { action: verb, table: second };
    case 'use': {
      const keyspace = second.replace(/^["\\']+|["\\']+$/g, '');
      return { action: verb, table: keyspace, keyspace };
    }
    case 'alter':
    case 'create':
    case 'drop':
    case 'truncate':
    case 'list':
      return definition(verb, second, words);
    default:
      return 'invalid';
  }
}

/** The word after the last FROM. */
function afterFrom(action: string, words: readonly string[]): ParsedQuery {
  let table = '';
  for (let i = 1; i < words.length; i++) {
    if (words[i] === 'from') {
      const next = words[i + 1];
      if (next === undefined) {
        return { panicIndex: i + 1, words: words.length };
      }
      table = next;
    }
  }
  return table === '' ? 'invalid' : { action, table };
}

/** `create table [if not exists] t` and its like. `truncate t` is the action `truncate-t`, which no rule can name. */
function definition(verb: string, second: string, words: readonly string[]): ParsedQuery {
  const action = `${verb}-${second}`;
  if (second === 'table' || second === 'keyspace') {
    const [, , table] = words;
    if (table === undefined) {
      return 'invalid';
    }
    const place = table !== 'if' ? 2 : action === 'create-table' ? 5 : action === 'drop-table' || action === 'drop-keyspace' ? 4 : 2;
    const named = words[place];
    return named === undefined ? 'invalid' : { action, table: named };
  }
  if (second === 'materialized') {
    return { action: `${action}-view`, table: '' };
  }
  return { action: second === 'custom' ? 'create-index' : action, table: '' };
}
