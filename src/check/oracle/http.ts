/** Whether a request is one that HTTP rules allow. */
import type { HttpTerm } from './statement.ts';

/** A request as the proxy sees it: the path with its query, header names in small letters. */
export interface OracleRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

const compiled = new Map<string, RegExp>();

/** One rule holds, in all it asks for. */
export function requestAllowed(rules: readonly HttpTerm[], request: OracleRequest): boolean {
  return rules.some(
    ({ method, path, host, headers }) =>
      whole(method, request.method) &&
      whole(path, request.path) &&
      whole(host, request.host) &&
      headers.every(([name, value]) => {
        const have = request.headers[name.toLowerCase()];
        return have !== undefined && (value === null || value === have);
      }),
  );
}

/**
 * An expression has to match the whole text; an empty one asks for nothing.
 * @remarks Simplified: expressions are read as JavaScript's, which agree with RE2 for what both accept without flags.
 */
function whole(expression: string, text: string): boolean {
  if (expression === '') {
    return true;
  }
  let regex = compiled.get(expression);
  if (regex === undefined) {
    regex = new RegExp(`^(?:${expression})$`, 'su');
    compiled.set(expression, regex);
  }
  return regex.test(text);
}
