/**
 * The HTTP filter: the verdict on a request, taken when the router has an upstream connection, and the access log records.
 * @see proxy:cilium/l7policy.cc#AccessFilter
 */
import { assertPresent } from '../../sim/assert.ts';
import type { EntryType } from '../../xds/access_log.ts';
import type { L7PolicyConfig } from '../../xds/listener.ts';
import type { HeaderMap } from '../http/header_map.ts';
import type { StreamCallbacks, StreamFilter } from '../http/stream_filter.ts';
import type { InetAddress } from '../network/address.ts';
import type { ServerContext } from '../server_context.ts';
import { AccessLogEntry, writeAccessLog } from './accesslog.ts';
import { type PolicyTrace, traceToJson } from './port_policy.ts';
import { type CiliumSocketOption, policyUsesUpstreamAddress } from './socket_option.ts';

/** @see proxy:cilium/accesslog.cc#AccessLog::Entry::InitFromRequest */
const LOGGED_PROTOCOL = { 'HTTP/1.0': 'HTTP10', 'HTTP/1.1': 'HTTP11', 'HTTP/2': 'HTTP2' } as const;

/** The exception's text if the configuration is not acceptable. @see proxy:cilium/l7policy.cc#Config::Config */
export function l7PolicyConfigError(config: L7PolicyConfig): string | null {
  const name = (config as { readonly policy_name?: string }).policy_name ?? '';
  return name === '' ? null : `cilium.l7policy: 'policy_name' is no longer supported: '${JSON.stringify(config)}'`;
}

/** The filter of one stream. */
export class L7PolicyFilter implements StreamFilter {
  readonly #context: ServerContext;
  readonly #config: L7PolicyConfig;
  readonly #callbacks: StreamCallbacks;
  readonly #entry = new AccessLogEntry();
  #allowed = false;

  constructor(context: ServerContext, config: L7PolicyConfig, callbacks: StreamCallbacks) {
    this.#context = context;
    this.#config = config;
    this.#callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap): 'continue' | 'stop' {
    const option = this.#callbacks.connection.info.option;
    if (option === null) {
      this.#decide('error', 'cilium.l7policy: Cilium Socket Option not found', {});
      this.#callbacks.sendLocalReply({ status: 500, body: '', details: '' });
      return 'stop';
    }
    this.#entry.initFromRequest(
      {
        policyName: option.podIp,
        ingress: option.ingress,
        sourceIdentity: option.identity,
        source: this.#callbacks.remoteAddress,
        destination: this.#callbacks.connection.info.local.text,
        protocol: LOGGED_PROTOCOL[this.#callbacks.protocol],
        startTime: this.#callbacks.startTime,
      },
      headers,
    );
    this.#callbacks.addUpstreamCallback((requestHeaders, host) => this.#onUpstream(option, requestHeaders, host));
    return 'continue';
  }

  /** @see proxy:cilium/l7policy.cc#AccessFilter::encodeHeaders */
  encodeHeaders(headers: HeaderMap): void {
    if (!this.#allowed) {
      const denied = headers.get(':status') === '403';
      if (denied) {
        this.#context.stats.get('cilium.access_denied').value += 1;
      }
      this.#log(denied ? 'Denied' : 'Request');
    }
    this.#entry.updateFromResponse(headers, this.#context.wallNanos());
    this.#log('Response');
  }

  onDestroy(): void {
    // The verdict of a destroyed stream is never asked for again.
  }

  /** The verdict. Runs for every attempt that got an upstream connection, just before the request would be written to it. */
  #onUpstream(option: CiliumSocketOption, headers: HeaderMap, host: InetAddress): boolean {
    const destination = policyUsesUpstreamAddress(option) ? host : this.#callbacks.connection.info.local;
    const destinationId = option.resolver.resolvePolicyId(destination);
    this.#entry.updateFromRequest(destinationId, destination.text, headers);
    const policy = option.resolver.getPolicy(option.podIp);
    const remoteId = option.ingress ? option.identity : destinationId;
    const recording = this.#context.journey.recording;
    const trace: PolicyTrace | null = recording ? [] : null;
    this.#allowed =
      policy?.allowed({ ingress: option.ingress, port: destination.port, remoteId, headers, log: this.#entry }, trace) ?? false;
    if (recording) {
      this.#recordVerdict(option, destination.port, remoteId, policy?.endpointId ?? null, assertPresent(trace, 'policy trace'));
    }
    if (this.#allowed) {
      this.#log('Request');
    }
    return this.#allowed;
  }

  #log(type: EntryType): void {
    if ((this.#config.access_log_path ?? '') !== '') {
      writeAccessLog(this.#context.accessLog, this.#context.journey, this.#entry, type);
    }
  }

  #recordVerdict(option: CiliumSocketOption, port: number, remoteId: number, endpointId: number | null, trace: PolicyTrace): void {
    const direction = option.ingress ? 'ingress' : 'egress';
    const matched = trace.find((step) => step.matched) ?? null;
    const why =
      endpointId === null
        ? `no ${direction} policy found for pod ${option.podIp}, defaulting to DENY`
        : matched === null
          ? trace.length === 0
            ? `the policy of endpoint ${endpointId} has no ${direction} entry for port ${port} or 0`
            : `no ${direction} rule of endpoint ${endpointId} matches: ${trace.map((step) => step.why).join('; ')}`
          : `${direction} rule ${matched.rule}${matched.httpRule < 0 ? '' : `, HTTP rule ${matched.httpRule}`} of port ${matched.port} of endpoint ${endpointId}: ${matched.why}`;
    this.#decide(this.#allowed ? 'allow' : 'deny', why, {
      endpointId,
      podIp: option.podIp,
      direction,
      port,
      remoteId,
      match: matched === null ? null : { ...matched },
      rules: traceToJson(trace),
    });
  }

  #decide(verdict: string, why: string, data: Parameters<typeof JSON.stringify>[0]): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'cilium.l7policy',
        see: 'proxy:cilium/l7policy.cc#AccessFilter::decodeHeaders',
        verdict,
        why,
        data,
      });
    }
  }
}
