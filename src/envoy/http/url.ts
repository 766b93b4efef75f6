/**
 * Absolute URLs as request targets and referers.
 * @see envoy:source/common/http/utility.cc#Utility::Url::initialize
 * @see https://github.com/nodejs/http-parser (http_parser_parse_url)
 */

/** An absolute URL taken apart. */
export interface AbsoluteUrl {
  /** As it was written. */
  readonly scheme: string;
  readonly hostAndPort: string;
  /** Everything behind host and port, which may begin with a question mark; a slash if there is nothing. */
  readonly path: string;
}

const USERINFO = "(?:[A-Za-z0-9\\-_.!~*'()%;:&=+$,]*@)?";
const HOST = '(?:[A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9%._~-]+)?\\])';
const URL = new RegExp(`^([A-Za-z]+)://${USERINFO}(${HOST}(?::([0-9]+))?)([/?][!-~]*)?$`);
const HOST_WITH_PORT = new RegExp(`^${HOST}:([0-9]+)$`);

/** Takes an absolute URL apart, or returns `null`. */
export function parseAbsoluteUrl(text: string): AbsoluteUrl | null {
  const match = URL.exec(text);
  if (match === null || Number(match[3] ?? 0) > 65_535) {
    return null;
  }
  return { scheme: match[1] as string, hostAndPort: match[2] as string, path: match[4] ?? '/' };
}

/** Whether the text is a host with a port, as CONNECT wants it. */
export function isHostWithPort(text: string): boolean {
  const match = HOST_WITH_PORT.exec(text);
  return match !== null && Number(match[1]) <= 65_535;
}
