/**
 * Requests as the curl command lines a person would type, and what came back.
 */
import type { CommandResult } from '../shell/table.ts';
import { SECOND } from '../sim/clock.ts';
import type { NewRequest } from './schema/steps.ts';

/** How the status is asked for: behind the body, on a line of its own. */
const STATUS_FORMAT = '\n%{http_code}';

/** Longest wait for a request that says nothing about it, in nanoseconds: longer than the kernel tries to connect. */
export const DEFAULT_TIMEOUT = 180 * SECOND;

/** The words of the command. */
export function curlArgv(request: NewRequest): string[] {
  const { method, url, headers, body, connectTimeout, timeout, pathAsIs, http2 } = request;
  const argv = ['curl', '-s'];
  if (method === 'HEAD') {
    argv.push('-I');
  } else if (method !== undefined && !(method === 'GET' && body === undefined) && !(method === 'POST' && body !== undefined)) {
    argv.push(`-X${method}`);
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    argv.push('-H', value === '' ? `${name};` : `${name}: ${value}`);
  }
  if (body !== undefined) {
    argv.push('--data-raw', body);
  }
  if (http2 === true) {
    argv.push('--http2-prior-knowledge');
  }
  if (pathAsIs === true) {
    argv.push('--path-as-is');
  }
  if (connectTimeout !== undefined) {
    argv.push('--connect-timeout', String(connectTimeout / SECOND));
  }
  if (timeout !== undefined) {
    argv.push('-m', String(timeout / SECOND));
  }
  return [...argv, url];
}

/** The same with the status asked for. */
export function curlArgvWithStatus(request: NewRequest): string[] {
  const argv = curlArgv(request);
  return [...argv.slice(0, -1), '-w', STATUS_FORMAT, argv.at(-1) as string];
}

/** Body and status of an answer; status `null` if none came. */
export function readAnswer(result: CommandResult): { readonly body: string; readonly status: number | null } {
  const match = /\n(\d{3})$/.exec(result.stdout);
  if (match === null) {
    return { body: result.stdout, status: null };
  }
  const status = Number(match[1]);
  return { body: result.stdout.slice(0, match.index), status: status === 0 ? null : status };
}

/**
 * How a call of a gRPC client ended, read off its process: the status of the answer, `null` if none came; `undefined` for other processes.
 * A status other than OK that came from somebody is an answer.
 */
export function grpcAnswer(argv: readonly string[], result: CommandResult): number | null | undefined {
  if (argv[0] !== 'python3' || !/_client\.py$/.test(argv[1] ?? '')) {
    return undefined;
  }
  return result.exitCode === 0 || result.stderr.includes('Error received from peer') ? 200 : null;
}

/** What a curl exit code means. @see curl:include/curl/curl.h#CURLcode */
export function curlError(exitCode: number, stderr: string): string {
  if (exitCode === 0) {
    return '';
  }
  const said = stderr.trim().replace(/^curl: \(\d+\) /, '');
  return said !== '' ? said : (CURL_ERRORS[exitCode] ?? `curl exited with ${exitCode}`);
}

const CURL_ERRORS: Readonly<Record<number, string>> = {
  3: 'malformed URL',
  6: 'could not resolve the host',
  7: 'could not connect',
  16: 'the server does not speak HTTP/2',
  22: 'the server answered with an error',
  28: 'timed out',
  35: 'TLS failed',
  52: 'empty reply from the server',
  55: 'could not send',
  56: 'the connection was reset',
  92: 'the stream was reset',
};
