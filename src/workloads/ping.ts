/**
 * ping of iputils, for what tests and guides do with it.
 * @see https://github.com/iputils/iputils/blob/master/ping/ping.c
 * @remarks Simplified: options -c -W -w -i -s -t -M -q -n -4; without -c it sends until it is ended. No reverse name resolution.
 */
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED } from '../net/protocol.ts';
import { MILLISECOND, type Nanos, SECOND } from '../sim/clock.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from './process.ts';
import { resolve } from './resolver.ts';

interface Options {
  readonly host: string;
  readonly count: number;
  readonly timeout: Nanos;
  readonly deadline: Nanos | null;
  readonly interval: Nanos;
  readonly size: number;
  readonly ttl: number;
  readonly dontFragment: boolean;
  readonly quiet: boolean;
}

const WITH_VALUE = new Set(['c', 'W', 'w', 'i', 's', 't', 'M']);
const FLAGS = new Set(['q', 'n', '4']);

/** Codes of destination unreachable as ping words them. */
const UNREACHABLE = [
  'Destination Net Unreachable',
  'Destination Host Unreachable',
  'Destination Protocol Unreachable',
  'Destination Port Unreachable',
  'Frag needed and DF set',
];

/** Runs ping. */
export function ping(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const options = parse(args);
  if (typeof options === 'string') {
    const timer = env.scheduler.after(0, 'process', () => done({ exitCode: 2, stdout: '', stderr: `ping: ${options}\n` }));
    return { kill: () => timer.cancel() };
  }
  let running: RunningProcess | null = null;
  const cancel = resolve(env, options.host, (result) => {
    const [address] = result.ok ? result.addresses : [];
    if (address === undefined) {
      const why = result.ok || result.error === 'not-found' ? 'Name or service not known' : 'Temporary failure in name resolution';
      done({ exitCode: 2, stdout: '', stderr: `ping: ${options.host}: ${why}\n` });
    } else {
      running = new Run(env, options, address, done);
    }
  });
  return { kill: () => (running === null ? cancel() : running.kill()) };
}

class Run implements RunningProcess {
  readonly #env: ProcessEnv;
  readonly #options: Options;
  readonly #address: Ipv4;
  readonly #done: (result: ProcessResult) => void;
  readonly #socket: ReturnType<ProcessEnv['sockets']['ping']>;
  readonly #startedAt: Nanos;
  readonly #sentAt: Nanos[] = [];
  readonly #times: Nanos[] = [];
  readonly #answered = new Set<number>();
  #errors = 0;
  #timer: { cancel(): void } | null = null;
  #deadline: { cancel(): void } | null = null;
  #out: string;
  #ended = false;

  constructor(env: ProcessEnv, options: Options, address: Ipv4, done: (result: ProcessResult) => void) {
    this.#env = env;
    this.#options = options;
    this.#address = address;
    this.#done = done;
    this.#startedAt = env.scheduler.clock.now();
    this.#out = `PING ${options.host} (${formatIpv4(address)}) ${options.size}(${options.size + 28}) bytes of data.\n`;
    this.#socket = env.sockets.ping({
      ttl: options.ttl,
      dontFragment: options.dontFragment,
      onReply: (from, sequence, bytes, ttl) => this.#onReply(from, sequence, bytes.length + 8, ttl),
      onError: (from, sequence, type, code) => this.#onError(from, sequence, type, code),
    });
    if (options.deadline !== null) {
      this.#deadline = env.scheduler.after(options.deadline, 'ping deadline', () => this.#finish());
    }
    this.#send();
  }

  kill(): void {
    this.#ended = true;
    this.#close();
  }

  #send(): void {
    const sequence = this.#sentAt.length + 1;
    this.#sentAt.push(this.#env.scheduler.clock.now());
    this.#socket.send(
      this.#address,
      sequence,
      Uint8Array.from({ length: this.#options.size }, (_, i) => i & 0xff),
    );
    const last = sequence >= this.#options.count;
    this.#timer = this.#env.scheduler.after(last ? this.#options.timeout : this.#options.interval, 'ping', () =>
      last ? this.#finish() : this.#send(),
    );
  }

  #onReply(from: Ipv4, sequence: number, length: number, ttl: number): void {
    const time = this.#env.scheduler.clock.now() - (this.#sentAt[sequence - 1] ?? 0);
    if (!this.#answered.has(sequence)) {
      this.#answered.add(sequence);
      this.#times.push(time);
    }
    this.#say(`${length} bytes from ${formatIpv4(from)}: icmp_seq=${sequence} ttl=${ttl} time=${millis(time)} ms`);
    this.#finishWhenAllAnswered();
  }

  #onError(from: Ipv4, sequence: number, type: number, code: number): void {
    this.#errors += 1;
    const text =
      type === ICMP_TIME_EXCEEDED
        ? 'Time to live exceeded'
        : type === ICMP_DEST_UNREACH
          ? (UNREACHABLE[code] ?? (code === 13 ? 'Packet filtered' : `Dest Unreachable, Bad Code: ${code}`))
          : `Bad ICMP type: ${type}`;
    this.#say(`From ${formatIpv4(from)} icmp_seq=${sequence} ${text}`);
    this.#finishWhenAllAnswered();
  }

  #finishWhenAllAnswered(): void {
    if (this.#answered.size + this.#errors >= this.#options.count) {
      this.#finish();
    }
  }

  #say(line: string): void {
    if (!this.#options.quiet) {
      this.#out += `${line}\n`;
    }
  }

  #finish(): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#close();
    const sent = this.#sentAt.length;
    const received = this.#answered.size;
    const loss = Number.parseFloat((((sent - received) / sent) * 100).toPrecision(6));
    const last = this.#sentAt.at(-1) ?? this.#startedAt;
    const errors = this.#errors > 0 ? `, +${this.#errors} errors` : '';
    const total = Math.floor((last - (this.#sentAt[0] ?? last)) / MILLISECOND);
    this.#out += `\n--- ${this.#options.host} ping statistics ---\n`;
    this.#out += `${sent} packets transmitted, ${received} received${errors}, ${loss}% packet loss, time ${total}ms\n`;
    this.#out += `${this.#rtt()}\n`;
    const exitCode = received === 0 || (this.#options.deadline !== null && received < this.#options.count) ? 1 : 0;
    this.#done({ exitCode, stdout: this.#out, stderr: '' });
  }

  #rtt(): string {
    const times = this.#times;
    if (times.length === 0) {
      return '';
    }
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const deviation = Math.sqrt(times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / times.length);
    const parts = [Math.min(...times), mean, Math.max(...times), deviation].map((value) => (value / MILLISECOND).toFixed(3));
    return `rtt min/avg/max/mdev = ${parts.join('/')} ms`;
  }

  #close(): void {
    this.#timer?.cancel();
    this.#deadline?.cancel();
    this.#socket.close();
  }
}

/** Milliseconds as ping prints them: three digits that count. */
function millis(nanos: Nanos): string {
  const value = nanos / MILLISECOND;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** The options, or what is wrong with them. */
function parse(args: readonly string[]): Options | string {
  const values = new Map<string, string>();
  const hosts: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (!arg.startsWith('-') || arg === '-') {
      hosts.push(arg);
      continue;
    }
    for (let j = 1; j < arg.length; j++) {
      const letter = arg.charAt(j);
      if (WITH_VALUE.has(letter)) {
        const value = j + 1 < arg.length ? arg.slice(j + 1) : args[++i];
        if (value === undefined) {
          return `option requires an argument -- '${letter}'`;
        }
        values.set(letter, value);
        break;
      }
      if (!FLAGS.has(letter)) {
        return `invalid option -- '${letter}'`;
      }
      values.set(letter, '');
    }
  }
  const [host] = hosts;
  if (host === undefined) {
    return 'usage error: Destination address required';
  }
  const bad = [...values].find(([letter, value]) => letter !== 'M' && value !== '' && !(Number(value) >= 0));
  if (bad !== undefined) {
    return `invalid argument: '${bad[1]}'`;
  }
  const number = (letter: string, fallback: number): number => Number(values.get(letter) ?? fallback);
  return {
    host,
    count: number('c', Number.POSITIVE_INFINITY),
    timeout: number('W', 10) * SECOND,
    deadline: values.has('w') ? number('w', 0) * SECOND : null,
    interval: number('i', 1) * SECOND,
    size: number('s', 56),
    ttl: number('t', 64),
    dontFragment: values.get('M') === 'do',
    quiet: values.has('q'),
  };
}
