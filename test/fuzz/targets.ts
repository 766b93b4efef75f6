/** The parsers that get bytes or text from outside, each with inputs that are nearly right and a test that no input may fail. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { HeaderMap } from '../../src/envoy/http/header_map.ts';
import { ClientCodec } from '../../src/envoy/http/http1/client_codec.ts';
import { ServerCodec } from '../../src/envoy/http/http1/server_codec.ts';
import { inspectTls } from '../../src/envoy/network/tls_inspector.ts';
import { compileRegex } from '../../src/envoy/regex.ts';
import { parseManifest } from '../../src/k8s/manifest.ts';
import { concatBytes, fromLatin1 } from '../../src/net/bytes.ts';
import { decodeDns, encodeDns } from '../../src/net/dns.ts';
import { FrameReader, frame } from '../../src/net/dns_frames.ts';
import { clientHello } from '../../src/net/tls.ts';
import { TlsClientSession } from '../../src/net/tls_session.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { Library, l7Rules, through } from '../envoy/proxylib/library.ts';
import { bytesOf, cut, mutated, requestText, responseText } from '../support/http_messages.ts';
import { REQUESTS, RULES } from '../support/proxylib_messages.ts';
import { http2Property } from './http2_target.ts';

/** A parser under fire. */
export interface FuzzTarget {
  readonly name: string;
  /** How many inputs the tests try; `npm run fuzz` tries far more. */
  readonly inTests: number;
  /** Throws when the input shows a fault. */
  readonly property: fc.IProperty<unknown>;
}

const points = fc.array(fc.nat(400), { maxLength: 8 });

/** What a codec reported, with neighbouring pieces of a body joined. */
class Events {
  readonly #list: string[] = [];

  add(event: string): void {
    this.#list.push(event);
  }

  data(bytes: Uint8Array): void {
    const text = fromLatin1(bytes);
    if (this.#list.at(-1)?.startsWith('data ') === true) {
      this.#list.push(`${this.#list.pop() ?? ''}${text}`);
    } else if (text !== '') {
      this.#list.push(`data ${text}`);
    }
  }

  get text(): string {
    return this.#list.join('\n');
  }
}

function requestEvents(pieces: readonly Uint8Array[]): string {
  const events = new Events();
  let failed = false;
  const codec = new ServerCodec({
    open: true,
    write: () => undefined,
    newStream: () => ({
      decodeHeaders: (headers, end) => events.add(`head ${JSON.stringify(headers.pairs())} ${end}`),
      decodeData: (bytes, end) => {
        events.data(bytes);
        if (end) {
          events.add('end');
        }
      },
      protocolError: (status) => events.add(`refused ${status}`),
    }),
  });
  for (const piece of pieces) {
    for (let at = 0; at < piece.length && !failed; ) {
      const { used, error } = codec.dispatch(piece, at);
      failed = error !== null;
      if (used <= at && !failed) {
        throw new Error('the codec does not go on');
      }
      at = used;
    }
  }
  return events.text;
}

function responseEvents(pieces: readonly Uint8Array[], head: boolean): string {
  const events = new Events();
  const codec = new ClientCodec(() => undefined);
  codec.newStream({
    decodeHeaders: (headers, end) => events.add(`head ${JSON.stringify(headers.pairs())} ${end}`),
    decodeData: (bytes, end) => {
      events.data(bytes);
      if (end) {
        events.add('end');
      }
    },
  });
  if (head) {
    codec.encodeHeaders(requestHead(), true);
  }
  for (const piece of pieces) {
    const error = codec.dispatch(piece);
    if (error !== null) {
      events.add(error.error.startsWith('extraneous') ? 'extraneous' : 'error');
      return events.text;
    }
  }
  events.add(String(codec.finish() === null));
  return events.text;
}

function requestHead(): HeaderMap {
  return HeaderMap.of([
    [':method', 'HEAD'],
    [':path', '/'],
    [':authority', 'h'],
  ]);
}

function same(a: string, b: string): void {
  if (a !== b) {
    throw new Error(`cut differently:\n${a}\n-- whole:\n${b}`);
  }
}

const requests = mutated(bytesOf(fc.array(requestText, { minLength: 1, maxLength: 3 }).map((list) => list.join(''))));
const responses = mutated(bytesOf(responseText));

const dnsBytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  mutated(
    fc.constantFrom(
      encodeDns({
        ...{ id: 7, response: true, authoritative: false, truncated: false, recursionDesired: true, recursionAvailable: true, rcode: 0 },
        questions: [{ name: 'www.example.com', type: 1 }],
        answers: [
          { name: 'www.example.com', ttl: 20, data: { kind: 'cname', target: 'edge.example.com' } },
          { name: 'edge.example.com', ttl: 20, data: { kind: 'a', address: 0x01020304 as never } },
        ],
        authorities: [],
      }),
    ),
  ),
);

const hellos = fc.oneof(
  fc.uint8Array({ maxLength: 120 }),
  mutated(fc.constantFrom('', 'example.com', 'a.b').map((name) => clientHello(name, new Uint8Array(32)))),
);

const TOP = join(import.meta.dirname, '..', '..');

function yamlFiles(folder: string): string[] {
  return readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => readFileSync(join(TOP, folder, file), 'utf8'));
}

/** Texts with characters and whole lines changed, as an editor would leave them. */
function brokenTexts(texts: readonly string[]): fc.Arbitrary<string> {
  const small = texts.filter((text) => text.length < 3000);
  const lines = [...new Set(small.flatMap((text) => text.split('\n')))];
  const edit = fc.record({
    at: fc.nat(),
    line: fc.constantFrom(...lines, '- &a [*a]', '? x', '<<: *b', '\t', '"', '{', '---', '!!js/function x: y', 'a: |', '%YAML 9.9'),
    kind: fc.constantFrom('insert', 'replace', 'delete', 'cut', 'indent'),
  });
  const edited = fc.tuple(fc.constantFrom(...small), fc.array(edit, { maxLength: 4 })).map(([text, edits]) => {
    const list = text.split('\n');
    for (const { at, line, kind } of edits) {
      const place = at % (list.length + 1);
      const old = list[place] ?? '';
      const next =
        kind === 'delete'
          ? []
          : kind === 'insert'
            ? [line, old]
            : [kind === 'replace' ? line : kind === 'cut' ? old.slice(0, at % 9) : ` ${old}`];
      list.splice(place, 1, ...next);
    }
    return list.join('\n');
  });
  return fc.oneof(
    edited,
    mutated(bytesOf(edited)).map((bytes) => fromLatin1(bytes)),
  );
}

const NO_FILES = { file: 'fuzz.yaml', readFile: () => ({ error: 'no such file' }) };

function scenarioProperty(): fc.IProperty<unknown> {
  return fc.property(brokenTexts(yamlFiles('scenarios')), (text) => {
    const result = parseScenario(text, NO_FILES);
    if (!result.ok && (result.issues.length === 0 || result.issues.some((issue) => issue.message === '' || issue.position.line < 1))) {
      throw new Error(`issues without place or words: ${JSON.stringify(result.issues)}`);
    }
  });
}

/** Streams of a protocol in both directions, broken; what reaches the server is part of what the client said, in its order. */
function proxylibProperty(): fc.IProperty<unknown> {
  const stream = fc.constantFrom(...Object.keys(REQUESTS)).chain((name) => {
    const broken = mutated(fc.array(REQUESTS[name] as fc.Arbitrary<Uint8Array>, { minLength: 1, maxLength: 4 }).map(concatBytes));
    return fc.record({ name: fc.constant(name), requests: broken, replies: broken });
  });
  return fc.property(stream, points, ({ name, requests, replies }, at) => {
    const proto = name.split(' ')[0] as string;
    const library = new Library([l7Rules(proto, ...(RULES[name] ?? []))]);
    const said = cut(requests, at).map((bytes) => ({ reply: false, bytes }));
    const answered = cut(replies, at).map((bytes) => ({ reply: true, bytes }));
    const mixed = said.flatMap((piece, i) => [piece, ...answered.slice(i, i + 1)]);
    const { toServer } = through(library, proto, mixed);
    const client = fromLatin1(requests);
    let place = 0;
    for (const character of toServer) {
      place = client.indexOf(character, place) + 1;
      if (place === 0) {
        throw new Error('the server was told what the client has not said');
      }
    }
  });
}

/** All targets. */
export function fuzzTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'HTTP requests',
      inTests: 1000,
      property: fc.property(requests, points, (bytes, at) => same(requestEvents(cut(bytes, at)), requestEvents([bytes]))),
    },
    {
      name: 'HTTP responses',
      inTests: 1000,
      property: fc.property(responses, points, fc.boolean(), (bytes, at, head) =>
        same(responseEvents(cut(bytes, at), head), responseEvents([bytes], head)),
      ),
    },
    { name: 'HTTP/2 requests', inTests: 1000, property: http2Property(true) },
    { name: 'HTTP/2 responses', inTests: 1000, property: http2Property(false) },
    {
      name: 'DNS messages',
      inTests: 1000,
      property: fc.property(dnsBytes, (bytes) => {
        const message = decodeDns(bytes);
        if (message !== null) {
          same(JSON.stringify(decodeDns(encodeDns(message))?.questions), JSON.stringify(message.questions));
        }
      }),
    },
    {
      name: 'DNS over TCP',
      inTests: 1000,
      property: fc.property(fc.array(dnsBytes, { maxLength: 3 }), points, (messages, at) => {
        const reader = new FrameReader();
        const whole = concatBytes(messages.map(frame));
        same(String(cut(whole, at).flatMap((piece) => reader.push(piece)).length), String(messages.length));
      }),
    },
    {
      name: 'TLS hellos',
      inTests: 1000,
      property: fc.property(hellos, fc.nat(200), (bytes, at) => {
        const early = inspectTls(bytes.subarray(0, at));
        if (early.kind !== 'more') {
          same(JSON.stringify(inspectTls(bytes)), JSON.stringify(early));
        }
        const session = new TlsClientSession('', { authorities: null, host: '' }, new Uint8Array(32));
        session.start();
        for (const piece of cut(bytes, [at])) {
          session.push(piece);
        }
      }),
    },
    {
      name: 'regular expressions',
      inTests: 1000,
      property: fc.property(fc.string({ unit: fc.constantFrom(...'ab(|)*+?[]{1,9}\\^$.:-wdQE') }), fc.string(), (pattern, value) => {
        const regex = compileRegex(pattern, 100);
        return 'error' in regex ? regex.error !== '' : typeof regex.matches(value) === 'boolean';
      }),
    },
    { name: 'proxylib', inTests: 600, property: proxylibProperty() },
    { name: 'scenarios', inTests: 120, property: scenarioProperty() },
    {
      name: 'manifests',
      inTests: 120,
      property: fc.property(brokenTexts(yamlFiles('scenarios')), (text) => {
        const { issues } = parseManifest(text, 'fuzz.yaml');
        if (issues.some((issue) => issue.message === '')) {
          throw new Error('an issue without words');
        }
      }),
    },
  ];
}
