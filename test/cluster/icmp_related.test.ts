import { describe, expect, it } from 'vitest';
import { CT_RELATED } from '../../src/bpf/lib/conntrack.ts';
import { isErrno, type UdpSocket } from '../../src/kernel/socket.ts';
import { CILIUM_NOTIFY_TRACE, TRACE_TO_LXC } from '../../src/maps/eventsmap.ts';
import { utf8 } from '../../src/net/bytes.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import { newTestCluster } from '../support/test_cluster.ts';

const PODS = `
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: a}}
spec: {containers: [{name: c, image: curlimages/curl}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, labels: {app: b}}
spec: {containers: [{name: c, image: curlimages/curl}]}
`;

const CLOSED = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: a-takes-nothing}
spec: {endpointSelector: {matchLabels: {app: a}}, ingress: [{}]}
`;

describe('an ICMP error about a connection', () => {
  it('is RELATED, passes a policy that lets nothing in, and reaches the socket', () => {
    const { cluster, node, env, ip } = newTestCluster([PODS, CLOSED]);
    const errors: string[] = [];
    const remote = { address: parseIpv4(ip('default', 'b')) as number, port: 9999 };
    const socket = env('default', 'a').sockets.udp({
      local: { address: 0, port: 0 },
      remote,
      onMessage: () => undefined,
      onError: (errno) => errors.push(errno),
    });
    expect(isErrno(socket)).toBe(false);
    (socket as UdpSocket).send(remote, utf8('anybody?'));
    cluster.advance(0);
    expect(errors).toEqual(['ECONNREFUSED']);
    const related = [...node.events.since(0)]
      .flatMap((event) => (event.kind === 'perf' && event.record.type === CILIUM_NOTIFY_TRACE ? [event.record] : []))
      .filter((record) => record.obsPoint === TRACE_TO_LXC && record.reason === CT_RELATED);
    expect(related).toHaveLength(1);
  });
});
