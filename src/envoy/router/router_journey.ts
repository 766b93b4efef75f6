/** What the router tells the journey. */
import type { Journey } from '../../sim/journey.ts';
import type { HeaderMap } from '../http/header_map.ts';

/** Which route was taken, or that there is none. */
export function recordRoute(journey: Journey, verdict: string, why: string): void {
  if (journey.recording) {
    const see = 'envoy:source/common/router/router.cc#Filter::decodeHeaders';
    journey.add({ kind: 'decide', actor: 'envoy', fn: 'Router::Filter::decodeHeaders', see, verdict, why });
  }
}

/** A request goes to a host. */
export function recordRequest(journey: Journey, to: string, stream: number, attempt: number, headers: HeaderMap): void {
  if (journey.recording) {
    journey.add({
      kind: 'message',
      actor: 'envoy',
      fn: 'UpstreamRequest::onPoolReady',
      see: 'envoy:source/common/router/upstream_request.cc#UpstreamRequest::onPoolReady',
      from: 'envoy',
      to,
      what: `request of stream ${stream}, attempt ${attempt}`,
      data: { headers: headers.pairs().map((pair) => [...pair]) },
    });
  }
}

/** An attempt is repeated. */
export function recordRetry(journey: Journey, why: string, attempt: number): void {
  if (journey.recording) {
    const see = 'envoy:source/common/router/retry_state_impl.cc#RetryStateImpl::shouldRetry';
    journey.add({ kind: 'decide', actor: 'envoy', fn: 'RetryStateImpl::shouldRetry', see, verdict: 'retry', why, data: { attempt } });
  }
}
