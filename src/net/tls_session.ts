/**
 * The two ends of a TLS conversation, apart from any socket: bytes in, events out.
 *
 * ```
 * client: ClientHello ->            <- ServerHello, Certificate, ServerHelloDone
 * client: Finished ->               <- Finished, then data both ways
 * ```
 */
import { concatBytes, NO_BYTES } from './bytes.ts';
import { type Certificate, speaksFor } from './certificate.ts';
import {
  ALERT_BAD_CERTIFICATE,
  ALERT_CLOSE_NOTIFY,
  ALERT_UNEXPECTED_MESSAGE,
  ALERT_UNKNOWN_CA,
  alertRecord,
  certificateBody,
  clientHello,
  handshakeMessage,
  handshakeMessages,
  readCertificateBody,
  TLS_ALERT,
  TLS_APPLICATION_DATA,
  TLS_CERTIFICATE,
  TLS_CLIENT_HELLO,
  TLS_FINISHED,
  TLS_HANDSHAKE,
  TLS_SERVER_HELLO,
  TLS_SERVER_HELLO_DONE,
  TlsRecordReader,
  tlsRecords,
} from './tls.ts';

/** Why a conversation failed. */
export type TlsFailure =
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'unknown-ca'; readonly issuer: string }
  | { readonly kind: 'wrong-name'; readonly names: readonly string[] }
  /** The other side said no. */
  | { readonly kind: 'alert'; readonly description: number };

/** What bytes lead to. */
export type TlsEvent =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** The handshake is complete. */
  | { readonly kind: 'secure' }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** The other side will send no more. */
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly failure: TlsFailure };

/** One end. */
export interface TlsSession {
  /** What to send first. */
  start(): Uint8Array;
  /** Takes bytes from the other side. */
  push(bytes: Uint8Array): readonly TlsEvent[];
  /** The record of application data; only once secure. */
  seal(bytes: Uint8Array): Uint8Array;
  /** What to send before closing. */
  end(): Uint8Array;
}

/** Whom a client believes. */
export interface TlsTrust {
  /** Names of authorities; `null`: everybody, unchecked. */
  readonly authorities: readonly string[] | null;
  /** Name the certificate must speak for; empty: any. */
  readonly host: string;
}

const FINISHED = tlsRecords(TLS_HANDSHAKE, handshakeMessage(TLS_FINISHED, new Uint8Array(12)));

abstract class Session implements TlsSession {
  readonly #records = new TlsRecordReader();
  protected failed = false;

  abstract start(): Uint8Array;
  protected abstract handshake(type: number, body: Uint8Array): readonly TlsEvent[];

  push(bytes: Uint8Array): readonly TlsEvent[] {
    const records = this.failed ? [] : this.#records.push(bytes);
    if (records === null) {
      return this.fail({ kind: 'not-tls' }, null);
    }
    const events: TlsEvent[] = [];
    for (const { type, body } of records) {
      if (this.failed) {
        break;
      }
      if (type === TLS_HANDSHAKE) {
        events.push(...handshakeMessages(body).flatMap((message) => (this.failed ? [] : this.handshake(message.type, message.body))));
      } else if (type === TLS_APPLICATION_DATA) {
        events.push({ kind: 'data', bytes: body });
      } else if (type === TLS_ALERT) {
        const description = body[1] ?? 0;
        events.push(...(description === ALERT_CLOSE_NOTIFY ? [{ kind: 'end' } as const] : this.fail({ kind: 'alert', description }, null)));
      }
    }
    return events;
  }

  seal(bytes: Uint8Array): Uint8Array {
    return tlsRecords(TLS_APPLICATION_DATA, bytes);
  }

  end(): Uint8Array {
    return this.failed ? NO_BYTES : alertRecord(ALERT_CLOSE_NOTIFY);
  }

  protected fail(failure: TlsFailure, alert: number | null): readonly TlsEvent[] {
    this.failed = true;
    return [...(alert === null ? [] : [{ kind: 'send', bytes: alertRecord(alert) } as const]), { kind: 'failed', failure }];
  }
}

/** The client's end. */
export class TlsClientSession extends Session {
  readonly #hello: Uint8Array;
  readonly #trust: TlsTrust;

  /** @param random 32 bytes */
  constructor(serverName: string, trust: TlsTrust, random: Uint8Array) {
    super();
    this.#hello = clientHello(serverName, random);
    this.#trust = trust;
  }

  start(): Uint8Array {
    return this.#hello;
  }

  protected handshake(type: number, body: Uint8Array): readonly TlsEvent[] {
    switch (type) {
      case TLS_SERVER_HELLO:
        return [];
      case TLS_CERTIFICATE:
        return this.#verify(readCertificateBody(body));
      case TLS_SERVER_HELLO_DONE:
        return [{ kind: 'send', bytes: FINISHED }];
      case TLS_FINISHED:
        return [{ kind: 'secure' }];
      default:
        return this.fail({ kind: 'not-tls' }, ALERT_UNEXPECTED_MESSAGE);
    }
  }

  #verify(certificate: Certificate | null): readonly TlsEvent[] {
    const { authorities, host } = this.#trust;
    if (authorities === null) {
      return [];
    }
    if (certificate === null || !authorities.includes(certificate.issuer)) {
      return this.fail({ kind: 'unknown-ca', issuer: certificate?.issuer ?? '' }, ALERT_UNKNOWN_CA);
    }
    return host === '' || speaksFor(certificate, host)
      ? []
      : this.fail({ kind: 'wrong-name', names: certificate.names }, ALERT_BAD_CERTIFICATE);
  }
}

/** The server's end. */
export class TlsServerSession extends Session {
  readonly #certificate: Certificate;

  constructor(certificate: Certificate) {
    super();
    this.#certificate = certificate;
  }

  start(): Uint8Array {
    return NO_BYTES;
  }

  protected handshake(type: number): readonly TlsEvent[] {
    switch (type) {
      case TLS_CLIENT_HELLO: {
        const messages = concatBytes([
          handshakeMessage(TLS_SERVER_HELLO, new Uint8Array(38)),
          handshakeMessage(TLS_CERTIFICATE, certificateBody(this.#certificate)),
          handshakeMessage(TLS_SERVER_HELLO_DONE, NO_BYTES),
        ]);
        return [{ kind: 'send', bytes: tlsRecords(TLS_HANDSHAKE, messages) }];
      }
      case TLS_FINISHED:
        return [{ kind: 'send', bytes: FINISHED }, { kind: 'secure' }];
      default:
        return this.fail({ kind: 'not-tls' }, ALERT_UNEXPECTED_MESSAGE);
    }
  }
}
