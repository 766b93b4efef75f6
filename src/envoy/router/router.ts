/**
 * The router: picks route, cluster and host, asks the filters' upstream callbacks, and relays the response.
 * @see envoy:source/common/router/router.cc#Filter
 * @see proxy:patches/0002-upstream-Add-callback-for-upstream-authorization.patch
 */
import { MILLISECOND } from '../../sim/clock.ts';
import type { Route, RouteConfiguration } from '../../xds/listener.ts';
import { Timeout, type TimeoutQueue } from '../event/timeout_queue.ts';
import type { HeaderMap } from '../http/header_map.ts';
import { hasGrpcContentType } from '../http/header_utility.ts';
import type { LocalReply, StreamCallbacks, StreamFilter } from '../http/stream_filter.ts';
import type { ServerContext } from '../server_context.ts';
import { type Host, type OriginalDstCluster, poolKeyOf } from '../upstream/original_dst_cluster.ts';
import { parseRetryPolicy, type RetryPolicy, RetryState } from './retry_state.ts';
import { UpstreamRequest, type UpstreamRequestOwner, type UpstreamReset } from './upstream_request.ts';

/** Bytes of a request kept for a repetition. @see envoy:source/common/router/router.cc#Filter::decodeData */
const RETRY_BUFFER_LIMIT = 1024 * 1024;

const TIMEOUT_HEADERS: ReadonlySet<string> = new Set(['x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms']);

const DENIED: LocalReply = { status: 403, body: 'Access denied\r\n', details: '' };

/** A route with its texts parsed. */
export interface RouteEntry {
  readonly route: Route;
  readonly retry: RetryPolicy;
  /** Global timeout; 0 = none. */
  readonly timeoutMs: number;
}

/** Parses the routes of the one virtual host. @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase */
export function routeEntries(config: RouteConfiguration): RouteEntry[] {
  return (config.virtual_hosts[0]?.routes ?? []).map((route) => ({
    route,
    retry: parseRetryPolicy(route.route.retry_policy),
    timeoutMs: route.route.max_stream_duration !== undefined ? 0 : durationMillis(route.route.timeout ?? '15s'),
  }));
}

/** What the router of a connection manager is made from. */
export interface RouterConfig {
  readonly routes: readonly RouteEntry[];
  /** Queue of global timeouts by milliseconds. */
  timeouts(milliseconds: number): TimeoutQueue;
}

/** The filter of one stream. */
export class Router implements StreamFilter, UpstreamRequestOwner {
  readonly #context: ServerContext;
  readonly #config: RouterConfig;
  readonly #callbacks: StreamCallbacks;
  #headers: HeaderMap | null = null;
  #cluster: OriginalDstCluster | null = null;
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
    const cluster = this.#context.clusters.get(entry.route.route.cluster);
    if (cluster === null) {
      this.#callbacks.sendLocalReply({ status: 503, body: '', details: 'cluster_not_found' });
      return 'stop';
    }
    this.#cluster = cluster;
    const host = cluster.chooseHost(this.#callbacks.connection.info.local);
    if (!this.#callbacks.connection.iterateUpstreamCallbacks(host.address)) {
      this.#callbacks.sendLocalReply(DENIED);
      return 'stop';
    }
    this.#startTimeout(entry, headers);
    this.#retry = RetryState.create(this.#context, cluster, entry.retry, headers);
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
      this.#recordRequest(host);
      return true;
    }
    // Answering ends the stream, which resets this attempt: its connection closes without a byte of the request.
    this.#callbacks.sendLocalReply(DENIED);
    request.reset();
    return false;
  }

  /** @see envoy:source/common/router/router.cc#Filter::onUpstreamHeaders */
  onUpstreamHeaders(request: UpstreamRequest, headers: HeaderMap, endStream: boolean): void {
    if (this.#retry !== null) {
      const status = this.#retry.shouldRetryHeaders(Number(headers.get(':status')), () => this.#doRetry());
      if (status === 'yes') {
        this.#recordRetry(`status ${headers.get(':status') ?? ''}`);
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
    if (this.#responseStarted) {
      this.#cleanup();
      this.#callbacks.resetStream();
      return;
    }
    if (this.#retry?.shouldRetryReset(reset.reason, () => this.#doRetry()) === 'yes') {
      this.#recordRetry(reset.reason);
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

  /** The first route that matches. @see envoy:source/common/router/config_impl.cc#VirtualHostImpl::getRouteFromEntries */
  #findRoute(headers: HeaderMap): RouteEntry | null {
    const path = headers.get(':path');
    const fits = ({ route }: RouteEntry, target: string): boolean =>
      target.startsWith(route.match.prefix) && (route.match.grpc === undefined || hasGrpcContentType(headers));
    const entry = path === null ? null : (this.#config.routes.find((one) => fits(one, path)) ?? null);
    const route = entry?.route ?? null;
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'Router::Filter::decodeHeaders',
        see: 'envoy:source/common/router/router.cc#Filter::decodeHeaders',
        verdict: route === null ? 'no route' : route.route.cluster,
        why:
          route === null
            ? `no route matches ${path ?? 'a request without path'}`
            : `prefix ${route.match.prefix}${route.match.grpc === undefined ? '' : ' with gRPC content'}`,
      });
    }
    return entry;
  }

  /** @see envoy:source/common/router/router.cc#FilterUtility::finalTimeout */
  #startTimeout(entry: RouteEntry, headers: HeaderMap): void {
    const wanted = headers.get('x-envoy-upstream-rq-timeout-ms');
    headers.removeAll(TIMEOUT_HEADERS);
    if (entry.route.route.max_stream_duration !== undefined) {
      return;
    }
    this.#timeoutMs = wanted !== null && /^[0-9]{1,12}$/.test(wanted) ? Number(wanted) : entry.timeoutMs;
    if (this.#timeoutMs > 0) {
      headers.set('x-envoy-expected-rq-timeout-ms', String(this.#timeoutMs));
    }
  }

  #onRequestComplete(): void {
    this.#requestComplete = true;
    this.#completeAt = this.#context.dispatcher.clock.now();
    if (this.#timeoutMs > 0 && this.#timeout === null) {
      this.#timeout = new Timeout(() => this.#onTimeout());
      this.#config.timeouts(this.#timeoutMs).arm(this.#timeout);
    }
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
    const { connection, protocol } = this.#callbacks;
    const key = poolKeyOf(connection.info, host.cluster, protocol === 'HTTP/2' ? protocol : 'HTTP/1.1');
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
    if (this.#timeoutMs > 0) {
      const elapsed = this.#requestComplete ? Math.floor((this.#context.dispatcher.clock.now() - this.#completeAt) / MILLISECOND) : 0;
      headers.set('x-envoy-expected-rq-timeout-ms', String(Math.max(1, this.#timeoutMs - elapsed)));
    }
    this.#attempt(cluster.chooseHost(this.#callbacks.connection.info.local));
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
    this.#retry?.cancel();
    this.#retry = null;
    this.#request?.reset();
    this.#request = null;
    if (this.#timeout !== null) {
      this.#config.timeouts(this.#timeoutMs).cancel(this.#timeout);
      this.#timeout = null;
    }
  }

  #recordRequest(host: Host): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'message',
        actor: 'envoy',
        fn: 'UpstreamRequest::onPoolReady',
        see: 'envoy:source/common/router/upstream_request.cc#UpstreamRequest::onPoolReady',
        from: 'envoy',
        to: host.address.text,
        what: `request of stream ${this.#callbacks.id}, attempt ${this.#attempts}`,
        data: { headers: this.requestHeaders.pairs().map((pair) => [...pair]) },
      });
    }
  }

  #recordRetry(why: string): void {
    if (this.#context.journey.recording) {
      const see = 'envoy:source/common/router/retry_state_impl.cc#RetryStateImpl::shouldRetry';
      this.#context.journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'RetryStateImpl::shouldRetry',
        see,
        verdict: 'retry',
        why,
        data: { attempt: this.#attempts },
      });
    }
  }
}

/** Milliseconds of a proto duration text (`3600s`, `0.250s`). */
function durationMillis(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)s$/.exec(text);
  return match === null ? 0 : Math.round(Number(match[1]) * 1000);
}
