/**
 * Opening a connection to an upstream host.
 * @see envoy:source/common/network/connection_impl.cc#ClientConnectionImpl::connect
 */
import { isErrno, type SocketErrno } from '../../kernel/socket.ts';
import { upstreamSession } from '../cilium/tls_wrapper.ts';
import { Connection } from '../network/connection.ts';
import type { ServerContext } from '../server_context.ts';
import type { Host } from './cluster.ts';
import type { PoolKey } from './conn_pool.ts';

/** Numbers of errors, as strerror-less logs print them. @see linux:include/uapi/asm-generic/errno.h */
const ERRNO: Readonly<Record<SocketErrno, number>> = {
  EPERM: 1,
  EPIPE: 32,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
};

/** The number of an error. */
export function errnoNumber(errno: SocketErrno): number {
  return ERRNO[errno];
}

/** Opens a socket with the source and mark of a pool; the caller sets the connection's callbacks. */
export function connectUpstream(context: ServerContext, host: Host, key: PoolKey, id: number): Connection | SocketErrno {
  let connection: Connection | null = null;
  const socket = context.sockets.connect({
    remote: { address: host.address.ipv4 ?? 0, port: host.address.port },
    ...(key.bind?.ipv4 == null ? {} : { local: { address: key.bind.ipv4, port: key.bind.port } }),
    mark: key.mark,
    transparent: key.transparent,
    handlers: {
      onConnected: (one) => connection?.handlers().onConnected?.(one),
      onError: (one, errno) => connection?.handlers().onError?.(one, errno),
    },
  });
  if (isErrno(socket)) {
    return socket;
  }
  connection = new Connection(context.dispatcher, socket, id);
  if (key.tls !== null) {
    connection.secure(upstreamSession(key.tls, context.rng));
  }
  socket.setHandlers(connection.handlers());
  return connection;
}
