/**
 * Computes the result of one record of proxy.jsonl from its inputs alone.
 */
import { AccessLogEntry } from '../../src/envoy/cilium/accesslog.ts';
import { BpfMetadata } from '../../src/envoy/cilium/bpf_metadata.ts';
import { PolicyHostMap } from '../../src/envoy/cilium/host_map.ts';
import { NetworkPolicyMap } from '../../src/envoy/cilium/network_policy_map.ts';
import { HeaderMap, type HeaderPair } from '../../src/envoy/http/header_map.ts';
import { canonicalPath, mergeSlashes, unescapeSlashes } from '../../src/envoy/http/path_utility.ts';
import { type InetAddress, parseInet } from '../../src/envoy/network/address.ts';
import { latin1 } from '../../src/net/bytes.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { Journey } from '../../src/sim/journey.ts';
import type { LogEntry } from '../../src/xds/access_log.ts';
import type { BpfMetadataConfig } from '../../src/xds/listener.ts';
import type { NetworkPolicy } from '../../src/xds/npds.ts';
import type { NetworkPolicyHosts } from '../../src/xds/nphds.ts';
import { httpListener, ip, landingPolicy, PROXY_PORT, Rig, sentText } from '../envoy/support.ts';

type Plain = Readonly<Record<string, unknown>>;

/** A record; which members are there depends on its kind. */
export interface ProxyRecord {
  readonly kind: string;
  readonly name: string;
  readonly policy?: NetworkPolicy | null;
  readonly policies?: readonly NetworkPolicy[];
  readonly exists?: Readonly<Record<string, boolean>>;
  readonly hosts?: readonly NetworkPolicyHosts[];
  readonly checks?: readonly Plain[];
  readonly expect?: object;
  readonly derived123?: object;
  readonly config?: Omit<BpfMetadataConfig, '@type'>;
  readonly socket?: { readonly remote: string; readonly originalDst: string; readonly listenerLocal: string };
  readonly direction?: 'ingress' | 'egress';
  readonly podIp?: string;
  readonly port?: number;
  readonly sourceId?: number;
  readonly destinationId?: number;
  readonly remoteId?: number;
  readonly request?: { readonly headers: readonly HeaderPair[]; readonly body?: string };
  readonly init?: Plain;
  readonly responseHeaders?: readonly HeaderPair[];
  readonly placeholders?: Readonly<Record<string, string>>;
  readonly downstreamRequest?: string;
  readonly upstreamResponse?: string;
}

const MAX_PROGRAM = 100;
const SILENT = new Journey(() => 0);

/** The result, or why the record does not apply. */
export function computeProxyRecord(record: ProxyRecord): object | string {
  switch (record.kind) {
    case 'policy':
      return policyResult(record);
    case 'policy-reject':
      return { error: new NetworkPolicyMap(MAX_PROGRAM).update(policiesOf(record)) };
    case 'hostmap-reject':
      return { error: new PolicyHostMap().update(record.hosts ?? []) };
    case 'hostmap': {
      const map = hostMap(record.hosts ?? []);
      return { checks: (record.checks ?? []).map((check) => ({ id: map.resolve(String(check['ip'])) })) };
    }
    case 'http':
      return httpResult(record);
    case 'bpf-metadata':
      return metadataResult(record);
    case 'accesslog':
      return accessLogResult(record);
    case 'path':
      return { checks: (record.checks ?? []).map((check) => pathResult(record.name, String(check['in']))) };
    case 'wire':
      return record.downstreamRequest === undefined ? 'no downstream request to start from' : wireResult(record, record.downstreamRequest);
    default:
      return `kind ${record.kind} is not part of this model`;
  }
}

function policiesOf(record: ProxyRecord): readonly NetworkPolicy[] {
  return record.policies ?? (record.policy == null ? [] : [record.policy]);
}

function hostMap(hosts: readonly NetworkPolicyHosts[]): PolicyHostMap {
  const map = new PolicyHostMap();
  map.update(hosts);
  return map;
}

function policyResult(record: ProxyRecord): object {
  const map = new NetworkPolicyMap(MAX_PROGRAM);
  const rejected = map.update(policiesOf(record));
  const ips = new Set([
    ...Object.keys(record.exists ?? {}),
    ...policiesOf(record).flatMap((policy) => policy.endpoint_ips),
    ...(record.checks ?? []).map((check) => String(check['podIp'])),
  ]);
  const checks = (record.checks ?? []).map((check) => {
    const ingress = check['direction'] === 'ingress';
    const port = Number(check['port']);
    const remoteId = Number(check['remoteId']);
    const policy = map.get(String(check['podIp']));
    const portPolicy = policy?.findPortPolicy(ingress, port, remoteId) ?? null;
    const connection = portPolicy?.matches(String(check['sni'] ?? ''), remoteId) === true;
    const headers = HeaderMap.of(Object.entries((check['headers'] ?? {}) as Record<string, string>));
    const needsHttp = check['tls'] !== true;
    const http = !needsHttp || policy?.allowed({ ingress, port, remoteId, headers, log: new AccessLogEntry() }, null) === true;
    const verdict = connection && http ? 'allow' : 'deny';
    if (check['tls'] !== true) {
      return { verdict };
    }
    const context = portPolicy !== null && connection && (ingress ? portPolicy.downstreamContext : portPolicy.upstreamContext) !== null;
    return { verdict, tlsSocketRequired: context, rawSocketAllowed: connection && !context };
  });
  return {
    ...(rejected === null ? {} : { rejected }),
    exists: Object.fromEntries(
      [...ips].filter((one) => record.exists === undefined || one in record.exists).map((one) => [one, map.exists(one)]),
    ),
    checks,
  };
}

/** A whole proxy for the fate, and the policy alone for its effects on the headers as sent. */
function httpResult(record: ProxyRecord): object {
  const ingress = record.direction === 'ingress';
  const podIp = record.podIp ?? '127.0.0.1';
  const port = record.port ?? 80;
  const peer = '10.99.0.1';
  const [client, server] = ingress ? [peer, podIp] : [podIp, peer];
  const request = record.request ?? { headers: [] };
  const rig = new Rig({
    bpf: false,
    policies: policiesOf(record),
    hosts: [hosts(record.sourceId, client), hosts(record.destinationId, server)].flat(),
    listener: httpListener({ ingress, metadata: { bpf_root: '' } }),
    backend: null,
  });
  rig.net.redirect({ address: ip(server), port }, PROXY_PORT);
  rig.serve(server, port, (socket, _received, all) => {
    if (wholeRequest(all)) {
      socket.write(latin1('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    }
  });
  const tester = rig.client(client, server, port);
  tester.send(requestText(request.headers, request.body ?? ''));
  rig.settle(3 * SECOND);
  const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(tester.received)?.[1] ?? 0);
  const upstream = rig.upstreams();
  const sent = upstream.map(sentText).join('');
  const alone = policyAlone(record, ingress, port, request.headers);
  return {
    verdict: alone.allowed && status !== 403 ? 'allow' : 'deny',
    status,
    upstreamConnected: upstream.length > 0,
    upstreamReached: sent.length > 0,
    upstreamBodyLength: sent.length === 0 ? 0 : sent.length - (sent.indexOf('\r\n\r\n') + 4),
    headersAfter: alone.headers,
    missingHeaders: alone.missing,
    rejectedHeaders: alone.rejected,
    accessLog: rig.logTypes(),
  };
}

function hosts(identity: number | undefined, address: string): NetworkPolicyHosts[] {
  return identity === undefined || identity === 2 ? [] : [{ policy: identity, host_addresses: [`${address}/32`] }];
}

function policyAlone(record: ProxyRecord, ingress: boolean, port: number, pairs: readonly HeaderPair[]) {
  const map = new NetworkPolicyMap(MAX_PROGRAM);
  map.update(policiesOf(record));
  const headers = HeaderMap.of(pairs);
  const log = new AccessLogEntry();
  const remoteId = record.remoteId ?? (ingress ? record.sourceId : record.destinationId) ?? 2;
  const policy = map.get(record.podIp ?? '127.0.0.1');
  const allowed =
    policy?.allowed({ ingress, port, remoteId, headers, log }, null) === true && policy.findPortPolicy(ingress, port, remoteId) !== null;
  const list = (entries: AccessLogEntry['missing']): HeaderPair[] => entries.map(({ key, value }) => [key, value]);
  return { allowed, headers: headers.pairs(), missing: list(log.missing), rejected: list(log.rejected) };
}

function requestText(headers: readonly HeaderPair[], body: string): string {
  const map = HeaderMap.of(headers);
  let text = `${map.get(':method') ?? 'GET'} ${map.get(':path') ?? '/'} HTTP/1.1\r\n`;
  for (const [name, value] of headers) {
    if (name === ':authority') {
      text += `Host: ${value}\r\n`;
    } else if (!name.startsWith(':')) {
      text += `${name}: ${value}\r\n`;
    }
  }
  return `${text}${body === '' || map.has('content-length') ? '' : `content-length: ${body.length}\r\n`}\r\n${body}`;
}

function wholeRequest(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/\r\ncontent-length: ([0-9]+)/.exec(text)?.[1] ?? 0);
  return end >= 0 && text.length >= end + 4 + length;
}

function address(text: string): InetAddress {
  const colon = text.lastIndexOf(':');
  return parseInet(text.slice(0, colon).replace(/^\[|\]$/g, ''), Number(text.slice(colon + 1))) as InetAddress;
}

function metadataResult(record: ProxyRecord): object {
  const policies = new NetworkPolicyMap(MAX_PROGRAM);
  policies.update(policiesOf(record));
  const config: BpfMetadataConfig = { '@type': 'type.googleapis.com/cilium.BpfMetadata', ...record.config };
  const filter = BpfMetadata.create(config, {
    ctMaps: null,
    ipcache: null,
    hosts: hostMap(record.hosts ?? []),
    policies,
    sidecar: false,
    journey: SILENT,
  });
  if (typeof filter === 'string') {
    return { configError: filter };
  }
  const socket = record.socket;
  if (socket === undefined) {
    return { configError: null };
  }
  const metadata = filter.getMetadata(address(socket.remote), address(socket.originalDst));
  if (metadata === null) {
    return { configError: null, metadata: false, localAddress: socket.originalDst };
  }
  const option = metadata.option;
  return {
    configError: null,
    metadata: true,
    option: {
      identity: option.identity,
      ingress: option.ingress,
      is_l7lb: option.isL7lb,
      original_source_address: option.originalSource?.text ?? null,
      ipv4_source_address: option.ipv4Source?.text ?? null,
      ipv6_source_address: option.ipv6Source?.text ?? null,
      port: option.port,
      pod_ip: option.podIp,
      mark: `0x${option.mark.toString(16).padStart(8, '0')}`,
    },
    applicationProtocols: metadata.l7Proto === '' ? [] : [metadata.l7Proto],
    localAddress: socket.originalDst,
  };
}

function accessLogResult(record: ProxyRecord): object {
  const init = record.init ?? {};
  const entry = new AccessLogEntry();
  const headers = HeaderMap.of((init['headers'] ?? []) as readonly HeaderPair[]);
  const protocol = { 'HTTP/1.0': 'HTTP10', 'HTTP/2': 'HTTP2' }[String(init['protocol'])] ?? 'HTTP11';
  entry.initFromRequest(
    {
      policyName: String(init['policyName']),
      ingress: init['ingress'] === true,
      sourceIdentity: Number(init['sourceId']),
      source: String(init['source']),
      destination: String(init['destination']),
      protocol: protocol as 'HTTP11',
      startTime: 1n,
    },
    headers,
  );
  entry.updateFromRequest(Number(init['destinationId'] ?? 0), String(init['destination']), headers);
  const request = plainEntry(entry.record('Request'));
  entry.updateFromResponse(HeaderMap.of(record.responseHeaders ?? []), 2n);
  return { request, response: plainEntry(entry.record('Response')) };
}

function plainEntry(entry: LogEntry): object {
  return { ...entry, timestamp: String(entry.timestamp) };
}

function pathResult(name: string, path: string): object {
  switch (name) {
    case 'canonicalPath': {
      const out = canonicalPath(path);
      return { out, ...(out === null ? { reject: true } : {}) };
    }
    case 'mergeSlashes':
      return { out: mergeSlashes(path) };
    default: {
      const unescaped = unescapeSlashes(path);
      return { out: unescaped.path, redirect: unescaped.found };
    }
  }
}

/** The article's policy, which also lets GET requests pass; the backend answers with the record's response. */
function wireResult(record: ProxyRecord, request: string): object {
  const article = landingPolicy();
  const landing = article.ingress_per_port_policies?.[0]?.rules?.[0]?.http_rules?.http_rules ?? [];
  const get = { headers: [{ name: ':method', exact_match: 'GET' }] };
  const policy: NetworkPolicy = {
    ...article,
    ingress_per_port_policies: [{ port: 80, rules: [{ http_rules: { http_rules: [...landing, get] } }] }],
  };
  const date = record.placeholders?.['date'];
  const response = record.upstreamResponse ?? 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
  const requestId = record.placeholders?.['x-request-id'];
  const rig = new Rig({
    policies: [policy],
    ...(date === undefined ? {} : { wall: Date.parse(date) }),
    envoy: { requestIds: requestId === undefined ? [] : [requestId] },
    backend: (socket, received) => {
      if (received.includes('\r\n\r\n')) {
        socket.write(latin1(response));
      }
    },
  });
  const client = rig.client();
  client.send(request);
  rig.settle();
  const interim = /^HTTP\/1\.1 100 Continue\r\n\r\n/.exec(client.received)?.[0] ?? '';
  const upstream = rig.upstreams();
  return {
    upstreamRequest: upstream.map(sentText).join(''),
    upstreamConnectionOpened: upstream.length > 0,
    ...(interim === '' ? {} : { downstreamFirst: interim }),
    downstreamResponse: client.received.slice(interim.length),
  };
}
