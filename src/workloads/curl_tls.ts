/**
 * curl over TLS: the session it opens, and how it words what goes wrong, as built with OpenSSL 1.1.
 * @see curl:lib/vtls/openssl.c#ossl_connect_step2
 */
import { TlsClientSession, type TlsFailure, type TlsSession } from '../net/tls_session.ts';
import type { CurlOptions, CurlUrl } from './curl_options.ts';
import type { CurlFailure } from './curl_response.ts';
import type { ProcessEnv } from './process.ts';

/** The client's end for a URL. */
export function curlTlsSession(env: ProcessEnv, options: CurlOptions, url: CurlUrl): TlsSession {
  const random = Uint8Array.from({ length: 32 }, () => env.rng.below(256));
  const isAddress = /^[0-9.]+$/.test(url.host);
  const authorities = options.insecure ? null : env.trustedAuthorities;
  return new TlsClientSession(isAddress ? '' : url.host, { authorities, host: url.host }, random);
}

/** How curl reports a failed handshake. `since762`: a wrong name has the same code as an unknown authority. */
export function tlsFailure(failure: TlsFailure, url: CurlUrl, since762: boolean): CurlFailure {
  switch (failure.kind) {
    case 'not-tls':
      return { exitCode: 35, message: 'error:1408F10B:SSL routines:ssl3_get_record:wrong version number' };
    case 'unknown-ca':
      return { exitCode: 60, message: `SSL certificate problem: unable to get local issuer certificate${MORE}` };
    case 'wrong-name':
      return {
        exitCode: since762 ? 60 : 51,
        message: `SSL: no alternative certificate subject name matches target host name '${url.host}'${since762 ? MORE : ''}`,
      };
    case 'alert':
      return { exitCode: 35, message: `SSL alert number ${failure.description}` };
  }
}

/** The connection ended in the middle of the handshake. */
export function tlsBroken(url: CurlUrl, reset: boolean): CurlFailure {
  const why = reset ? 'Connection reset by peer' : 'SSL_ERROR_SYSCALL';
  return { exitCode: 35, message: `OpenSSL SSL_connect: ${why} in connection to ${url.host}:${url.port} ` };
}

const MORE = `
More details here: https://curl.haxx.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.`;
