import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventRing } from '../../src/monitor/event_ring.ts';
import { hubbleTool } from '../../src/shell/hubble/hubble.ts';
import { runCommand } from '../../src/shell/run_command.ts';
import { NO_FILES } from '../../src/shell/tool.ts';
import { expectGolden } from '../golden/golden.ts';
import {
  DENIED_REQUEST,
  DENIED_RESPONSE,
  DENIED_VERDICT,
  DROP,
  l7,
  perf,
  TO_CLIENT,
  TO_PROXY,
  TO_STACK,
  VERDICT,
} from '../monitor/records.ts';
import { fakeCluster, fakeNode } from './fake_cluster.ts';

const ring = new EventRing(4095);
const EVENTS = [
  perf(VERDICT),
  perf(TO_PROXY),
  perf(TO_CLIENT),
  perf(TO_STACK),
  l7(DENIED_REQUEST, 1_000_000),
  l7(DENIED_RESPONSE, 4_500_000),
  perf(DENIED_VERDICT),
  perf(DROP),
];
EVENTS.forEach((event, i) => ring.push({ ...event, wallMillis: event.wallMillis + 1000 * i }));
const cluster = fakeCluster(fakeNode(ring));
const run = (line: string): ReturnType<typeof runCommand> => runCommand(cluster, line);
const out = (line: string): string => {
  const result = run(line);
  expect(result.stderr).toBe('');
  expect(result.exitCode).toBe(0);
  return result.stdout;
};
/** Which of the events a filter leaves, by their places. */
const left = (flags: string): number[] =>
  out(`hubble observe ${flags}`)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.slice('Jun 12 03:04:'.length, 'Jun 12 03:04:05'.length)) - 5);

describe('exact layouts', () => {
  test.each([
    ['compact', 'hubble observe'],
    ['table', 'hubble observe -o table'],
    ['dict', 'hubble observe -o dict --last 3'],
    ['jsonpb', 'hubble observe -o jsonpb'],
    ['node-name', 'hubble observe --print-node-name --last 2'],
    ['node-name-table', 'hubble observe --print-node-name --last 2 -o table'],
    ['node-name-dict', 'hubble observe --print-node-name --last 2 -o dict'],
    ['numeric', 'hubble observe --numeric --time-format RFC3339Milli --last 3'],
    ['status', 'hubble status'],
    ['status-agent', 'kubectl exec -n kube-system ds/cilium -- hubble status'],
    ['status-dict', 'hubble status -o dict'],
    ['status-table', 'hubble status -o table'],
    ['status-json', 'hubble status -o json'],
    ['list-nodes', 'hubble list nodes'],
    ['list-nodes-wide', 'hubble list nodes -o wide'],
    ['list-namespaces', 'hubble list namespaces'],
    ['version', 'hubble version'],
  ])('%s', (name, line) => {
    expectGolden(`shell/hubble/${name}.txt`, out(line));
  });

  test('json is an alias for jsonpb; every line is a response', () => {
    expect(out('hubble observe -o json')).toBe(out('hubble observe -o jsonpb'));
    const responses = out('hubble observe -o json')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(responses.map((one) => Object.keys(one))).toEqual(EVENTS.map(() => ['flow', 'node_name', 'time']));
  });
});

describe('filters', () => {
  test.each([
    ['', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['--verdict DROPPED', [4, 6, 7]],
    ['--verdict DROPPED --verdict REDIRECTED', [0, 4, 6, 7]],
    ['--not --verdict FORWARDED', [0, 4, 6, 7]],
    ['--type drop', [7]],
    ['-t trace', [1, 2, 3]],
    ['--type trace:to-endpoint', [2]],
    ['--type trace:to-proxy --type l7', [1, 4, 5]],
    ['--type policy-verdict', [0, 6]],
    ['--type 1', [7]],
    ['--type drop:133', [7]],
    ['--type drop:134', []],
    ['--protocol http', [4, 5]],
    ['--protocol TCP --protocol udp', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['--protocol dns', []],
    ['--pod xwing', [6, 7]],
    ['--pod default/xwi', [6, 7]],
    ['--pod kube-system/xwing', []],
    ['--from-pod tiefighter', [0, 1, 4]],
    ['--to-pod tiefighter', [2, 5]],
    ['--to-pod deathstar --verdict DROPPED', [4, 6, 7]],
    ['--namespace default', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['--namespace kube-system', []],
    ['--from-namespace default --from-pod xwing', [6, 7]],
    ['--ip 10.0.0.209', [6, 7]],
    ['--from-ip 10.0.0.208/30', [6, 7]],
    ['--to-ip 10.0.0.67', [3]],
    ['--port 48954', [0, 1, 2]],
    ['--to-port 80', [0, 1, 4, 6, 7]],
    ['--from-port 80', [2, 3, 5]],
    ['--http-method put', [4, 5]],
    ['--http-status 403', [5]],
    ['--http-status 4+', [5]],
    ['--http-status 5+', []],
    ['--http-path ^/v1/exhaust', [4, 5]],
    ['--http-path landing', []],
    ['--identity 5513', [6, 7]],
    ['--from-identity host', []],
    ['--to-identity host', [3]],
    ['--label class=xwing', [6, 7]],
    ['--from-label org=empire,class!=deathstar', [0, 1, 4]],
    ['--to-label k8s:class=deathstar', [0, 1, 4, 6, 7]],
    ["--label 'class in (xwing, tiefighter)' --type drop", [7]],
    ['--label app.kubernetes.io/name=xwing', []],
    ['--label k8s:app.kubernetes.io/name=xwing', [6, 7]],
    ['--label reserved:host', [3]],
    ['--service deathstar', []],
    ['--node-name ubuntu*', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['--node-name other', []],
    ['--node-name default/ubuntu-dev3 --last 1', [7]],
    ['--tcp-flags SYN --not --tcp-flags ack', [0, 1, 6, 7]],
    ['--tcp-flags psh', [3]],
    ['--traffic-direction egress', [2]],
    ['--fqdn cilium.io', []],
    ['--ipv6', []],
    ['-4 --last 1', [7]],
    ['--last 2', [6, 7]],
    ['--first 2', [0, 1]],
    ['--last 1 --verdict FORWARDED', [5]],
    ['--since 2023-06-12T03:04:10Z', [5, 6, 7]],
    ['--until 2023-06-12T03:04:07Z', [0, 1]],
    ['--since 2023-06-12T03:04:06Z --until 2023-06-12T03:04:09Z', [1, 2, 3]],
    ['--since 2023-06-12T03:04:06Z --last 2', [1, 2]],
    ['--until 2023-06-12T03:04:10Z --last 4', [4]],
    ['--all --type l7', [4, 5]],
    ['--workload Deployment/deathstar', []],
  ] as const)('%s', (flags, expected) => {
    expect(left(flags)).toEqual(expected);
  });

  test('20 flows are the default, with filters too', () => {
    const many = new EventRing(4095);
    for (let i = 0; i < 50; i++) {
      many.push(perf(DROP));
    }
    const lines = (flags: string): number =>
      runCommand(fakeCluster(fakeNode(many)), `hubble observe ${flags}`).stdout.split('\n').length - 1;
    expect([lines(''), lines('--type drop'), lines('--all'), lines('--last 30'), lines('--first 7'), lines('--since 9999h')]).toEqual([
      20, 20, 50, 30, 7, 50,
    ]);
  });
});

describe('refused', () => {
  test.each([
    ['hubble observe --verdict dropped', 'invalid argument "dropped" for "--verdict" flag: invalid --verdict value: dropped'],
    ['hubble observe -t foo', `invalid argument "foo" for "-t, --type" flag: unable to parse type 'foo', not a known type name`],
    ['hubble observe -t trace:foo', "unable to parse event sub-type 'foo'"],
    ['hubble observe --not', 'trailing --not found in the arguments'],
    ['hubble observe --not --not --ip 1.2.3.4', 'consecutive --not statements'],
    ['hubble observe --pod a --ip 1.2.3.4', 'filters --ip and --pod cannot be combined'],
    ['hubble observe --identity foo', 'invalid security identity, expected one of [host world'],
    ['hubble observe --ip 1.2.3', 'invalid IP address in filter: "1.2.3"'],
    ['hubble observe --ip 1.2.3.4/33', 'invalid CIDR in filter: "1.2.3.4/33"'],
    ['hubble observe --port http', 'invalid source port filter: invalid port "http"'],
    ['hubble observe --port 65536', 'value out of range'],
    ['hubble observe --protocol foo', 'invalid protocol filter: unknown protocol: "foo"'],
    ['hubble observe --http-status 9', 'invalid http status code filter: invalid status code prefix: "9"'],
    ['hubble observe --http-status 404 -t drop', "requires the event type filter to only match 'l7' events"],
    ["hubble observe --http-path '('", 'missing closing )'],
    ['hubble observe --tcp-flags syn,foo', 'unknown tcp flag: foo'],
    ['hubble observe --node-name a/b/c', 'too many slashes in pattern'],
    ['hubble observe --fqdn a..', 'multiple trailing dots in pattern'],
    ['hubble observe -o xml', 'invalid output format: xml'],
    ['hubble observe -o constructor', 'invalid output format: constructor'],
    ['hubble observe -o table -f', 'table output format is not compatible with follow mode'],
    ['hubble observe --first 1 --last 1', 'cannot set both --first and --last'],
    ['hubble observe --last 1 --all', 'cannot set both --last and --all'],
    ['hubble observe --last x', 'invalid argument "x" for "--last" flag'],
    ['hubble observe --since yesterday', 'failed to parse the since time: failed to convert yesterday to time'],
    ['hubble observe --pood x', 'unknown flag: --pood\nDid you mean --pod?'],
    ['hubble obsrve', 'did you mean "observe"?'],
    ['hubble', 'hubble needs a command'],
    ['hubble list', 'hubble list needs a command'],
    ['hubble record', 'hubble record is not modelled'],
    ['hubble status -o xml', 'invalid output format: xml'],
  ])('%s', (line, message) => {
    const result = run(line);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain(message);
    expect(result.exitCode).toBe(1);
  });

  test('an agent has no list of nodes', () => {
    expect(run('kubectl exec -n kube-system ds/cilium -- hubble list nodes').stderr).toContain('not implemented');
  });
});

describe('following', () => {
  test('prints what comes, once; old flows only when asked for', () => {
    const fresh = new EventRing(4095);
    fresh.push(perf(DROP));
    const context = { cluster: fakeCluster(fakeNode(fresh)), agentPod: null, nodeName: null, stdin: '', readPath: NO_FILES };
    const start = (flags: string): (() => number) => {
      const parsed = hubbleTool.parse(`observe -f ${flags}`.trim().split(' '));
      const follower = parsed.ok ? parsed.follow?.(context) : undefined;
      return () => follower?.next().stdout.split('\n').length ?? Number.NaN;
    };
    const all = start('');
    const rewound = start('--last 5');
    const dropped = start('--verdict FORWARDED');
    expect([all(), rewound(), dropped()]).toEqual([1, 2, 1]);
    fresh.push(perf(DROP));
    fresh.push(perf(TO_PROXY));
    expect([all(), rewound(), dropped()]).toEqual([3, 3, 2]);
    expect([all(), rewound(), dropped()]).toEqual([1, 1, 1]);
  });
});

describe('any command line', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '--not',
      '--pod',
      '--from-pod',
      '--ip',
      '--label',
      '-t',
      '--verdict',
      '-o',
      '--last',
      '--since',
      '--http-path',
      '--type',
      '-n',
    ),
    fc.constantFrom(
      '--first',
      '--until',
      '--fqdn',
      '--node-name',
      '--workload',
      '--protocol',
      '--tcp-flags',
      '-f',
      '--identity',
      '--port',
      '--',
    ),
    fc.constantFrom(
      'default/',
      '/',
      'a/b',
      '1.2.3.4/8',
      'trace:to-endpoint',
      'l7',
      'DROPPED',
      'json',
      '3',
      '[a-',
      '*.io',
      '',
      'k8s:a in (b)',
    ),
    fc.string({ maxLength: 12 }),
  );
  test('is answered or refused', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const parsed = hubbleTool.parse(['observe', ...words]);
        const context = { cluster, agentPod: null, nodeName: null, stdin: '', readPath: NO_FILES };
        if (parsed.ok) {
          expect(parsed.run(context).exitCode).toBe(0);
        } else {
          expect(parsed.error).not.toBe('');
          expect(parsed.error).not.toContain('\n    at ');
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a filter and its negation part the flows', () => {
    const filters = [
      '--verdict DROPPED',
      '--pod xwing',
      '--type trace',
      '--label org=empire',
      '--port 80',
      '--http-method PUT',
      '--to-ip 10.0.0.0/8',
    ];
    for (const filter of filters) {
      expect([...left(filter), ...left(`--not ${filter}`)].sort()).toEqual(left(''));
    }
  });
});
