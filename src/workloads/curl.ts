/**
 * curl: one request over one connection, with curl's exit codes and messages.
 * @see curl:src/tool_operate.c#operate
 */
import { isErrno, type SocketErrno, type TcpSocket } from '../kernel/socket.ts';
import { concatBytes, fromUtf8, latin1, NO_BYTES, utf8 } from '../net/bytes.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.ts';
import { MILLISECOND, SECOND } from '../sim/clock.ts';
import type { Timer } from '../sim/scheduler.ts';
import { CurlHttp2 } from './curl_http2.ts';
import { type CurlOptions, type CurlUrl, parseCurl, parseUrl } from './curl_options.ts';
import { requestHead } from './curl_request.ts';
import { type CurlExchange, type CurlFailure, CurlResponse } from './curl_response.ts';
import { curlTlsSession, tlsBroken, tlsFailure } from './curl_tls.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from './process.ts';
import { resolve } from './resolver.ts';
import { TlsStream } from './tls_stream.ts';

/** Since this version an ETIMEDOUT of connect(2) is exit code 28. @see https://github.com/curl/curl/pull/4462 */
const TIMEDOUT_SINCE = [7, 67, 0] as const;
/** Since this version a wrong name in a certificate is exit code 60. */
const WRONG_NAME_SINCE = [7, 62, 0] as const;

/** Runs `curl` with the arguments after the command's name. */
export function curl(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const parsed = parseCurl(args);
  if (!parsed.ok) {
    const timer = env.scheduler.after(0, 'curl', () => done({ exitCode: 2, stdout: '', stderr: parsed.message }));
    return { kill: () => timer.cancel() };
  }
  const transfer = new Transfer(env, parsed.options, done);
  transfer.start();
  return { kill: () => transfer.kill() };
}

class Transfer {
  readonly #env: ProcessEnv;
  readonly #options: CurlOptions;
  readonly #done: (result: ProcessResult) => void;
  readonly #startedAt: number;
  #stdout: Uint8Array[] = [];
  #stderr = '';
  #timers: Timer[] = [];
  #cancelResolve: () => void = () => undefined;
  #socket: TcpSocket | null = null;
  #tls: TlsStream | null = null;
  #connected = false;
  #finished = false;
  #response: CurlExchange;
  #url: CurlUrl | null = null;

  constructor(env: ProcessEnv, options: CurlOptions, done: (result: ProcessResult) => void) {
    this.#env = env;
    this.#options = options;
    this.#done = done;
    this.#startedAt = env.scheduler.clock.now();
    this.#response = new CurlResponse(options.head);
  }

  start(): void {
    const { maxTime, connectTimeout, pathAsIs } = this.#options;
    const url = parseUrl(this.#options.url, pathAsIs);
    this.#url = url;
    if (url === null) {
      this.#later(() => this.#fail(3, 'URL using bad/illegal format or missing URL'));
      return;
    }
    if (url.scheme !== 'http' && url.scheme !== 'https') {
      this.#later(() => this.#fail(1, `Protocol "${url.scheme}" not supported or disabled in libcurl`));
      return;
    }
    if (maxTime !== null) {
      this.#after(maxTime, () => this.#timeout());
    }
    if (connectTimeout !== null) {
      this.#after(connectTimeout, () => {
        if (!this.#connected) {
          this.#timeout();
        }
      });
    }
    const fixed = this.#options.resolve.map((one) => one.split(':')).find(([host, port]) => host === url.host && Number(port) === url.port);
    const address = fixed === undefined ? null : parseIpv4(fixed[2] ?? '');
    if (address !== null) {
      this.#later(() => this.#connect(address, url));
      return;
    }
    this.#cancelResolve = resolve(this.#env, url.host, (result) => {
      if (result.ok) {
        this.#connect(result.addresses[0] as Ipv4, url);
      } else {
        this.#fail(6, `Could not resolve host: ${url.host}`);
      }
    });
  }

  kill(): void {
    this.#finish(137);
  }

  #connect(address: Ipv4, url: CurlUrl): void {
    this.#note(`*   Trying ${formatIpv4(address)}...`);
    const socket = this.#env.sockets.connect({
      remote: { address, port: url.port },
      handlers: {
        onConnected: (one) => this.#onConnected(one, url),
        onData: (_socket, bytes) => (this.#tls === null ? this.#onData(bytes) : this.#tls.receive(bytes)),
        onEnd: () => this.#onEnd(),
        onError: (_socket, errno) => this.#onError(errno),
      },
    });
    if (socket === 'EPERM') {
      this.#note(`* Immediate connect fail for ${formatIpv4(address)}: Operation not permitted`);
      this.#later(() => this.#fail(7, "Couldn't connect to server"));
    } else if (isErrno(socket)) {
      this.#later(() => this.#onError(socket));
    } else {
      this.#socket = socket;
    }
  }

  #onConnected(socket: TcpSocket, url: CurlUrl): void {
    this.#connected = true;
    this.#note(`* Connected to ${url.host} (${formatIpv4(socket.peerName().address)}) port ${url.port} (#0)`);
    if (url.scheme === 'http') {
      this.#sendRequest(socket, url);
      return;
    }
    const tls = new TlsStream(socket, curlTlsSession(this.#env, this.#options, url), {
      onSecure: () => this.#sendRequest(tls, url),
      onData: (bytes) => this.#onData(bytes),
      onEnd: () => this.#onEnd(),
      onFailed: (failure) => this.#report(tlsFailure(failure, url, atLeast(this.#env.curlVersion, WRONG_NAME_SINCE))),
    });
    this.#tls = tls;
    tls.start();
  }

  #sendRequest(wire: { write(bytes: Uint8Array): void }, url: CurlUrl): void {
    const http2 = this.#options.http2 === 'prior-knowledge';
    const head = requestHead(this.#options, url, this.#env.curlVersion, http2 ? 'HTTP/2' : this.#options.http10 ? 'HTTP/1.0' : 'HTTP/1.1');
    for (const line of head.split('\r\n').slice(0, -1)) {
      this.#note(`> ${line}`);
    }
    if (this.#env.journey.recording) {
      this.#env.journey.add({
        kind: 'enter',
        actor: 'workload',
        fn: 'curl',
        where: this.#env.hostname,
        what: head.split('\r\n')[0] as string,
      });
    }
    const body = this.#options.data === null ? NO_BYTES : utf8(this.#options.data);
    if (http2) {
      const exchange = new CurlHttp2(wire, url.scheme);
      this.#response = exchange;
      exchange.start(head, this.#options.data === null ? null : body);
      return;
    }
    wire.write(body.length === 0 ? latin1(head) : concatBytes([latin1(head), body]));
  }

  #onData(bytes: Uint8Array): void {
    const before = this.#response.headText.length;
    const failure = this.#response.add(bytes);
    if (this.#options.verbose) {
      for (const line of this.#response.headText.slice(before).split('\r\n').slice(0, -1)) {
        this.#note(`< ${line}`);
      }
    }
    if (failure !== null) {
      this.#report(failure);
    } else if (this.#response.complete) {
      this.#succeed();
    }
  }

  #onEnd(): void {
    if (this.#tls?.secure === false) {
      this.#report(tlsBroken(this.#url as CurlUrl, false));
      return;
    }
    if (this.#response.endOfStream()) {
      this.#succeed();
    } else if (this.#response.started) {
      this.#fail(18, 'transfer closed with outstanding read data remaining');
    } else {
      this.#fail(52, 'Empty reply from server');
    }
  }

  #onError(errno: SocketErrno): void {
    const url = this.#url as CurlUrl;
    if (this.#tls?.secure === false) {
      this.#report(tlsBroken(url, true));
      return;
    }
    if (this.#connected) {
      this.#fail(56, 'Recv failure: Connection reset by peer');
      return;
    }
    const reasons: Partial<Record<SocketErrno, string>> = {
      ECONNREFUSED: 'Connection refused',
      ETIMEDOUT: 'Connection timed out',
      EHOSTUNREACH: 'No route to host',
      ENETUNREACH: 'Network is unreachable',
      EADDRNOTAVAIL: 'Cannot assign requested address',
    };
    const exitCode = errno === 'ETIMEDOUT' && atLeast(this.#env.curlVersion, TIMEDOUT_SINCE) ? 28 : 7;
    this.#note(`* connect to ${url.host} port ${url.port} failed: ${reasons[errno] ?? errno}`);
    this.#fail(exitCode, `Failed to connect to ${url.host} port ${url.port}: ${reasons[errno] ?? errno}`);
  }

  #timeout(): void {
    const millis = Math.floor((this.#env.scheduler.clock.now() - this.#startedAt) / MILLISECOND);
    if (this.#connected) {
      const { received, expected } = this.#response;
      this.#fail(28, `Operation timed out after ${millis} milliseconds with ${received} out of ${expected ?? 0} bytes received`);
    } else {
      this.#fail(28, `Connection timed out after ${millis} milliseconds`);
    }
  }

  #succeed(): void {
    const { status } = this.#response;
    if (this.#options.fail && status >= 400) {
      this.#fail(22, `The requested URL returned error: ${status}`);
      return;
    }
    this.#collectOutput();
    this.#note(`* Connection #0 to host ${(this.#url as CurlUrl).host} left intact`);
    this.#finish(0);
  }

  #collectOutput(): void {
    if (this.#options.output === null) {
      if (this.#options.include) {
        this.#stdout.push(latin1(this.#response.headText));
      }
      this.#stdout.push(this.#response.body());
    }
  }

  #report({ exitCode, message }: CurlFailure): void {
    this.#fail(exitCode, message);
  }

  #fail(exitCode: number, message: string): void {
    if (exitCode === 18 || exitCode === 28) {
      this.#collectOutput();
    }
    if (!this.#options.silent || this.#options.showError) {
      this.#stderr += `curl: (${exitCode}) ${message}\n`;
    }
    this.#finish(exitCode);
  }

  #finish(exitCode: number): void {
    if (this.#finished) {
      return;
    }
    this.#finished = true;
    for (const timer of this.#timers) {
      timer.cancel();
    }
    this.#cancelResolve();
    if (this.#tls === null) {
      this.#socket?.close();
    } else {
      this.#tls.close();
    }
    const written = this.#options.writeOut === null ? '' : writeOut(this.#options.writeOut, this.#response, this.#seconds());
    const stdout = fromUtf8(concatBytes([...this.#stdout, utf8(written)]));
    this.#done({ exitCode, stdout, stderr: this.#stderr });
  }

  #seconds(): number {
    return (this.#env.scheduler.clock.now() - this.#startedAt) / SECOND;
  }

  #note(line: string): void {
    if (this.#options.verbose) {
      this.#stderr += `${line}\n`;
    }
  }

  #later(callback: () => void): void {
    this.#timers.push(this.#env.scheduler.after(0, 'curl', callback));
  }

  #after(seconds: number, callback: () => void): void {
    this.#timers.push(this.#env.scheduler.after(seconds * SECOND, 'curl timeout', callback));
  }
}

/** @see curl:src/tool_writeout.c#ourWriteOut */
function writeOut(format: string, response: CurlExchange, seconds: number): string {
  const values: Readonly<Record<string, string>> = {
    http_code: String(response.status).padStart(3, '0'),
    response_code: String(response.status).padStart(3, '0'),
    size_download: String(response.received),
    time_total: seconds.toFixed(6),
    http_version: response.version,
    content_type: response.header('content-type') ?? '',
  };
  return format
    .replace(/%\{([a-z_]+)\}/g, (_all, name: string) => values[name] ?? '')
    .replaceAll('\\n', '\n')
    .replaceAll('\\t', '\t')
    .replaceAll('\\r', '\r')
    .replaceAll('%%', '%');
}

function atLeast(version: string, wanted: readonly [number, number, number]): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, need] of wanted.entries()) {
    const have = parts[index] ?? 0;
    if (have !== need) {
      return have > need;
    }
  }
  return true;
}
