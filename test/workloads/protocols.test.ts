/** Servers and clients of other protocols: what goes over the wire, and what they make of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromLatin1, latin1 } from '../../src/net/bytes.ts';
import { crc32, crc32c } from '../../src/net/crc32.ts';
import { SimClock } from '../../src/sim/clock.ts';
import { Journey } from '../../src/sim/journey.ts';
import { Rng } from '../../src/sim/rng.ts';
import { SimScheduler } from '../../src/sim/scheduler.ts';
import { Database } from '../../src/workloads/cassandra/database.ts';
import { execute } from '../../src/workloads/commands.ts';
import { atOffset, recordBatch, recordValues } from '../../src/workloads/kafka/record_batch.ts';
import { Frames, framed, Reader, Writer } from '../../src/workloads/kafka/wire.ts';
import { answerBinary, decodeBinary, encodeBinary, OP } from '../../src/workloads/memcached/binary.ts';
import { MemcachedStore } from '../../src/workloads/memcached/store.ts';
import { answerText } from '../../src/workloads/memcached/text.ts';
import type { ProcessEnv, ProcessResult } from '../../src/workloads/process.ts';
import { FakeNet } from '../support/fake_sockets.ts';
import { cut } from '../support/http_messages.ts';

describe('checksums', () => {
  it('are those of the standards', () => {
    expect([crc32(latin1('123456789')), crc32c(latin1('123456789'))]).toEqual([0xcbf43926, 0xe3069283]);
  });
});

describe('Kafka', () => {
  it('records come back as they were sent, at their offsets', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { maxLength: 5 }), fc.nat(2 ** 40), (values, start) => {
        const log = concatBytes([
          new Uint8Array(),
          ...values.map((value, i) => atOffset(recordBatch(value, 1_687_255_200_000), start + i)),
        ]);
        expect(recordValues(log)).toEqual(values.map((value, i) => ({ offset: start + i, value })));
      }),
      { numRuns: 60 },
    );
  });

  it('the checksum of a batch covers what stands after it', () => {
    const batch = recordBatch('deathstar reactor design v3', 0);
    const reader = new Reader(batch.subarray(17));
    expect(reader.int32() >>> 0).toBe(crc32c(batch.subarray(21)));
  });

  it('messages are put together however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), fc.array(fc.nat(400), { maxLength: 6 }), (messages, at) => {
        const frames = new Frames();
        const all = concatBytes([new Uint8Array(), ...messages.map(framed)]);
        expect(
          cut(all, at)
            .flatMap((piece) => frames.push(piece))
            .map((one) => [...one]),
        ).toEqual(messages.map((one) => [...one]));
      }),
      { numRuns: 60 },
    );
  });

  it('numbers come back', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: -32768, max: 32767 }), fc.string(), (big, small, text) => {
        const reader = new Reader(new Writer().int64(big).int16(small).string(text).string(null).bytes);
        expect([reader.int64(), reader.int16(), reader.string(), reader.string(), reader.short]).toEqual([
          big,
          small,
          fromWellFormed(text),
          '',
          false,
        ]);
      }),
      { numRuns: 60 },
    );
  });
});

/** Lone surrogates do not survive UTF-8. */
function fromWellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

describe('Cassandra', () => {
  it('carries out statements', () => {
    const database = new Database(new Rng(1));
    const run = (text: string, keyspace = '') => database.run(text, keyspace);
    const rows = (text: string): unknown => {
      const result = run(text);
      return result.kind === 'rows' ? result.rows : result;
    };
    expect(run("CREATE KEYSPACE ks WITH REPLICATION = {'class': 'x'};").kind).toBe('schema');
    expect(run("CREATE KEYSPACE ks WITH REPLICATION = {'class': 'x'};")).toMatchObject({ code: 0x2400 });
    expect(run('CREATE TABLE t (a int, c text, b boolean, PRIMARY KEY (a));', 'ks').kind).toBe('schema');
    expect(run("INSERT INTO ks.t (a, b, c) VALUES (1, true, 'it''s; a, b');").kind).toBe('void');
    expect(run("INSERT INTO ks.t (a, c) VALUES (2, 'x')").kind).toBe('void');
    expect(rows('SELECT * FROM ks.t')).toEqual([
      ['1', 'true', "it's; a, b"],
      ['2', null, 'x'],
    ]);
    expect(run("UPDATE ks.t SET c = 'y' WHERE a = 2").kind).toBe('void');
    expect(rows("SELECT c FROM ks.t WHERE a = 2 AND c = 'y' LIMIT 1")).toEqual([['y']]);
    expect(rows('SELECT COUNT(*) FROM ks.t')).toEqual([['2']]);
    expect(run('DELETE FROM ks.t WHERE a = 1').kind).toBe('void');
    expect(rows('SELECT a FROM ks.t')).toEqual([['2']]);
    expect(run('TRUNCATE ks.t').kind).toBe('void');
    expect(rows('SELECT a FROM ks.t')).toEqual([]);
  });

  it('says what is wrong', () => {
    const database = new Database(new Rng(1));
    const message = (text: string): unknown => {
      const result = database.run(text, '');
      return result.kind === 'error' ? result.message : result.kind;
    };
    expect(message('SELECT * FROM no.table')).toBe('unconfigured table table');
    expect(message('SELEKT 1')).toBe("line 1:0 no viable alternative at input 'SELEKT'");
    expect(message('USE nowhere')).toBe("Keyspace 'nowhere' does not exist");
    expect(message('SELECT nope FROM system.local')).toBe('Undefined column name nope');
  });
});

describe('memcached', () => {
  const clock = new SimClock(0, 0);
  const text = (store: MemcachedStore, request: string): string => {
    let rest = latin1(request);
    let all = '';
    for (;;) {
      const { answer, used, quit } = answerText(store, rest);
      all += fromLatin1(answer);
      rest = rest.subarray(used);
      if (used === 0 || quit) {
        return all;
      }
    }
  };

  it('speaks its text protocol', () => {
    const store = new MemcachedStore(clock);
    expect(text(store, 'set k 5 0 3\r\nabc\r\nget k none\r\nadd k 0 0 1\r\nx\r\nappend k 0 0 1\r\nd\r\nget k\r\n')).toBe(
      'STORED\r\nVALUE k 5 3\r\nabc\r\nEND\r\nNOT_STORED\r\nSTORED\r\nVALUE k 0 4\r\nabcd\r\nEND\r\n',
    );
    expect(
      text(
        store,
        'set n 0 0 2\r\n41\r\nincr n 1\r\ndecr n 100\r\nincr k 1\r\ndelete n noreply\r\nget n\r\nversion\r\nwhat\r\nquit\r\nget k\r\n',
      ),
    ).toBe('STORED\r\n42\r\n0\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\nEND\r\nVERSION 1.5.10\r\nERROR\r\n');
    expect(text(store, 'set k 0 0 3\r\nab')).toBe('');
  });

  it('speaks its binary protocol, and both see the same items', () => {
    const store = new MemcachedStore(clock);
    const ask = (opcode: number, key: string, extras = new Uint8Array(), value = '') => {
      const { answer, used } = answerBinary(store, encodeBinary({ magic: 0x80, opcode, status: 0, key, extras, value }));
      expect(used).toBeGreaterThan(0);
      const { message } = decodeBinary(answer) as NonNullable<ReturnType<typeof decodeBinary>>;
      return [message.status, message.value];
    };
    expect(ask(OP.GET, 'k')).toEqual([1, 'Not found']);
    expect(ask(OP.SET, 'k', new Uint8Array(8), 'v')).toEqual([0, '']);
    expect(ask(OP.GET, 'k')).toEqual([0, 'v']);
    expect(text(store, 'get k\r\n')).toBe('VALUE k 0 1\r\nv\r\nEND\r\n');
    expect(ask(OP.ADD, 'k', new Uint8Array(8), 'w')).toEqual([2, 'Data exists for key.']);
    expect(ask(OP.DELETE, 'k')).toEqual([0, '']);
    expect(ask(0x99, '')).toEqual([0x81, 'Unknown command']);
    expect(answerBinary(store, new Uint8Array(10)).used).toBe(0);
  });
});

describe('the shell of a pod', () => {
  const run = (script: string, stdin = ''): ProcessResult => {
    const scheduler = new SimScheduler(new SimClock(0, 0));
    const journey = new Journey(() => 0);
    const env = { sockets: new FakeNet(scheduler), scheduler, journey, rng: new Rng(1), hostname: 'pod', stdin } as unknown as ProcessEnv;
    let result: ProcessResult | null = null;
    execute(env, ['sh', '-c', script], (left) => {
      result = left;
    });
    scheduler.runUntil(1e9);
    return result ?? { exitCode: 137, stdout: '', stderr: 'did not end' };
  };

  it.each([
    ['echo a b', 'a b\n'],
    ['echo \'a  b\' "c\\"d" e\\ f', 'a  b c"d e f\n'],
    ['echo -n a; echo b', 'ab\n'],
    ['echo -en "x\\r\\ny"', 'x\r\ny'],
    ['echo a | cat | cat', 'a\n'],
    ['false && echo a || echo b', 'b\n'],
    ['true && echo a || echo b', 'a\n'],
    ['echo a > /dev/null; hostname', 'pod\n'],
    ['nosuch 2>&1 | cat', 'sh: nosuch: not found\n'],
    ['echo "2>&1"', '2>&1\n'],
    ['', ''],
  ])('%s', (script, stdout) => {
    expect(run(script).stdout).toBe(stdout);
  });

  it('passes its input on, and its last exit code', () => {
    expect(run('cat', 'hello')).toEqual({ exitCode: 0, stdout: 'hello', stderr: '' });
    expect(run('true; false').exitCode).toBe(1);
    expect(run('nosuch')).toMatchObject({ exitCode: 127, stderr: 'sh: nosuch: not found\n' });
  });

  it('says what it does not understand', () => {
    for (const script of ['echo "a', 'a | | b', 'echo $(x)', 'echo `x`', '(a)', 'echo $HOME', 'cat < f']) {
      expect(run(script)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(/^sh: syntax error: /) as string });
    }
  });
});
