/** HTTP requests, and requests near a rule: the ones it just allows and the ones it just does not. */
import fc from 'fast-check';
import type { OracleRequest } from '../oracle/http.ts';
import { METHOD_PATTERNS, PATH_PATTERNS } from './http_rule.ts';
import { textsNear } from './text_near.ts';

/** What of a rule a request can be near to. */
export interface RequestShape {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: readonly (readonly [name: string, value: string | null])[];
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'] as const;

/** A request near one of some rules; without rules near the patterns that generated policies use. */
export function httpRequest(rules: readonly RequestShape[] = []): fc.Arbitrary<OracleRequest> {
  const shapes: readonly RequestShape[] =
    rules.length > 0 ? rules : PATH_PATTERNS.flatMap((path) => METHOD_PATTERNS.map((method) => ({ method, path })));
  return requestsNear(shapes);
}

/** A request near one of some rules; shrinks towards the first. */
export function requestsNear(shapes: readonly RequestShape[]): fc.Arbitrary<OracleRequest> {
  return shapes.length === 1 && shapes[0] !== undefined
    ? requestNear(shapes[0])
    : fc.oneof({ withCrossShrink: true }, ...shapes.map((shape) => requestNear(shape)));
}

/** A request near one rule: neighbouring paths, other methods, headers there, missing or different. */
export function requestNear(shape: RequestShape): fc.Arbitrary<OracleRequest> {
  const methods = [...new Set([...textsNear(shape.method ?? '').filter((text) => /^[A-Z]+$/.test(text)), ...METHODS])];
  const paths = [...new Set([...textsNear(shape.path ?? '/'), '/'])].filter(isSendablePath);
  const hosts = textsNear(shape.host ?? 'web.default').filter((text) => /^[-a-zA-Z0-9.]+$/.test(text));
  return fc
    .tuple(
      fc.constantFrom(...methods),
      fc.constantFrom(...paths),
      fc.constantFrom(...(hosts.length === 0 ? ['web'] : hosts)),
      headersNear(shape.headers ?? []),
    )
    .map(([method, path, host, headers]) => ({ method, path, host, headers }));
}

/** What a client can put into a request line. */
function isSendablePath(text: string): boolean {
  return /^\/[!"$-~]*$/.test(text);
}

function headersNear(wanted: NonNullable<RequestShape['headers']>): fc.Arbitrary<Readonly<Record<string, string>>> {
  const all =
    wanted.length === 0
      ? ([
          ['x-token', 'secret'],
          ['x-any', null],
        ] as const)
      : wanted;
  return fc
    .tuple(
      ...all.map(([, value]) => fc.constantFrom(...new Set([value ?? 'any', null, `${value ?? ''}x`, (value ?? 'any').toUpperCase(), '']))),
    )
    .map(
      (values) =>
        Object.fromEntries(all.flatMap(([name], i) => (values[i] == null ? [] : [[name.toLowerCase(), values[i]]]))) as Record<
          string,
          string
        >,
    );
}
