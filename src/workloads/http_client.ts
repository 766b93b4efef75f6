/**
 * A client that keeps its connection: requests go one after the other over the same socket. What no single curl command can show.
 */
import { isErrno, type SocketErrno, type TcpSocket } from '../kernel/socket.ts';
import { fromUtf8, latin1 } from '../net/bytes.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import { CurlResponse } from './curl_response.ts';
import { type CurlOptions, type CurlUrl, parseCurl, parseUrl } from './curl_options.ts';
import { requestHead } from './curl.ts';
import type { ProcessEnv } from './process.ts';
import { resolve } from './resolver.ts';

/** What came of a request. */
export interface ClientResult {
  /** 0 when none came. */
  readonly status: number;
  readonly body: string;
  /** Why there is no response: the socket's error, or the peer's end. */
  readonly error: SocketErrno | 'closed' | 'unresolved' | 'usage' | null;
}

/** One kept connection. */
export class HttpClient {
  readonly #env: ProcessEnv;
  #socket: TcpSocket | null = null;
  #response: CurlResponse | null = null;
  #done: ((result: ClientResult) => void) | null = null;

  constructor(env: ProcessEnv) {
    this.#env = env;
  }

  /** Whether the connection stands. */
  get open(): boolean {
    return this.#socket !== null;
  }

  /** Sends a request, described by curl's arguments; connects first if need be. */
  request(args: readonly string[], done: (result: ClientResult) => void): void {
    const parsed = parseCurl(args);
    const url = parsed.ok ? parseUrl(parsed.options.url, parsed.options.pathAsIs) : null;
    this.#done = done;
    if (!parsed.ok || url === null) {
      this.#env.scheduler.after(0, 'http client', () => this.#finish({ status: 0, body: '', error: 'usage' }));
      return;
    }
    if (this.#socket !== null) {
      this.#send(this.#socket, parsed.options, url);
      return;
    }
    resolve(this.#env, url.host, (result) => {
      if (result.ok) {
        this.#connect(result.addresses[0] as Ipv4, parsed.options, url);
      } else {
        this.#finish({ status: 0, body: '', error: 'unresolved' });
      }
    });
  }

  /** Closes the connection. */
  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #connect(address: Ipv4, options: CurlOptions, url: CurlUrl): void {
    const socket = this.#env.sockets.connect({
      remote: { address, port: url.port },
      handlers: {
        onConnected: (one) => this.#send(one, options, url),
        onData: (_socket, bytes) => this.#onData(bytes),
        onEnd: () => this.#ended('closed'),
        onError: (_socket, errno) => this.#ended(errno),
      },
    });
    if (isErrno(socket)) {
      this.#env.scheduler.after(0, 'http client', () => this.#finish({ status: 0, body: '', error: socket }));
    } else {
      this.#socket = socket;
    }
  }

  #send(socket: TcpSocket, options: CurlOptions, url: CurlUrl): void {
    this.#response = new CurlResponse(options.head);
    const head = requestHead(options, url, this.#env.curlVersion);
    socket.write(latin1(head + (options.data ?? '')));
  }

  #onData(bytes: Uint8Array): void {
    const response = this.#response;
    if (response?.add(bytes) === true && response.complete) {
      this.#response = null;
      const close = (response.header('connection') ?? '').toLowerCase() === 'close';
      if (close) {
        this.close();
      }
      this.#finish({ status: response.status, body: fromUtf8(response.body()), error: null });
    }
  }

  #ended(error: SocketErrno | 'closed'): void {
    this.close();
    this.#finish({ status: 0, body: '', error });
  }

  #finish(result: ClientResult): void {
    const done = this.#done;
    this.#done = null;
    done?.(result);
  }
}
