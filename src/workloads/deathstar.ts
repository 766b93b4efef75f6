/**
 * The deathstar of the Star Wars demo: a go-swagger server with the base path /v1.
 * @see https://github.com/cilium/starwars-docker
 * @remarks Simplified: the real process panics two seconds after a hit on the exhaust port and its container is restarted; this one goes on.
 */
import { HttpServer, type ServerRequest, type ServerResponse } from './http_server.ts';
import type { ProcessEnv } from './process.ts';

const BACKTRACE = `Panic: deathstar exploded

goroutine 1 [running]:
main.HandleGarbage(0x2080c3f50, 0x2, 0x4, 0x425c0, 0x5, 0xa)
        /code/src/github.com/empire/deathstar/
        temp/main.go:9 +0x64
main.main()
        /code/src/github.com/empire/deathstar/
        temp/main.go:5 +0x85
`;

/** What each path answers, by method. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, (env: ProcessEnv) => ServerResponse>>>> = {
  '/v1': { GET: (env) => text(200, info(env.hostname)) },
  '/v1/request-landing': { POST: () => text(200, 'Ship landed\n') },
  '/v1/exhaust-port': { PUT: () => text(503, BACKTRACE) },
};

/** A new server. */
export function newDeathstar(): HttpServer {
  return new HttpServer(80, answer);
}

function answer(request: ServerRequest, env: ProcessEnv): ServerResponse {
  const path = request.target.split('?')[0] as string;
  const route = ROUTES[path === '/v1/' ? '/v1' : path];
  if (route === undefined) {
    return json(404, `path ${path} was not found`);
  }
  const handler = route[request.method] ?? (request.method === 'HEAD' ? route['GET'] : undefined);
  return handler === undefined
    ? json(405, `method ${request.method} is not allowed, but [${Object.keys(route).join(',')}] are`)
    : handler(env);
}

function text(status: number, body: string): ServerResponse {
  return { status, contentType: 'text/plain', body };
}

/** Errors of go-openapi. @see https://github.com/go-openapi/errors */
function json(status: number, message: string): ServerResponse {
  return { status, contentType: 'application/json', body: JSON.stringify({ code: status, message }) };
}

function info(hostname: string): string {
  const facts: readonly (readonly [string, string])[] = [
    ['name', 'Death Star'],
    ['hostname', hostname],
    ['model', 'DS-1 Orbital Battle Station'],
    ['manufacturer', 'Imperial Department of Military Research, Sienar Fleet Systems'],
    ['cost_in_credits', '1000000000000'],
    ['length', '120000'],
    ['crew', '342953'],
    ['passengers', '843342'],
    ['cargo_capacity', '1000000000000'],
    ['hyperdrive_rating', '4.0'],
    ['starship_class', 'Deep Space Mobile Battlestation'],
  ];
  const api = [
    'GET   /v1',
    'GET   /v1/healthz',
    'POST  /v1/request-landing',
    'PUT   /v1/cargobay',
    'GET   /v1/hyper-matter-reactor/status',
    'PUT   /v1/exhaust-port',
  ];
  const lines = facts.map(([key, value]) => `\t"${key}": "${value}",\n`).join('');
  return `{\n${lines}\t"api": [\n${api.map((one) => `\t\t"${one}"`).join(',\n')}\n\t]\n}\n`;
}
