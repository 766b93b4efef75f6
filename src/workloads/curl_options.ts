/**
 * curl's command line, as far as the model follows it.
 * @see curl:src/tool_getparam.c#getparameter
 */

/** What a command line asks for. */
export interface CurlOptions {
  readonly url: string;
  readonly method: string | null;
  readonly headers: readonly string[];
  readonly data: string | null;
  readonly head: boolean;
  readonly include: boolean;
  readonly verbose: boolean;
  readonly silent: boolean;
  readonly showError: boolean;
  readonly fail: boolean;
  /** Certificates are not checked. */
  readonly insecure: boolean;
  readonly userAgent: string | null;
  readonly http10: boolean;
  /** `prior-knowledge`: HTTP/2 from the first byte; `upgrade`: asked for in a first request of HTTP/1.1. */
  readonly http2: 'no' | 'upgrade' | 'prior-knowledge';
  readonly pathAsIs: boolean;
  /** Seconds; `null` = no limit. */
  readonly maxTime: number | null;
  readonly connectTimeout: number | null;
  readonly output: string | null;
  readonly writeOut: string | null;
  /** `host:port:address` */
  readonly resolve: readonly string[];
}

/** A parsed command line, or what curl says about it. */
export type CurlParse = { readonly ok: true; readonly options: CurlOptions } | { readonly ok: false; readonly message: string };

/** Flags by name: the letter, and whether a value follows. */
const LONG: Readonly<Record<string, readonly [string, boolean]>> = {
  request: ['X', true],
  header: ['H', true],
  data: ['d', true],
  'data-raw': ['d', true],
  'data-ascii': ['d', true],
  'data-binary': ['d', true],
  head: ['I', false],
  include: ['i', false],
  verbose: ['v', false],
  silent: ['s', false],
  'show-error': ['S', false],
  fail: ['f', false],
  'user-agent': ['A', true],
  'http1.0': ['0', false],
  'http1.1': ['#http11', false],
  http2: ['#http2', false],
  'http2-prior-knowledge': ['#http2-prior-knowledge', false],
  'path-as-is': ['#path-as-is', false],
  'max-time': ['m', true],
  'connect-timeout': ['#connect-timeout', true],
  output: ['o', true],
  'write-out': ['w', true],
  resolve: ['#resolve', true],
  insecure: ['k', false],
  'no-keepalive': ['#ignored', false],
  'no-progress-meter': ['#ignored', false],
  ipv4: ['4', false],
  globoff: ['g', false],
};

const WITH_VALUE = new Set(['X', 'H', 'd', 'A', 'm', 'o', 'w']);
const WITHOUT_VALUE = new Set(['I', 'i', 'v', 's', 'S', 'f', '0', 'k', '4', 'g']);

/** Parses the arguments after `curl`. */
export function parseCurl(args: readonly string[]): CurlParse {
  const values: (readonly [string, string])[] = [];
  const urls: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg.startsWith('--')) {
      const known = LONG[arg.slice(2)];
      if (known === undefined) {
        return usage(`option ${arg}: is unknown`);
      }
      const value = known[1] ? args[++i] : '';
      if (value === undefined) {
        return usage(`option ${arg}: requires parameter`);
      }
      values.push([known[0], value]);
    } else if (arg.startsWith('-') && arg.length > 1) {
      for (let k = 1; k < arg.length; k++) {
        const letter = arg.charAt(k);
        if (WITH_VALUE.has(letter)) {
          const value = k + 1 < arg.length ? arg.slice(k + 1) : args[++i];
          if (value === undefined) {
            return usage(`option ${arg}: requires parameter`);
          }
          values.push([letter, value]);
          break;
        }
        if (!WITHOUT_VALUE.has(letter)) {
          return usage(`option ${arg}: is unknown`);
        }
        values.push([letter, '']);
      }
    } else {
      urls.push(arg);
    }
  }
  const url = urls[0];
  if (url === undefined) {
    return usage('no URL specified!');
  }
  const last = (name: string): string | null => values.findLast(([key]) => key === name)?.[1] ?? null;
  const has = (name: string): boolean => values.some(([key]) => key === name);
  const all = (name: string): string[] => values.filter(([key]) => key === name).map(([, value]) => value);
  for (const name of ['m', '#connect-timeout']) {
    const text = last(name);
    if (text !== null && !/^[0-9]+(\.[0-9]+)?$/.test(text)) {
      return usage(`option ${name === 'm' ? '-m' : '--connect-timeout'}: expected a proper numerical parameter`);
    }
  }
  const number = (name: string): number | null => (last(name) === null ? null : Number(last(name)));
  return {
    ok: true,
    options: {
      url,
      method: last('X'),
      headers: all('H'),
      data: has('d') ? all('d').join('&') : null,
      head: has('I'),
      include: has('i') || has('I'),
      verbose: has('v'),
      silent: has('s'),
      showError: has('S'),
      fail: has('f'),
      insecure: has('k'),
      userAgent: last('A'),
      http10: has('0'),
      http2: http2Wanted(values),
      pathAsIs: has('#path-as-is'),
      maxTime: number('m'),
      connectTimeout: number('#connect-timeout'),
      output: last('o'),
      writeOut: last('w'),
      resolve: all('#resolve'),
    },
  };
}

/** The last option that names a version counts. */
function http2Wanted(values: readonly (readonly [string, string])[]): CurlOptions['http2'] {
  const last = values.findLast(([key]) => key === '0' || key === '#http11' || key.startsWith('#http2'))?.[0];
  return last === '#http2' ? 'upgrade' : last === '#http2-prior-knowledge' ? 'prior-knowledge' : 'no';
}

/** The parts of a URL. */
export interface CurlUrl {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  /** Whether the port was written. */
  readonly explicitPort: boolean;
  readonly target: string;
}

/** Takes a URL apart as curl does; `null` if it is none. @see curl:lib/urlapi.c#seturl */
export function parseUrl(text: string, pathAsIs: boolean): CurlUrl | null {
  const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?(?:[^/?#@]*@)?([^/?#:]*)(?::([0-9]*))?([/?][^#]*)?(?:#.*)?$/.exec(text);
  if (match === null || (match[2] as string) === '') {
    return null;
  }
  const scheme = (match[1] ?? 'http').toLowerCase();
  const port = match[3] === undefined || match[3] === '' ? (scheme === 'https' ? 443 : 80) : Number(match[3]);
  if (port > 65535) {
    return null;
  }
  const rest = match[4] ?? '/';
  const [path, query] = splitQuery(rest.startsWith('?') ? `/${rest}` : rest);
  const target = (pathAsIs ? path : removeDotSegments(path)) + query;
  return { scheme, host: match[2] as string, port, explicitPort: match[3] !== undefined && match[3] !== '', target };
}

function splitQuery(text: string): [string, string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

/** @see https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4 */
function removeDotSegments(path: string): string {
  const out: string[] = [];
  const parts = path.split('/').slice(1);
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (part === '..') {
      out.pop();
    } else if (part !== '.') {
      out.push(part);
      continue;
    }
    if (last) {
      out.push('');
    }
  }
  return `/${out.join('/')}`;
}

function usage(message: string): CurlParse {
  return { ok: false, message: `curl: ${message}\ncurl: try 'curl --help' or 'curl --manual' for more information\n` };
}
