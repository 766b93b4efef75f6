/** Cassandra: what upstream's own tests say, and what its code says beyond them. */
import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../../src/envoy/proxylib/cassandra/query.ts';
import { concatBytes, latin1 } from '../../../src/net/bytes.ts';
import { cqlFrame, cqlQuery, u16, u32 } from '../../support/proxylib_messages.ts';
import { answers, hex, injected, Library, l7Rules, through } from './library.ts';

const OPTIONS = hex('040000000500000000');

const execute = (id: string): Uint8Array => cqlFrame(10, concatBytes([u16(id.length), latin1(id), latin1('xyz')]));
const prepared = (id: string): Uint8Array =>
  cqlFrame(8, concatBytes([u32(4), u16(id.length), latin1(id), u32(0), u32(0), u32(0)]), 4, 0x84);

/** A batch; statements are texts, `{id}` is a prepared one. */
function batch(statements: readonly (string | { readonly id: string })[], values = u16(0)): Uint8Array {
  const parts = statements.flatMap((one) =>
    typeof one === 'string'
      ? [Uint8Array.of(0), u32(one.length), latin1(one), values]
      : [Uint8Array.of(1), u16(one.id.length), latin1(one.id), values],
  );
  return cqlFrame(13, concatBytes([Uint8Array.of(0), u16(statements.length), ...parts, u16(0), Uint8Array.of(0)]));
}

const UNAUTHORIZED = concatBytes([hex('840000040000 00001a 00002100 0014'), latin1('Request Unauthorized')]);
const LOCAL = cqlQuery("SELECT cluster_name, data_center FROM system.local WHERE key='local'");

describe('frames', () => {
  it('are asked for by what is missing, and passed one by one', () => {
    const one = new Library([l7Rules('cassandra', { query_table: '.*' })]).connection('cassandra');
    expect(answers(one, false, hex('0400'))).toEqual(['MORE 7']);
    expect(answers(one, false, LOCAL.subarray(0, LOCAL.length - 1))).toEqual(['MORE 1']);
    expect(answers(one, false, concatBytes([OPTIONS, LOCAL]))).toEqual(['PASS 9', `PASS ${LOCAL.length}`, 'MORE 9']);
    expect(answers(one, true, '')).toEqual(['MORE 9']);
  });

  it('that are too long, compressed, or answers to nobody end the connection', () => {
    const first = (data: Uint8Array, reply = false): string | undefined => answers(new Library([]).connection('cassandra'), reply, data)[0];
    expect(first(hex('04000000 07 10000001'))).toBe('ERROR 3');
    expect(first(hex('04000000 07 10000000'))).toBe('MORE 268435456');
    expect(first(cqlFrame(7, new Uint8Array(4), 4, 4, 1))).toBe('ERROR 2');
    expect(first(cqlFrame(7, new Uint8Array(4), 4, 0x84))).toBe('ERROR 2');
    // Requests in the other direction pass.
    expect(first(OPTIONS, true)).toBe('PASS 9');
  });
});

describe('queries', () => {
  const deniedTable = (): Library => new Library([l7Rules('cassandra', { query_table: 'no-match' })]);

  it('are answered as unauthorized with version and stream of the request; what is not a query always passes', () => {
    const library = deniedTable();
    const one = library.connection('cassandra');
    expect(answers(one, false, concatBytes([OPTIONS, LOCAL]))).toEqual(['PASS 9', `DROP ${LOCAL.length}`, 'MORE 9']);
    expect(injected(one)).toEqual(UNAUTHORIZED);
    expect(library.takeLogs()).toEqual([['Denied', { query_action: 'select', query_table: 'system.local' }]]);
  });

  it('with comments, or of words nobody knows, end the connection', () => {
    const first = (text: string): string | undefined => answers(deniedTable().connection('cassandra'), false, cqlQuery(text))[0];
    for (const text of [
      'SELECT * FROM a.b -- c',
      'SELECT * /* x */ FROM a.b',
      'SELECT * FROM a.b //x',
      'BEGIN BATCH',
      'SELECT',
      'SELECT 1 WHERE',
      'INSERT INTO',
      '',
    ]) {
      expect([text, first(text)]).toEqual([text, 'ERROR 2']);
    }
  });

  it('of an action alone, whose table expression finds anywhere', () => {
    const library = new Library([l7Rules('cassandra', { query_action: 'select', query_table: 'stem' }, { query_action: 'create-role' })]);
    const verdict = (text: string): string =>
      (answers(library.connection('cassandra'), false, cqlQuery(text))[0] ?? '').split(' ')[0] as string;
    expect(verdict('SELECT * FROM system.local')).toBe('PASS');
    expect(verdict('SELECT * FROM other.local')).toBe('DROP');
    expect(verdict('INSERT INTO system.local (a) VALUES (1)')).toBe('DROP');
    expect(verdict('CREATE ROLE r WITH PASSWORD = 1')).toBe('PASS');
    expect(verdict('DROP ROLE r')).toBe('DROP');
  });

  it('USE is never denied nor logged, and prefixes later tables', () => {
    const library = new Library([l7Rules('cassandra', { query_table: '^db1\\.t1$' })]);
    const one = library.connection('cassandra');
    const use = cqlQuery('USE "DB1"');
    const select = cqlQuery('SELECT * FROM T1;');
    expect(answers(one, false, concatBytes([use, select]))).toEqual([`PASS ${use.length}`, `PASS ${select.length}`, 'MORE 9']);
    expect(library.takeLogs()).toEqual([['Request', { query_action: 'select', query_table: 'db1.t1' }]]);
  });
});

describe('prepared statements', () => {
  it('are judged when they are prepared and each time they are executed', () => {
    const library = new Library([l7Rules('cassandra', { query_table: 'db3.*' })]);
    const one = library.connection('cassandra');
    expect(answers(one, false, cqlQuery('SELECT * FROM db3.t1', 9))[0]).toMatch(/^PASS/);
    expect(answers(one, true, prepared('aaaa'))[0]).toMatch(/^PASS/);
    library.takeLogs();
    expect(answers(one, false, execute('aaaa'))[0]).toMatch(/^PASS/);
    expect(library.takeLogs()).toEqual([['Request', { query_action: 'select', query_table: 'db3.t1' }]]);
    library.update([l7Rules('cassandra', { query_table: 'db4.*' })]);
    expect(answers(one, false, execute('aaaa'))[0]).toMatch(/^DROP/);
    expect(injected(one)).toEqual(UNAUTHORIZED);
  });

  it('of an unknown id are answered as unprepared, whatever the rules', () => {
    for (const rules of [null, [], [l7Rules('cassandra', {})]]) {
      const library = new Library(rules);
      const one = library.connection('cassandra');
      expect(answers(one, false, execute('aaaa'))).toEqual([`DROP ${execute('aaaa').length}`, 'MORE 9']);
      expect(injected(one)).toEqual(concatBytes([hex('84000004 00 0000000a 00002500 0004'), latin1('aaaa')]));
      expect(library.takeLogs()).toEqual([['Denied', { error: 'unknown prepared query id' }]]);
    }
  });
});

describe('batches', () => {
  const run = (library: Library, data: Uint8Array): { first: string | undefined; logs: unknown[]; said: number } => {
    const one = library.connection('cassandra');
    const [first] = answers(one, false, data);
    return { first: first?.split(' ')[0], logs: library.takeLogs(), said: injected(one).length };
  };
  const library = (): Library => new Library([l7Rules('cassandra', { query_table: 'db1.*' })]);

  it('are all or nothing, and each statement is logged', () => {
    expect(run(library(), batch(['SELECT * FROM db1.t1', 'SELECT * FROM db1.t2']))).toEqual({
      first: 'PASS',
      logs: ['t1', 't2'].map((name) => ['Request', { query_action: 'select', query_table: `db1.${name}` }]),
      said: 0,
    });
    expect(run(library(), batch(['SELECT * FROM db1.t1', 'SELECT * FROM db2.t2']))).toEqual({
      first: 'DROP',
      logs: ['db1.t1', 'db2.t2'].map((name) => ['Denied', { query_action: 'select', query_table: name }]),
      said: UNAUTHORIZED.length,
    });
    expect(run(library(), batch([]))).toEqual({ first: 'PASS', logs: [], said: 0 });
    expect(run(library(), batch(['SELECT * FROM db1.t1', { id: 'zz' }])).logs).toEqual([
      ['Denied', { error: 'unknown prepared query id' }],
    ]);
  });

  it('with a null value go on at a place four gigabytes later, which is a panic', () => {
    const one = new Library([]);
    expect(run(one, batch(['INSERT INTO db1.t1 (a) VALUES (?)', 'SELECT * FROM db1.t1'], concatBytes([u16(1), u32(-1)]))).logs).toEqual([
      ['Denied', { status: 'Panic: runtime error: index out of range [4294967351] with length 90' }],
    ]);
    expect(run(one, batch(['SELECT * FROM db1.t1'], concatBytes([u16(1), u32(-1)]))).first).toBe('PASS');
  });
});

it('a query that claims to be longer than what has arrived is a panic, which ends the connection', () => {
  const library = new Library([]);
  const lying = cqlFrame(7, concatBytes([u32(100), latin1('SELECT * FROM a.b')]));
  const { failed, logs } = through(library, 'cassandra', [{ reply: false, bytes: lying }]);
  expect([failed, logs]).toEqual([
    true,
    [['Denied', { status: 'Panic: runtime error: slice bounds out of range [:113] with capacity 30' }]],
  ]);
});

describe('statements', () => {
  it.each([
    ['SELECT a, b FROM Ks.T WHERE x = 1', 'select', 'ks.t'],
    ['select * from t', 'select', 'cur.t'],
    ['DELETE FROM ks.t WHERE a = 1;', 'delete', 'ks.t'],
    ['INSERT  INTO\tks.t (a) VALUES (1)', 'insert', 'ks.t'],
    ['UPDATE ks.t SET a = 1', 'update', 'ks.t'],
    ["USE 'ks'", 'use', 'ks'],
    ['CREATE TABLE ks.t (a int)', 'create-table', 'ks.t'],
    ['CREATE TABLE IF NOT EXISTS ks.t (a int)', 'create-table', 'ks.t'],
    ['DROP TABLE IF EXISTS ks.t', 'drop-table', 'ks.t'],
    ['ALTER TABLE t ADD b int', 'alter-table', 'cur.t'],
    ['TRUNCATE TABLE ks.t', 'truncate-table', 'ks.t'],
    // The action is "truncate" and the table in one word, which no rule can name.
    ['TRUNCATE ks.t', 'truncate-ks.t', ''],
    ['CREATE KEYSPACE ks WITH replication = {}', 'create-keyspace', 'cur.ks'],
    ['CREATE KEYSPACE IF NOT EXISTS ks', 'create-keyspace', 'cur.if'],
    ['DROP KEYSPACE IF EXISTS ks', 'drop-keyspace', 'cur.ks'],
    ['CREATE MATERIALIZED VIEW v AS SELECT', 'create-materialized-view', ''],
    ['CREATE CUSTOM INDEX ON t (a)', 'create-index', ''],
    ['LIST ROLES', 'list-roles', ''],
    // The last FROM counts.
    ['SELECT a FROM ks.t WHERE b = from ks.u', 'select', 'ks.u'],
  ])('%s', (text, action, table) => {
    expect(parseQuery(text, 'cur')).toMatchObject({ action, table });
  });

  it('a last word FROM is an index out of range', () => {
    expect(parseQuery('SELECT a FROM', '')).toEqual({ panicIndex: 3, words: 3 });
  });
});

it('rules with other keys, actions or expressions are refused, and the old ones stay', () => {
  const library = new Library([l7Rules('cassandra', { query_table: 'a' })]);
  const refusal = (rule: Readonly<Record<string, string>>): string | undefined =>
    library.update([l7Rules('cassandra', rule)])?.split(' (config')[0];
  expect(refusal({ table: 'x' })).toBe('NPDS: Unsupported key: table');
  expect(refusal({ query_action: 'SELECT' })).toBe("NPDS: Unable to parse L7 cassandra rule with invalid query_action: 'SELECT'");
  expect(refusal({ query_action: 'list-roles', query_table: 'x' })).toBe(
    "NPDS: query_action 'list-roles' is not compatible with a query_table match",
  );
  expect(refusal({ query_table: '(' })).toMatch(/^NPDS: regexp: Compile\(`\(`\): error parsing regexp: missing closing \)/);
  expect(answers(library.connection('cassandra'), false, cqlQuery('SELECT * FROM a.b'))[0]).toMatch(/^PASS/);
});
