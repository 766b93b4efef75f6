/**
 * A server in place of a pod's own processes that remembers which requests reached it: the process that safety properties speak of.
 * Requests carry a number in a header; whatever arrives without one is counted as strange.
 */
import type { TcpHandlers } from '../kernel/socket.ts';
import { fromLatin1, latin1 } from '../net/bytes.ts';
import { IPV4_ANY } from '../net/ipv4.ts';
import type { Cluster } from './cluster.ts';

/** The header that numbers requests. */
export const WITNESS_HEADER = 'x-trenchrun-request';

const ANSWER = latin1('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n');
const NUMBER = new RegExp(`^${WITNESS_HEADER}: *(\\d+)`, 'im');

/** What reached the server. */
export interface Witness {
  /** Numbers of the requests of which a byte arrived. */
  readonly reached: ReadonlySet<number>;
  /** Bytes that belong to no numbered request. */
  strange(): number;
}

/** Puts a witness in place of a pod's processes; `null` if the pod does not run. */
export function placeWitness(cluster: Cluster, namespace: string, name: string, port: number): Witness | null {
  const kubelet = cluster.nodeOf(namespace, name)?.kubelet;
  const sandbox = kubelet?.sandbox(namespace, name);
  if (kubelet === undefined || sandbox === undefined) {
    return null;
  }
  kubelet.setRunning(sandbox, false);
  const reached = new Set<number>();
  const pieces = new Set<{ text: string }>();
  const onAccept = (): TcpHandlers => {
    const piece = { text: '' };
    pieces.add(piece);
    return {
      onData: (socket, bytes) => {
        piece.text += fromLatin1(bytes);
        for (let end = piece.text.indexOf('\r\n\r\n'); end >= 0; end = piece.text.indexOf('\r\n\r\n')) {
          const number = NUMBER.exec(piece.text.slice(0, end + 2))?.[1];
          if (number !== undefined) {
            reached.add(Number(number));
            piece.text = piece.text.slice(end + 4);
            socket.write(ANSWER);
          } else {
            break;
          }
        }
      },
      onEnd: (socket) => socket.close(),
    };
  };
  sandbox.env.sockets.listen({ local: { address: IPV4_ANY, port }, onAccept });
  return {
    reached,
    strange: () => {
      let bytes = 0;
      for (const { text } of pieces) {
        bytes += text.length;
      }
      return bytes;
    },
  };
}
