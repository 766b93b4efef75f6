/**
 * Backends of services as clusters' endpoints.
 * @see cilium:pkg/envoy/ciliumenvoyconfig.go#XDSServer.UpsertEnvoyEndpoints
 */
import { formatIpv4 } from '../../net/ipv4.ts';
import type { ClusterLoadAssignment, LbEndpoint } from '../../xds/cluster.ts';
import { ENDPOINT_TYPE_URL } from '../../xds/stream.ts';
import { ANY_PORT, type ServiceName, serviceNameText } from '../service/l7lb.ts';
import type { Backend } from '../service/service.ts';
import type { XdsCacheServer } from './xds_server.ts';

/** Tells the proxy the backends of a service, by port. Nobody waits for an answer. */
export function upsertEnvoyEndpoints(xds: XdsCacheServer, service: ServiceName, backends: ReadonlyMap<string, readonly Backend[]>): void {
  for (const resource of envoyEndpoints(service, backends)) {
    xds.upsert(ENDPOINT_TYPE_URL, resource.cluster_name, resource, { group: null });
  }
}

/**
 * The resources for a service: `namespace/name:port` for each port, and `namespace/name` for all ports together.
 * @remarks Simplified: with several named ports the list of each also has the backends of those before it, as in 1.13.3, where their order is that of a Go map.
 */
function envoyEndpoints(service: ServiceName, backends: ReadonlyMap<string, readonly Backend[]>): ClusterLoadAssignment[] {
  const name = serviceNameText(service);
  const resources: ClusterLoadAssignment[] = [];
  const endpoints: LbEndpoint[] = [];
  for (const [port, some] of backends) {
    for (const { address, port: number } of some) {
      endpoints.push({ endpoint: { address: { socket_address: { address: formatIpv4(address), port_value: number } } } });
    }
    const names = port === ANY_PORT ? [`${name}:${port}`, name] : [`${name}:${port}`];
    resources.push(...names.map((cluster_name) => ({ cluster_name, endpoints: [{ lb_endpoints: [...endpoints] }] })));
  }
  return resources;
}
