/**
 * The transport socket of Cilium's TLS chains: the policy of the port says whether TLS is ended or begun here; without a context bytes pass raw.
 * @see proxy:cilium/tls_wrapper.cc#SslSocketWrapper
 * @remarks Simplified: contexts stand for what they would do (see net/tls.ts); client certificates are not asked for.
 */
import { type Certificate, parseCertificates, trustedNames } from '../../net/certificate.ts';
import { TlsClientSession, type TlsFailure, TlsServerSession, type TlsSession } from '../../net/tls_session.ts';
import type { Rng } from '../../sim/rng.ts';
import type { AcceptedConnection } from '../network/filter.ts';
import type { PortPolicy } from './port_policy.ts';

/** TLS towards the upstream. */
export interface UpstreamTls {
  readonly serverName: string;
  /** Names of authorities, from the CA bundle of policy or cluster; `null`: nobody is asked. */
  readonly authorities: readonly string[] | null;
}

/** Policy of a connection's port, pinned at accept. `null`: none, or no metadata. */
export function portPolicyOf({ option, local }: AcceptedConnection): PortPolicy | null {
  if (option === null) {
    return null;
  }
  const remote = option.ingress ? option.identity : option.resolver.resolvePolicyId(local);
  return option.initialPolicy.findPortPolicy(option.ingress, option.ingress ? option.port : local.port, remote);
}

/** The server's end of a connection whose TLS ends here; `raw`: nothing to do; `null`: there is no policy, and the socket closes. */
export function downstreamTls(info: AcceptedConnection): TlsSession | 'raw' | null {
  const policy = portPolicyOf(info);
  if (policy === null) {
    return null;
  }
  const chain = policy.downstreamContext?.certificate_chain;
  return chain === undefined ? 'raw' : new TlsServerSession(parseCertificates(chain)[0] ?? NOBODY);
}

/** TLS towards the upstream of a connection, or `null`. The client's server name is used where the policy has none. */
export function upstreamTls(info: AcceptedConnection): UpstreamTls | null {
  const context = portPolicyOf(info)?.upstreamContext;
  if (context === undefined || context === null) {
    return null;
  }
  return { serverName: context.server_names?.[0] ?? info.sni, authorities: trustedNames(context.trusted_ca ?? '') };
}

/** The client's end of an upstream connection. */
export function upstreamSession({ serverName, authorities }: UpstreamTls, rng: Rng): TlsSession {
  const random = Uint8Array.from({ length: 32 }, () => rng.below(256));
  return new TlsClientSession(serverName, { authorities, host: serverName }, random);
}

/** How BoringSSL words a failure. @see envoy:source/extensions/transport_sockets/tls/ssl_socket.cc#SslSocket::drainErrorQueue */
export function tlsFailureText(failure: TlsFailure): string {
  switch (failure.kind) {
    case 'not-tls':
      return 'TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER';
    case 'unknown-ca':
    case 'wrong-name':
      return 'TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED';
    case 'alert':
      return `TLS error: ${0x10000000 + 1000 + failure.description}:SSL routines:OPENSSL_internal:TLSV1_ALERT_${failure.description}`;
  }
}

/** What a text without a certificate stands for. */
const NOBODY: Certificate = { names: [], issuer: '' };
