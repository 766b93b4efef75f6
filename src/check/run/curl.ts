/** Requests as curl sends them. */
import type { OracleRequest } from '../oracle/http.ts';

/** Methods that the proxy's parser knows and a server answers with a body. */
export const ANSWERED_METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The arguments for a request; the answer's status ends what curl prints. */
export function curlRequest({ method, host, headers }: Omit<OracleRequest, 'path'>, url: string, seconds: number): string[] {
  const all = Object.entries({ ...headers, ...(host === '' ? {} : { host }) });
  // curl sends a header without a value only with a semicolon.
  const lines = all.flatMap(([key, value]) => ['-H', value === '' ? `${key};` : `${key}: ${value}`]);
  return ['curl', '-s', `-X${method}`, ...lines, '--path-as-is', '-m', String(seconds), '-w', '%{http_code}', url];
}
