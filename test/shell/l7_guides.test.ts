/** The sessions of the guides about Kafka, Cassandra and memcached: every command with what it printed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scenarioShell } from '../../src/index.ts';
import { expectGolden } from '../golden/golden.ts';
import { TOP } from '../house/support/source.ts';

const FOLDER = join(TOP, 'scenarios', 'guides');

/** The session as it would stand on a terminal. */
function session(name: string): string {
  const shell = scenarioShell(null, {
    readPath: (path) => ({ kind: 'text', text: readFileSync(join(FOLDER, 'manifests', path.split('/').at(-1) as string), 'utf8') }),
  });
  return readFileSync(join(FOLDER, `${name}.sh`), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const { stdout, stderr, exitCode } = shell.run(line);
      const printed = `${stdout}${stderr}`.replaceAll('\r', '');
      return `$ ${line}\n${printed}${printed === '' || printed.endsWith('\n') ? '' : '\n'}${exitCode === 0 ? '' : `[exit ${exitCode}]\n`}`;
    })
    .join('');
}

describe.each(['kafka', 'cassandra', 'memcached'])('the %s guide', (name) => {
  it('prints what the guide shows', () => {
    expectGolden(`shell/guide_${name}.txt`, session(name));
  });
});

describe('what the guides show', () => {
  const golden = (name: string): string => readFileSync(join(TOP, 'test', 'golden', 'shell', `guide_${name}.txt`), 'utf8');

  it('Kafka', () => {
    expect(golden('kafka')).toContain(
      'org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [empire-announce]\n',
    );
    expect(golden('kafka')).toMatch(
      /^>>\[[0-9 :,-]+\] ERROR Error when sending message to topic empire-announce with key: null, value: 27 bytes with error: \(org\.apache\.kafka\.clients\.producer\.internals\.ErrorLoggingCallback\)$/m,
    );
    expect(golden('kafka')).toMatch(
      /^\[[0-9 :,-]+\] WARN Error while fetching metadata with correlation id 2 : \{deathstar-plans=TOPIC_AUTHORIZATION_FAILED\} \(org\.apache\.kafka\.clients\.NetworkClient\)$/m,
    );
  });

  it('Cassandra', () => {
    expect(
      golden('cassandra').match(/Unauthorized: Error from server: code=2100 \[Unauthorized\] message="Request Unauthorized"/g),
    ).toHaveLength(2);
  });

  it('memcached', () => {
    expect(golden('memcached')).toContain('CLIENT_ERROR access denied\n');
    expect(golden('memcached').match(/MemcachedException: \("Code: 8 Message: b'access denied'", 8\)/g)).toHaveLength(2);
  });
});
