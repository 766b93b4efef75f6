/** The gRPC guide's programs and curl over HTTP/2, with packets between them, and the formats they speak. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1 } from '../../src/net/bytes.ts';
import { grpcFrame, grpcMessage, percentDecode, percentEncode } from '../../src/workloads/grpc.ts';
import { GrpcServer } from '../../src/workloads/grpc_server.ts';
import { decodeProto, encodeProto, type ProtoValue, protoNumber, protoText } from '../../src/workloads/protobuf.ts';
import { TOP } from '../house/support/source.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const MANIFESTS = join(TOP, 'scenarios', 'grpc', 'manifests');
const APP = readFileSync(join(MANIFESTS, 'cc-door-app.yaml'), 'utf8');
const POLICY = readFileSync(join(MANIFESTS, 'cc-door-ingress-security.yaml'), 'utf8');

const WEB = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: c, image: docker.io/cilium/starwars, ports: [{containerPort: 80}]}]}
`;

const call = (cluster: TestCluster, ...args: string[]): ReturnType<TestCluster['run']> =>
  cluster.run('default', 'terminal-87', 'python3', '/cloudcity/cc_door_client.py', ...args);

describe('the door client', () => {
  const cluster = newTestCluster([APP]);

  it.each([
    [[], 'Door name is: Spaceport Door #1\n'],
    [['GetName', '0'], 'Door name is: Spaceport Door #0\n'],
    [['GetName', '4294967295'], 'Door name is: Spaceport Door #4294967295\n'],
    [['GetLocation', '7'], 'Door location is lat = 10.222200393676758 long = 68.87879943847656\n'],
    [['GetStatus', '7'], 'Door is closed\n'],
    [['RequestMaintenance', '7', 'it squeaks \u00e4'], 'Successfully submitted maintenance request\n'],
    [['SetAccessCode', '1', '999'], 'Successfully set AccessCode to 999\n'],
    [['Open', '1'], 'Invalid call Open\n'],
  ])('%j', (args, stdout) => {
    expect(call(cluster, ...args)).toEqual({ exitCode: 0, stdout, stderr: '' });
  });

  it.each([
    [['GetName', 'x'], "ValueError: invalid literal for int() with base 10: 'x'"],
    [['GetName', '-1'], 'ValueError: Value out of range: -1'],
    [['SetAccessCode', '1', '4294967296'], 'ValueError: Value out of range: 4294967296'],
  ])('%j is refused by the library', (args, complaint) => {
    const { exitCode, stderr } = call(cluster, ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^Traceback \(most recent call last\):\n {2}File "\/cloudcity\/cc_door_client.py", line 71, in <module>\n/);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(complaint);
  });

  it('python3 knows no other script', () => {
    expect(cluster.run('default', 'terminal-87', 'python3', '/x.py')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: "python3: can't open file '/x.py': [Errno 2] No such file or directory\n",
    });
  });

  it('says what is wrong: denied, nobody there, no such name', () => {
    const own = newTestCluster([APP, POLICY]);
    const denied = call(own, 'SetAccessCode', '1', '999');
    expect(denied.exitCode).toBe(1);
    expect(denied.stderr).toContain('\tstatus = StatusCode.PERMISSION_DENIED\n\tdetails = "Access denied\r\n"\n');
    expect(call(own, 'GetName').exitCode).toBe(0);
    own.cluster.api.delete(
      'pods',
      'default',
      own.cluster.api.list('Pod').find(({ metadata }) => metadata.name.startsWith('cc-door'))?.metadata.name ?? '',
    );
    own.cluster.api.delete('Service', 'default', 'cc-door-server');
    own.cluster.settle();
    expect(call(own, 'GetName').stderr).toContain('details = "DNS resolution failed for cc-door-server:50051');
  });
});

describe('curl over HTTP/2', () => {
  const cluster = newTestCluster([APP, WEB]);
  const curl = (...args: string[]): ReturnType<TestCluster['run']> => cluster.run('default', 'terminal-87', 'curl', ...args);

  it('-i and -w say so', () => {
    const { stdout } = curl('-si', '--http2-prior-knowledge', '-w', '%{http_version} %{http_code}', 'cc-door-server:50051/x');
    expect(stdout).toBe('HTTP/2 200 \r\ncontent-type: application/grpc\r\ngrpc-status: 12\r\ngrpc-message: Method not found!\r\n\r\n2 200');
  });

  it('-v shows what was asked', () => {
    const { stderr } = curl('-sv', '--http2-prior-knowledge', '-d', 'x=1', 'cc-door-server:50051/y');
    expect(stderr).toContain('> POST /y HTTP/2\n> Host: cc-door-server:50051\n');
    expect(stderr).toContain('< HTTP/2 200 \n');
  });

  it('a server of HTTP/1 is none', () => {
    expect(curl('--http2-prior-knowledge', `http://${cluster.ip('default', 'web')}/v1`)).toEqual({
      exitCode: 16,
      stdout: '',
      stderr: 'curl: (16) Error in the HTTP2 framing layer\n',
    });
  });

  it('--http2 asks for an upgrade that nobody grants', () => {
    const { exitCode, stdout, stderr } = curl(
      '-sv',
      '-w',
      '%{http_version}',
      '--http2',
      '-XPOST',
      `http://${cluster.ip('default', 'web')}/v1/request-landing`,
    );
    expect(exitCode).toBe(0);
    expect(stderr).toContain('> Connection: Upgrade, HTTP2-Settings\n> Upgrade: h2c\n> HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\n');
    expect(stdout).toBe('Ship landed\n1.1');
  });

  it('the last version asked for counts', () => {
    expect(
      curl('-s', '--http2-prior-knowledge', '--http1.1', '-XPOST', `http://${cluster.ip('default', 'web')}/v1/request-landing`).stdout,
    ).toBe('Ship landed\n');
  });
});

describe('formats', () => {
  it('protobuf of the guide', () => {
    expect([
      ...encodeProto([
        [1, { varint: 1 }],
        [2, { varint: 999 }],
      ]),
    ]).toEqual([8, 1, 16, 0xe7, 7]);
    expect([...encodeProto([[1, { float: 10.2222 }]])]).toEqual([13, 0x22, 0x8e, 0x23, 0x41]);
    expect([
      ...encodeProto([
        [1, { text: 'ab' }],
        [2, { text: '' }],
        [3, { varint: 0 }],
      ]),
    ]).toEqual([10, 2, 97, 98]);
    expect([...grpcFrame(latin1('xyz'))]).toEqual([0, 0, 0, 0, 3, 120, 121, 122]);
  });

  it('numbers and texts come back', () => {
    const value: fc.Arbitrary<ProtoValue> = fc.oneof(
      fc.nat(0xffff_ffff).map((varint) => ({ varint })),
      fc.float({ noNaN: true }).map((float) => ({ float })),
      fc.string({ unit: 'grapheme' }).map((text) => ({ text })),
    );
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 1000 }), value), { selector: ([number]) => number }), (fields) => {
        const message = decodeProto(encodeProto(fields));
        for (const [number, one] of fields) {
          expect('text' in one ? protoText(message as never, number) : protoNumber(message as never, number)).toEqual(
            'text' in one ? one.text : 'varint' in one ? one.varint : one.float + 0,
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it('any bytes: a message or none, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        decodeProto(bytes);
        grpcMessage(bytes);
      }),
      { numRuns: 500 },
    );
    expect(decodeProto(Uint8Array.from([0x0b]))).toBeNull();
    expect(grpcMessage(Uint8Array.from([0, 0, 0, 0, 2, 1]))).toBeNull();
  });

  it('messages of a status are escaped and read back', () => {
    expect(percentEncode('Access denied\r\n100%')).toBe('Access denied%0D%0A100%25');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(percentDecode(percentEncode(text))).toBe(text);
      }),
      { numRuns: 200 },
    );
    expect(percentDecode('50% %zz')).toBe('50% %zz');
  });

  it('a server can be stopped before it was started', () => {
    expect(() => new GrpcServer(1, new Map()).stop()).not.toThrow();
  });
});
