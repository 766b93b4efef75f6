/** Kept connections of a scenario, over a client process in the pod. */
import type { Cluster } from '../cluster/cluster.ts';
import type { ConnectTarget, KeepAliveConnection, OpenResult } from './connection.ts';
import type { PodName } from './host.ts';

const ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  EPERM: 'operation not permitted',
  closed: 'closed by the peer',
  unresolved: 'no such host',
  usage: 'not a URL',
};

/** Opens a connection from a pod; waits until it stands. */
export function openConnection(cluster: Cluster, pod: PodName, target: ConnectTarget): OpenResult {
  const client = cluster.httpClient(pod.namespace, pod.name, target.http2 ?? false);
  if (client === null) {
    return { ok: false, error: `pod ${pod.namespace}/${pod.name} does not run` };
  }
  let outcome: string | null = null;
  client.connect(target.host, target.port, (error) => {
    outcome = error ?? '';
  });
  cluster.runUntil(() => outcome !== null, target.timeout);
  if (outcome !== '') {
    client.close();
    return { ok: false, error: outcome === null ? 'timed out' : (ERRORS[outcome] ?? outcome) };
  }
  const connection: KeepAliveConnection = {
    local: client.local,
    request: (request, timeout) => {
      let result: ReturnType<KeepAliveConnection['request']> | null = null;
      client.send(request, (answer) => {
        result =
          answer.error === null
            ? { ok: true, status: answer.status, body: answer.body }
            : { ok: false, error: ERRORS[answer.error] ?? answer.error };
      });
      cluster.runUntil(() => result !== null, timeout);
      cluster.advance(0);
      return result ?? { ok: false, error: 'timed out' };
    },
    close: () => {
      client.close();
      cluster.advance(0);
    },
  };
  return { ok: true, connection };
}
