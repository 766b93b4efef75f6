/** Whether what is allowed goes through a proxy. Statements are put together port by port as written, selector by selector (quirks 21 and 22). */
import type { AtProxy, Hit } from './judge.ts';
import type { OracleFlow } from './oracle.ts';

/** Told from the allows that are left of a flow. */
export function isAtProxy(allows: readonly Hit[], { port }: Pick<OracleFlow, 'port'>): AtProxy {
  // What speaks of all ports is asked after what speaks of this one, and never sends to a proxy.
  const here = allows.filter((hit) => hit.port !== 0 && hit.port === port);
  const groups = [...new Set(here.map(({ name }) => name))].map((name) => here.filter((hit) => hit.name === name));
  const sends = (hits: readonly Hit[]): boolean => hits.some(({ seven }) => seven !== null);
  const own = groups.flatMap((hits) => hits.filter(({ everyone }) => !everyone));
  if (sends(own)) {
    return 'yes';
  }
  const keyed = groups.some((hits) => hits.some(({ everyone }) => !everyone) && !hits.some(({ everyone }) => everyone));
  if (keyed) {
    return 'no';
  }
  if (!sends(here)) {
    return 'no';
  }
  // The peer's own entry is left out where everyone's does as much; who joins later gets it all the same.
  return own.length > 0 ? 'either' : 'yes';
}
