/**
 * Cloud City of the gRPC guide: the door manager's server and its command line client, two Python programs of one image.
 * @see cilium:examples/kubernetes-grpc/cc_door_server.py
 * @see cilium:examples/kubernetes-grpc/cc_door_client.py
 */
import { NO_BYTES } from '../net/bytes.ts';
import { GRPC_STATUS } from './grpc.ts';
import { type GrpcResult, grpcCall } from './grpc_client.ts';
import { type GrpcMethod, GrpcServer } from './grpc_server.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from './process.ts';
import { decodeProto, encodeProto, type ProtoMessage, protoNumber, protoText } from './protobuf.ts';

const PORT = 50051;
const SERVICE = '/cloudcity.DoorManager/';

/** Values of the enumeration DoorStatus. */
const CLOSED = 1;
const OPEN = 0;

const DESERIALIZE: { readonly code: number; readonly details: string } = { code: 13, details: 'Exception deserializing request!' };

/** The server's methods, by path. */
const METHODS: ReadonlyMap<string, GrpcMethod> = new Map(
  Object.entries({
    GetName: (request: ProtoMessage) => encodeProto([[1, { text: `Spaceport Door #${protoNumber(request, 1)}` }]]),
    GetLocation: () =>
      encodeProto([
        [1, { float: 10.2222 }],
        [2, { float: 68.8788 }],
      ]),
    GetStatus: () => encodeProto([[1, { varint: CLOSED }]]),
    RequestMaintenance: () => encodeProto([[1, { varint: 1 }]]),
    SetAccessCode: () => encodeProto([[1, { varint: 1 }]]),
  }).map(([name, reply]) => [
    SERVICE + name,
    (bytes) => {
      const request = decodeProto(bytes);
      return request === null ? DESERIALIZE : reply(request);
    },
  ]),
);

/** A new server. */
export function newDoorServer(): GrpcServer {
  return new GrpcServer(PORT, METHODS);
}

/** A call of the client's: its message, what it prints, and where it stands in the program. */
interface ClientCall {
  /** Reads the second and third argument; a text is Python's complaint. */
  message(door: string, rest: string): Uint8Array | string;
  print(reply: ProtoMessage, rest: string): string;
  readonly line: number;
  readonly source: string;
}

const CALLS: Readonly<Record<string, ClientCall>> = {
  GetName: {
    message: doorRequest,
    print: (reply) => `Door name is: ${protoText(reply, 1)}`,
    line: 33,
    source: 'response = stub.GetName(cloudcity_pb2.DoorRequest(door_id=int(arg2)))',
  },
  GetLocation: {
    message: doorRequest,
    print: (reply) => `Door location is lat = ${protoNumber(reply, 1)} long = ${protoNumber(reply, 2)}`,
    line: 36,
    source: 'response = stub.GetLocation(cloudcity_pb2.DoorRequest(door_id=int(arg2)))',
  },
  GetStatus: {
    message: doorRequest,
    print: (reply) => (protoNumber(reply, 1) === OPEN ? 'Door is open' : 'Door is closed'),
    line: 39,
    source: 'response = stub.GetStatus(cloudcity_pb2.DoorRequest(door_id=int(arg2)))',
  },
  RequestMaintenance: {
    message: (door, rest) =>
      withNumber(door, (id) =>
        encodeProto([
          [1, { varint: id }],
          [2, { text: rest }],
        ]),
      ),
    print: (reply) =>
      protoNumber(reply, 1) === 1 ? 'Successfully submitted maintenance request' : 'Failed to submit maintenaince request',
    line: 45,
    source: 'response = stub.RequestMaintenance(cloudcity_pb2.DoorMaintRequest(',
  },
  SetAccessCode: {
    message: (door, rest) =>
      withNumber(door, (id) =>
        withNumber(rest, (code) =>
          encodeProto([
            [1, { varint: id }],
            [2, { varint: code }],
          ]),
        ),
      ),
    print: (reply, rest) => (protoNumber(reply, 1) === 1 ? `Successfully set AccessCode to ${rest}` : 'Failed to set AccessCode'),
    line: 52,
    source: 'response = stub.SetAccessCode(cloudcity_pb2.DoorAccessCodeRequest(',
  },
};

/** `cc_door_client.py CALL DOOR [TEXT]`. */
export function doorClient(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const [name = 'GetName', door = '1', rest = '99'] = args;
  const call = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  const message = call?.message(door, rest);
  if (call === undefined || message === undefined || typeof message === 'string') {
    const failed = typeof message === 'string' && call !== undefined;
    const result: ProcessResult = failed
      ? { exitCode: 1, stdout: '', stderr: `${traceback(call)}${message}\n` }
      : { exitCode: 0, stdout: `Invalid call ${name}\n`, stderr: '' };
    const timer = env.scheduler.after(0, 'python3', () => done(result));
    return { kill: () => timer.cancel() };
  }
  const cancel = grpcCall(env, { target: `cc-door-server:${PORT}`, path: SERVICE + name, message, timeout: null }, (result) => {
    const reply = result.code === 0 ? decodeProto(result.message ?? NO_BYTES) : null;
    done(
      reply === null
        ? { exitCode: 1, stdout: '', stderr: traceback(call) + rpcError(result, env.scheduler.clock.wallMillis()) }
        : { exitCode: 0, stdout: `${call.print(reply, rest)}\n`, stderr: '' },
    );
  });
  return { kill: cancel };
}

function doorRequest(door: string): Uint8Array | string {
  return withNumber(door, (id) => encodeProto([[1, { varint: id }]]));
}

/** A number of an unsigned field, as `int` and protobuf take it. */
function withNumber(text: string, use: (number: number) => Uint8Array | string): Uint8Array | string {
  if (!/^\s*[+-]?[0-9]+\s*$/.test(text)) {
    return `ValueError: invalid literal for int() with base 10: '${text}'`;
  }
  const number = Number(text);
  return number < 0 || number > 0xffff_ffff ? `ValueError: Value out of range: ${number}` : use(number);
}

/** The head of Python's traceback. */
function traceback(call: ClientCall): string {
  const frame = (line: number, where: string, source: string): string =>
    `  File "/cloudcity/cc_door_client.py", line ${line}, in ${where}\n    ${source}\n`;
  return `Traceback (most recent call last):\n${frame(71, '<module>', 'run()')}${frame(call.line, 'run', call.source)}`;
}

/**
 * What the library raises for a status other than OK. @see grpc:src/python/grpcio/grpc/_channel.py#_InactiveRpcError
 * @remarks Simplified: the traceback's lines are those of grpcio 1.46; the debug string leaves out files and children of the C core.
 */
function rpcError(result: GrpcResult, wallMillis: number): string {
  const channel = '/usr/local/lib/python3.8/dist-packages/grpc/_channel.py';
  const created = `@${(wallMillis / 1000).toFixed(9)}`;
  const debug =
    result.peer === ''
      ? { created, description: result.details, grpc_status: result.code }
      : { created, description: `Error received from peer ${result.peer}`, grpc_message: result.details, grpc_status: result.code };
  return [
    `  File "${channel}", line 946, in __call__`,
    '    return _end_unary_response_blocking(state, call, False, None)',
    `  File "${channel}", line 849, in _end_unary_response_blocking`,
    '    raise _InactiveRpcError(state)',
    'grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:',
    `\tstatus = StatusCode.${GRPC_STATUS[result.code] ?? 'UNKNOWN'}`,
    `\tdetails = "${result.details}"`,
    `\tdebug_error_string = "${JSON.stringify(debug)}"`,
    '>',
    '',
  ].join('\n');
}
