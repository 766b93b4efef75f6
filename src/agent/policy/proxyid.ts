/**
 * Names of redirects.
 * @see cilium:pkg/policy/proxyid.go
 */

/** `863:ingress:TCP:80` @see cilium:pkg/policy/proxyid.go#ProxyID */
export function proxyId(endpointId: number, ingress: boolean, protocol: string, port: number): string {
  return `${endpointId}:${ingress ? 'ingress' : 'egress'}:${protocol}:${port}`;
}

/** The parts of a redirect's name, or `null`. @see cilium:pkg/policy/proxyid.go#ParseProxyID */
export function parseProxyId(
  text: string,
): { readonly endpointId: number; readonly ingress: boolean; readonly protocol: string; readonly port: number } | null {
  const match = /^(\d+):(ingress|egress):([^:]*):(\d+)$/.exec(text);
  if (match === null) {
    return null;
  }
  return { endpointId: Number(match[1]), ingress: match[2] === 'ingress', protocol: match[3] as string, port: Number(match[4]) };
}
