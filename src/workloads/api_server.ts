/**
 * The API server's port as a client without TLS finds it.
 * @see go:src/net/http/server.go#conn.serve
 * @remarks Simplified: nothing speaks TLS to it; like Go's server it answers plain HTTP with 400. The objects are in `k8s/api_server.ts`.
 */
import { HttpServer } from './http_server.ts';

/** Port of k3s' API server. */
export const API_SERVER_PORT = 6443;

/** A server that only says that it wants TLS. */
export function newApiServerPort(): HttpServer {
  return new HttpServer(API_SERVER_PORT, () => ({
    status: 400,
    contentType: '',
    body: 'Client sent an HTTP request to an HTTPS server.\n',
  }));
}
