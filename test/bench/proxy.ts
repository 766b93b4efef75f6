/** The proxy's HTTP side alone: parsing and verdict against Node's llhttp on the same bytes, many rules, denials. */
import { AccessLogEntry } from '../../src/envoy/cilium/accesslog.ts';
import { PolicyInstanceImpl } from '../../src/envoy/cilium/network_policy.ts';
import { HeaderMap } from '../../src/envoy/http/header_map.ts';
import { ServerCodec } from '../../src/envoy/http/http1/server_codec.ts';
import { latin1 } from '../../src/net/bytes.ts';
import type { HttpNetworkPolicyRule } from '../../src/xds/npds.ts';
import { type Figure, median, seconds } from './measure.ts';

const REQUEST = latin1(
  'POST /v1/request-landing HTTP/1.1\r\nHost: deathstar.default.svc.cluster.local\r\nUser-Agent: curl/7.52.1\r\nAccept: */*\r\nX-Has-Force: true\r\n\r\n',
);
const TIMES = 40_000;

/** The figures. */
export function benchProxy(): Figure[] {
  const own = median(() => seconds(parseAndJudge)) / TIMES;
  const llhttp = median(() => seconds(parseWithLlhttp)) / TIMES;
  const few = verdict(rules(10), '/item/7/x');
  const many = verdict(rules(1000), '/item/777/x');
  const denied = verdict(rules(1000), '/nothing');
  return [
    { name: 'HTTP/1.1 request parsed and judged', value: own * 1e9, unit: 'ns', note: '' },
    { name: 'the same bytes parsed by llhttp', value: llhttp * 1e9, unit: 'ns', note: '' },
    { name: 'the first over the second', value: own / llhttp, unit: 'times', note: 'aim: at most 3' },
    {
      name: 'verdict of 1,000 HTTP rules over one of 10',
      value: many / few,
      unit: 'times',
      note: `${(many * 1e9).toFixed(0)} ns, aim: far below 100`,
    },
    { name: 'a denial by them over an allow', value: denied / many, unit: 'times', note: 'aim: at most 1' },
  ];
}

const match = (name: string, regex: string): { name: string; safe_regex_match: { google_re2: Record<string, never>; regex: string } } => ({
  name,
  safe_regex_match: { google_re2: {}, regex },
});

/** Half of the rules name one path, half a path with anything behind it. */
function rules(count: number): HttpNetworkPolicyRule[] {
  return Array.from({ length: count }, (_, i) => ({
    headers: [match(':method', 'GET'), match(':path', i % 2 === 0 ? `/item/${i}` : `/item/${i}/.*`)],
  }));
}

function policy(http: readonly HttpNetworkPolicyRule[]): PolicyInstanceImpl {
  const compiled = PolicyInstanceImpl.compile(
    {
      endpoint_ips: ['10.0.0.1'],
      endpoint_id: 1,
      ingress_per_port_policies: [{ port: 80, rules: [{ remote_policies: [4711], http_rules: { http_rules: http } }] }],
    },
    100,
  );
  if (typeof compiled === 'string') {
    throw new Error(compiled);
  }
  return compiled;
}

/** Seconds a verdict. */
function verdict(http: readonly HttpNetworkPolicyRule[], path: string): number {
  const compiled = policy(http);
  const headers = HeaderMap.of([
    [':authority', 'h'],
    [':path', path],
    [':method', 'GET'],
  ]);
  const context = { ingress: true, port: 80, remoteId: 4711, headers, log: new AccessLogEntry() };
  return (
    median(() =>
      seconds(() => {
        for (let i = 0; i < TIMES; i++) {
          compiled.allowed(context, null);
        }
      }),
    ) / TIMES
  );
}

function parseAndJudge(): void {
  const compiled = policy([{ headers: [match(':method', 'POST'), match(':path', '/v1/request-landing')] }]);
  const log = new AccessLogEntry();
  let allowed = 0;
  const codec = new ServerCodec({
    open: true,
    write: () => undefined,
    newStream: () => ({
      decodeHeaders: (headers) => {
        allowed += compiled.allowed({ ingress: true, port: 80, remoteId: 4711, headers, log }, null) ? 1 : 0;
      },
      decodeData: () => undefined,
      protocolError: () => undefined,
    }),
  });
  for (let i = 0; i < TIMES; i++) {
    codec.dispatch(REQUEST, 0);
  }
  if (allowed !== TIMES) {
    throw new Error(`${allowed} of ${TIMES} allowed`);
  }
}

interface LlhttpParser {
  initialize(type: number, resource: object): void;
  execute(bytes: Uint8Array): number | Error;
  [callback: number]: (...args: unknown[]) => number;
}
interface LlhttpConstructor {
  new (): LlhttpParser;
  readonly REQUEST: number;
  readonly kOnHeadersComplete: number;
  readonly kOnMessageComplete: number;
}

let llhttp: LlhttpConstructor | null = null;

/** Node's parser without the server around it; the callback gets the headers as strings, as a server's would. */
function parseWithLlhttp(): void {
  llhttp ??= (process as unknown as { binding(name: string): { HTTPParser: LlhttpConstructor } }).binding('http_parser').HTTPParser;
  const HTTPParser = llhttp;
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {});
  let seen = 0;
  parser[HTTPParser.kOnHeadersComplete] = () => {
    seen += 1;
    return 0;
  };
  parser[HTTPParser.kOnMessageComplete] = () => 0;
  const bytes = Buffer.from(REQUEST);
  for (let i = 0; i < TIMES; i++) {
    parser.execute(bytes);
  }
  if (seen !== TIMES) {
    throw new Error(`llhttp saw ${seen} of ${TIMES}`);
  }
}
