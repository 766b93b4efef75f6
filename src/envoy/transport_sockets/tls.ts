/**
 * Envoy's own TLS sockets, whose certificates SDS brings.
 * @see envoy:source/extensions/transport_sockets/tls/context_config_impl.cc#ContextConfigImpl
 * @remarks Simplified: contexts stand for what they would do (see net/tls.ts); client certificates are not asked for, and ALPN is not negotiated.
 */
import { decodeBase64 } from '../../net/base64.ts';
import { fromUtf8, NO_BYTES } from '../../net/bytes.ts';
import { parseCertificates, trustedNames } from '../../net/certificate.ts';
import { TlsServerSession, type TlsSession } from '../../net/tls_session.ts';
import type { DataSource, Secret, TransportSocket } from '../../xds/cluster.ts';
import type { UpstreamTls } from '../cilium/tls_wrapper.ts';
import type { Provided } from '../config/named_subscriptions.ts';
import type { InitTarget } from '../init_manager.ts';
import type { AcceptedConnection } from '../network/filter.ts';
import type { ServerContext } from '../server_context.ts';

/** Name of the transport socket. */
export const TLS_SOCKET = 'envoy.transport_sockets.tls';

interface CommonTlsContext {
  readonly tls_certificate_sds_secret_configs?: readonly { readonly name?: string }[];
  readonly validation_context_sds_secret_config?: { readonly name?: string };
}

/** The secrets of one context, followed for as long as it is used. */
class ContextSecrets {
  readonly certificate: Provided<Secret> | null;
  readonly validation: Provided<Secret> | null;
  readonly #context: ServerContext;

  constructor(context: ServerContext, common: CommonTlsContext) {
    this.#context = context;
    const follow = (name: string | undefined): Provided<Secret> | null => (name === undefined ? null : context.secrets.subscribe(name));
    this.certificate = follow(common.tls_certificate_sds_secret_configs?.[0]?.name);
    this.validation = follow(common.validation_context_sds_secret_config?.name);
  }

  get init(): readonly InitTarget[] {
    return [this.certificate, this.validation].flatMap((one) => (one === null ? [] : [one.init]));
  }

  release(): void {
    for (const one of [this.certificate, this.validation]) {
      if (one !== null) {
        this.#context.secrets.release(one.name);
      }
    }
  }
}

/** TLS towards clients. */
export class DownstreamTlsContext {
  readonly #secrets: ContextSecrets;

  private constructor(secrets: ContextSecrets) {
    this.#secrets = secrets;
  }

  /** The context of a filter chain; `null` if its socket is another one; a text is the exception that refuses it. */
  static create(context: ServerContext, socket: TransportSocket | undefined): DownstreamTlsContext | string | null {
    if (socket?.name !== TLS_SOCKET) {
      return null;
    }
    const common = commonContext(socket);
    return (common.tls_certificate_sds_secret_configs ?? []).length === 0
      ? 'No TLS certificates found for server context'
      : new DownstreamTlsContext(new ContextSecrets(context, common));
  }

  get init(): readonly InitTarget[] {
    return this.#secrets.init;
  }

  /** The server's end of a connection; `null`: there is no certificate. @see envoy:source/extensions/transport_sockets/tls/ssl_socket.cc#NotReadySslSocket */
  session(): TlsSession | null {
    const [certificate] = parseCertificates(dataText(this.#secrets.certificate?.value?.tls_certificate?.certificate_chain));
    return certificate === undefined ? null : new TlsServerSession(certificate);
  }

  release(): void {
    this.#secrets.release();
  }
}

/** TLS towards a cluster's hosts. */
export class UpstreamTlsContext {
  readonly #secrets: ContextSecrets;
  readonly #sni: string;

  private constructor(secrets: ContextSecrets, sni: string) {
    this.#secrets = secrets;
    this.#sni = sni;
  }

  /** The context of a cluster; `null` without TLS; a text is the exception that refuses it. */
  static create(context: ServerContext, socket: TransportSocket | undefined): UpstreamTlsContext | string | null {
    if (socket === undefined) {
      return null;
    }
    if (socket.name !== TLS_SOCKET) {
      return `Didn't find a registered implementation for '${socket.name}' with type URL: ''`;
    }
    return new UpstreamTlsContext(new ContextSecrets(context, commonContext(socket)), String(socket.typed_config?.['sni'] ?? ''));
  }

  get init(): readonly InitTarget[] {
    return this.#secrets.init;
  }

  /** TLS of an upstream connection. Without a validation context nobody's certificate is looked at. */
  session(_connection: AcceptedConnection): UpstreamTls {
    const bundle = this.#secrets.validation?.value?.validation_context?.trusted_ca;
    return { serverName: this.#sni, authorities: bundle === undefined ? null : trustedNames(dataText(bundle)) };
  }

  release(): void {
    this.#secrets.release();
  }
}

function commonContext({ typed_config: config }: TransportSocket): CommonTlsContext {
  return (config?.['common_tls_context'] as CommonTlsContext | undefined) ?? {};
}

function dataText(source: DataSource | undefined): string {
  return source?.inline_string ?? fromUtf8(decodeBase64(source?.inline_bytes ?? '') ?? NO_BYTES);
}
