import { describe, expect, test } from 'vitest';
import type { MonitorEvent, MonitorNames } from '../../src/monitor/event.ts';
import { DEFAULT_MONITOR_OPTIONS, formatMonitor } from '../../src/monitor/format.ts';
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

const names: MonitorNames = { deviceName: (ifindex) => ({ 12: 'lxc0a11', 14: 'lxc0f00' })[ifindex] ?? null };
const one = (event: MonitorEvent, options = {}): string[] => formatMonitor([event], names, { ...DEFAULT_MONITOR_OPTIONS, ...options });

describe('cilium monitor', () => {
  test('trace lines have a blank before the comma, and device names', () => {
    expect(one(perf(TO_PROXY))).toEqual([
      '-> proxy port 19313 flow 0x1a2b3c4d , identity 29439->2033 state new ifindex lxc0f00 orig-ip 10.0.0.123: 10.0.0.123:48954 -> 10.0.0.111:80 tcp SYN',
    ]);
    expect(one(perf(TO_CLIENT))).toEqual([
      '-> endpoint 2216 flow 0x1a2b3c4d , identity 2033->29439 state reply ifindex lxc0a11 orig-ip 10.0.0.111: 10.43.0.9:80 -> 10.0.0.123:48954 tcp SYN, ACK',
    ]);
  });

  test('reserved identities have names unless numeric, PSH is not printed', () => {
    const line =
      '-> stack flow 0x1a2b3c4d , identity 2033->host state reply ifindex 0 orig-ip 0.0.0.0: 10.0.0.111:80 -> 10.0.0.67:33988 tcp SYN, ACK';
    expect(one(perf(TO_STACK))).toEqual([line]);
    expect(one(perf(TO_STACK), { numeric: true })).toEqual([line.replace('host', '1')]);
  });

  test('a reply to the proxy has no port', () => {
    expect(one(perf({ ...TO_PROXY, dstId: 0 }))[0]).toMatch(/^-> proxy flow /);
  });

  test('drop lines have a doubled comma', () => {
    expect(one(perf(DROP))).toEqual([
      'xx drop (Policy denied) flow 0xd4c3b2a1 to endpoint 863, ifindex 14, file 2:1555, , identity 5513->2033: 10.0.0.209:42818 -> 10.0.0.111:80 tcp SYN',
    ]);
    expect(one(perf({ ...DROP, extError: 3 }))[0]).toContain('(Policy denied, 3)');
  });

  test('policy verdicts', () => {
    expect(one(perf(VERDICT))).toEqual([
      'Policy verdict log: flow 0x1a2b3c4d local EP ID 863, remote ID 29439, proto 6, ingress, action redirect, match L3-L4, 10.0.0.123:48954 -> 10.0.0.111:80 tcp SYN',
    ]);
    expect(one(perf(DENIED_VERDICT))[0]).toContain('action deny, match none');
    expect(one(perf({ ...VERDICT, verdict: 0, dir: 2 }))[0]).toContain('egress, action allow');
    expect(one(perf({ ...VERDICT, audited: true }))[0]).toContain('action audit');
  });

  test('L7 records: the response names the destination first', () => {
    expect(formatMonitor([l7(DENIED_REQUEST), l7(DENIED_RESPONSE)], names)).toEqual([
      '<- Request http from 2216 ([k8s:class=tiefighter k8s:org=empire]) to 863 ([k8s:class=deathstar k8s:org=empire]), identity 29439->2033, verdict Denied PUT http://deathstar.default.svc.cluster.local/v1/exhaust-port => 0',
      '<- Response http to 2216 ([k8s:class=tiefighter k8s:org=empire]) from 863 ([k8s:class=deathstar k8s:org=empire]), identity 2033->29439, verdict Forwarded PUT http://deathstar.default.svc.cluster.local/v1/exhaust-port => 403',
    ]);
  });

  test('DNS records', () => {
    const dns = { query: 'cilium.io.', qTypes: ['A'], ips: ['1.2.3.4'], cnames: ['x.'], ttl: 60, rcode: 0, observationSource: 'proxy' };
    const { http: _, ...record } = DENIED_RESPONSE;
    expect(one(l7({ ...record, observationPoint: 'Egress', dns }))[0]).toMatch(
      /^-> Response dns to 2216 .* DNS proxy: cilium\.io\. A TTL: 60 Answer: '1\.2\.3\.4' CNAMEs: x\.$/,
    );
  });

  test('Kafka records and those of other protocols', () => {
    const { http: _, ...record } = DENIED_REQUEST;
    const kafka = { errorCode: 29, apiVersion: 5, apiKey: 'metadata', correlationId: 196613, topic: 'plans' };
    expect(one(l7({ ...record, kafka }))[0]).toMatch(/^<- Request kafka from 2216 .*, verdict Denied metadata topic plans => 29$/);
    expect(one(l7({ ...DENIED_RESPONSE, http: undefined, kafka: { ...kafka, topic: '' } }))[0]).toMatch(/ metadata topic {2}=> 29$/);
    expect(JSON.parse(one(l7({ ...record, kafka }), { verbosity: 'json' })[0] as string)).toMatchObject({
      l7Proto: 'kafka',
      kafka: { ErrorCode: 29, APIVersion: 5, APIKey: 'metadata', CorrelationID: 196613, Topic: { Topic: 'plans' } },
    });
    const generic = { proto: 'cassandra', fields: { query_action: 'select', query_table: 'a.b', status: 'x' } };
    expect(one(l7({ ...record, l7: generic }))[0]).toMatch(
      /^<- Request cassandra from .*, verdict Denied query_action:select query_table:a\.b => status:x$/,
    );
  });

  test('agent events', () => {
    expect(one({ kind: 'agent', at: 0, wallMillis: 0, name: 'Policy updated', text: '{"revision":2}' })).toEqual([
      '>> Policy updated: {"revision":2}',
    ]);
  });

  test('verbose: a line of dashes, the head, then the layers', () => {
    const lines = one(perf(TO_PROXY), { verbosity: 'verbose' });
    expect(lines[0]).toBe('-'.repeat(78));
    expect(lines[1]).toBe(
      'CPU 00: MARK 0x1a2b3c4d FROM 863 to-proxy: 74 bytes (74 captured), state new, interface lxc0f00, , identity 29439->2033, orig-ip 10.0.0.123, to proxy-port 19313',
    );
    expect(lines.slice(2).map((line) => line.split('\t')[0])).toEqual(['Ethernet', 'IPv4', 'TCP']);
    expect(one(perf(DROP), { verbosity: 'verbose' })[1]).toBe(
      'CPU 00: MARK 0xd4c3b2a1 FROM 863 DROP: 74 bytes, reason Policy denied, identity 5513->2033, to endpoint 863',
    );
  });

  test('json lines parse', () => {
    for (const event of [perf(TO_PROXY), perf(DROP), l7(DENIED_REQUEST)]) {
      expect(JSON.parse(one(event, { verbosity: 'json' })[0] as string)).toHaveProperty('type');
    }
  });

  test('filters by type and endpoint', () => {
    const all = [perf(TO_PROXY), perf(DROP), perf(VERDICT), l7(DENIED_REQUEST)];
    const count = (options: object): number => formatMonitor(all, names, { ...DEFAULT_MONITOR_OPTIONS, ...options }).length;
    expect(count({ types: ['drop'] })).toBe(1);
    expect(count({ types: ['l7', 'policy-verdict'] })).toBe(2);
    expect(count({ from: [863] })).toBe(3);
    expect(count({ to: [863] })).toBe(2);
    expect(count({ relatedTo: [2216] })).toBe(1);
  });

  test('socket traces: with -v alone, and whatever the filters say', () => {
    const record = { type: 7, at: 0, xlatePoint: 3, dstIp: 0x0a00006f, dstPort: 80, sockCookie: 5, cgroupId: 42, l4Proto: 1 } as const;
    const line = 'CPU 00: [pre-xlate-rev] cgroup_id: 42 sock_cookie: 5, dst [10.0.0.111]:80 tcp ';
    expect(one(sock(record), { verbosity: 'debug', types: ['drop'], from: [1] })).toEqual([line]);
    for (const verbosity of ['info', 'verbose', 'json'] as const) {
      expect(one(sock(record), { verbosity })).toEqual([]);
    }
  });
});
