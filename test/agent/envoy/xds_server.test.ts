/** Who has acknowledged what: Envoy, and the library with the parsers as a node of its own. */
import { describe, expect, it } from 'vitest';
import { ENVOY_NODE, PROXYLIB_NODE, XdsCacheServer } from '../../../src/agent/envoy/xds_server.ts';
import { SimClock } from '../../../src/sim/clock.ts';
import { Journey } from '../../../src/sim/journey.ts';
import { SimScheduler } from '../../../src/sim/scheduler.ts';
import { type DiscoveryResponse, NETWORK_POLICY_TYPE_URL, type XdsStream } from '../../../src/xds/stream.ts';

const TYPE = NETWORK_POLICY_TYPE_URL;
const resource = (id: number) => ({ endpoint_ips: ['10.0.0.1'], endpoint_id: id });

/** A client that answers when it is told to. */
class Client {
  readonly #stream: XdsStream;
  readonly #nodeId: string;
  readonly responses: DiscoveryResponse[] = [];
  #version = '';

  constructor(server: XdsCacheServer, node: string) {
    this.#nodeId = `host~${node}~no-id~localdomain`;
    this.#stream = server.open((response) => void this.responses.push(response));
    this.answer(null);
  }

  answer(error: string | null, nonce = this.responses.at(-1)?.nonce ?? ''): void {
    this.#version = error === null ? nonce : this.#version;
    const detail = error === null ? {} : { errorDetail: error };
    this.#stream.send({
      typeUrl: TYPE,
      nodeId: this.#nodeId,
      versionInfo: this.#version,
      responseNonce: nonce,
      resourceNames: [],
      ...detail,
    });
  }
}

describe('a change that two nodes must acknowledge', () => {
  const make = () => {
    const scheduler = new SimScheduler(new SimClock(0, 0));
    const server = new XdsCacheServer(scheduler, new Journey(() => 0));
    const settle = (): void => scheduler.runUntil(scheduler.clock.now());
    const envoy = new Client(server, ENVOY_NODE);
    const parsers = new Client(server, PROXYLIB_NODE);
    settle();
    const told: (string | null)[] = [];
    server.upsert(TYPE, '1', resource(1), (error) => void told.push(error), [ENVOY_NODE, PROXYLIB_NODE]);
    settle();
    return { server, settle, envoy, parsers, told };
  };

  it('is done when both have', () => {
    const { server, settle, envoy, parsers, told } = make();
    envoy.answer(null);
    settle();
    expect([told, server.quiet]).toEqual([[], false]);
    parsers.answer(null);
    settle();
    expect([told, server.quiet]).toEqual([[null], true]);
    server.upsert(TYPE, '1', resource(1), (error) => void told.push(error), [ENVOY_NODE, PROXYLIB_NODE]);
    expect(told).toEqual([null, null]);
  });

  it('has failed if the last of them refuses, and only then', () => {
    const refusedLast = make();
    refusedLast.envoy.answer(null);
    refusedLast.parsers.answer('no such rule');
    refusedLast.settle();
    expect(refusedLast.told).toEqual(['NACK received: no such rule']);
    const refusedFirst = make();
    refusedFirst.parsers.answer('no such rule');
    refusedFirst.envoy.answer(null);
    refusedFirst.settle();
    expect(refusedFirst.told).toEqual([null]);
  });

  it('one that concerns Envoy alone does not wait for the other', () => {
    const { server, settle, envoy, told } = make();
    server.upsert(TYPE, '2', resource(2), (error) => void told.push(error));
    settle();
    envoy.answer(null);
    settle();
    expect(told).toEqual([null]);
  });
});
