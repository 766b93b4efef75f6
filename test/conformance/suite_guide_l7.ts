/** Clients of the guides about Kafka, Cassandra and memcached: the commands as they stand there, and what their outputs mean. */
import type { Pod } from '../../src/k8s/objects.ts';
import type { GuideLine, GuideRequest, GuideResult, GuideStep } from './suite_guide.ts';

/** A request of such a client. */
export interface L7Request extends GuideRequest {
  readonly op?: string;
  readonly topic?: string;
  readonly message?: string;
  readonly query_action?: string;
  readonly query_table?: string;
  readonly form?: string;
  readonly command?: string;
  readonly key?: string;
}

/** What a command left. */
export interface Left {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Container = Pod['spec']['containers'][number];

const SERVERS: Readonly<Record<number, string>> = {
  9092: 'docker.io/wurstmeister/kafka:1.1.0',
  9042: 'docker.io/cassandra',
  11211: 'memcached',
};

/** Protocols it knows. */
export const L7_PROTOCOLS: readonly string[] = ['kafka', 'cassandra', 'memcached'];

/** The server that a pod's ports mean, or `null`. */
export function l7Server(line: GuideLine, ports: readonly number[]): Container | null {
  const port = ports.find((one) => SERVERS[one] !== undefined);
  if (port === undefined || !line.steps.some(({ request }) => L7_PROTOCOLS.includes(request?.proto ?? ''))) {
    return null;
  }
  const topics = new Set(line.steps.map(({ request }) => (request as L7Request | undefined)?.topic).filter((topic) => topic !== undefined));
  const env = [
    { name: 'KAFKA_ADVERTISED_HOST_NAME', value: serviceOf(line, port) },
    { name: 'KAFKA_CREATE_TOPICS', value: [...topics].map((topic) => `${topic}:1:1`).join(',') },
  ];
  return { name: 'server', image: SERVERS[port] as string, ports: [{ containerPort: port }], env: port === 9092 ? env : [] };
}

function serviceOf(line: GuideLine, port: number): string {
  return line.services?.find(({ ports }) => ports.some((one) => one.port === port))?.name ?? '';
}

const UUID = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** What the Cassandra guide puts into its tables before it begins, as statements. */
export const CASSANDRA_TABLES: readonly string[] = [
  "CREATE KEYSPACE deathstar WITH REPLICATION = { 'class' : 'NetworkTopologyStrategy', 'datacenter1' : 2 };",
  'CREATE TABLE deathstar.scrum_notes (creation timeuuid, empire_member_id uuid, content varchar, PRIMARY KEY (empire_member_id));',
  ...[1, 2, 3].map(
    (n) => `INSERT INTO deathstar.scrum_notes (empire_member_id, creation, content) values (${UUID(n)}, now(), 'Not blocked.');`,
  ),
  "CREATE KEYSPACE attendance WITH REPLICATION = { 'class' : 'NetworkTopologyStrategy', 'datacenter1' : 2 };",
  'CREATE TABLE attendance.daily_records (creation timeuuid, loc_id uuid, present boolean, empire_member_id uuid, PRIMARY KEY (loc_id));',
  ...Array.from({ length: 10 }, (_, n) => insertRecord(`${UUID(n + 10)}`)),
];

function insertRecord(location: string): string {
  return `INSERT INTO attendance.daily_records (creation, loc_id, present, empire_member_id) values (now(), ${location}, true, uuid());`;
}

/** The command of a request. */
export function l7Command(line: GuideLine, request: L7Request): string[] {
  switch (request.proto) {
    case 'kafka':
      return request.op === 'produce'
        ? ['sh', '-c', `echo '${request.message ?? 'm'}' | ./kafka-produce.sh --topic ${request.topic ?? ''}`]
        : ['./kafka-consume.sh', '--topic', request.topic ?? '', '--timeout-ms', '2000'];
    case 'cassandra':
      return ['cqlsh', serviceOf(line, request.port ?? 9042), '-e', statement(request)];
    default:
      return memcachedCommand(serviceOf(line, request.port ?? 11211), request);
  }
}

function statement({ query_action: action = 'select', query_table: table = '' }: L7Request): string {
  switch (action) {
    case 'insert':
      return insertRecord('074AD3B9-A47D-4EBC-83D3-CAD75B1911CE').replace('attendance.daily_records', table);
    case 'update':
      return `UPDATE ${table} SET present = true WHERE loc_id = ${UUID(10)};`;
    case 'delete':
      return `DELETE FROM ${table} WHERE loc_id = ${UUID(10)};`;
    default:
      return `SELECT * FROM ${table};`;
  }
}

const COORDINATES: Readonly<Record<string, string>> = { 'awing-coord': '4309.432,918.980', 'xwing-coord': '8893.34,234.3290' };

function memcachedCommand(host: string, { form, command = '', key = '', value }: L7Request & { readonly value?: string }): string[] {
  const stored = value ?? COORDINATES[key] ?? '0.0,0.0';
  if (form === 'text') {
    const line = command === 'set' ? `set ${key} 0 2400 ${stored.length}\\r\\n${stored}\\r\\n` : `${command} ${key} \\r\\n`;
    return ['sh', '-c', `echo -en "${line}quit\\r\\n" | nc ${host} 11211`];
  }
  const call = command === 'set' ? `client.set("${key}","${stored}",time=2400)` : `client.${command}("${key}")`;
  return ['python', '-c', `import bmemcached; client = bmemcached.Client(("${host}:11211", )); print(${call})`];
}

/** What a command's outputs mean. */
export function l7Result({ proto }: GuideRequest, { exitCode, stdout, stderr }: Left): GuideResult {
  const output = stdout.replaceAll('\r\n', '\n').trim();
  const denial = DENIALS.find(([protocol, pattern]) => protocol === proto && pattern.test(stdout + stderr));
  if (denial !== undefined) {
    const [, pattern, outcome, text] = denial;
    return { outcome, output: text ?? pattern.exec(stdout + stderr)?.[0] ?? '', exitCode };
  }
  const unreachable = proto === 'kafka' && /could not be established|TimeoutException: Failed/.test(stderr);
  if (unreachable || (exitCode !== 0 && proto !== 'kafka') || (proto === 'memcached' && /^(?:None|False)?$/.test(output))) {
    return { outcome: 'dropped', output, exitCode };
  }
  const rows = /\(\d+ rows\)/.exec(output)?.[0];
  return { outcome: 'allowed', output: proto === 'cassandra' ? (rows ?? '') : output.replace(/^>+$/, ''), exitCode };
}

/** How each protocol says that policy denies a request; a text where the guide gives the message in other words. */
const DENIALS: readonly (readonly [proto: string, pattern: RegExp, outcome: string, text?: string])[] = [
  ['kafka', /org\.apache\.kafka\.common\.errors\.\w*AuthorizationException: .*/, 'kafka-denied'],
  ['kafka', /\{\S+=TOPIC_AUTHORIZATION_FAILED\}/, 'kafka-denied'],
  ['cassandra', /Unauthorized: Error from server: code=2100 .*/, 'cassandra-unauthorized'],
  ['memcached', /CLIENT_ERROR access denied/, 'memcached-denied'],
  ['memcached', /Code: 8 Message: b'access denied'/, 'memcached-denied', 'MemcachedException: Code: 8 Message: access denied'],
];

/** Whether a step's stated output can be compared: rows of the Cassandra guide do not add up, Kafka's consumer prints no quotes. */
export function l7Comparable({ request, expect }: GuideStep): boolean {
  return request?.proto === 'memcached' || (L7_PROTOCOLS.includes(request?.proto ?? '') && expect?.outcome !== 'allowed');
}
