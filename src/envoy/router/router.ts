/**
 * The router: picks route, cluster and host, asks the filters' upstream callbacks, and relays the response.
 * @see envoy:source/common/router/router.cc#Filter
 * @see proxy:patches/0002-upstream-Add-callback-for-upstream-authorization.patch
 */
import { MILLISECOND } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import { REDIRECT_CODES } from '../../xds/route.ts';
import { Timeout, type TimeoutQueue } from '../event/timeout_queue.ts';
import type { HeaderMap } from '../http/header_map.ts';
import type { LocalReply, StreamCallbacks, StreamFilter } from '../http/stream_filter.ts';
import type { ServerContext } from '../server_context.ts';
import { type Cluster, type Host, type HostResult, poolKeyOf } from '../upstream/cluster.ts';
import type { RouteSource } from './config_impl.ts';
import { grpcTimeoutMillis, grpcTimeoutText } from './grpc_timeout.ts';
import { redirectUri } from './path_rewrite.ts';
import { RetryState } from './retry_state.ts';
import { type DirectAction, type ForwardAction, finalizeRequestHeaders, finalizeResponseHeaders, type RouteEntry } from './route_entry.ts';
import { recordRequest, recordRetry, recordRoute } from './router_journey.ts';
import { UpstreamRequest, type UpstreamRequestOwner, type UpstreamReset } from './upstream_request.ts';
import { pickWeightedCluster, totalWeight, type WeightedCluster } from './weighted_clusters.ts';

/** Bytes of a request kept for a repetition. @see envoy:source/common/router/router.cc#Filter::decodeData */
const RETRY_BUFFER_LIMIT = 1024 * 1024;

const TIMEOUT_HEADERS: ReadonlySet<string> = new Set(['x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms']);

const CONNECTED: HostResult = { kind: 'connected' };
const CONNECT_FAILED: HostResult = { kind: 'connect-failed' };

const NO_HEALTHY_UPSTREAM: LocalReply = { status: 503, body: 'no healthy upstream', details: 'no_healthy_upstream' };

/** @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::ActiveStream::onStreamMaxDurationReached */
const TOO_LONG: LocalReply = { status: 408, body: 'downstream duration timeout', details: 'max_duration_timeout', grpcStatus: 4 };

const DENIED: LocalReply = { status: 403, body: 'Access denied\r\n', details: '' };

/** What the router of a connection manager is made from. */
export interface RouterConfig {
  readonly routes: RouteSource;
  /** Queue of global timeouts by milliseconds. */
  timeouts(milliseconds: number): TimeoutQueue;
}

/** The filter of one stream. */
export class Router implements StreamFilter, UpstreamRequestOwner {
  readonly #context: ServerContext;
  readonly #config: RouterConfig;
  readonly #callbacks: StreamCallbacks;
  #headers: HeaderMap | null = null;
  #cluster: Cluster | null = null;
  #host: Host | null = null;
  #retry: RetryState | null = null;
  #request: UpstreamRequest | null = null;
  #body: Uint8Array[] = [];
  #bodyBytes = 0;
  #trailers: HeaderMap | null = null;
  #requestComplete = false;
  #completeAt = 0;
  #attempts = 0;
  #responseStarted = false;
  #timeoutMs = 0;
  #timeout: Timeout | null = null;
  /** Of the stream as a whole. */
  #duration: Timer | null = null;
  /** Time an attempt has once it is connected; 0: as much as the whole. */
  #perTryMs = 0;
  #perTry: Timeout | null = null;
  /** The attempt that is connected. */
  #connected: { readonly request: UpstreamRequest; readonly host: Host } | null = null;
  #route: RouteEntry | null = null;
  #weighted: WeightedCluster | null = null;

  constructor(context: ServerContext, config: RouterConfig, callbacks: StreamCallbacks) {
    this.#context = context;
    this.#config = config;
    this.#callbacks = callbacks;
  }

  get requestHeaders(): HeaderMap {
    return this.#headers as HeaderMap;
  }

  /** @see envoy:source/common/router/router.cc#Filter::decodeHeaders */
  decodeHeaders(headers: HeaderMap, endStream: boolean): 'continue' | 'stop' {
    this.#headers = headers;
    const entry = this.#findRoute(headers);
    if (entry === null) {
      this.#callbacks.sendLocalReply({ status: 404, body: '', details: 'route_not_found' });
      return 'stop';
    }
    this.#route = entry;
    const { action } = entry;
    if (action.kind !== 'forward') {
      this.#sendDirectResponse(entry, action, headers);
      return 'stop';
    }
    const target = this.#pickCluster(action);
    recordRoute(this.#context.journey, target, entry.text);
    const cluster = this.#context.clusters.get(target);
    if (cluster === null) {
      this.#callbacks.sendLocalReply({ status: 503, body: '', details: 'cluster_not_found' });
      return 'stop';
    }
    this.#cluster = cluster;
    const host = cluster.chooseHost(this.#callbacks.connection.info.local);
    if (host === null) {
      this.#callbacks.sendLocalReply(NO_HEALTHY_UPSTREAM);
      return 'stop';
    }
    if (!this.#callbacks.connection.iterateUpstreamCallbacks(host.address)) {
      this.#callbacks.sendLocalReply(DENIED);
      return 'stop';
    }
    this.#startTimeout(action, headers);
    this.#startDuration(action, headers);
    finalizeRequestHeaders(entry, action, this.#weighted, headers);
    this.#retry = RetryState.create(this.#context, cluster, action.retry, headers);
    if (endStream) {
      this.#onRequestComplete();
    }
    this.#attempt(host);
    return 'stop';
  }

  /** @see envoy:source/common/router/router.cc#Filter::decodeData */
  decodeData(bytes: Uint8Array, endStream: boolean): void {
    if (endStream) {
      this.#onRequestComplete();
    }
    if (this.#retry !== null) {
      this.#bodyBytes += bytes.length;
      if (this.#bodyBytes > RETRY_BUFFER_LIMIT) {
        this.#abandonRetry();
        if (this.#request === null) {
          this.#callbacks.sendLocalReply({
            status: 507,
            body: 'exceeded request buffer limit while retrying upstream',
            details: 'request_payload_exceeded_retry_buffer_limit',
          });
          return;
        }
      } else if (bytes.length > 0) {
        this.#body.push(bytes);
      }
    }
    this.#request?.encodeData(bytes, endStream);
  }

  /** @see envoy:source/common/router/router.cc#Filter::decodeTrailers */
  decodeTrailers(trailers: HeaderMap): void {
    this.#trailers = trailers;
    this.#request?.encodeTrailers(trailers);
    this.#onRequestComplete();
  }

  onDestroy(): void {
    this.#cleanup();
  }

  onUpstreamReady(request: UpstreamRequest, host: Host): boolean {
    if (this.#callbacks.iterateUpstreamCallbacks(this.requestHeaders, host.address)) {
      recordRequest(this.#context.journey, host.address.text, this.#callbacks.id, this.#attempts, this.requestHeaders);
      host.cluster.putResult(host, CONNECTED);
      this.#startPerTry(request, host);
      return true;
    }
    // Answering ends the stream, which resets this attempt: its connection closes without a byte of the request.
    this.#callbacks.sendLocalReply(DENIED);
    request.reset();
    return false;
  }

  /** @see envoy:source/common/router/router.cc#Filter::onUpstreamHeaders */
  onUpstreamHeaders(request: UpstreamRequest, headers: HeaderMap, endStream: boolean): void {
    this.#stopPerTry();
    this.#host?.cluster.putResult(this.#host, { kind: 'response', status: Number(headers.get(':status')) });
    if (this.#retry !== null) {
      const status = this.#retry.shouldRetryHeaders(Number(headers.get(':status')), () => this.#doRetry());
      if (status === 'yes') {
        recordRetry(this.#context.journey, `status ${headers.get(':status') ?? ''}`, this.#attempts);
        this.#request = null;
        if (!endStream || !request.encodeComplete) {
          request.reset();
        }
        return;
      }
    }
    this.#responseStarted = true;
    if (this.#requestComplete) {
      const elapsed = Math.floor((this.#context.dispatcher.clock.now() - this.#completeAt) / MILLISECOND);
      headers.set('x-envoy-upstream-service-time', String(elapsed));
    }
    if (this.#route !== null) {
      finalizeResponseHeaders(this.#route, this.#weighted, headers);
    }
    this.#finishIfComplete(request, endStream);
    this.#callbacks.encodeHeaders(headers, endStream);
  }

  onUpstreamData(request: UpstreamRequest, bytes: Uint8Array, endStream: boolean): void {
    this.#finishIfComplete(request, endStream);
    this.#callbacks.encodeData(bytes, endStream);
  }

  onUpstreamTrailers(request: UpstreamRequest, trailers: HeaderMap): void {
    this.#finishIfComplete(request, true);
    this.#callbacks.encodeTrailers(trailers);
  }

  /** @see envoy:source/common/router/router.cc#Filter::onUpstreamReset */
  onUpstreamReset(_request: UpstreamRequest, reset: UpstreamReset): void {
    this.#request = null;
    this.#stopPerTry();
    if (this.#responseStarted) {
      this.#cleanup();
      this.#callbacks.resetStream();
      return;
    }
    if (reset.reason !== 'overflow') {
      this.#host?.cluster.putResult(this.#host, CONNECT_FAILED);
    }
    if (this.#retry?.shouldRetryReset(reset.reason, () => this.#doRetry()) === 'yes') {
      recordRetry(this.#context.journey, reset.reason, this.#attempts);
      return;
    }
    const retried = this.#attempts > 1 ? 'retried and the latest ' : '';
    const failure = reset.transportFailure === '' ? '' : `, transport failure reason: ${reset.transportFailure}`;
    this.#cleanup();
    this.#callbacks.sendLocalReply({
      status: reset.reason === 'protocol error' ? 502 : 503,
      body: `upstream connect error or disconnect/reset before headers. ${retried}reset reason: ${reset.reason}${failure}`,
      details: 'upstream_reset_before_response_started',
      headers: reset.reason === 'overflow' ? [['x-envoy-overloaded', 'true']] : [],
    });
  }

  #findRoute(headers: HeaderMap): RouteEntry | null {
    const { table } = this.#config.routes;
    const entry = table === null ? null : table.match(headers);
    if (entry === null && this.#context.journey.recording) {
      const path = headers.get(':path') ?? 'a request without path';
      recordRoute(this.#context.journey, 'no route', table === null ? 'there are no routes yet' : `no route matches ${path}`);
    }
    return entry;
  }

  #pickCluster({ cluster }: ForwardAction): string {
    if (typeof cluster === 'string') {
      return cluster;
    }
    this.#weighted = pickWeightedCluster(cluster, this.#context.rng.below(totalWeight(cluster)));
    return this.#weighted.name;
  }

  /** @see envoy:source/common/router/router.cc#Filter::decodeHeaders */
  #sendDirectResponse(entry: RouteEntry, action: DirectAction, headers: HeaderMap): void {
    const redirect = action.kind === 'redirect';
    const location = redirect ? redirectUri(action.redirect, action.rewrite, headers) : '';
    const status = redirect ? REDIRECT_CODES[action.redirect.response_code ?? 'MOVED_PERMANENTLY'] : action.status;
    recordRoute(this.#context.journey, String(status), entry.text);
    this.#callbacks.sendLocalReply({
      status,
      body: redirect ? '' : action.body,
      details: 'direct_response',
      headers: location === '' ? [] : [['location', location]],
    });
  }

  /** @see envoy:source/common/router/router.cc#FilterUtility::finalTimeout */
  #startTimeout(action: ForwardAction, headers: HeaderMap): void {
    const wanted = headers.get('x-envoy-upstream-rq-timeout-ms');
    const wantedPerTry = headers.get('x-envoy-upstream-rq-per-try-timeout-ms');
    headers.removeAll(TIMEOUT_HEADERS);
    this.#perTryMs = milliseconds(wantedPerTry) ?? action.retry.perTryTimeoutMs;
    if (!action.newTimeouts) {
      this.#timeoutMs = milliseconds(wanted) ?? action.timeoutMs;
    }
    if (this.#timeoutMs > 0 && this.#perTryMs >= this.#timeoutMs) {
      this.#perTryMs = 0;
    }
    const expected = this.#perTryMs === 0 ? this.#timeoutMs : this.#perTryMs;
    if (expected > 0) {
      headers.set('x-envoy-expected-rq-timeout-ms', String(expected));
    }
  }

  /** How long the stream may take, or the client of a gRPC call wants to wait. @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::ActiveStream::refreshDurationTimeout */
  #startDuration(action: ForwardAction, headers: HeaderMap): void {
    const { grpcTimeoutMaxMs: most, maxDurationMs } = action;
    const asked = most === null ? null : grpcTimeoutMillis(headers.get('grpc-timeout'));
    const limit = asked === null ? maxDurationMs : most === null || most === 0 ? asked : Math.min(asked, most);
    if (asked !== null) {
      headers.set('grpc-timeout', grpcTimeoutText(limit));
    } else if (limit === 0) {
      return;
    }
    const { dispatcher } = this.#context;
    this.#duration = dispatcher.timer(limit * MILLISECOND, 'envoy stream duration', () => this.#callbacks.sendLocalReply(TOO_LONG));
  }

  #onRequestComplete(): void {
    this.#requestComplete = true;
    this.#completeAt = this.#context.dispatcher.clock.now();
    if (this.#timeoutMs > 0 && this.#timeout === null) {
      this.#timeout = new Timeout(() => this.#onTimeout());
      this.#config.timeouts(this.#timeoutMs).arm(this.#timeout);
    }
    this.#armPerTry();
  }

  /** An attempt has its time from when it is connected and the request is whole. @see envoy:source/common/router/upstream_request.cc#UpstreamRequest::setupPerTryTimeout */
  #startPerTry(request: UpstreamRequest, host: Host): void {
    this.#connected = { request, host };
    this.#armPerTry();
  }

  #armPerTry(): void {
    if (this.#perTryMs > 0 && this.#requestComplete && this.#connected !== null && this.#perTry === null) {
      const { request, host } = this.#connected;
      this.#perTry = new Timeout(() => this.#onPerTryTimeout(request, host));
      this.#config.timeouts(this.#perTryMs).arm(this.#perTry);
    }
  }

  #stopPerTry(): void {
    this.#connected = null;
    if (this.#perTry !== null) {
      this.#config.timeouts(this.#perTryMs).cancel(this.#perTry);
      this.#perTry = null;
    }
  }

  /** @see envoy:source/common/router/router.cc#Filter::onPerTryTimeoutCommon */
  #onPerTryTimeout(request: UpstreamRequest, host: Host): void {
    this.#perTry = null;
    this.#connected = null;
    request.reset();
    this.#request = null;
    host.cluster.putResult(host, { kind: 'request-timeout' });
    if (this.#retry?.shouldRetryReset('local reset', () => this.#doRetry()) === 'yes') {
      recordRetry(this.#context.journey, 'per try timeout', this.#attempts);
      return;
    }
    this.#cleanup();
    this.#callbacks.sendLocalReply({ status: 504, body: 'upstream request timeout', details: 'upstream_per_try_timeout' });
  }

  /** @see envoy:source/common/router/router.cc#Filter::onResponseTimeout */
  #onTimeout(): void {
    this.#timeout = null;
    this.#cleanup();
    if (this.#responseStarted) {
      this.#callbacks.resetStream();
    } else {
      this.#callbacks.sendLocalReply({ status: 504, body: 'upstream request timeout', details: 'response_timeout' });
    }
  }

  #attempt(host: Host): void {
    this.#attempts += 1;
    this.#host = host;
    const { connection, protocol } = this.#callbacks;
    const key = poolKeyOf(connection.info, host.cluster, host.cluster.upstreamProtocol(protocol));
    const request = new UpstreamRequest(this, this.#requestComplete);
    this.#request = request;
    request.start(host.pool(key), this.#body, this.#trailers);
  }

  /** @see envoy:source/common/router/router.cc#Filter::doRetry */
  #doRetry(): void {
    const headers = this.#headers;
    const cluster = this.#cluster;
    if (headers === null || cluster === null) {
      return;
    }
    if (this.#timeoutMs > 0 && this.#perTryMs === 0) {
      const elapsed = this.#requestComplete ? Math.floor((this.#context.dispatcher.clock.now() - this.#completeAt) / MILLISECOND) : 0;
      headers.set('x-envoy-expected-rq-timeout-ms', String(Math.max(1, this.#timeoutMs - elapsed)));
    }
    const host = cluster.chooseHost(this.#callbacks.connection.info.local);
    if (host === null) {
      this.#cleanup();
      this.#callbacks.sendLocalReply(NO_HEALTHY_UPSTREAM);
      return;
    }
    this.#attempt(host);
  }

  #abandonRetry(): void {
    this.#retry?.cancel();
    this.#retry = null;
    this.#body = [];
  }

  #finishIfComplete(request: UpstreamRequest, endStream: boolean): void {
    if (!endStream) {
      return;
    }
    if (this.#requestComplete) {
      this.#request = null;
    } else {
      request.reset();
    }
  }

  #cleanup(): void {
    this.#stopPerTry();
    this.#duration?.cancel();
    this.#retry?.cancel();
    this.#retry = null;
    this.#request?.reset();
    this.#request = null;
    if (this.#timeout !== null) {
      this.#config.timeouts(this.#timeoutMs).cancel(this.#timeout);
      this.#timeout = null;
    }
  }
}

/** A number of milliseconds in a header, or `null`. */
function milliseconds(text: string | null): number | null {
  return text !== null && /^[0-9]{1,12}$/.test(text) ? Number(text) : null;
}
