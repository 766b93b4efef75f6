/** Memcached: what upstream's own tests say, and what its code says beyond them. */
import { describe, expect, it } from 'vitest';
import { commandSet } from '../../../src/envoy/proxylib/memcached/commands.ts';
import { concatBytes, fromLatin1, latin1 } from '../../../src/net/bytes.ts';
import { memcacheRequest as binary } from '../../support/proxylib_messages.ts';
import { answers, injected, Library, l7Rules, through } from './library.ts';

const DENIED = 'CLIENT_ERROR access denied\r\n';
const SET = 'set key 0 0 2\r\nHi\r\n';
const VALUES = 'VALUE key3 0 4\r\nxDDD\r\nVALUE key4 0 3\r\nxDD\r\nEND\r\n';

function denied(magic = 0x81): string {
  const header = new Uint8Array(24);
  header.set([magic, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 13]);
  return `${fromLatin1(header)}access denied`;
}

describe('the text protocol', () => {
  const asks = (request: string, rule: Readonly<Record<string, string>>): string[] =>
    answers(new Library([l7Rules('memcache', rule)]).connection('memcache'), false, request);

  it.each([
    [SET, { command: 'set' }],
    [SET, { command: 'storage' }],
    [SET, { command: 'writeGroup', keyPrefix: 'k' }],
    [SET, {}],
    ['get key1 key2\r\n', { command: 'get', keyPrefix: 'key' }],
    ['gets key1\r\n', { command: 'get', keyRegex: '1$' }],
    ['gat 5 key1 key2\r\n', { command: 'gat', keyPrefix: 'key' }],
    ['delete key\r\n', { command: 'delete' }],
    ['incr key 5\r\n', { command: 'incr', keyExact: 'key' }],
    ['touch key 55\r\n', { command: 'touch', keyExact: 'key' }],
    ['slabs automove 1\r\n', { command: 'slabs' }],
    ['lru_crawler metadump all\r\n', { command: 'lru_crawler' }],
    ['stats\r\n', { command: 'stats' }],
    ['flush_all 15\r\n', { command: 'flush_all' }],
    ['watch mutations\r\n', { command: 'watch' }],
    // A command nobody knows makes a rule without a key match everything.
    ['delete key\r\n', { command: 'fetch' }],
  ])('%j passes by %j', (request, rule) => {
    expect(asks(request, rule)).toEqual([`PASS ${request.length}`, 'MORE 2']);
  });

  it.each([
    [SET, { command: 'set', keyExact: 'trolo' }],
    ['get key1 key2\r\n', { command: 'get', keyExact: 'key1' }],
    ['get key1\r\n', { command: 'set' }],
    ['delete key\r\n', { command: 'storage' }],
    ['slabs automove 1\r\n', { command: 'touch', keyExact: 'otherKey' }],
    ['flush_all 15\r\n', { command: 'get' }],
  ])('%j is denied by %j', (request, rule) => {
    const one = new Library([l7Rules('memcache', rule)]).connection('memcache');
    expect(answers(one, false, request)).toEqual([`DROP ${request.length}`, 'MORE 2']);
    expect(fromLatin1(injected(one))).toBe(DENIED);
  });

  it('asks for more by the byte or the two that end a line', () => {
    expect(asks('VALUE', {})).toEqual(['MORE 2']);
    expect(asks('get key\r', {})).toEqual(['MORE 1']);
    expect(asks('set key 0 0 2\r\n', {})).toEqual(['PASS 19', 'MORE 2']);
  });

  it('counts answers off', () => {
    const one = new Library([l7Rules('memcache', {})]).connection('memcache');
    answers(one, false, `${SET}get key3 key4\r\nlru_crawler metadump all\r\nstats\r\n`);
    expect(answers(one, true, 'STORED\r\n')).toEqual(['PASS 8']);
    expect(answers(one, true, VALUES.slice(0, 20))).toEqual(['MORE 1']);
    expect(answers(one, true, VALUES)).toEqual([`PASS ${VALUES.length}`]);
    expect(answers(one, true, 'OK\r\n')).toEqual(['PASS 4']);
    expect(answers(one, true, 'STAT a 1\r\nEND\r\n')).toEqual(['PASS 15']);
  });

  it('passes what a watcher gets line by line', () => {
    const one = new Library([l7Rules('memcache', {})]).connection('memcache');
    answers(one, false, 'watch mutations\r\n');
    expect(answers(one, true, 'OK\r\nts=1 gid=5\r\nts=2\r\n')).toEqual(['PASS 4', 'PASS 12', 'PASS 6']);
  });

  it('a miss is never answered: the end that is looked for has a line before it', () => {
    const one = new Library([l7Rules('memcache', {})]).connection('memcache');
    answers(one, false, 'get nothing\r\n');
    expect(answers(one, true, 'END\r\n')).toEqual(['MORE 1']);
  });

  it('a denied request is answered when those before it are, and one that wants no answer gets none', () => {
    const rules = { command: 'get', keyExact: 'mine' };
    const pieces = [
      { reply: false, bytes: latin1('get mine\r\nget other\r\nget other\r\n') },
      { reply: true, bytes: latin1('VALUE mine 0 1\r\nx\r\nEND\r\n') },
    ];
    const { toServer, toClient } = through(new Library([l7Rules('memcache', rules)]), 'memcache', pieces);
    expect([toServer, toClient]).toEqual(['get mine\r\n', `VALUE mine 0 1\r\nx\r\nEND\r\n${DENIED}${DENIED}`]);
    const quiet = ['set other 0 0 1 noreply\r\nx\r\n', 'delete other noreply\r\n', 'flush_all noreply\r\n', 'quit\r\n'].join('');
    expect(through(new Library([l7Rules('memcache', rules)]), 'memcache', [{ reply: false, bytes: latin1(quiet) }])).toMatchObject({
      toServer: '',
      toClient: '',
      failed: false,
    });
  });

  it('lines that lack words are panics, unknown commands errors', () => {
    const text = (line: string): string =>
      JSON.stringify(through(new Library([]), 'memcache', [{ reply: false, bytes: latin1(line) }]).logs);
    expect(text('\r\n')).toContain('Panic: runtime error: index out of range [0] with length 0');
    expect(text('set key\r\n')).toContain('Panic: runtime error: index out of range [4] with length 2');
    expect(text('delete\r\n')).toContain('Panic: runtime error: slice bounds out of range [:2] with capacity 1');
    expect(text('gat\r\n')).toContain('Panic: runtime error: slice bounds out of range [2:1]');
    expect(asks('hello\r\n', {})).toEqual(['PARSER_ERROR']);
    expect(asks('set key 0 0 many\r\n', {})).toEqual(['PARSER_ERROR']);
    // An answer nobody asked for.
    const one = new Library([]);
    const connection = one.connection('memcache');
    answers(connection, false, 'get k\r\n');
    answers(connection, true, 'ERROR\r\n');
    expect(answers(connection, true, 'ERROR\r\n')).toEqual(['PARSER_ERROR']);
  });

  it('a value that comes after its line ends the connection: the parser asks for more after it has let more pass than there is', () => {
    const library = new Library([l7Rules('memcache', { command: 'set' })]);
    const cut = (at: number): boolean =>
      through(library, 'memcache', [
        { reply: false, bytes: latin1(SET.slice(0, at)) },
        { reply: false, bytes: latin1(SET.slice(at)) },
      ]).failed;
    expect([5, 14, 15, 16, SET.length - 1].map(cut)).toEqual([false, false, true, true, true]);
    expect(through(library, 'memcache', [{ reply: false, bytes: binary(1, 'k', 8, 'value').subarray(0, 35) }]).failed).toBe(true);
  });

  it('a length below zero lets the same line be judged sixteen times and everything pass', () => {
    const { toServer, logs, failed } = through(new Library([l7Rules('memcache', { command: 'set' })]), 'memcache', [
      { reply: false, bytes: latin1('set k 0 0 -40\r\nflush_all\r\n') },
      { reply: false, bytes: latin1('get other\r\n') },
    ]);
    expect([toServer, logs.length, failed]).toEqual(['set k 0 0 -40\r\nflush_all\r\n', 16, false]);
  });
});

describe('the binary protocol', () => {
  const get = binary(0, 'Hello');
  const asks = (request: Uint8Array, rule: Readonly<Record<string, string>>): string[] =>
    answers(new Library([l7Rules('memcache', rule)]).connection('memcache'), false, request);

  it('is told by its first byte; requests are judged by opcode and key', () => {
    expect(asks(get, { command: 'get', keyExact: 'Hello' })).toEqual(['PASS 29', 'MORE 24']);
    expect(asks(get, { command: 'get', keyPrefix: 'Hell' })).toEqual(['PASS 29', 'MORE 24']);
    expect(asks(get, { command: 'get', keyRegex: '^.el.o$' })).toEqual(['PASS 29', 'MORE 24']);
    expect(asks(get.subarray(0, 10), { command: 'get' })).toEqual(['MORE 14']);
    expect(asks(get.subarray(0, 26), { command: 'get' })).toEqual(['MORE 3']);
    expect(asks(binary(1, 'Hello', 8, 'World'), { command: 'set', keyExact: 'Hello' })).toEqual(['PASS 42', 'MORE 24']);
    // With the key it is known how much passes, though the value has not come.
    expect(asks(binary(1, 'Hello', 8, 'World').subarray(0, 37), { command: 'set' })).toEqual(['PASS 42', 'MORE 24']);
    expect(asks(binary(14, 'k'), { command: 'storage' })[0]).toBe('DROP 25');
    expect(asks(binary(25, 'k'), { command: 'storage' })[0]).toBe('PASS 25');
  });

  it('a denied request is answered with status 8', () => {
    const one = new Library([l7Rules('memcache', { command: 'set' })]);
    const { toServer, toClient, logs } = through(one, 'memcache', [{ reply: false, bytes: get }]);
    expect([toServer, toClient, logs]).toEqual(['', denied(), [['Denied', { opcode: '0', key: 'Hello' }]]]);
  });

  it('denied in the midst of others: answered in its turn, but a denial that was answered at once blocks those queued later', () => {
    const rules = [l7Rules('memcache', { command: 'get', keyExact: 'mine' })];
    const mine = binary(0, 'mine');
    const other = binary(0, 'other');
    const answer = binary(0, '', 4, 'World', 0x81);
    const inTurn = through(new Library(rules), 'memcache', [
      { reply: false, bytes: concatBytes([mine, other]) },
      { reply: true, bytes: answer },
    ]);
    expect(inTurn.toClient).toBe(fromLatin1(answer) + denied());
    const blocked = through(new Library(rules), 'memcache', [
      { reply: false, bytes: other },
      { reply: false, bytes: concatBytes([mine, other]) },
      { reply: true, bytes: answer },
    ]);
    expect(blocked.toClient).toBe(denied() + fromLatin1(answer));
  });

  it('an answer in the direction of requests is an error', () => {
    expect(asks(binary(0, 'k', 0, '', 0x81), {})).toEqual(['PASS 25', 'MORE 24']);
    const mixed = concatBytes([get, binary(0, 'k', 0, '', 0x01)]);
    expect(asks(mixed, {})).toEqual(['PASS 29', 'ERROR 2', ...new Array<string>(14).fill('ERROR 2')]);
  });
});

it('groups hold what they name', () => {
  expect([...(commandSet('get')?.opcodes ?? [])]).toEqual([0, 9, 12, 13]);
  expect([...(commandSet('noop')?.text ?? ['?'])]).toEqual([]);
  expect(commandSet('cas')?.opcodes.size).toBe(0);
  expect(commandSet('GET')).toBeUndefined();
});

it('rules that name a key without a command, or another member, are refused', () => {
  const refusal = (rule: Readonly<Record<string, string>>): string | undefined =>
    new Library().update([l7Rules('memcache', rule)])?.split(' (config')[0];
  expect(refusal({ keyExact: 'a' })).toBe('NPDS: command not specified but key was provided');
  expect(refusal({ command: 'fetch', keyPrefix: 'a' })).toBe('NPDS: command not specified but key was provided');
  expect(refusal({ command: 'get', key: 'a' })).toBe('NPDS: Unsupported key: key');
  expect(refusal({ command: 'get', keyRegex: '[' })).toContain('error parsing regexp: missing closing ]');
});
