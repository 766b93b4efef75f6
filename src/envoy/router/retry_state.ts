/**
 * Whether and when a failed attempt is repeated.
 * @see envoy:source/common/router/retry_state_impl.cc#RetryStateImpl
 */
import { MILLISECOND } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import type { RetryPolicyConfig } from '../../xds/route.ts';
import type { HeaderMap } from '../http/header_map.ts';
import type { ServerContext } from '../server_context.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { durationMillis } from './duration.ts';

/** @see envoy:envoy/router/router.h#RetryStatus */
export type RetryStatus = 'yes' | 'no' | 'no-overflow' | 'no-limit-exceeded';

/** Back-off: base and cap in milliseconds. @see envoy:source/common/router/retry_state_impl.cc#RetryStateImpl::RetryStateImpl */
const BASE_INTERVAL = 25;
const MAX_INTERVAL = 250;

const RETRY_HEADERS: ReadonlySet<string> = new Set([
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-hedge-on-per-try-timeout',
]);

/** A route's retry policy, taken apart. */
export interface RetryPolicy {
  readonly on: ReadonlySet<string>;
  readonly retries: number;
  /** 0: none. */
  readonly perTryTimeoutMs: number;
  /** Statuses that `retriable-status-codes` means. */
  readonly statusCodes: readonly number[];
}

/** Takes a route's policy apart. */
export function parseRetryPolicy(policy: RetryPolicyConfig | undefined): RetryPolicy {
  return {
    on: new Set(words(policy?.retry_on ?? '')),
    retries: policy?.num_retries ?? 1,
    perTryTimeoutMs: durationMillis(policy?.per_try_timeout ?? '0s'),
    statusCodes: policy?.retriable_status_codes ?? [],
  };
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** The retry budget of one request. */
export class RetryState {
  readonly #context: ServerContext;
  readonly #cluster: Cluster;
  readonly #on: ReadonlySet<string>;
  readonly #statusCodes: readonly number[];
  #remaining: number;
  #interval = BASE_INTERVAL;
  #timer: Timer | null = null;
  #counted = false;

  private constructor(
    context: ServerContext,
    cluster: Cluster,
    on: ReadonlySet<string>,
    remaining: number,
    statusCodes: readonly number[],
  ) {
    this.#context = context;
    this.#cluster = cluster;
    this.#on = on;
    this.#remaining = remaining;
    this.#statusCodes = statusCodes;
  }

  /** The state for a route's policy and the request's own wishes, which are taken out of the headers; `null`: no retries. */
  static create(context: ServerContext, cluster: Cluster, policy: RetryPolicy, headers: HeaderMap): RetryState | null {
    const wishes = headers.get('x-envoy-retry-on');
    const wanted = headers.get('x-envoy-max-retries');
    headers.removeAll(RETRY_HEADERS);
    const on = wishes === null ? policy.on : new Set([...policy.on, ...words(wishes)]);
    const remaining = wanted !== null && /^[0-9]{1,9}$/.test(wanted) ? Number(wanted) : policy.retries;
    return on.size === 0 ? null : new RetryState(context, cluster, on, remaining, policy.statusCodes);
  }

  /** A response's status says whether the attempt failed. @see envoy:source/common/router/retry_state_impl.cc#RetryStateImpl::wouldRetryFromHeaders */
  shouldRetryHeaders(status: number, retry: () => void): RetryStatus {
    const would =
      (this.#on.has('5xx') && status >= 500 && status < 600) ||
      (this.#on.has('gateway-error') && status >= 502 && status <= 504) ||
      (this.#on.has('retriable-4xx') && status === 409) ||
      (this.#on.has('retriable-status-codes') && this.#statusCodes.includes(status));
    return this.#shouldRetry(would, retry);
  }

  /** The attempt broke without an answer. @see envoy:source/common/router/retry_state_impl.cc#RetryStateImpl::wouldRetryFromReset */
  shouldRetryReset(reason: string, retry: () => void): RetryStatus {
    const would =
      reason !== 'overflow' &&
      (this.#on.has('5xx') ||
        this.#on.has('gateway-error') ||
        this.#on.has('reset') ||
        (this.#on.has('connect-failure') && reason === 'connection failure'));
    return this.#shouldRetry(would, retry);
  }

  /** Forgets a retry that waits. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#release();
  }

  #shouldRetry(would: boolean, retry: () => void): RetryStatus {
    this.#release();
    if (!would) {
      return 'no';
    }
    const stats = this.#context.stats;
    const prefix = `cluster.${this.#cluster.name}`;
    if (this.#remaining === 0) {
      stats.get(`${prefix}.upstream_rq_retry_limit_exceeded`).value += 1;
      return 'no-limit-exceeded';
    }
    this.#remaining -= 1;
    if (this.#cluster.resources.retries >= this.#cluster.limits.retries) {
      stats.get(`${prefix}.upstream_rq_retry_overflow`).value += 1;
      return 'no-overflow';
    }
    this.#cluster.resources.retries += 1;
    this.#counted = true;
    stats.get(`${prefix}.upstream_rq_retry`).value += 1;
    const wait = this.#context.rng.below(this.#interval);
    this.#interval = Math.min(this.#interval * 2, MAX_INTERVAL);
    this.#timer = this.#context.dispatcher.timer(wait * MILLISECOND, 'envoy retry back-off', () => {
      this.#timer = null;
      retry();
    });
    return 'yes';
  }

  #release(): void {
    if (this.#counted) {
      this.#counted = false;
      this.#cluster.resources.retries -= 1;
    }
  }
}
