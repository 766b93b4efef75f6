/** Small servers for manifests of one's own: they answer every request with who they are. */
import type { Certificate } from '../net/certificate.ts';
import { HttpServer } from './http_server.ts';

/** Answers `hostname` to everything (agnhost serve-hostname), or a fixed text (http-echo). */
export function newEchoServer(port: number, text: string | null, certificate: Certificate | null = null): HttpServer {
  const type = 'text/plain; charset=utf-8';
  return new HttpServer(port, (_request, env) => ({ status: 200, contentType: type, body: text ?? env.hostname }), certificate);
}
