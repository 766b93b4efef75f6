/**
 * Name resolution as glibc's getaddrinfo does it: the search list by the dots in the name, A and AAAA asked in parallel on one socket, each name
 * tried on a socket of its own.
 * @see glibc:resolv/res_query.c#__res_context_search
 * @remarks Simplified: one name server, and A answers alone count: pods have no IPv6.
 */
import { isErrno } from '../kernel/socket.ts';
import { DNS_RCODE_NOERROR, DNS_RCODE_NXDOMAIN, DNS_TYPE_A, DNS_TYPE_AAAA, type DnsMessage, decodeDns, encodeDns } from '../net/dns.ts';
import { FrameReader, frame } from '../net/dns_frames.ts';
import { IPV4_ANY, type Ipv4, parseIpv4 } from '../net/ipv4.ts';
import { SECOND } from '../sim/clock.ts';
import type { ProcessEnv } from './process.ts';

/** resolv.conf's defaults. */
const TIMEOUT = 5 * SECOND;
const ATTEMPTS = 2;

/** What a resolution gives. */
export type ResolveResult =
  | { readonly ok: true; readonly addresses: readonly Ipv4[] }
  | { readonly ok: false; readonly error: 'not-found' | 'timeout' | 'failure' };

/** Resolves a host name (or takes an address as it is). The result comes later; the returned function gives up. */
export function resolve(env: ProcessEnv, host: string, done: (result: ResolveResult) => void): () => void {
  const literal = parseIpv4(host);
  if (literal !== null || host === 'localhost') {
    const timer = env.scheduler.after(0, 'resolver', () => done({ ok: true, addresses: [literal ?? 0x7f000001] }));
    return () => timer.cancel();
  }
  const names = candidates(host, env.resolvConf.search, env.resolvConf.ndots);
  let cancel: () => void = () => undefined;
  let worst: 'not-found' | 'timeout' | 'failure' = 'not-found';
  const tryNext = (index: number): void => {
    const name = names[index];
    if (name === undefined) {
      done({ ok: false, error: worst });
      return;
    }
    cancel = query(env, name, (result) => {
      if (result.ok) {
        done(result);
      } else {
        worst = result.error === 'not-found' ? worst : result.error;
        tryNext(index + 1);
      }
    });
  };
  tryNext(0);
  return () => cancel();
}

/** The names to try, in order. */
export function candidates(host: string, search: readonly string[], ndots: number): string[] {
  if (host.endsWith('.')) {
    return [host.slice(0, -1)];
  }
  const dots = host.split('.').length - 1;
  const searched = search.map((domain) => `${host}.${domain}`);
  return dots >= ndots ? [host, ...searched] : [...searched, host];
}

/** Asks for A and AAAA of one name. */
function query(env: ProcessEnv, name: string, done: (result: ResolveResult) => void): () => void {
  const server = { address: env.resolvConf.nameserver, port: 53 };
  const ids = [env.rng.below(65536), env.rng.below(65536)];
  const answers = new Map<number, DnsMessage>();
  let attempt = 0;
  let finished = false;
  /** Ends the attempt by TCP, once an answer was too long for a datagram. */
  let again: () => void = () => undefined;
  const socket = env.sockets.udp({
    local: { address: IPV4_ANY, port: 0 },
    remote: server,
    onMessage: (bytes) => {
      const message = decodeDns(bytes);
      if (message?.response !== true || !ids.includes(message.id)) {
        return;
      }
      if (message.truncated) {
        again = queryTcp(env, name, finish);
        return;
      }
      answers.set(message.id, message);
      if (answers.size === 2) {
        finish(judge([...answers.values()]));
      }
    },
    onError: () => finish({ ok: false, error: 'failure' }),
  });
  const finish = (result: ResolveResult): void => {
    if (!finished) {
      finished = true;
      timer?.cancel();
      again();
      if (!isErrno(socket)) {
        socket.close();
      }
      done(result);
    }
  };
  let timer = isErrno(socket) ? env.scheduler.after(0, 'resolver', () => finish({ ok: false, error: 'failure' })) : null;
  const send = (): void => {
    if (isErrno(socket)) {
      return;
    }
    attempt += 1;
    for (const [index, type] of [DNS_TYPE_A, DNS_TYPE_AAAA].entries()) {
      socket.send(server, encodeDns(question(ids[index] as number, name, type)));
    }
    timer = env.scheduler.after(TIMEOUT, 'resolver timeout', () => (attempt < ATTEMPTS ? send() : finish({ ok: false, error: 'timeout' })));
  };
  send();
  return () => {
    finished = true;
    timer?.cancel();
    again();
    if (!isErrno(socket)) {
      socket.close();
    }
  };
}

/** Asks for A over TCP, after an answer that did not fit. Returns the function that ends it. */
function queryTcp(env: ProcessEnv, name: string, done: (result: ResolveResult) => void): () => void {
  const id = env.rng.below(65536);
  const reader = new FrameReader();
  const socket = env.sockets.connect({
    remote: { address: env.resolvConf.nameserver, port: 53 },
    handlers: {
      onConnected: (one) => one.write(frame(encodeDns(question(id, name, DNS_TYPE_A)))),
      onData: (_socket, bytes) => {
        for (const text of reader.push(bytes)) {
          const message = decodeDns(text);
          if (message?.response === true && message.id === id) {
            done(judge([message]));
          }
        }
      },
      onEnd: () => done({ ok: false, error: 'failure' }),
      onError: () => done({ ok: false, error: 'failure' }),
    },
  });
  return isErrno(socket) ? () => undefined : () => socket.close();
}

function question(id: number, name: string, type: number): DnsMessage {
  return {
    id,
    response: false,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 0,
    questions: [{ name, type }],
    answers: [],
    authorities: [],
  };
}

function judge(messages: readonly DnsMessage[]): ResolveResult {
  const addresses = messages.flatMap((message) => message.answers.flatMap(({ data }) => (data.kind === 'a' ? [data.address] : [])));
  if (addresses.length > 0) {
    return { ok: true, addresses };
  }
  const known = messages.every((message) => message.rcode === DNS_RCODE_NOERROR || message.rcode === DNS_RCODE_NXDOMAIN);
  return { ok: false, error: known ? 'not-found' : 'failure' };
}
