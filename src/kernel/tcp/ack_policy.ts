/**
 * When to acknowledge: at once while the connection is young, later when data is likely to go the other way soon.
 * @see linux:net/ipv4/tcp_input.c#__tcp_ack_snd_check
 */
import type { Scheduler } from '../../sim/scheduler.ts';
import { LazyTimer } from './lazy_timer.ts';
import { TCP_ATO_MIN, TCP_MAX_QUICKACKS, TCP_PINGPONG_THRESH } from './tcp_timing.ts';

/** Acknowledgement state of one connection. */
export class AckPolicy {
  readonly #scheduler: Scheduler;
  readonly #sendAck: () => void;
  readonly #delayed: LazyTimer;
  #owed = false;
  #quick = 0;
  #pingpong = 0;
  #lastReceived: number | null = null;
  /** Segments received since the last acknowledgement. */
  #unacknowledged = 0;

  constructor(scheduler: Scheduler, sendAck: () => void) {
    this.#scheduler = scheduler;
    this.#sendAck = sendAck;
    this.#delayed = new LazyTimer(scheduler, 'tcp delayed ack', () => {
      if (this.#owed) {
        this.#sendAck();
      }
    });
  }

  /** Data arrived in order. @see linux:net/ipv4/tcp_input.c#tcp_event_data_recv */
  onData(): void {
    if (this.#lastReceived === null) {
      this.#quick = TCP_MAX_QUICKACKS;
    }
    this.#lastReceived = this.#scheduler.clock.now();
    this.#unacknowledged += 1;
    const quick = this.#quick > 0 && this.#pingpong < TCP_PINGPONG_THRESH;
    if (quick || this.#unacknowledged > 1) {
      this.#quick = Math.max(0, this.#quick - 1);
      this.#sendAck();
    } else {
      this.delay();
    }
  }

  /** Data leaves soon after data came: an interactive exchange. @see linux:net/ipv4/tcp_output.c#tcp_event_data_sent */
  onDataSent(): void {
    if (this.#lastReceived !== null && this.#scheduler.clock.now() - this.#lastReceived < TCP_ATO_MIN) {
      this.#pingpong = Math.min(this.#pingpong + 1, TCP_PINGPONG_THRESH);
    }
  }

  /** Owes an acknowledgement that may wait. */
  delay(): void {
    this.#owed = true;
    this.#delayed.set(TCP_ATO_MIN);
  }

  /** An acknowledgement went out, alone or with data. */
  sent(): void {
    this.#owed = false;
    this.#unacknowledged = 0;
  }

  /** The connection is over. */
  clear(): void {
    this.#owed = false;
    this.#delayed.clear();
  }
}
