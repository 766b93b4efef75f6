/** Questions as people write them: `PUT /v1/exhaust-port`, `53/UDP`. */
import { nearest } from '../../net/nearest_word.ts';
import { ICMP_ECHO } from '../../net/protocol.ts';
import type { ExplainProtocol, ExplainQuestion } from './explanation.ts';
import type { Found } from './place.ts';

/** A question in the words of a command line. */
export interface QuestionWords {
  readonly from: string;
  readonly to: string;
  readonly http?: string;
  /** A gRPC method in place of a request: `cloudcity.DoorManager/GetName`. */
  readonly grpc?: string;
  readonly port?: string;
  readonly headers: readonly string[];
  readonly body?: string;
}

/** Reads a question, or says what is wrong with it. */
export function parseQuestion({ from, to, http, grpc, port, headers, body }: QuestionWords): Found<ExplainQuestion> {
  if (http !== undefined && grpc !== undefined) {
    return { ok: false, error: 'a question is asked with --http or with --grpc, not with both' };
  }
  const request = grpc !== undefined ? parseGrpc(grpc) : http === undefined ? null : parseHttp(http);
  const place = port === undefined ? null : parsePort(port);
  if (request?.ok === false) {
    return request;
  }
  if (place?.ok === false) {
    return place;
  }
  const bad = headers.find((header) => !isHeader(header));
  if (bad !== undefined) {
    return { ok: false, error: `"${bad}" is no header: write "Name: value"` };
  }
  if (request === null && (headers.length > 0 || body !== undefined)) {
    return { ok: false, error: `${headers.length > 0 ? 'headers belong' : 'a body belongs'} to a request: give --http too` };
  }
  const { port: number, protocol } = place?.value ?? { port: null, protocol: 'TCP' };
  if (request !== null && protocol !== 'TCP') {
    return { ok: false, error: 'HTTP goes over TCP' };
  }
  return {
    ok: true,
    value: {
      from,
      to,
      http:
        request === null
          ? null
          : {
              ...request.value,
              headers: grpc === undefined ? headers : [...GRPC_HEADERS, ...headers],
              body: body ?? null,
              ...(grpc === undefined ? {} : { http2: true as const }),
            },
      port: number,
      protocol,
    },
  };
}

/** What makes a request a gRPC call. */
const GRPC_HEADERS: readonly string[] = ['content-type: application/grpc', 'te: trailers'];

/** `package.Service/Method`, with or without the slash before it. */
export function parseGrpc(text: string): Found<{ readonly method: string; readonly path: string }> {
  const match = /^\/?([A-Za-z_][\w.]*\/[A-Za-z_]\w*)$/.exec(text.trim());
  return match === null
    ? { ok: false, error: `"${text}" is no gRPC method: write service and method, for instance "cloudcity.DoorManager/GetName"` }
    : { ok: true, value: { method: 'POST', path: `/${match[1] as string}` } };
}

/** `METHOD /path`; a path alone is a GET. */
export function parseHttp(text: string): Found<{ readonly method: string; readonly path: string }> {
  const words = text.trim().split(/\s+/);
  const [first = '', second] = words;
  const [method, path] = second === undefined && first.startsWith('/') ? ['GET', first] : [first, second ?? ''];
  if (words.length > 2 || !/^[A-Za-z][A-Za-z-]*$/.test(method) || !path.startsWith('/')) {
    return { ok: false, error: `"${text}" is no request: write a method and a path, for instance "PUT /v1/exhaust-port"` };
  }
  return { ok: true, value: { method: method.toUpperCase(), path } };
}

const PROTOCOLS: readonly ExplainProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];

/** `N`, `N/TCP`, `N/UDP`, `N/SCTP`; `8/ICMP` or `ICMP` is an echo request. */
export function parsePort(text: string): Found<{ readonly port: number; readonly protocol: ExplainProtocol }> {
  const match = /^(\d{1,5})(?:\/([A-Za-z]+))?$/.exec(text.trim());
  const word = (match?.[2] ?? (/^icmp$/i.test(text.trim()) ? 'ICMP' : 'TCP')).toUpperCase();
  const protocol = PROTOCOLS.find((one) => one === word);
  if (protocol === undefined) {
    const meant = nearest(word, PROTOCOLS);
    return {
      ok: false,
      error: `a question can be asked for ${PROTOCOLS.join(', ')}, not for ${word}${meant === null ? '' : `; did you mean ${meant}?`}`,
    };
  }
  const port = Number(match?.[1] ?? (protocol === 'ICMP' ? ICMP_ECHO : 0));
  if (protocol === 'ICMP') {
    return port === ICMP_ECHO
      ? { ok: true, value: { port, protocol } }
      : { ok: false, error: `the only ICMP message a pod sends of itself is the echo request: write ${ICMP_ECHO}/ICMP` };
  }
  if (port < 1 || port > 65_535) {
    return { ok: false, error: `"${text}" is no port: write a number from 1 to 65535, for instance 53/UDP` };
  }
  return { ok: true, value: { port, protocol } };
}

/** `Name: value` */
export function isHeader(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*[:;]/.test(text);
}
