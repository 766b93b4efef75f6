/**
 * The TCP proxy filter: one upstream connection for each downstream one, opened at once, bytes and half-closes passed on.
 * @see envoy:source/common/tcp_proxy/tcp_proxy.cc#Filter
 * @see proxy:patches/0001-network-Add-callback-for-upstream-authorization.patch
 */
import { isErrno, type SocketErrno } from '../../kernel/socket.ts';
import { NO_BYTES } from '../../net/bytes.ts';
import type { Timer } from '../../sim/scheduler.ts';
import { inetOfSocket } from '../network/address.ts';
import type { CloseEvent, Connection } from '../network/connection.ts';
import type { ReadFilter, ServerConnection } from '../network/filter.ts';
import type { ServerContext } from '../server_context.ts';
import { connectUpstream, errnoNumber } from '../upstream/client_connection.ts';
import { type Cluster, poolKeyOf } from '../upstream/cluster.ts';
import type { PoolKey } from '../upstream/conn_pool.ts';

const SEE = 'envoy:source/common/tcp_proxy/tcp_proxy.cc#Filter::establishUpstreamConnection';

/** The filter of one connection. */
export class TcpProxy implements ReadFilter {
  readonly #context: ServerContext;
  readonly #cluster: Cluster;
  readonly #downstream: ServerConnection;
  #upstream: Connection | null = null;
  #connected = false;
  #timer: Timer | null = null;

  constructor(context: ServerContext, cluster: Cluster, downstream: ServerConnection) {
    this.#context = context;
    this.#cluster = cluster;
    this.#downstream = downstream;
  }

  onNewConnection(): 'continue' | 'stop' {
    this.#downstream.enableHalfClose();
    // Nothing is read, and no filter sees anything, before the upstream connection stands.
    this.#downstream.readDisable(true);
    const host = this.#cluster.chooseHost(this.#downstream.info.local);
    if (host === null) {
      this.#initFailure('UH', 'the cluster has no healthy host');
      return 'stop';
    }
    if (!this.#downstream.iterateUpstreamCallbacks(host.address)) {
      this.#initFailure('UAEX', 'the upstream callback refuses');
      return 'stop';
    }
    const key: PoolKey = poolKeyOf(this.#downstream.info, this.#cluster);
    const connection = connectUpstream(this.#context, host, key, this.#context.nextConnectionId());
    if (isErrno(connection)) {
      this.#initFailure('UF', `immediate connect error: ${errnoNumber(connection)}`);
      return 'stop';
    }
    this.#upstream = connection;
    this.#cluster.stats.connections.value += 1;
    connection.enableHalfClose(() => this.#downstream.write(NO_BYTES, true));
    connection.setCallbacks({
      onConnected: () => this.#onConnected(),
      onData: (bytes) => this.#downstream.write(bytes, false),
      onClosed: (event, errno) => this.#onUpstreamClosed(event, errno),
    });
    this.#record('connect', `to ${host.address.text}`);
    this.#timer = this.#context.dispatcher.timer(this.#cluster.connectTimeout, 'envoy connect timeout', () => connection.close('no-flush'));
    return 'continue';
  }

  onData(bytes: Uint8Array, endStream: boolean): Uint8Array | null {
    this.#upstream?.write(bytes);
    if (endStream) {
      this.#upstream?.end();
    }
    return null;
  }

  onClosed(event: CloseEvent): void {
    this.#timer?.cancel();
    if (event === 'remote-close') {
      this.#upstream?.close('flush-write');
    } else {
      this.#upstream?.close('no-flush');
    }
  }

  #onConnected(): void {
    this.#connected = true;
    this.#timer?.cancel();
    this.#record('connected', this.#upstream === null ? '' : `from ${inetOfSocket(this.#upstream.socket.local).text}`);
    this.#downstream.readDisable(false);
  }

  #onUpstreamClosed(event: CloseEvent, errno: SocketErrno | null): void {
    this.#timer?.cancel();
    if (!this.#connected) {
      this.#initFailure('UF', errno === null ? 'the upstream did not answer' : `delayed connect error: ${errnoNumber(errno)}`);
    } else if (event === 'remote-close') {
      this.#downstream.connection.close('flush-write');
    }
  }

  /** @see envoy:source/common/tcp_proxy/tcp_proxy.cc#Filter::onInitFailure */
  #initFailure(flag: string, why: string): void {
    this.#record(`closed, ${flag}`, why);
    this.#downstream.connection.close('no-flush');
  }

  #record(verdict: string, why: string): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'TcpProxy::Filter',
        see: SEE,
        verdict,
        why,
        data: { cluster: this.#cluster.name },
      });
    }
  }
}
