/**
 * The network filter: may this connection reach an upstream at all?
 * @see proxy:cilium/network_filter.cc#Instance
 * @remarks Not modelled: the proxylib parsers and policies on Envoy metadata. Every `l7proto` counts as a parser that is not there, and the
 * connections it stands for are refused.
 */
import type { Journey } from '../../sim/journey.ts';
import type { NetworkFilterConfig } from '../../xds/listener.ts';
import type { InetAddress } from '../network/address.ts';
import type { ReadFilter, ServerConnection } from '../network/filter.ts';
import type { PortPolicy } from './port_policy.ts';
import { type CiliumSocketOption, policyUsesUpstreamAddress } from './socket_option.ts';

const SEE = 'proxy:cilium/network_filter.cc#Instance::onNewConnection';

/** The exception's text if the configuration is not acceptable. @see proxy:cilium/network_filter.cc#Config::Config */
export function networkFilterConfigError(config: NetworkFilterConfig | undefined): string | null {
  const old = config as { readonly policy_name?: string; readonly l7_proto?: string } | undefined;
  if ((old?.policy_name ?? '') !== '' || (old?.l7_proto ?? '') !== '') {
    return `network: 'policy_name' and 'go_proto' are no longer supported: '${JSON.stringify(config)}'`;
  }
  return null;
}

/** The filter of one connection. */
export class CiliumNetworkFilter implements ReadFilter {
  readonly #connection: ServerConnection;
  readonly #journey: Journey;
  readonly #proxylib: boolean;

  /** @param proxylib whether the filter's configuration names a proxylib */
  constructor(connection: ServerConnection, journey: Journey, proxylib: boolean) {
    this.#proxylib = proxylib;
    this.#connection = connection;
    this.#journey = journey;
  }

  onNewConnection(): 'continue' | 'stop' {
    const option = this.#connection.info.option;
    if (option === null) {
      this.#decide('stop', 'cilium.network: Cilium Socket Option not found', {});
      return 'stop';
    }
    this.#connection.addUpstreamCallback((host) => this.#onUpstream(option, host));
    return 'continue';
  }

  onData(bytes: Uint8Array): Uint8Array | null {
    return bytes;
  }

  onClosed(): void {
    // Nothing outlives the connection.
  }

  /** Runs when the upstream host is known, before the connection to it. */
  #onUpstream(option: CiliumSocketOption, host: InetAddress): boolean {
    const destination = policyUsesUpstreamAddress(option) ? host : this.#connection.info.local;
    const port = option.ingress ? option.port : destination.port;
    const remote = option.ingress ? option.identity : option.resolver.resolvePolicyId(destination);
    const policy = option.initialPolicy.findPortPolicy(option.ingress, port, remote);
    const allowed = policy?.matches(this.#connection.info.sni, remote) ?? false;
    const parser = this.#proxylib ? (policy?.l7Proto ?? '') : '';
    if (allowed && parser !== '') {
      this.#decide('deny', `cilium.network: Go parser "${parser}" not found`, { port, remoteId: remote });
      return false;
    }
    if (this.#journey.recording) {
      this.#recordVerdict(option, port, remote, policy, allowed);
    }
    return allowed;
  }

  #recordVerdict(option: CiliumSocketOption, port: number, remote: number, policy: PortPolicy | null, allowed: boolean): void {
    const where = { endpointId: option.initialPolicy.endpointId, direction: option.ingress ? 'ingress' : 'egress', port, remoteId: remote };
    if (policy === null) {
      this.#decide('deny', `cilium.network: Policy NOT FOUND for id: ${remote} port: ${port}`, where);
      return;
    }
    const rule = { ...where, portIndex: policy.portIndex, rule: policy.rule, sni: this.#connection.info.sni };
    if (!allowed) {
      this.#decide('deny', `cilium.network: Policy DENY on id: ${remote} port: ${port}`, rule);
      return;
    }
    this.#decide('allow', policy.rule < 0 ? 'the port has no rules' : `rule ${policy.rule} of the port admits identity ${remote}`, rule);
  }

  #decide(verdict: string, why: string, data: { readonly [key: string]: string | number }): void {
    if (this.#journey.recording) {
      this.#journey.add({ kind: 'decide', actor: 'envoy', fn: 'cilium.network', see: SEE, verdict, why, data });
    }
  }
}
