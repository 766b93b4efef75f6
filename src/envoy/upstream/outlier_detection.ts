/**
 * Hosts that fail again and again are left alone for a while.
 * @see envoy:source/common/upstream/outlier_detection_impl.cc#DetectorImpl
 * @remarks Not modelled: success rates and failure percentages, which need five hosts and a hundred requests in an interval.
 */
import { assertNever } from '../../sim/assert.ts';
import { MILLISECOND, type Nanos } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import type { OutlierDetectionConfig } from '../../xds/cluster.ts';
import { durationMillis } from '../router/duration.ts';
import type { ServerContext } from '../server_context.ts';
import type { Host, HostResult } from './cluster.ts';

/** Defaults. @see envoy:api/envoy/config/cluster/v3/outlier_detection.proto */
const CONSECUTIVE = 5;
const INTERVAL = '10s';
const BASE_EJECTION_TIME = '30s';
const MAX_EJECTION_TIME = '300s';
const MAX_EJECTION_PERCENT = 10;

interface Monitor {
  serverErrors: number;
  gatewayErrors: number;
  localErrors: number;
  /** `null`: in use. */
  ejectedAt: Nanos | null;
  ejections: number;
}

/** The detector of one cluster. */
export class OutlierDetector {
  readonly #context: ServerContext;
  readonly #cluster: string;
  readonly #config: OutlierDetectionConfig;
  readonly #monitors = new Map<string, Monitor>();
  #timer: Timer | null = null;

  constructor(context: ServerContext, cluster: string, config: OutlierDetectionConfig) {
    this.#context = context;
    this.#cluster = cluster;
    this.#config = config;
  }

  /** Whether a host is left alone at the moment. */
  ejected(host: Host): boolean {
    return (this.#monitors.get(host.address.text)?.ejectedAt ?? null) !== null;
  }

  /** An attempt has ended. @see envoy:source/common/upstream/outlier_detection_impl.cc#DetectorHostMonitorImpl::putResult */
  putResult(host: Host, result: HostResult, hosts: number): void {
    const monitor = this.#monitor(host);
    const split = this.#config.split_external_local_origin_errors === true;
    switch (result.kind) {
      case 'response':
        this.#onStatus(host, monitor, result.status, hosts);
        return;
      case 'connected':
        monitor.localErrors = split ? 0 : monitor.localErrors;
        return;
      case 'connect-failed':
      case 'connect-timeout':
      case 'request-timeout':
        if (!split) {
          this.#onStatus(host, monitor, result.kind === 'connect-failed' ? 503 : 504, hosts);
          return;
        }
        monitor.localErrors += 1;
        if (monitor.localErrors === (this.#config.consecutive_local_origin_failure ?? CONSECUTIVE)) {
          monitor.localErrors = 0;
          this.#eject(host, monitor, hosts, this.#config.enforcing_consecutive_local_origin_failure ?? 100, 'local origin failures');
        }
        return;
      default:
        assertNever(result);
    }
  }

  /** Nobody uses the cluster any more. */
  close(): void {
    this.#timer?.cancel();
  }

  /** @see envoy:source/common/upstream/outlier_detection_impl.cc#DetectorHostMonitorImpl::putHttpResponseCode */
  #onStatus(host: Host, monitor: Monitor, status: number, hosts: number): void {
    if (status < 500) {
      monitor.serverErrors = 0;
      monitor.gatewayErrors = 0;
      return;
    }
    const gateway = status >= 502 && status <= 504;
    monitor.gatewayErrors = gateway ? monitor.gatewayErrors + 1 : 0;
    if (gateway && monitor.gatewayErrors === (this.#config.consecutive_gateway_failure ?? CONSECUTIVE)) {
      monitor.gatewayErrors = 0;
      this.#eject(host, monitor, hosts, this.#config.enforcing_consecutive_gateway_failure ?? 0, 'gateway failures');
    }
    monitor.serverErrors += 1;
    if (monitor.serverErrors === (this.#config.consecutive_5xx ?? CONSECUTIVE)) {
      monitor.serverErrors = 0;
      this.#eject(host, monitor, hosts, this.#config.enforcing_consecutive_5xx ?? 100, '5xx responses');
    }
  }

  /** One host may always go, more only up to a share of all. @see envoy:source/common/upstream/outlier_detection_impl.cc#DetectorImpl::ejectHost */
  #eject(host: Host, monitor: Monitor, hosts: number, enforcing: number, why: string): void {
    const active = [...this.#monitors.values()].filter(({ ejectedAt }) => ejectedAt !== null).length;
    const share = (active * 100) / Math.max(1, hosts);
    const allowed = active === 0 || share < (this.#config.max_ejection_percent ?? MAX_EJECTION_PERCENT);
    const enforced = enforcing >= 100 || (enforcing > 0 && this.#context.rng.below(100) < enforcing);
    if (monitor.ejectedAt !== null || !allowed || !enforced) {
      return;
    }
    monitor.ejectedAt = this.#context.dispatcher.clock.now();
    monitor.ejections += 1;
    this.#record(host.address.text, 'ejected', `consecutive ${why}`);
    this.#arm();
  }

  #arm(): void {
    const interval = durationMillis(this.#config.interval ?? INTERVAL) * MILLISECOND;
    this.#timer ??= this.#context.dispatcher.timer(interval, 'periodic:envoy outlier detection', () => {
      this.#timer = null;
      this.#onInterval();
    });
  }

  /** @see envoy:source/common/upstream/outlier_detection_impl.cc#DetectorImpl::checkHostForUneject */
  #onInterval(): void {
    const base = durationMillis(this.#config.base_ejection_time ?? BASE_EJECTION_TIME) * MILLISECOND;
    const longest = Math.max(base, durationMillis(this.#config.max_ejection_time ?? MAX_EJECTION_TIME) * MILLISECOND);
    const now = this.#context.dispatcher.clock.now();
    let left = false;
    for (const [address, monitor] of this.#monitors) {
      if (monitor.ejectedAt === null) {
        continue;
      }
      if (now >= monitor.ejectedAt + Math.min(base * monitor.ejections, longest)) {
        monitor.ejectedAt = null;
        this.#record(address, 'in use', 'its time is over');
      } else {
        left = true;
      }
    }
    if (left) {
      this.#arm();
    }
  }

  #monitor(host: Host): Monitor {
    const key = host.address.text;
    let monitor = this.#monitors.get(key);
    if (monitor === undefined) {
      monitor = { serverErrors: 0, gatewayErrors: 0, localErrors: 0, ejectedAt: null, ejections: 0 };
      this.#monitors.set(key, monitor);
    }
    return monitor;
  }

  #record(host: string, after: string, why: string): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'change',
        actor: 'envoy',
        fn: 'DetectorImpl::ejectHost',
        see: 'envoy:source/common/upstream/outlier_detection_impl.cc#DetectorImpl',
        target: `${this.#cluster} host ${host}`,
        before: null,
        after: { state: after, why },
      });
    }
  }
}
