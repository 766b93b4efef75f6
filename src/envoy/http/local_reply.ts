/**
 * Replies the proxy makes itself.
 * @see envoy:source/common/http/utility.cc#Utility::sendLocalReply
 */
import { httpToGrpcStatus } from '../../net/grpc_status.ts';
import { HeaderMap } from './header_map.ts';
import type { LocalReply } from './stream_filter.ts';

/** What the request was. */
export interface LocalReplyContext {
  readonly grpc: boolean;
  readonly head: boolean;
}

/** Headers and body of a reply, before the connection manager adds its own headers. */
export function localReplyMessage(reply: LocalReply, context: LocalReplyContext): { readonly headers: HeaderMap; readonly body: string } {
  const headers = new HeaderMap();
  headers.add(':status', String(reply.status));
  for (const [name, value] of reply.headers ?? []) {
    headers.add(name, value);
  }
  if (context.grpc) {
    headers.set(':status', '200');
    headers.set('content-type', 'application/grpc');
    headers.set('grpc-status', String(reply.grpcStatus ?? httpToGrpcStatus(reply.status)));
    if (reply.body !== '' && !context.head) {
      headers.set('grpc-message', percentEncode(reply.body));
    }
    headers.remove('content-length');
    return { headers, body: '' };
  }
  if (reply.body !== '') {
    headers.set('content-length', String(reply.body.length));
    headers.set('content-type', 'text/plain');
  }
  return { headers, body: context.head ? '' : reply.body };
}

/** @see envoy:source/common/http/utility.cc#Utility::PercentEncoding::encode */
function percentEncode(text: string): string {
  return text.replace(/[^ -$&-~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
