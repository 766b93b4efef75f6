/**
 * Endpoint identifiers: a number, or `prefix:value`.
 * @see cilium:pkg/endpoint/id/id.go#Parse
 */
import type { EndpointApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import type { Refused } from '../tool.ts';
import { usage } from './output.ts';

/** An endpoint, or the answer of the agent. */
export type FoundEndpoint = { readonly ok: true; readonly endpoint: EndpointApi } | { readonly ok: false; readonly error: string };

const PREFIXES = ['cilium-local', 'cilium-global', 'container-id', 'docker-endpoint', 'container-name', 'pod-name', 'ipv4', 'ipv6'];

/** Requires an identifier as first argument. @see cilium:cilium/cmd/helpers.go#requireEndpointID */
export function requireEndpointId(flags: Flags, line: string): Refused | null {
  const id = flags.positional[0];
  if (id === undefined) {
    return usage('Missing endpoint id argument', line);
  }
  const [prefix] = split(id);
  return PREFIXES.includes(prefix) ? null : usage(`Cannot parse endpoint id "${id}": unknown endpoint ID prefix "${prefix}"`, line);
}

/** The endpoint of an identifier. `path`: what was asked of the API, for the error. @see cilium:pkg/endpointmanager/manager.go#EndpointManager.Lookup */
export function findEndpoint(node: NodeView, id: string, path: string): FoundEndpoint {
  const [prefix, value] = split(id);
  const name = `[GET ${path}]`;
  const operation = `get${path.replace('{id}', 'id').replace(/\/([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
  if (prefix === 'cilium-local' && !/^\d{1,5}$/.test(value)) {
    return { ok: false, error: `${name}[400] ${operation}Invalid ` };
  }
  const endpoint = node.api.endpoints().find((one) => isCalled(one, prefix, value));
  return endpoint === undefined ? { ok: false, error: `${name}[404] ${operation}NotFound ` } : { ok: true, endpoint };
}

function isCalled({ id, status }: EndpointApi, prefix: string, value: string): boolean {
  const identifiers = status['external-identifiers'];
  switch (prefix) {
    case 'cilium-local':
      return id === Number(value);
    case 'container-id':
      return value !== '' && identifiers['container-id'] === value;
    case 'pod-name':
      // The help writes a colon between namespace and name, the agent a slash.
      return value !== '/' && identifiers['pod-name'] === value.replace(':', '/');
    case 'ipv4': {
      const addresses = status.networking['addressing'] as readonly { readonly ipv4?: string }[];
      return addresses.some(({ ipv4 }) => ipv4 !== undefined && ipv4 === value);
    }
    default:
      return false;
  }
}

function split(id: string): readonly [string, string] {
  const colon = id.indexOf(':');
  return colon < 0 ? ['cilium-local', id] : [id.slice(0, colon), id.slice(colon + 1)];
}
