/** Who has acknowledged what: Envoy, and the library with the parsers as a node of its own. */
import { describe, expect, it } from 'vitest';
import { WaitGroup } from '../../../src/agent/completion/completion.ts';
import { ENVOY_NODE, PROXYLIB_NODE } from '../../../src/agent/envoy/acking_resources.ts';
import { XdsCacheServer } from '../../../src/agent/envoy/xds_server.ts';
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
  readonly #names: readonly string[];
  #version = '';

  constructor(server: XdsCacheServer, node: string, names: readonly string[] = []) {
    this.#names = names;
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
      resourceNames: this.#names,
      ...detail,
    });
  }
}

function newServer() {
  const scheduler = new SimScheduler(new SimClock(0, 0));
  const server = new XdsCacheServer(scheduler, new Journey(() => 0));
  const settle = (): void => scheduler.runUntil(scheduler.clock.now());
  const told: (string | null)[] = [];
  const waits = (nodes = [ENVOY_NODE]) => ({
    group: new WaitGroup(scheduler, 1e9),
    callback: (error: string | null) => void told.push(error),
    nodes,
  });
  const newClient = (node: string): Client => {
    const client = new Client(server, node);
    settle();
    client.answer(null);
    settle();
    return client;
  };
  return { server, settle, told, waits, newClient };
}

describe('a change that two nodes must acknowledge', () => {
  const BOTH = [ENVOY_NODE, PROXYLIB_NODE];
  const make = () => {
    const { newClient, waits, ...rest } = newServer();
    const envoy = newClient(ENVOY_NODE);
    const parsers = newClient(PROXYLIB_NODE);
    rest.server.upsert(TYPE, '1', resource(1), waits(BOTH));
    rest.settle();
    return { ...rest, waits, envoy, parsers };
  };

  it('is done when both have', () => {
    const { server, settle, envoy, parsers, told, waits } = make();
    envoy.answer(null);
    settle();
    expect([told, server.quiet]).toEqual([[], false]);
    parsers.answer(null);
    settle();
    expect([told, server.quiet]).toEqual([[null], true]);
    const again = waits(BOTH);
    let waited: string | null | undefined;
    server.upsert(TYPE, '1', resource(1), again);
    again.group.wait((error) => {
      waited = error;
    });
    settle();
    expect([told, waited]).toEqual([[null], null]);
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
    const { server, settle, envoy, told, waits } = make();
    server.upsert(TYPE, '2', resource(2), waits());
    envoy.answer(null);
    settle();
    envoy.answer(null);
    settle();
    expect(told).toEqual([null]);
  });
});

describe('versions', () => {
  it('the next is sent when the last is answered', () => {
    const { server, settle, told, waits, newClient } = newServer();
    const envoy = newClient(ENVOY_NODE);
    for (const id of [1, 2, 3]) {
      server.upsert(TYPE, String(id), resource(id), waits());
      settle();
    }
    expect(envoy.responses.map(({ versionInfo }) => versionInfo)).toEqual(['1', '2']);
    envoy.answer(null);
    settle();
    expect(envoy.responses.map(({ versionInfo }) => versionInfo)).toEqual(['1', '2', '4']);
    expect(told).toEqual([null]);
    envoy.answer(null);
    settle();
    expect(told).toEqual([null, null, null]);
  });

  it('one that is refused is not sent again, and who wants the same waits until something else changes', () => {
    const { server, settle, told, waits, newClient } = newServer();
    const envoy = newClient(ENVOY_NODE);
    const undo = server.upsert(TYPE, '1', resource(1), waits());
    settle();
    envoy.answer('no');
    settle();
    expect([told, server.refused()]).toEqual([['NACK received: no'], [TYPE]]);
    server.upsert(TYPE, '1', resource(1), waits());
    settle();
    expect([told.length, envoy.responses.length, server.quiet]).toEqual([1, 2, false]);
    undo();
    settle();
    envoy.answer(null);
    settle();
    expect([told, server.refused(), server.quiet]).toEqual([['NACK received: no', null], [], true]);
  });

  it('who has waited in vain does not hear of a later answer', () => {
    const { server, settle, told, waits, newClient } = newServer();
    const envoy = newClient(ENVOY_NODE);
    const both = waits();
    server.upsert(TYPE, '1', resource(1), both);
    both.group.addCompletion().complete('somebody else failed');
    let ended: string | null = null;
    both.group.wait((error) => {
      ended = error;
    });
    settle();
    expect([ended, told]).toEqual(['somebody else failed', ['context canceled']]);
    envoy.answer(null);
    settle();
    expect(told).toEqual(['context canceled']);
  });

  it('a client that asks for names hears only of those', () => {
    const { server, settle } = newServer();
    server.upsert(TYPE, '1', resource(1), { group: null });
    const client = new Client(server, ENVOY_NODE, ['1']);
    settle();
    client.answer(null);
    server.upsert(TYPE, '2', resource(2), { group: null });
    settle();
    expect([client.responses.map(({ versionInfo }) => versionInfo), server.quiet]).toEqual([['2'], true]);
    server.upsert(TYPE, '1', resource(3), { group: null });
    settle();
    expect(client.responses.at(-1)).toMatchObject({ versionInfo: '4', resources: [{ name: '1' }] });
  });

  it('resources that went before they were sent leave who waits for them waiting', () => {
    const { server, settle, told, waits, newClient } = newServer();
    const envoy = newClient(ENVOY_NODE);
    server.upsert(TYPE, '1', resource(1), waits());
    server.delete(TYPE, '1', null);
    settle();
    envoy.answer(null);
    settle();
    expect([told, server.quiet]).toEqual([[], false]);
  });
});
