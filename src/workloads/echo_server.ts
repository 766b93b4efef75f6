/** Small servers for manifests of one's own: they answer every request with who they are. */
import { HttpServer } from './http_server.ts';

/** Answers `hostname` to everything (agnhost serve-hostname), or a fixed text (http-echo). */
export function newEchoServer(port: number, text: string | null, tls = false): HttpServer {
  return new HttpServer(
    port,
    (_request, env) => ({ status: 200, contentType: 'text/plain; charset=utf-8', body: text ?? env.hostname }),
    tls,
  );
}
