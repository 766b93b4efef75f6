/**
 * One TCP connection.
 *
 * Sending: bytes written wait in `#pending` until the window lets them go; segments sent and not acknowledged wait in `#inFlight` for an
 * acknowledgement or the retransmission timer. Timers are lazy: one scheduled callback per timer looks at a deadline that moves.
 * @see linux:net/ipv4/tcp_input.c#tcp_rcv_state_process
 */
import { NO_BYTES } from '../../net/bytes.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import type { TcpHeader, TcpOptions } from '../../net/packet.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, tcpFlagNames } from '../../net/protocol.ts';
import { MILLISECOND } from '../../sim/clock.ts';
import type { ListenOptions, SocketAddress, SocketErrno, TcpHandlers, TcpSocket, TcpState } from '../socket.ts';
import { AckPolicy } from './ack_policy.ts';
import { LazyTimer } from './lazy_timer.ts';
import { Reassembly } from './reassembly.ts';
import { type InFlight, SendBuffer } from './send_buffer.ts';
import { seqAdd, seqDiff } from './seq.ts';
import type { TcpLayer } from './tcp_layer.ts';
import {
  TCP_FIN_TIMEOUT,
  TCP_RTO_MAX,
  TCP_RTO_MIN,
  TCP_TIMEOUT_INIT,
  TCP_TIMESTAMPS_LENGTH,
  TCP_TIMEWAIT_LEN,
  TCP_WINDOW,
  tcpAdvertisedMss,
  tcpRetryLimit,
} from './tcp_timing.ts';

/** How a connection begins. */
export interface TcpSockOptions {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly mark: number;
  readonly handlers: TcpHandlers;
  readonly peerName?: () => SocketAddress;
  /** IP_TRANSPARENT, of a socket that connects. */
  readonly transparent?: boolean;
  /** The listener that accepts it. */
  readonly listener?: ListenOptions;
}

/** A connection. */
export class TcpSock implements TcpSocket {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly mark: number;
  readonly peerName: () => SocketAddress;
  /** Its own address need not be one of the host (TPROXY). */
  readonly transparent: boolean;
  /** The next connection of the same place in the layer's table. */
  next: TcpSock | undefined;
  state: TcpState = 'CLOSED';
  readonly #layer: TcpLayer;
  readonly #listener: ListenOptions | null;
  #handlers: TcpHandlers;
  #options: Map<string, number> | null = null;

  #sndUna = 0;
  #sndNxt = 0;
  readonly #pending = new SendBuffer();
  #finQueued = false;
  #inFlight: InFlight[] = [];
  #retries = 0;
  readonly #rto: LazyTimer;

  readonly #receiveQueue = new Reassembly();
  readonly #acks: AckPolicy;
  #peerTimestamp = 0;
  /** The largest segment that both ends can take. */
  #mss: number;
  /** close(2): nobody reads any more. */
  #orphan = false;
  #finReceived = false;

  constructor(layer: TcpLayer, options: TcpSockOptions) {
    const { scheduler } = layer.netns.kernel;
    this.#layer = layer;
    this.local = options.local;
    this.remote = options.remote;
    this.mark = options.mark;
    this.peerName = options.peerName ?? (() => this.remote);
    this.#handlers = options.handlers;
    this.#listener = options.listener ?? null;
    this.#mss = this.#ownMss();
    this.transparent = options.transparent ?? options.listener?.transparent ?? false;
    this.#rto = new LazyTimer(scheduler, 'tcp retransmission', () => this.#onRto());
    this.#acks = new AckPolicy(scheduler, () => this.#sendAck());
  }

  setHandlers(handlers: TcpHandlers): void {
    this.#handlers = handlers;
  }

  setOption(name: string, value: number): void {
    this.#options ??= new Map();
    this.#options.set(name, value);
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#finQueued && this.state !== 'CLOSED' && this.state !== 'TIME-WAIT') {
      this.#pending.push(bytes);
      this.#push();
    }
  }

  end(): void {
    if (!this.#finQueued && this.state !== 'CLOSED' && this.state !== 'TIME-WAIT') {
      this.#finQueued = true;
      this.#push();
    }
  }

  close(): void {
    if (this.#orphan) {
      return;
    }
    this.#orphan = true;
    if (this.state === 'SYN-SENT') {
      this.#destroy();
      return;
    }
    this.end();
    if (this.state === 'FIN-WAIT-2') {
      this.#rto.set(TCP_FIN_TIMEOUT);
    }
  }

  abort(): void {
    if (this.state === 'SYN-SENT' || this.state === 'CLOSED' || this.state === 'TIME-WAIT') {
      this.#destroy();
      return;
    }
    this.#transmit(TCP_RST | TCP_ACK, this.#sndNxt, NO_BYTES);
    this.#destroy();
  }

  /** Sends the SYN. @see linux:net/ipv4/tcp_output.c#tcp_connect */
  startConnect(): void {
    this.#sndUna = this.#sndNxt = this.#layer.netns.kernel.rng.uint32();
    this.#setState('SYN-SENT');
    this.#send(TCP_SYN, NO_BYTES);
  }

  /** Answers a SYN. @see linux:net/ipv4/tcp_input.c#tcp_conn_request */
  startAccept(tcp: TcpHeader): void {
    this.#sndUna = this.#sndNxt = this.#layer.netns.kernel.rng.uint32();
    this.#receiveQueue.start(seqAdd(tcp.seq, 1));
    this.#readOptions(tcp);
    this.#setState('SYN-RECV');
    this.#send(TCP_SYN | TCP_ACK, NO_BYTES);
  }

  /** Ends with an error the process hears of. */
  fail(errno: SocketErrno): void {
    const { onError } = this.#handlers;
    const orphan = this.#orphan;
    this.#destroy();
    if (!orphan) {
      onError?.(this, errno);
    }
  }

  /** Leaves TIME-WAIT for a new connection of the same ends. @see linux:net/ipv4/tcp_minisocks.c#tcp_timewait_state_process */
  forget(): void {
    this.#destroy();
  }

  /** A segment arrives. @see linux:net/ipv4/tcp_input.c#tcp_rcv_established */
  receive(tcp: TcpHeader, payload: Uint8Array): void {
    if ((tcp.flags & TCP_RST) !== 0) {
      this.#onReset(tcp);
      return;
    }
    this.#readOptions(tcp);
    if (this.state === 'SYN-SENT') {
      this.#onSynAck(tcp);
      return;
    }
    if ((tcp.flags & TCP_SYN) !== 0) {
      // A repeated SYN or SYN-ACK: the answer was lost.
      if (this.state === 'SYN-RECV') {
        this.#retransmit();
      } else {
        this.#sendAck();
      }
      return;
    }
    if ((tcp.flags & TCP_ACK) !== 0 && !this.#onAck(tcp.ack)) {
      return;
    }
    if (payload.length > 0 || (tcp.flags & TCP_FIN) !== 0) {
      this.#onData(tcp, payload);
    }
  }

  #onSynAck(tcp: TcpHeader): void {
    if ((tcp.flags & (TCP_SYN | TCP_ACK)) !== (TCP_SYN | TCP_ACK) || tcp.ack !== this.#sndNxt) {
      return;
    }
    this.#receiveQueue.start(seqAdd(tcp.seq, 1));
    this.#acknowledged(tcp.ack);
    this.#setState('ESTAB');
    this.#sendAck();
    this.#handlers.onConnected?.(this);
    this.#push();
  }

  /** Returns whether the connection goes on. @see linux:net/ipv4/tcp_input.c#tcp_ack */
  #onAck(ack: number): boolean {
    if (seqDiff(ack, this.#sndUna) < 0 || seqDiff(ack, this.#sndNxt) > 0) {
      return true;
    }
    this.#acknowledged(ack);
    const finAcked = this.#finQueued && this.#pending.empty && this.#inFlight.length === 0 && ack === this.#sndNxt;
    switch (this.state) {
      case 'SYN-RECV':
        this.#setState('ESTAB');
        this.#handlers = (this.#listener as ListenOptions).onAccept(this);
        this.#handlers.onConnected?.(this);
        break;
      case 'FIN-WAIT-1':
        if (finAcked) {
          this.#setState('FIN-WAIT-2');
          if (this.#orphan) {
            this.#rto.set(TCP_FIN_TIMEOUT);
          }
        }
        break;
      case 'CLOSING':
        if (finAcked) {
          this.#enterTimeWait();
          this.#closed('TIME-WAIT');
        }
        return false;
      case 'LAST-ACK':
        if (finAcked) {
          this.#closed('CLOSED');
        }
        return false;
      case 'TIME-WAIT':
        return true;
      default:
        break;
    }
    this.#push();
    return true;
  }

  /** @see linux:net/ipv4/tcp_input.c#tcp_data_queue */
  #onData(tcp: TcpHeader, payload: Uint8Array): void {
    const queue = this.#receiveQueue;
    const before = queue.next;
    const newData = seqDiff(seqAdd(tcp.seq, payload.length), before) > 0;
    if (this.#orphan && newData && payload.length > 0) {
      // Nobody will ever read it. @see linux:net/ipv4/tcp_input.c#tcp_rcv_state_process
      this.#transmit(TCP_RST, this.#sndNxt, NO_BYTES);
      this.#destroy();
      return;
    }
    const bytes = queue.add(tcp.seq, payload, (tcp.flags & TCP_FIN) !== 0);
    const finNow = queue.finished && !this.#finReceived;
    if (queue.next === before) {
      // Out of order or already seen: say at once what is expected.
      this.#sendAck();
      return;
    }
    if (bytes.length > 0) {
      this.#acks.onData();
    }
    if (finNow) {
      this.#onFin();
    }
    if (bytes.length > 0) {
      this.#handlers.onData?.(this, bytes);
    }
    if (finNow && !this.#orphan) {
      this.#handlers.onEnd?.(this);
    }
    if (finNow && this.state === 'TIME-WAIT') {
      this.#closed('TIME-WAIT');
    }
  }

  /** @see linux:net/ipv4/tcp_input.c#tcp_fin */
  #onFin(): void {
    this.#finReceived = true;
    switch (this.state) {
      case 'SYN-RECV':
      case 'ESTAB':
        this.#setState('CLOSE-WAIT');
        // The answer may ride on the process's own FIN.
        this.#acks.delay();
        break;
      case 'FIN-WAIT-1':
        this.#sendAck();
        this.#setState('CLOSING');
        break;
      case 'FIN-WAIT-2':
        this.#sendAck();
        this.#enterTimeWait();
        break;
      default:
        this.#sendAck();
    }
  }

  #onReset(tcp: TcpHeader): void {
    if (this.state === 'SYN-SENT') {
      if ((tcp.flags & TCP_ACK) !== 0 && tcp.ack === this.#sndNxt) {
        this.fail('ECONNREFUSED');
      }
    } else if (this.state === 'TIME-WAIT' || this.state === 'SYN-RECV') {
      this.#destroy();
    } else if (seqDiff(tcp.seq, this.#receiveQueue.next) >= 0) {
      this.fail(this.state === 'CLOSE-WAIT' ? 'EPIPE' : 'ECONNRESET');
    }
  }

  /** Sends what the window allows, then the FIN. @see linux:net/ipv4/tcp_output.c#tcp_write_xmit */
  #push(): void {
    if (this.state !== 'ESTAB' && this.state !== 'CLOSE-WAIT') {
      return;
    }
    while (!this.#pending.empty && seqDiff(this.#sndNxt, this.#sndUna) < TCP_WINDOW) {
      const payload = this.#pending.take(this.#mss - TCP_TIMESTAMPS_LENGTH);
      const last = this.#pending.empty;
      this.#acks.onDataSent();
      this.#send(TCP_ACK | (last ? TCP_PSH : 0), payload);
    }
    if (this.#finQueued && this.#pending.empty) {
      this.#setState(this.state === 'ESTAB' ? 'FIN-WAIT-1' : 'LAST-ACK');
      this.#send(TCP_FIN | TCP_ACK, NO_BYTES);
    }
  }

  #send(flags: number, payload: Uint8Array): void {
    const seq = this.#sndNxt;
    const end = seqAdd(seq, payload.length + ((flags & (TCP_SYN | TCP_FIN)) === 0 ? 0 : 1));
    this.#inFlight.push({ seq, flags, payload, end });
    this.#sndNxt = end;
    if (this.#inFlight.length === 1) {
      this.#rto.set(this.#timeout());
    }
    this.#transmit(flags, seq, payload);
  }

  #sendAck(): void {
    this.#transmit(TCP_ACK, this.#sndNxt, NO_BYTES);
  }

  #transmit(flags: number, seq: number, payload: Uint8Array): void {
    if ((flags & TCP_ACK) !== 0) {
      this.#acks.sent();
    }
    const reset = (flags & TCP_RST) !== 0;
    this.#layer.transmit({
      local: this.local,
      remote: this.remote,
      seq,
      ack: (flags & TCP_ACK) === 0 ? 0 : this.#receiveQueue.next,
      flags,
      options: reset ? null : this.#segmentOptions((flags & TCP_SYN) !== 0),
      payload,
      mark: this.mark,
    });
  }

  #segmentOptions(syn: boolean): TcpOptions {
    const value = Math.floor(this.#layer.netns.kernel.scheduler.clock.now() / MILLISECOND) >>> 0;
    const timestamps = { value, echo: this.#peerTimestamp };
    return syn ? { mss: this.#ownMss(), wscale: 7, sackPermitted: true, timestamps } : { timestamps };
  }

  #acknowledged(ack: number): void {
    if (ack === this.#sndUna) {
      return;
    }
    this.#sndUna = ack;
    this.#inFlight = this.#inFlight.filter((segment) => seqDiff(segment.end, ack) > 0);
    this.#retries = 0;
    if (this.#inFlight.length === 0) {
      this.#rto.clear();
    } else {
      this.#rto.set(this.#timeout());
    }
  }

  /** @see linux:net/ipv4/tcp_timer.c#tcp_retransmit_timer */
  #onRto(): void {
    if (this.state === 'FIN-WAIT-2' || this.state === 'TIME-WAIT') {
      this.#closed('CLOSED');
      return;
    }
    if (this.#retries >= tcpRetryLimit(this.state, this.#orphan)) {
      this.fail('ETIMEDOUT');
      return;
    }
    this.#retries += 1;
    this.#retransmit();
    this.#rto.set(this.#timeout());
  }

  #retransmit(): void {
    const first = this.#inFlight[0];
    if (first === undefined) {
      return;
    }
    const { journey } = this.#layer.netns.kernel;
    if (journey.recording) {
      journey.add({
        kind: 'decide',
        actor: 'kernel',
        fn: 'tcp_retransmit_skb',
        see: 'linux:net/ipv4/tcp_output.c#tcp_retransmit_skb',
        verdict: 'retransmit',
        why: `${this.#name()}: ${tcpFlagNames(first.flags).join('|')}, attempt ${this.#retries}`,
      });
    }
    this.#transmit(first.flags, first.seq, first.payload);
  }

  #timeout(): number {
    const base = this.state === 'SYN-SENT' || this.state === 'SYN-RECV' ? TCP_TIMEOUT_INIT : TCP_RTO_MIN;
    return Math.min(base * 2 ** this.#retries, TCP_RTO_MAX);
  }

  #ownMss(): number {
    return tcpAdvertisedMss(this.#layer.netns.pathMtu(this.remote.address, this.mark));
  }

  #readOptions(tcp: TcpHeader): void {
    this.#mss = Math.min(this.#mss, tcp.options?.mss ?? this.#mss);
    this.#peerTimestamp = tcp.options?.timestamps?.value ?? this.#peerTimestamp;
  }

  #enterTimeWait(): void {
    this.#setState('TIME-WAIT');
    this.#acks.clear();
    this.#rto.setIdle(TCP_TIMEWAIT_LEN);
  }

  /** Both directions have ended: the last thing the process hears. */
  #closed(state: 'TIME-WAIT' | 'CLOSED'): void {
    const { onClose } = this.#handlers;
    this.#handlers = {};
    if (state === 'CLOSED') {
      this.#destroy();
    }
    if (!this.#orphan) {
      onClose?.(this);
    }
  }

  #destroy(): void {
    this.#setState('CLOSED');
    this.#rto.clear();
    this.#acks.clear();
    this.#inFlight = [];
    this.#pending.clear();
    this.#handlers = {};
    this.#layer.remove(this);
  }

  #setState(state: TcpState): void {
    const { journey } = this.#layer.netns.kernel;
    if (journey.recording && state !== this.state) {
      journey.add({
        kind: 'change',
        actor: 'kernel',
        fn: 'tcp_set_state',
        see: 'linux:net/ipv4/tcp.c#tcp_set_state',
        target: 'tcp state',
        key: this.#name(),
        before: this.state,
        after: state,
      });
    }
    this.state = state;
  }

  #name(): string {
    const text = (one: SocketAddress): string => `${formatIpv4(one.address)}:${one.port}`;
    return `${text(this.local)} - ${text(this.remote)} in ${this.#layer.netns.name}`;
  }
}
