/**
 * Redirects that nobody's policy asks for but the pod's annotation: the proxy sees the traffic and lets all of it through.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.addVisibilityRedirects
 */
import type { DnsSelectorRules } from '../fqdn/dns_rules.ts';
import { listenerName, PARSER_DNS } from '../policy/l7_parser.ts';
import type { KeyChanges } from '../policy/mapstate.ts';
import { proxyId } from '../policy/proxyid.ts';
import type { EndpointPolicy } from '../policy/resolve.ts';
import { addVisibilityKeys, type VisibilityMetadata } from '../policy/visibility.ts';
import type { RedirectRequest } from '../proxy/proxy.ts';
import type { Endpoint } from './endpoint.ts';

/** Every name at every server. @see cilium:pkg/policy/visibility.go#generateL7AllowAllRules */
const EVERY_NAME: DnsSelectorRules = { selector: { isWildcard: true, selects: () => true, selections: () => [] }, policy: null };

/** The watched ports of one direction; ports with a redirect of the policy are watched already. */
function unwatched(endpoint: Endpoint, ingress: boolean, redirects: ReadonlyMap<string, number>): VisibilityMetadata[] {
  return (endpoint.visibility?.ports ?? []).filter((meta) => meta.ingress === ingress && !redirects.has(idOf(endpoint, meta)));
}

/**
 * Gives the watched ports of one direction their redirects and writes their keys.
 * @param redirects those of the policy by id; the new ones are added
 * @param obtainPort makes the redirect and returns its proxy port
 * @returns restores the map state as it was
 */
export function addVisibilityRedirects(
  endpoint: Endpoint,
  policy: EndpointPolicy,
  ingress: boolean,
  redirects: Map<string, number>,
  obtainPort: (request: RedirectRequest) => number,
): () => void {
  return policy.mapState.undoable(() => {
    for (const meta of unwatched(endpoint, ingress, redirects)) {
      const id = idOf(endpoint, meta);
      const dns = meta.parser === PARSER_DNS ? { endpointId: endpoint.id, port: meta.port, parts: [EVERY_NAME] } : null;
      const port = obtainPort({ id, listenerName: listenerName(meta.parser, ingress), ingress, dns });
      redirects.set(id, port);
      addVisibilityKeys(policy.mapState, meta, port);
    }
  });
}

/** Keys that came in since: they are watched too, and are changes then. @see cilium:pkg/endpoint/bpf.go#Endpoint.applyPolicyMapChanges */
export function watchAddedKeys(endpoint: Endpoint, policy: EndpointPolicy, changes: KeyChanges): void {
  for (const meta of endpoint.visibility?.ports ?? []) {
    const port = endpoint.realizedRedirects.get(idOf(endpoint, meta)) ?? 0;
    if (port !== 0) {
      addVisibilityKeys(policy.mapState, meta, port, changes);
    }
  }
}

function idOf({ id }: Endpoint, { ingress, protocol, port }: VisibilityMetadata): string {
  return proxyId(id, ingress, protocol, port);
}
