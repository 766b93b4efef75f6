/**
 * Which parser a port's traffic goes through.
 * @see cilium:pkg/policy/l4.go#L7ParserType
 */

/** A parser's name; any other text is the name of a proxylib parser or of an Envoy filter. */
export type L7ParserType = string;

export const PARSER_NONE = '';
/** TLS or server names without L7 rules. */
export const PARSER_TLS = 'tls';
export const PARSER_HTTP = 'http';
export const PARSER_KAFKA = 'kafka';
export const PARSER_DNS = 'dns';

/** The parser that serves both, or `null` if none does. @see cilium:pkg/policy/l4.go#L7ParserType.Merge */
export function mergeParsers(a: L7ParserType, b: L7ParserType): L7ParserType | null {
  if (a === b) {
    return a;
  }
  if (canPromote(a, b)) {
    return b;
  }
  return canPromote(b, a) ? a : null;
}

function canPromote(from: L7ParserType, to: L7ParserType): boolean {
  return from === PARSER_NONE || (from === PARSER_TLS && to !== PARSER_NONE && to !== PARSER_DNS);
}

/** Name of the listener that serves a parser. @see cilium:pkg/proxy/proxy.go#proxyPorts */
export function listenerName(parser: L7ParserType, ingress: boolean): string {
  if (parser === PARSER_DNS) {
    return 'cilium-dns-egress';
  }
  return `cilium-${parser === PARSER_HTTP ? 'http' : 'proxylib'}-${ingress ? 'ingress' : 'egress'}`;
}
