import { describe, expect, test } from 'vitest';
import type { FlowNames } from '../../src/monitor/hubble/flow.ts';
import { flowJson } from '../../src/monitor/hubble/flow_json.ts';
import { observe } from '../../src/monitor/hubble/observer.ts';
import { compactFlow, dictFlow } from '../../src/monitor/hubble/printer.ts';
import {
  DENIED_REQUEST,
  DENIED_RESPONSE,
  DENIED_VERDICT,
  DROP,
  l7,
  perf,
  sock,
  TO_CLIENT,
  TO_PROXY,
  TO_STACK,
  VERDICT,
} from './records.ts';

const pods: Record<string, { id: number; identity: number; namespace: string; podName: string; labels: string[]; workloads: [] }> = {
  '10.0.0.123': { id: 2216, identity: 29439, namespace: 'default', podName: 'tiefighter', labels: [], workloads: [] },
  '10.0.0.111': { id: 863, identity: 2033, namespace: 'default', podName: 'deathstar-7848d6c4d5-58jc8', labels: [], workloads: [] },
  '10.0.0.209': { id: 775, identity: 5513, namespace: 'default', podName: 'xwing', labels: [], workloads: [] },
};
const names: FlowNames = {
  nodeName: 'n',
  endpointByIp: (ip) => pods[ip] ?? null,
  identityByIp: (ip) => (ip === '10.0.0.67' ? 1 : 2),
  identityLabels: () => [],
  podByIp: (ip) => pods[ip] ?? null,
  serviceByAddress: (ip, port) => (ip === '10.43.0.9' && port === 80 ? { name: 'deathstar', namespace: 'default' } : null),
  namesOf: (endpoint, ip) => (endpoint === 775 && ip === '1.2.3.4' ? ['cilium.io'] : []),
  deviceName: () => null,
  addressOfCgroup: (id) => (id === 42 ? '10.0.0.209' : null),
};
const lines = (...events: Parameters<typeof observe>[0]): string[] => observe(events, names).map((flow) => compactFlow(flow));

const TIE = 'default/tiefighter:48954 (ID:29439)';
const STAR = 'default/deathstar-7848d6c4d5-58jc8:80 (ID:2033)';
const T = 'Jun 12 03:04:05.101: ';

describe('hubble observe', () => {
  test('datapath flows: the client is left of the arrow', () => {
    expect(lines(perf(VERDICT), perf(TO_PROXY), perf(TO_CLIENT))).toEqual([
      `${T}${TIE} -> ${STAR} policy-verdict:L3-L4 INGRESS ALLOWED (TCP Flags: SYN)`,
      `${T}${TIE} -> ${STAR} to-proxy FORWARDED (TCP Flags: SYN)`,
      `${T}${TIE} <- ${STAR} to-endpoint FORWARDED (TCP Flags: SYN, ACK)`,
    ]);
  });

  test('the upstream leg: PSH is printed here', () => {
    expect(lines(perf(TO_STACK))).toEqual([`${T}10.0.0.67:33988 (host) <- ${STAR} to-stack FORWARDED (TCP Flags: SYN, ACK, PSH)`]);
  });

  test('drops and denied verdicts do not know the direction of the connection', () => {
    const xwing = 'default/xwing:42818 (ID:5513)';
    expect(lines(perf(DENIED_VERDICT), perf(DROP))).toEqual([
      `${T}${xwing} <> ${STAR} policy-verdict:none INGRESS DENIED (TCP Flags: SYN)`,
      `${T}${xwing} <> ${STAR} Policy denied DROPPED (TCP Flags: SYN)`,
    ]);
  });

  test('L7: request and response with its latency', () => {
    const tie = 'default/tiefighter:48960 (ID:29439)';
    const url = 'http://deathstar.default.svc.cluster.local/v1/exhaust-port';
    expect(lines(l7(DENIED_REQUEST, 1_000_000), l7(DENIED_RESPONSE, 4_500_000))).toEqual([
      `${T}${tie} -> ${STAR} http-request DROPPED (HTTP/1.1 PUT ${url})`,
      `${T}${tie} <- ${STAR} http-response FORWARDED (HTTP/1.1 403 3ms (PUT ${url}))`,
    ]);
  });

  test('L7: Kafka, and protocols Hubble has no word for', () => {
    const tie = 'default/tiefighter:48960 (ID:29439)';
    const kafka = { errorCode: 29, apiVersion: 5, apiKey: 'metadata', correlationId: 7, topic: 'plans' };
    const generic = { proto: 'binarymemcached', fields: { opcode: '0', key: 'k' } };
    const records = [
      { ...DENIED_REQUEST, http: undefined, kafka },
      { ...DENIED_RESPONSE, http: undefined, kafka },
      { ...DENIED_REQUEST, http: undefined, l7: generic },
    ];
    expect(lines(...records.map((record) => l7(record)))).toEqual([
      `${T}${tie} -> ${STAR} kafka-request DROPPED (Kafka request metadata correlation id 7 topic 'plans')`,
      `${T}${tie} <- ${STAR} kafka-response FORWARDED (Kafka response metadata correlation id 7 topic 'plans' return code 29)`,
      `${T}${tie} -> ${STAR} l7-request DROPPED (binarymemcached Fields: map[key:k opcode:0])`,
    ]);
    const json = observe(
      records.map((record) => l7(record)),
      names,
    ).map((flow) => JSON.parse(JSON.stringify(flowJson(flow))) as { l7: unknown });
    expect(json.map((flow) => flow.l7)).toEqual([
      { type: 'REQUEST', kafka: { api_version: 5, api_key: 'metadata', correlation_id: 7, topic: 'plans' } },
      { type: 'RESPONSE', kafka: { error_code: 29, api_version: 5, api_key: 'metadata', correlation_id: 7, topic: 'plans' } },
      { type: 'REQUEST' },
    ]);
  });

  test('directions', () => {
    expect(observe([perf(TO_PROXY), perf(TO_CLIENT), perf(DROP)], names).map(({ direction }) => direction)).toEqual([
      'INGRESS',
      'EGRESS',
      'INGRESS',
    ]);
  });

  test('dict', () => {
    const [flow] = observe([perf(DROP)], names);
    expect(dictFlow(flow as NonNullable<typeof flow>, false)).toEqual([
      '------------',
      '  TIMESTAMP: Jun 12 03:04:05.101',
      '     SOURCE: default/xwing:42818',
      'DESTINATION: default/deathstar-7848d6c4d5-58jc8:80',
      '       TYPE: Policy denied',
      '    VERDICT: DROPPED',
      '    SUMMARY: TCP Flags: SYN',
    ]);
  });

  test('socket traces: the process is the pod of its control group, its port is not known', () => {
    const call = { type: 7, at: 0, dstIp: 0x0a2b0009, dstPort: 80, sockCookie: 5, cgroupId: 42, l4Proto: 1 } as const;
    expect(
      lines(
        sock({ ...call, xlatePoint: 1 }),
        sock({ ...call, xlatePoint: 2, dstIp: 0x0a00006f, dstPort: 80 }),
        sock({ ...call, xlatePoint: 4, l4Proto: 2 }),
        sock({ ...call, xlatePoint: 1, cgroupId: 7 }),
      ),
    ).toEqual([
      `${T}default/xwing (ID:5513) <> default/deathstar:80 (world) pre-xlate-fwd TRACED (TCP)`,
      `${T}default/xwing (ID:5513) <> ${STAR} post-xlate-fwd TRANSLATED (TCP)`,
      `${T}default/deathstar:80 (world) <> default/xwing (ID:5513) post-xlate-rev TRANSLATED (UDP)`,
    ]);
  });
});
