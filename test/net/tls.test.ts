import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectTls } from '../../src/envoy/network/tls_inspector.ts';
import { decodeBase64, encodeBase64 } from '../../src/net/base64.ts';
import { concatBytes, latin1 } from '../../src/net/bytes.ts';
import { certificateText, parseCertificates, speaksFor, trustedNames } from '../../src/net/certificate.ts';
import { TlsClientSession, type TlsEvent, TlsServerSession, type TlsSession, type TlsTrust } from '../../src/net/tls_session.ts';

const SERVER = `-----BEGIN CERTIFICATE-----
MIICADCCAaagAwIBAgIUHyoXuIf7f8628DY8sS6OyHQv9mUwCgYIKoZIzj0EAwIw
PDELMAkGA1UEBhMCSU8xDzANBgNVBAoMBkVtcGlyZTEcMBoGA1UEAwwTYXJ0aWku
aGVyb2t1YXBwLmNvbTAeFw0yNjExMjYxMzQ4MDNaFw0zNjExMjMxMzQ4MDNaMDwx
CzAJBgNVBAYTAklPMQ8wDQYDVQQKDAZFbXBpcmUxHDAaBgNVBAMME2FydGlpLmhl
cm9rdWFwcC5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASjHzmn4IiSM/Kv
lenIGRomWUYueoiIsMHpRaqW7vQx9pe5q29w9+osWgm8+fge7ZGMgXp7H/JU8Su2
MnYLPIdOo4GFMIGCMB0GA1UdDgQWBBRnvTe7ngqrekqFT5TaRhLDIHEYZjAfBgNV
HSMEGDAWgBRnvTe7ngqrekqFT5TaRhLDIHEYZjAPBgNVHRMBAf8EBTADAQH/MC8G
A1UdEQQoMCaCE2FydGlpLmhlcm9rdWFwcC5jb22CDyouQXJ0aWkuZXhhbXBsZTAK
BggqhkjOPQQDAgNIADBFAiEA8opHos4+Wpy16G1XO21itrUUc3oe0xZ824nxDMNw
Zu0CIAgrauhPabKC8/yPS84MH4np+TgMWMRKqVF5Ib+jPBlA
-----END CERTIFICATE-----
`;
const AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBozCCAUmgAwIBAgIUA3DslNFFeFu1VT1+aExicHamANYwCgYIKoZIzj0EAwIw
JzEPMA0GA1UECgwGRW1waXJlMRQwEgYDVQQDDAtJbnRlcm5hbCBDQTAeFw0yNjEx
MjYxMzQ4MDNaFw0zNjExMjMxMzQ4MDNaMCcxDzANBgNVBAoMBkVtcGlyZTEUMBIG
A1UEAwwLSW50ZXJuYWwgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS9On74
xIMgeAoEkeN5B8Ugc9N9J5cEshUs9MndjRoVAFBix6LHlgD6+yVvbDr/fAVeSlxc
88ZPVo5eSW5MHGyJo1MwUTAdBgNVHQ4EFgQUPf8reeppbexhW+G4NJhCiqldFJww
HwYDVR0jBBgwFoAUPf8reeppbexhW+G4NJhCiqldFJwwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiEAgDSC3IPBjmAJY8Exn0kXHP0ven8/8g/PTznk
droQL2kCIHZb5qklpo/5sM+7GKnAosCFUgB6yraSW3xJsrQMPogY
-----END CERTIFICATE-----
`;

describe('certificates', () => {
  it('are read from PEM: alternative names, else the common name, and the issuer', () => {
    expect(parseCertificates(SERVER + AUTHORITY)).toEqual([
      { names: ['artii.herokuapp.com', '*.artii.example'], issuer: 'artii.herokuapp.com' },
      { names: ['Internal CA'], issuer: 'Internal CA' },
    ]);
    expect(trustedNames(AUTHORITY)).toEqual(['Internal CA']);
  });

  it('have a short form that reads back', () => {
    const certificate = { names: ['a.example', '*.b.example'], issuer: 'Some CA' };
    expect(parseCertificates(certificateText(certificate))).toEqual([certificate]);
    expect(parseCertificates('nothing of the kind')).toEqual([]);
  });

  it('speak for the names they list, a star for one label', () => {
    const certificate = { names: ['one.example', '*.two.example'], issuer: '' };
    const hosts = ['one.example', 'ONE.example.', 'x.two.example', 'two.example', 'x.y.two.example', 'example'];
    expect(hosts.map((host) => speaksFor(certificate, host))).toEqual([true, true, true, false, false, false]);
  });

  it('never break the reader', () => {
    const der =
      parseCertificates(SERVER).length === 1 ? (decodeBase64(SERVER.replace(/-----[^-]*-----/g, '')) as Uint8Array) : new Uint8Array(0);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, byte, cut) => {
        const broken = der.slice(0, cut);
        broken[at % Math.max(1, broken.length)] = byte;
        parseCertificates(`-----BEGIN CERTIFICATE-----\n${encodeBase64(broken)}\n-----END CERTIFICATE-----`);
      }),
    );
  });
});

describe('base64', () => {
  it('reads what it writes, and what Node writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
      }),
    );
    expect([decodeBase64('a'), decodeBase64('ab*d')]).toEqual([null, null]);
  });
});

/** Lets two ends talk, in pieces of a size, until nothing moves. */
function talk(client: TlsSession, server: TlsSession, size: number): { client: TlsEvent[]; server: TlsEvent[] } {
  const seen = { client: [] as TlsEvent[], server: [] as TlsEvent[] };
  let toServer = client.start();
  let toClient = server.start();
  while (toServer.length + toClient.length > 0) {
    const [forServer, forClient] = [toServer.subarray(0, size), toClient.subarray(0, size)];
    toServer = toServer.subarray(size);
    toClient = toClient.subarray(size);
    const fromServer = server.push(forServer);
    const fromClient = client.push(forClient);
    seen.server.push(...fromServer);
    seen.client.push(...fromClient);
    const sent = (events: readonly TlsEvent[]): Uint8Array[] => events.flatMap((event) => (event.kind === 'send' ? [event.bytes] : []));
    toClient = concatBytes([toClient, ...sent(fromServer)]);
    toServer = concatBytes([toServer, ...sent(fromClient)]);
  }
  return seen;
}

const client = (trust: TlsTrust): TlsSession => new TlsClientSession('one.example', trust, new Uint8Array(32).fill(7));
const server = (): TlsSession => new TlsServerSession({ names: ['one.example'], issuer: 'CA' });
const kinds = (events: readonly TlsEvent[]): string[] => events.flatMap(({ kind }) => (kind === 'send' ? [] : [kind]));

describe('a TLS conversation', () => {
  it('becomes secure and carries data, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.uint8Array({ maxLength: 40000 }), (size, data) => {
        const [one, two] = [client({ authorities: ['CA'], host: 'one.example' }), server()];
        const seen = talk(one, two, size);
        expect([kinds(seen.client), kinds(seen.server)]).toEqual([['secure'], ['secure']]);
        const received = two.push(one.seal(data)).flatMap((event) => (event.kind === 'data' ? [event.bytes] : []));
        expect(concatBytes(received)).toEqual(data);
        expect(one.push(two.end())).toEqual([{ kind: 'end' }]);
      }),
      { numRuns: 30 },
    );
  });

  it('fails on an authority nobody knows and on a wrong name, and both ends hear of it', () => {
    const unknown = talk(client({ authorities: ['other'], host: 'one.example' }), server(), 1000);
    expect(unknown.client.at(-1)).toEqual({ kind: 'failed', failure: { kind: 'unknown-ca', issuer: 'CA' } });
    expect(unknown.server.at(-1)).toEqual({ kind: 'failed', failure: { kind: 'alert', description: 48 } });
    const wrong = talk(client({ authorities: ['CA'], host: 'two.example' }), server(), 1000);
    expect(wrong.client.at(-1)).toEqual({ kind: 'failed', failure: { kind: 'wrong-name', names: ['one.example'] } });
    expect(kinds(talk(client({ authorities: null, host: 'two.example' }), server(), 1000).client)).toEqual(['secure']);
  });

  it('is not one when the other side does not speak it', () => {
    expect(client({ authorities: null, host: '' }).push(latin1('HTTP/1.1 400 Bad Request\r\n'))).toEqual([
      { kind: 'failed', failure: { kind: 'not-tls' } },
    ]);
  });
});

describe('the TLS inspector', () => {
  it('reads the name in our hello, and in those of a real client', async () => {
    expect(inspectTls(client({ authorities: null, host: '' }).start())).toEqual({ kind: 'tls', sni: 'one.example' });
    for (const name of ['a.b', 'one.example', `${'x'.repeat(60)}.example.com`, '']) {
      expect(inspectTls(await realHello(name))).toEqual({ kind: 'tls', sni: name });
    }
  });

  it('waits for the whole hello, cut anywhere', async () => {
    const hello = await realHello('one.example');
    for (let cut = 0; cut < hello.length; cut += 7) {
      expect(inspectTls(hello.subarray(0, cut)).kind).toBe('more');
    }
  });

  it('takes anything else for plain text, and never breaks', () => {
    expect(inspectTls(latin1('GET / HTTP/1.1\r\n'))).toEqual({ kind: 'plain' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        ['more', 'plain', 'tls'].includes(inspectTls(Uint8Array.of(22, 3, 1, 0, bytes.length, ...bytes)).kind),
      ),
    );
  });
});

/** The first bytes of Node's own TLS client. */
function realHello(servername: string): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read: () => undefined,
      write: (chunk: Uint8Array, _encoding, done) => {
        done();
        resolve(new Uint8Array(chunk));
        setImmediate(() => socket.destroy());
      },
    });
    const socket = connect({ socket: wire as never, ...(servername === '' ? {} : { servername }) });
    socket.on('error', () => undefined);
  });
}
