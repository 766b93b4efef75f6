/**
 * The second half of redirects: once a proxy port is there, the filter's keys get it.
 * @see cilium:pkg/endpoint/bpf.go#addNewRedirectsFromDesiredPolicy
 */
import type { L4Filter, NamedPorts } from './l4.ts';
import { filterKeys } from './l4.ts';
import type { MapState } from './mapstate.ts';
import { proxyId } from './proxyid.ts';
import type { EndpointPolicy } from './resolve.ts';

/** A redirect a policy asks for. */
export interface WantedRedirect {
  /** `863:ingress:TCP:80` */
  readonly proxyId: string;
  readonly filter: L4Filter;
  /** Resolved. */
  readonly port: number;
}

/** What was written; `revert` restores the map state as it was. */
export interface AddedRedirects {
  /** Redirects that now are in force, by proxy id, with their proxy ports. */
  readonly ports: ReadonlyMap<string, number>;
  revert(): void;
}

/**
 * Goes through the redirects of one direction: asks for each one's proxy port and writes its keys. A filter whose whole direction or whose own
 * L4-only key is denied gets no redirect; so does a named port that means nothing. `obtainPort` answers `null` to leave a redirect out.
 */
export function addNewRedirects(
  policy: EndpointPolicy,
  endpointId: number,
  ingress: boolean,
  obtainPort: (redirect: WantedRedirect) => number | null,
): AddedRedirects {
  const { l4Policy } = policy.selectorPolicy;
  const ports = new Map<string, number>();
  const revert = policy.mapState.undoable(() => {
    for (const filter of (ingress ? l4Policy.ingress : l4Policy.egress).values()) {
      const port = filter.isRedirect() && allowsL4(policy.mapState, filter, policy.owner) ? filter.resolvePort(policy.owner) : null;
      if (port === null) {
        continue;
      }
      const id = proxyId(endpointId, ingress, filter.protocol, port);
      const proxyPort = obtainPort({ proxyId: id, filter, port });
      if (proxyPort !== null) {
        ports.set(id, proxyPort);
        writeKeys(policy, filter, port, proxyPort);
      }
    }
  });
  return { ports, revert };
}

function writeKeys(policy: EndpointPolicy, filter: L4Filter, port: number, proxyPort: number): void {
  const { mapState } = policy;
  const { cache, config } = policy.selectorPolicy;
  const context = { nets: cache.nets, coveredDenyDropped: config.quirks.coveredDenyDropped, proxyPort };
  filterKeys(filter, port, context, (identity, entry) => {
    if (config.quirks.redirectOverwritesDeny) {
      mapState.set(identity, port, filter.u8Proto, filter.direction, entry);
    } else {
      mapState.denyPreferredInsert(identity, port, filter.u8Proto, filter.direction, entry, cache.nets);
    }
  });
}

/** Whether neither the direction nor the filter's port is denied to everyone. @see cilium:pkg/policy/mapstate.go#MapState.AllowsL4 */
export function allowsL4(mapState: MapState, filter: L4Filter, names: NamedPorts): boolean {
  const port = filter.resolvePort(names);
  if (port === null || mapState.deniesAll(filter.direction)) {
    return false;
  }
  return !(mapState.get(0, port, filter.u8Proto, filter.direction)?.isDeny ?? false);
}
