/**
 * One SCTP association: the four-way handshake and the three-way shutdown.
 * @see linux:net/sctp/sm_statefuns.c
 * @remarks Not modelled: DATA and SACK (no bytes flow over an association), HEARTBEAT, association restart.
 */
import {
  decodeInit,
  encodeInit,
  SCTP_ABORT,
  SCTP_COOKIE_ACK,
  SCTP_COOKIE_ECHO,
  SCTP_FLAG_T,
  SCTP_INIT,
  SCTP_INIT_ACK,
  SCTP_SHUTDOWN,
  SCTP_SHUTDOWN_ACK,
  SCTP_SHUTDOWN_COMPLETE,
  type SctpChunk,
  type SctpInit,
  words,
} from '../../net/sctp.ts';
import { SECOND } from '../../sim/clock.ts';
import type { Rng } from '../../sim/rng.ts';
import type { SctpAssociation, SctpHandlers, SctpListenOptions, SctpState, SocketAddress, SocketErrno } from '../socket.ts';
import { LazyTimer } from '../tcp/lazy_timer.ts';
import type { SctpCookie } from './cookie.ts';
import { bare, type SctpLayer } from './sctp_layer.ts';

/** net.sctp.rto_initial, rto_max, max_init_retransmits, association_max_retrans */
const RTO_INITIAL = 3 * SECOND;
const RTO_MAX = 60 * SECOND;
const MAX_INIT_RETRANSMITS = 8;
const MAX_RETRANSMITS = 10;
/** Receive window and streams Linux offers. */
const WINDOW = 106_496;
const OUT_STREAMS = 10;
const IN_STREAMS = 65_535;

/** A fresh tag and sequence number. @see linux:net/sctp/associola.c#sctp_association_init */
export function initOf(rng: Rng): SctpInit {
  const tag = rng.uint32() || 1;
  return { tag, window: WINDOW, outStreams: OUT_STREAMS, inStreams: IN_STREAMS, tsn: rng.uint32(), cookie: null };
}

/** An association. */
export class SctpAssoc implements SctpAssociation {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  state: SctpState = 'CLOSED';
  readonly #layer: SctpLayer;
  #handlers: SctpHandlers;
  #ownTag = 0;
  #peerTag = 0;
  #peerTsn = 0;
  /** The chunk that waits for its answer. */
  #awaited: SctpChunk | null = null;
  #retries = 0;
  readonly #timer: LazyTimer;

  constructor(layer: SctpLayer, local: SocketAddress, remote: SocketAddress, handlers: SctpHandlers) {
    this.#layer = layer;
    this.local = local;
    this.remote = remote;
    this.#handlers = handlers;
    this.#timer = new LazyTimer(layer.netns.kernel.scheduler, 'sctp retransmission', () => this.#onTimer());
  }

  /** @see linux:net/sctp/sm_statefuns.c#sctp_sf_do_prm_asoc */
  startConnect(): void {
    const own = initOf(this.#layer.netns.kernel.rng);
    this.#ownTag = own.tag;
    this.state = 'COOKIE-WAIT';
    this.#sendAwaited({ type: SCTP_INIT, flags: 0, value: encodeInit(own) });
  }

  /** A valid cookie came back. */
  accept(cookie: SctpCookie, listener: SctpListenOptions): void {
    this.#ownTag = cookie.ownTag;
    this.#peerTag = cookie.peerTag;
    this.#peerTsn = cookie.peerTsn;
    this.state = 'ESTABLISHED';
    this.#send(bare(SCTP_COOKIE_ACK, 0));
    this.#handlers = listener.onAccept(this);
    this.#handlers.onConnected?.(this);
  }

  close(): void {
    switch (this.state) {
      case 'ESTABLISHED':
        this.state = 'SHUTDOWN-SENT';
        this.#sendAwaited({ type: SCTP_SHUTDOWN, flags: 0, value: words([this.#peerTsn]) });
        break;
      case 'COOKIE-WAIT':
        this.#end();
        break;
      case 'COOKIE-ECHOED':
        this.abort();
        break;
      default:
        break;
    }
  }

  abort(): void {
    if (this.state !== 'CLOSED' && this.state !== 'COOKIE-WAIT') {
      this.#send(bare(SCTP_ABORT, 0));
    }
    this.#end();
  }

  /** A chunk of this association; one with a foreign verification tag is dropped. @see linux:include/net/sctp/sm.h#sctp_vtag_verify */
  receive(chunk: SctpChunk, vtag: number): void {
    if (chunk.type === SCTP_ABORT) {
      // The sender has no association and knows only the tag we sent: it reflects it, with the T bit.
      if (vtag === ((chunk.flags & SCTP_FLAG_T) !== 0 ? this.#peerTag : this.#ownTag)) {
        this.#fail(this.state === 'COOKIE-WAIT' || this.state === 'COOKIE-ECHOED' ? 'ECONNREFUSED' : 'ECONNRESET');
      }
      return;
    }
    if (vtag !== this.#ownTag) {
      return;
    }
    switch (chunk.type) {
      case SCTP_INIT_ACK:
        this.#onInitAck(chunk);
        break;
      case SCTP_COOKIE_ECHO:
        // Our COOKIE ACK was lost.
        if (this.state === 'ESTABLISHED') {
          this.#send(bare(SCTP_COOKIE_ACK, 0));
        }
        break;
      case SCTP_COOKIE_ACK:
        if (this.state === 'COOKIE-ECHOED') {
          this.#answered();
          this.state = 'ESTABLISHED';
          this.#handlers.onConnected?.(this);
        }
        break;
      case SCTP_SHUTDOWN:
        this.#onShutdown();
        break;
      case SCTP_SHUTDOWN_ACK:
        if (this.state === 'SHUTDOWN-SENT' || this.state === 'SHUTDOWN-ACK-SENT') {
          this.#send(bare(SCTP_SHUTDOWN_COMPLETE, 0));
          this.#close();
        }
        break;
      case SCTP_SHUTDOWN_COMPLETE:
        if (this.state === 'SHUTDOWN-ACK-SENT') {
          this.#close();
        }
        break;
      default:
        break;
    }
  }

  /** The peer's host speaks no SCTP. */
  unreachable(): void {
    this.#fail('ECONNREFUSED');
  }

  /** @see linux:net/sctp/sm_statefuns.c#sctp_sf_do_5_1C_ack */
  #onInitAck(chunk: SctpChunk): void {
    const init = decodeInit(chunk.value);
    if (this.state !== 'COOKIE-WAIT' || init === null || init.cookie === null) {
      return;
    }
    this.#answered();
    this.#peerTag = init.tag;
    this.#peerTsn = init.tsn;
    this.state = 'COOKIE-ECHOED';
    this.#sendAwaited({ type: SCTP_COOKIE_ECHO, flags: 0, value: init.cookie });
  }

  /** @see linux:net/sctp/sm_statefuns.c#sctp_sf_do_9_2_shutdown */
  #onShutdown(): void {
    if (this.state === 'ESTABLISHED' || this.state === 'SHUTDOWN-SENT') {
      this.#answered();
      this.state = 'SHUTDOWN-ACK-SENT';
      this.#sendAwaited(bare(SCTP_SHUTDOWN_ACK, 0));
    } else if (this.state === 'SHUTDOWN-ACK-SENT') {
      this.#send(bare(SCTP_SHUTDOWN_ACK, 0));
    }
  }

  #sendAwaited(chunk: SctpChunk): void {
    this.#awaited = chunk;
    this.#retries = 0;
    this.#timer.set(RTO_INITIAL);
    this.#send(chunk);
  }

  #answered(): void {
    this.#awaited = null;
    this.#timer.clear();
  }

  #onTimer(): void {
    if (this.#awaited === null) {
      return;
    }
    if (this.#retries >= (this.state === 'COOKIE-WAIT' || this.state === 'COOKIE-ECHOED' ? MAX_INIT_RETRANSMITS : MAX_RETRANSMITS)) {
      this.#fail('ETIMEDOUT');
      return;
    }
    this.#retries += 1;
    this.#timer.set(Math.min(RTO_INITIAL * 2 ** this.#retries, RTO_MAX));
    this.#send(this.#awaited);
  }

  #send(chunk: SctpChunk): void {
    this.#layer.transmit({ local: this.local, remote: this.remote, vtag: this.#peerTag, chunks: [chunk] });
  }

  #close(): void {
    this.#end();
    this.#handlers.onClose?.(this);
  }

  #fail(errno: SocketErrno): void {
    this.#end();
    this.#handlers.onError?.(this, errno);
  }

  #end(): void {
    this.#answered();
    this.state = 'CLOSED';
    this.#layer.remove(this);
  }
}
