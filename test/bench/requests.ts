/** Requests through the proxy: on one kept connection, and with a connection each. */
import type { Cluster } from '../../src/cluster/cluster.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { starWars } from './clusters.ts';
import { type Figure, median, seconds } from './measure.ts';

const REQUESTS = 2000;

/** The figures. */
export function benchRequests(): Figure[] {
  return [
    { name: 'proxied requests, one kept connection', value: keptConnection(), unit: 'requests/s', note: 'aim: 20,000' },
    { name: 'proxied requests, a connection each', value: connectionEach(), unit: 'requests/s', note: 'aim: 6,000' },
  ];
}

function serviceAddress(cluster: Cluster): string {
  const service = cluster.api.get('Service', 'default', 'deathstar') as { readonly spec?: { readonly clusterIP?: string } } | undefined;
  return service?.spec?.clusterIP ?? '';
}

function keptConnection(): number {
  const cluster = starWars(true);
  const client = cluster.httpClient('default', 'tiefighter');
  const host = serviceAddress(cluster);
  let connected = false;
  client?.connect(host, 80, () => {
    connected = true;
  });
  cluster.runUntil(() => connected, 10 * SECOND);
  const request = { method: 'POST', path: '/v1/request-landing', headers: { Host: 'deathstar' }, body: '' };
  return (
    REQUESTS /
    median(() =>
      seconds(() => {
        for (let i = 0; i < REQUESTS; i++) {
          let status = 0;
          client?.send(request, (result) => {
            status = result.status;
          });
          cluster.runUntil(() => status !== 0, 10 * SECOND);
          if (status !== 200) {
            throw new Error(`request ${i}: ${status}`);
          }
        }
      }),
    )
  );
}

function connectionEach(): number {
  const cluster = starWars(true);
  const url = `${serviceAddress(cluster)}/v1/request-landing`;
  return (
    REQUESTS /
    median(() => {
      const took = seconds(() => {
        for (let i = 0; i < REQUESTS; i++) {
          const execution = cluster.exec('default', 'tiefighter', ['curl', '-s', '-XPOST', url]);
          cluster.runUntil(() => execution?.done === true, 10 * SECOND);
          if (execution?.result?.stdout !== 'Ship landed\n') {
            throw new Error(`request ${i}: ${JSON.stringify(execution?.result)}`);
          }
        }
      });
      // Ports in TIME-WAIT come back before the next run.
      cluster.advance(61 * SECOND);
      return took;
    })
  );
}
