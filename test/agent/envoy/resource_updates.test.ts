/** Changes of an object's resources, against a proxy that answers when it is told to. */
import { describe, expect, it } from 'vitest';
import type { EnvoyResources } from '../../../src/agent/envoy/config_resources.ts';
import { ResourceUpdates } from '../../../src/agent/envoy/resource_updates.ts';
import { XdsCacheServer } from '../../../src/agent/envoy/xds_server.ts';
import { SECOND, SimClock } from '../../../src/sim/clock.ts';
import { Journey } from '../../../src/sim/journey.ts';
import { SimScheduler } from '../../../src/sim/scheduler.ts';
import { CLUSTER_TYPE_URL, type DiscoveryResponse, LISTENER_TYPE_URL, ROUTE_TYPE_URL, type TypeUrl } from '../../../src/xds/stream.ts';

const NONE: EnvoyResources = { listeners: [], secrets: [], routes: [], clusters: [], endpoints: [], portAllocations: new Set() };

function object(port: number, more: Partial<EnvoyResources> = {}): EnvoyResources {
  return {
    ...NONE,
    listeners: [{ name: 'in', address: { socket_address: { address: '0.0.0.0', port_value: port } }, filter_chains: [] }],
    clusters: [{ name: 'there' }],
    routes: [{ name: 'routes' }],
    portAllocations: new Set(['in']),
    ...more,
  };
}

function setup() {
  const scheduler = new SimScheduler(new SimClock(0, 0));
  const xds = new XdsCacheServer(scheduler, new Journey(() => 0));
  const told: string[] = [];
  const proxy = {
    startEnvoy: () => void told.push('start'),
    ackProxyPort: (name: string) => void told.push(`ack ${name}`),
    releaseProxyPort: (name: string) => void told.push(`release ${name}`),
  };
  const updates = new ResourceUpdates({ scheduler, xds, proxy, timeout: 120 * SECOND });
  const responses: DiscoveryResponse[] = [];
  const stream = xds.open((response) => void responses.push(response));
  const accepted = new Map<TypeUrl, string>();
  const settle = (): void => scheduler.runUntil(scheduler.clock.now());
  const send = (typeUrl: TypeUrl, responseNonce: string, errorDetail?: string): void => {
    const nodeId = 'host~127.0.0.1~no-id~localdomain';
    const versionInfo = accepted.get(typeUrl) ?? '';
    stream.send({ typeUrl, nodeId, versionInfo, responseNonce, resourceNames: [], ...(errorDetail === undefined ? {} : { errorDetail }) });
    settle();
  };
  /** Answers what has come; `refuse` names a type whose news are refused. */
  const answer = (refuse: TypeUrl | null = null): string[] => {
    settle();
    return responses.splice(0).map(({ typeUrl, nonce, resources }) => {
      if (typeUrl !== refuse) {
        accepted.set(typeUrl, nonce);
      }
      send(typeUrl, nonce, typeUrl === refuse ? 'no' : undefined);
      return `${typeUrl.split('.').at(-1)} ${resources.map(({ name }) => name).join()}`;
    });
  };
  for (const type of [CLUSTER_TYPE_URL, LISTENER_TYPE_URL] as const) {
    send(type, '');
  }
  answer();
  const done = (error: string | null): void => void told.push(error ?? 'done');
  return { updates, told, answer, settle, scheduler, xds, done };
}

describe('adding', () => {
  it('sends clusters, waits for them, then the listener; the port counts when that is there', () => {
    const { updates, told, answer, done } = setup();
    updates.upsert(object(10), done);
    expect(answer()).toEqual(['Cluster there']);
    expect(answer()).toEqual(['Listener in']);
    answer();
    expect(told).toEqual(['start', 'ack in', 'done']);
  });

  it('nobody waits without listeners', () => {
    const { updates, told, done } = setup();
    updates.upsert({ ...object(10), listeners: [] }, done);
    expect(told).toEqual(['start', 'done']);
  });

  it.each([
    ['a cluster', CLUSTER_TYPE_URL],
    ['the listener', LISTENER_TYPE_URL],
  ] as const)('takes all back when %s is refused', (_what, type) => {
    const { updates, told, answer, settle, done, xds } = setup();
    updates.upsert(object(10), done);
    answer(type);
    answer(type);
    settle();
    expect(told).toEqual(['start', 'NACK received: no']);
    expect([xds.get(CLUSTER_TYPE_URL, 'there'), xds.get(ROUTE_TYPE_URL, 'routes'), xds.get(LISTENER_TYPE_URL, 'in')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('ends when the proxy does not answer in time', () => {
    const { updates, told, scheduler, done, xds } = setup();
    updates.upsert(object(10), done);
    scheduler.runUntil(scheduler.clock.now() + 121 * SECOND);
    expect(told).toEqual(['start', 'context deadline exceeded']);
    expect(xds.get(CLUSTER_TYPE_URL, 'there')).toBeUndefined();
  });
});

describe('an object that is there', () => {
  function there(port = 10) {
    const all = setup();
    all.updates.upsert(object(port), () => undefined);
    for (let i = 0; i < 4; i++) {
      all.answer();
    }
    all.told.length = 0;
    return all;
  }

  it('changes without giving its port up', () => {
    const { updates, told, answer, done, xds } = there();
    updates.update(object(10), object(10, { clusters: [{ name: 'elsewhere' }], routes: [] }), done);
    for (let i = 0; i < 4; i++) {
      answer();
    }
    expect(told).toEqual(['start', 'done']);
    expect([xds.get(CLUSTER_TYPE_URL, 'there'), xds.get(ROUTE_TYPE_URL, 'routes')]).toEqual([undefined, undefined]);
    expect(xds.get(CLUSTER_TYPE_URL, 'elsewhere')).toBeDefined();
  });

  it('moves to another port by going first', () => {
    const { updates, told, answer, done } = there();
    updates.update(object(10), object(11), done);
    expect(answer()).toEqual(['Listener ']);
    for (let i = 0; i < 4; i++) {
      answer();
    }
    expect(told).toEqual(['start', 'release in', 'ack in', 'done']);
  });

  it('goes with its port', () => {
    const { updates, told, answer, done, xds } = there();
    updates.delete(object(10), done);
    answer();
    answer();
    expect(told).toEqual(['release in', 'done']);
    expect(xds.get(LISTENER_TYPE_URL, 'in')).toBeUndefined();
  });
});
