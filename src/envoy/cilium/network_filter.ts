/**
 * The network filter: may this connection reach an upstream at all?
 * @see proxy:cilium/network_filter.cc#Instance
 * @remarks Not modelled: policies on the metadata of Envoy's own filters (`l7proto: envoy.…`). They count as parsers that are not there, and the
 * connections they stand for are refused.
 */
import { NO_BYTES } from '../../net/bytes.ts';
import type { Journey } from '../../sim/journey.ts';
import type { NetworkFilterConfig } from '../../xds/listener.ts';
import type { InetAddress } from '../network/address.ts';
import type { ReadFilter, ServerConnection } from '../network/filter.ts';
import { GoFilterInstance, type IoResult } from '../proxylib/go_filter.ts';
import type { ProxylibInstance } from '../proxylib/instance.ts';
import type { FilterResult } from '../proxylib/parser.ts';
import type { PortPolicy } from './port_policy.ts';
import { type CiliumSocketOption, policyUsesUpstreamAddress } from './socket_option.ts';

const SEE = 'proxy:cilium/network_filter.cc#Instance::onNewConnection';

/** @see proxy:cilium/proxylib.cc#filter_strerror */
const RESULT_TEXTS: Readonly<Record<FilterResult, string>> = {
  OK: 'No error',
  POLICY_DROP: 'Connection rejected',
  PARSER_ERROR: 'Parser error',
  UNKNOWN_PARSER: 'Unknown parser',
  UNKNOWN_CONNECTION: 'Unknown connection',
  INVALID_ADDRESS: 'Invalid address',
  INVALID_INSTANCE: 'Invalid proxylib instance',
  UNKNOWN_ERROR: 'Unknown error',
};

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
  readonly #proxylib: ProxylibInstance | null;
  #parser: GoFilterInstance | null = null;

  /** @param proxylib the library that the filter's configuration names */
  constructor(connection: ServerConnection, journey: Journey, proxylib: ProxylibInstance | null) {
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

  /** @see proxy:cilium/network_filter.cc#Instance::onData */
  onData(bytes: Uint8Array, endStream: boolean): Uint8Array | null {
    const parser = this.#parser;
    if (parser === null) {
      return bytes;
    }
    const { result, output, ops } = parser.onIo(false, bytes, endStream);
    this.#recordOps('request', { result, output, ops });
    if (result !== 'OK') {
      this.#connection.connection.close('no-flush');
      return null;
    }
    if (parser.wantsReplyInject) {
      // Nobody knows when the server will speak: a write of nothing gives the parser its turn.
      this.#connection.write(NO_BYTES, false);
    }
    parser.setEndStream(false, endStream);
    return output;
  }

  /** @see proxy:cilium/network_filter.cc#Instance::onWrite */
  onWrite(bytes: Uint8Array, endStream: boolean): Uint8Array | null {
    const parser = this.#parser;
    if (parser === null) {
      return bytes;
    }
    const { result, output, ops } = parser.onIo(true, bytes, endStream);
    this.#recordOps('reply', { result, output, ops });
    if (result !== 'OK') {
      this.#connection.connection.close('no-flush');
      return null;
    }
    parser.setEndStream(true, endStream);
    return output;
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
    if (this.#journey.recording) {
      this.#recordVerdict(option, port, remote, policy, allowed);
    }
    const proto = policy?.l7Proto ?? '';
    return allowed && (this.#proxylib === null || proto === '' || this.#startParser(this.#proxylib, proto, option, destination, remote));
  }

  /** @see proxy:cilium/proxylib.cc#GoFilter::NewInstance */
  #startParser(library: ProxylibInstance, proto: string, option: CiliumSocketOption, destination: InetAddress, remote: number): boolean {
    const connection = library.newConnection({
      proto,
      ingress: option.ingress,
      sourceId: option.identity,
      destinationId: option.ingress ? 0 : remote,
      source: this.#connection.info.remote.text,
      destination: destination.text,
      policyName: option.podIp,
    });
    if (typeof connection === 'string') {
      const why = `Cilium Network: Connection with parser "${proto}" rejected: ${RESULT_TEXTS[connection]}`;
      this.#recordParser('deny', `${why}; cilium.network: Go parser "${proto}" not found`, proto);
      return false;
    }
    this.#parser = new GoFilterInstance(connection);
    this.#recordParser('parse', `requests are read by the parser "${proto}"`, proto);
    return true;
  }

  #recordParser(verdict: 'parse' | 'deny', why: string, parser: string): void {
    if (this.#journey.recording) {
      const see = 'proxy:cilium/proxylib.cc#GoFilter::NewInstance';
      this.#journey.add({ kind: 'decide', actor: 'envoy', fn: 'GoFilter::NewInstance', see, verdict, why, data: { parser } });
    }
  }

  #recordOps(what: string, { result, output, ops }: IoResult): void {
    if (this.#journey.recording && (ops.length > 0 || result !== 'OK')) {
      this.#journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'GoFilter::Instance::OnIO',
        see: 'proxy:cilium/proxylib.cc#GoFilter::Instance::OnIO',
        verdict: result !== 'OK' ? 'close' : ops.some(({ op }) => op === 'DROP') ? 'deny' : what,
        why: `${what}: ${result === 'OK' ? '' : `${result} after `}${ops.map(({ op, bytes }) => `${op} ${bytes}`).join(', ')}`,
        data: { passedOn: output.length },
      });
    }
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
