/** The server codec against Node's llhttp on the same bytes: where the two differ is listed here, with the reason. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderMap } from '../../src/envoy/http/header_map.ts';
import { ServerCodec } from '../../src/envoy/http/http1/server_codec.ts';
import { fromLatin1, latin1 } from '../../src/net/bytes.ts';
import { requestText } from '../support/http_messages.ts';
import { joined, llhttpRequests, type ParsedRequest } from '../support/llhttp.ts';

type Outcome = ParsedRequest | 'refused' | 'incomplete';

/** What the codec makes of the first request. */
function ours(bytes: Uint8Array): Outcome {
  let headers: HeaderMap | null = null;
  let body = '';
  let complete = false;
  let refused = false;
  const codec = new ServerCodec({
    open: true,
    write: () => undefined,
    newStream: () => ({
      decodeHeaders: (map, endStream) => {
        headers = map;
        complete = endStream;
      },
      decodeData: (data, endStream) => {
        body += fromLatin1(data);
        complete ||= endStream;
      },
      protocolError: () => {
        refused = true;
      },
    }),
  });
  for (let at = 0; at < bytes.length && !complete && !refused; ) {
    at = codec.dispatch(bytes, at).used;
  }
  return refused ? 'refused' : headers === null || !complete ? 'incomplete' : request(headers, body);
}

function request(headers: HeaderMap, body: string): ParsedRequest {
  const own = headers.pairs().filter(([name]) => !name.startsWith(':') || name === ':authority');
  return {
    method: headers.get(':method') ?? '',
    target: headers.get(':path') ?? headers.get(':authority') ?? '',
    headers: joined(own.map(([name, value]) => [name === ':authority' ? 'host' : name, value])),
    body,
    complete: true,
  };
}

async function theirs(bytes: Uint8Array): Promise<Outcome> {
  const { requests, error } = await llhttpRequests(bytes);
  const first = requests[0];
  return first?.complete === true ? first : error !== null ? 'refused' : 'incomplete';
}

interface Difference {
  readonly what: string;
  readonly example: string;
  readonly envoy: 'accepts' | 'refuses' | 'reads it differently';
  readonly llhttp: 'accepts' | 'refuses' | 'waits';
  readonly why: string;
  /** Texts in which the difference can show. */
  readonly pattern: RegExp;
}

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';

const DIFFERENCES: readonly Difference[] = [
  {
    what: 'a line that ends with LF alone',
    example: 'GET / HTTP/1.1\nHost: h\n\n',
    envoy: 'accepts',
    llhttp: 'refuses',
    why: 'http-parser takes LF for a line end in the head; llhttp 9 does so only when told to be lenient',
    pattern: /[^\r]\n/,
  },
  {
    what: 'a folded header line',
    example: `${GET}X: a\r\n b\r\n\r\n`,
    envoy: 'accepts',
    llhttp: 'refuses',
    why: 'http-parser appends the line, blanks included; RFC 9112 section 5.2 lets a server refuse it, and llhttp 9 does',
    pattern: /\n[ \t]/,
  },
  {
    what: 'a version such as 1.2 or 3.4',
    example: 'GET / HTTP/1.2\r\nHost: h\r\n\r\n',
    envoy: 'accepts',
    llhttp: 'refuses',
    why: 'http-parser takes any two digits; the connection manager then answers 426',
    pattern: /HTTP\/(?!0\.9|1\.0|1\.1|2\.0)[0-9]\.[0-9]/,
  },
  {
    what: 'a transfer coding other than chunked',
    example: 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    envoy: 'refuses',
    llhttp: 'accepts',
    why: 'the codec knows chunked alone (501), llhttp only wants it to be the last one',
    pattern: /transfer-encoding:(?![ \t]*chunked *\r?\n)/i,
  },
  {
    what: 'a name that begins with Transfer-Encoding',
    example: 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encodingx: y\r\n\r\n',
    envoy: 'refuses',
    llhttp: 'accepts',
    why: 'http-parser takes note of the header at its 17th character and forgets to look whether the name goes on',
    pattern: /transfer-encoding[^:\r\n]/i,
  },
  {
    what: 'a blank behind the size of a chunk',
    example: `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n`,
    envoy: 'accepts',
    llhttp: 'refuses',
    why: 'http-parser skips everything from a blank or semicolon to the next CR',
    pattern: /[0-9a-f] /i,
  },
  {
    what: 'any character in a chunk extension',
    example: `${CHUNKED}5;\n=(\r\nhello\r\n0\r\n\r\n`,
    envoy: 'accepts',
    llhttp: 'refuses',
    why: 'the same: nobody reads extensions',
    pattern: /[0-9a-f];/i,
  },
  {
    what: 'an absolute target',
    example: 'GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n',
    envoy: 'reads it differently',
    llhttp: 'accepts',
    why: 'Envoy puts its host in the place of the Host header and its path in the place of the target',
    pattern: /^\s*\S+\s+[A-Za-z]+:\/\//,
  },
  {
    what: 'an absolute target with a scheme other than http and https',
    example: 'GET HTTP://other/ HTTP/1.1\r\nHost: h\r\n\r\n',
    envoy: 'refuses',
    llhttp: 'accepts',
    why: 'Envoy compares the scheme, and before 1.23.12 compares it case-sensitively',
    pattern: /^\s*\S+\s+[A-Za-z]+:\/\//,
  },
  {
    what: 'an asterisk as target of a method other than OPTIONS',
    example: 'GET * HTTP/1.1\r\nHost: h\r\n\r\n',
    envoy: 'refuses',
    llhttp: 'accepts',
    why: 'it is no URL',
    pattern: /^\s*\S+\s+\*/,
  },
  {
    what: 'CONNECT',
    example: 'CONNECT h:80 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc',
    envoy: 'refuses',
    llhttp: 'accepts',
    why: 'Envoy refuses a content-length other than 0, and a target without port; what follows is a tunnel, which has no end',
    pattern: /^\s*CONNECT/,
  },
  {
    what: 'a method that is younger than http-parser',
    example: 'QUERY / HTTP/1.1\r\nHost: h\r\n\r\n',
    envoy: 'refuses',
    llhttp: 'accepts',
    why: 'http-parser is frozen with 34 methods',
    pattern: /^\s*(?:QUERY|PRI|FLUSH|ANNOUNCE|DESCRIBE|SETUP|PLAY|PAUSE|TEARDOWN|GET_PARAMETER|SET_PARAMETER|REDIRECT|RECORD) /,
  },
  {
    what: 'a Host that is no authority',
    example: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
    envoy: 'refuses',
    llhttp: 'accepts',
    why: 'the codec checks the characters of :authority',
    pattern: /host:[ \t]*\S*(?:[ \t]+\S|[^!$%&'()*+,\-.0-9:;=@A-Z[\]_a-z~ \t\r\n])/i,
  },
  {
    what: 'headers named by Connection',
    example: `${GET}Connection: x-secret\r\nX-Secret: 1\r\n\r\n`,
    envoy: 'reads it differently',
    llhttp: 'accepts',
    why: 'the codec takes the nominated headers out before anybody sees them, and refuses ten of them, x-forwarded-* and pseudo headers',
    pattern: /connection:[ \t]*(?!(?:close|keep-alive|upgrade)\s*\r?\n)/i,
  },
  {
    what: 'an upgrade',
    example: `${GET}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n`,
    envoy: 'reads it differently',
    llhttp: 'accepts',
    why: 'h2c is dropped, and any other upgrade turns the rest of the connection into a body without end',
    pattern: /upgrade:/i,
  },
  {
    what: 'a content-length beyond 64 bits, and zeros before it',
    example: 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551610\r\n\r\n',
    envoy: 'refuses',
    llhttp: 'waits',
    why: 'http-parser stops ten below the limit, llhttp at the limit',
    pattern: /content-length: *[0-9]{19}/i,
  },
];

describe('llhttp', () => {
  it.each(DIFFERENCES)('differs in $what: Envoy $envoy, llhttp $llhttp', async ({ example, envoy, llhttp, pattern }) => {
    expect(example).toMatch(pattern);
    const [own, oracle] = [ours(latin1(example)), await theirs(latin1(example))];
    expect(own === 'refused').toBe(envoy === 'refuses');
    expect(typeof own === 'object').toBe(envoy === 'accepts' || (envoy === 'reads it differently' && own !== 'incomplete'));
    expect({ refused: 'refuses', incomplete: 'waits' }[oracle as string] ?? 'accepts').toBe(llhttp);
    expect(own).not.toEqual(oracle);
  });

  it('agrees otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(requestText, async (text) => {
        const [own, oracle] = [ours(latin1(text)), await theirs(latin1(text))];
        if (JSON.stringify(own) !== JSON.stringify(oracle)) {
          const known = DIFFERENCES.filter((difference) => difference.pattern.test(text)).map((difference) => difference.what);
          expect({ text, own, oracle, known: known.length > 0 }).toEqual({ text, own, oracle, known: true });
        }
      }),
      { numRuns: 3000 },
    );
  });
});
