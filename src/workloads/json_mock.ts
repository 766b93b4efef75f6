/**
 * The echo server of Cilium's connectivity tests.
 * @see https://github.com/cilium/json-mock
 * @remarks Simplified: the routes its tests use, with the status codes they imply.
 */
import { header } from './http_message.ts';
import { HttpServer, type ServerRequest, type ServerResponse } from './http_server.ts';

const GREETING = '{"message":"Hello"}';

/** A new server. */
export function newJsonMock(port: number): HttpServer {
  return new HttpServer(port, answer);
}

function answer(request: ServerRequest): ServerResponse {
  const path = request.target.split('?')[0] as string;
  if (path === '/auth-header-required') {
    const authorized = header({ startLine: '', headers: request.headers }, 'authorization') === 'Bearer 123456';
    return authorized ? json(200, GREETING) : json(401, '{"error":"Unauthorized"}');
  }
  if (path !== '/' && path !== '/public' && path !== '/private') {
    return json(404, '{}');
  }
  if (request.method === 'POST' && path !== '/') {
    return json(201, GREETING);
  }
  return request.method === 'GET' || request.method === 'HEAD' ? json(200, GREETING) : json(404, '{}');
}

function json(status: number, body: string): ServerResponse {
  return { status, contentType: 'application/json; charset=utf-8', body };
}
