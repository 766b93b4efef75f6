/**
 * Connections whose entries say that a proxy has them, although their endpoint's redirect is gone. A new connection with the ports of such an entry
 * opens it again as it was, and its answers go to a proxy that waits for none.
 * @see cilium:bpf/lib/conntrack.h#__ct_lookup
 */
import { proxyId } from '../agent/policy/proxyid.ts';
import { CT_PROXY_REDIRECT, TUPLE_F_IN } from '../maps/ctmap.ts';
import { type Nanos, SECOND } from '../sim/clock.ts';
import type { Cluster } from './cluster.ts';

/** Whether packets met such an entry within the time. */
export function meetsRedirectsLeft(cluster: Cluster, within: Nanos): boolean {
  const since = Math.floor((cluster.clock.now() - within) / SECOND);
  return cluster.nodes.some(({ agent }) =>
    [...agent.maps.ct4.entries()].some(([{ daddr, saddr, dport, flags }, entry]) => {
      const ingress = (flags & TUPLE_F_IN) !== 0;
      const owner = agent.endpoints.list().find(({ ipv4 }) => ipv4 === (ingress ? saddr : daddr));
      return (
        (entry.flags & CT_PROXY_REDIRECT) !== 0 &&
        Math.max(entry.lastTxReport, entry.lastRxReport) > since &&
        owner?.realizedRedirects.has(proxyId(owner.id, ingress, 'TCP', dport)) === false
      );
    }),
  );
}
