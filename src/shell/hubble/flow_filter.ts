/**
 * What a flow must be like: Hubble's filter message, and the test it stands for.
 * @see cilium:api/v1/flow/flow.proto#FlowFilter
 * @see cilium:pkg/hubble/filters/filters.go#BuildFilterList
 */
import { goRegexp } from '../../agent/policy/api/go_regexp.ts';
import type { Flow, FlowDirection, FlowEndpoint, FlowService, FlowVerdict, FlowWorkload } from '../../monitor/hubble/flow.ts';
import { eventTypeNumbers } from '../../monitor/hubble/flow_json.ts';
import { type IpPrefix, parseIp, parsePrefix, prefixContains } from '../../net/prefix.ts';
import { labelFilter } from './label_filter.ts';
import { fqdnPattern, nodeNamePattern } from './name_pattern.ts';

/** A filter: all members must match, a list matches when one of its elements does. Empty lists were not given. */
export interface FlowFilter {
  readonly sourceIp: readonly string[];
  readonly destinationIp: readonly string[];
  readonly sourcePod: readonly string[];
  readonly destinationPod: readonly string[];
  readonly sourceService: readonly string[];
  readonly destinationService: readonly string[];
  readonly sourceWorkload: readonly FlowWorkload[];
  readonly destinationWorkload: readonly FlowWorkload[];
  readonly sourceFqdn: readonly string[];
  readonly destinationFqdn: readonly string[];
  readonly sourceLabel: readonly string[];
  readonly destinationLabel: readonly string[];
  readonly sourcePort: readonly string[];
  readonly destinationPort: readonly string[];
  readonly sourceIdentity: readonly number[];
  readonly destinationIdentity: readonly number[];
  readonly verdict: readonly FlowVerdict[];
  readonly eventType: readonly EventTypeFilter[];
  readonly httpStatusCode: readonly string[];
  readonly httpMethod: readonly string[];
  readonly httpPath: readonly string[];
  readonly protocol: readonly string[];
  readonly tcpFlags: readonly (readonly string[])[];
  readonly nodeName: readonly string[];
  readonly ipVersion: readonly ('IPv4' | 'IPv6' | 'IP_NOT_USED')[];
  readonly trafficDirection: readonly FlowDirection[];
}

/** Type and sub type of an event; `subType` `null` matches all. */
export interface EventTypeFilter {
  readonly type: number;
  readonly subType: number | null;
}

/** Matches everything. */
export const EMPTY_FILTER: FlowFilter = {
  sourceIp: [],
  destinationIp: [],
  sourcePod: [],
  destinationPod: [],
  sourceService: [],
  destinationService: [],
  sourceWorkload: [],
  destinationWorkload: [],
  sourceFqdn: [],
  destinationFqdn: [],
  sourceLabel: [],
  destinationLabel: [],
  sourcePort: [],
  destinationPort: [],
  sourceIdentity: [],
  destinationIdentity: [],
  verdict: [],
  eventType: [],
  httpStatusCode: [],
  httpMethod: [],
  httpPath: [],
  protocol: [],
  tcpFlags: [],
  nodeName: [],
  ipVersion: [],
  trafficDirection: [],
};

/** Whether a flow passes. */
export type FlowTest = (flow: Flow) => boolean;

const ACCESS_LOG = 129;
/** Protocols a filter knows. */
export const L4_PROTOCOLS = ['icmp', 'icmpv4', 'icmpv6', 'tcp', 'udp', 'sctp'];
/** Those that the proxy tells. */
export const L7_PROTOCOLS = ['dns', 'http', 'kafka'];

/** A test, or why the filter is refused. */
type Built = FlowTest | { readonly error: string };

/** The test of a filter, or the server's error. @see cilium:pkg/hubble/filters/filters.go#BuildFilter */
export function buildFilter(filter: FlowFilter): Built {
  const tests: FlowTest[] = [];
  for (const test of filterTests(filter)) {
    if (typeof test !== 'function') {
      return test;
    }
    tests.push(test);
  }
  return (flow) => tests.every((test) => test(flow));
}

/** The tests of the members that were given, in the order in which the server builds them. */
function* filterTests(f: FlowFilter): Generator<Built> {
  const given = <T>(list: readonly T[], build: (list: readonly T[]) => Built): Built[] => (list.length === 0 ? [] : [build(list)]);
  yield* given(f.eventType, (types) => (flow) => types.some((type) => isEvent(flow, type)));
  yield* given(f.verdict, (verdicts) => (flow) => verdicts.includes(flow.verdict));
  yield* given(f.sourceIdentity, (ids) => (flow) => ids.includes(flow.source.identity));
  yield* given(f.destinationIdentity, (ids) => (flow) => ids.includes(flow.destination.identity));
  yield* given(f.protocol, protocolTest);
  yield* given(f.sourceIp, (ips) => ipTest(ips, (flow) => flow.source.ip));
  yield* given(f.destinationIp, (ips) => ipTest(ips, (flow) => flow.destination.ip));
  yield* given(f.sourcePod, (names) => nameTest('source pod', names, (flow) => podName(flow.source)));
  yield* given(f.destinationPod, (names) => nameTest('destination pod', names, (flow) => podName(flow.destination)));
  yield* given(f.sourceWorkload, (all) => (flow) => hasWorkload(flow.source, all));
  yield* given(f.destinationWorkload, (all) => (flow) => hasWorkload(flow.destination, all));
  yield* given(f.sourceService, (names) => nameTest('source service', names, (flow) => flow.sourceService));
  yield* given(f.destinationService, (names) => nameTest('destination service', names, (flow) => flow.destinationService));
  yield* given(f.sourceFqdn, (patterns) => patternTest(patterns, fqdnPattern, (flow) => flow.sourceNames));
  yield* given(f.destinationFqdn, (patterns) => patternTest(patterns, fqdnPattern, (flow) => flow.destinationNames));
  yield* given(f.sourceLabel, (selectors) => labelTest('source', selectors, (flow) => flow.source.labels));
  yield* given(f.destinationLabel, (selectors) => labelTest('destination', selectors, (flow) => flow.destination.labels));
  yield* given(f.sourcePort, (ports) => portTest('source', ports, (flow) => flow.source.port));
  yield* given(f.destinationPort, (ports) => portTest('destination', ports, (flow) => flow.destination.port));
  yield* given(f.httpStatusCode, (codes) => httpTest(f, 'status code', () => statusTest(codes)));
  yield* given(f.httpMethod, (methods) => httpTest(f, 'method', () => methodTest(methods)));
  yield* given(f.httpPath, (paths) => httpTest(f, 'path', () => pathTest(paths)));
  yield* given(f.tcpFlags, (sets) => (flow) => {
    const flags = flow.l4?.kind === 'TCP' ? flow.l4.flags : null;
    return flags !== null && sets.some((set) => set.every((flag) => flags.includes(flag)));
  });
  yield* given(f.nodeName, (patterns) => patternTest(patterns, nodeNamePattern, (flow) => [clusterNodeName(flow.nodeName)]));
  yield* given(f.ipVersion, (versions) => () => versions.includes('IPv4'));
  yield* given(f.trafficDirection, (directions) => (flow) => flow.direction !== null && directions.includes(flow.direction));
}

/** @see cilium:pkg/hubble/filters/event_type.go#filterByEventType */
function isEvent(flow: Flow, wanted: EventTypeFilter): boolean {
  const { type, subType } = eventTypeNumbers(flow.event);
  return (wanted.type === 0 || wanted.type === type) && (wanted.subType === null || wanted.subType === subType);
}

/** @see cilium:pkg/hubble/filters/protocol.go#filterByProtocol */
function protocolTest(protocols: readonly string[]): Built {
  const words = protocols.map((protocol) => protocol.toLowerCase());
  const unknown = words.findIndex((word) => !L4_PROTOCOLS.includes(word) && !L7_PROTOCOLS.includes(word));
  if (unknown >= 0) {
    return { error: `invalid protocol filter: unknown protocol: ${JSON.stringify(protocols[unknown])}` };
  }
  return (flow) => words.some((word) => hasProtocol(flow, word));
}

function hasProtocol({ l4, event }: Flow, word: string): boolean {
  if (L7_PROTOCOLS.includes(word)) {
    return event.kind === 'l7' && event.record[word as 'dns' | 'http' | 'kafka'] !== undefined;
  }
  return word === 'icmp' ? l4?.kind === 'ICMPv4' : l4?.kind.toLowerCase() === word;
}

/** Addresses compare as texts, prefixes as prefixes. @see cilium:pkg/hubble/filters/ip.go#filterByIPs */
function ipTest(ips: readonly string[], get: (flow: Flow) => string): Built {
  const prefixes: IpPrefix[] = [];
  for (const ip of ips) {
    const prefix = ip.includes('/') ? parsePrefix(ip) : null;
    if (ip.includes('/') && prefix === null) {
      return { error: `invalid CIDR in filter: ${JSON.stringify(ip)}` };
    }
    if (!ip.includes('/') && parseIp(ip) === null) {
      return { error: `invalid IP address in filter: ${JSON.stringify(ip)}` };
    }
    prefixes.push(...(prefix === null ? [] : [prefix]));
  }
  return (flow) => {
    const text = get(flow);
    const address = parseIp(text);
    return ips.includes(text) || (address !== null && prefixes.some((prefix) => prefixContains(prefix, address)));
  };
}

/** `[namespace/][prefix]`; without a namespace it is `default`. @see cilium:pkg/hubble/filters/k8s.go#filterByNamespacedName */
function nameTest(what: string, names: readonly string[], get: (flow: Flow) => FlowService | null): Built {
  const wanted: { readonly namespace: string; readonly prefix: string }[] = [];
  for (const name of names) {
    const parts = name.split('/');
    const [namespace, prefix] = parts.length > 1 ? [parts[0] as string, parts[1] as string] : [name === '' ? '' : 'default', name];
    if (namespace === '' && prefix === '') {
      return { error: `invalid ${what} filter: invalid filter, must be [namespace/][<name>], got ${JSON.stringify(name)}` };
    }
    wanted.push({ namespace, prefix });
  }
  return (flow) => {
    const found = get(flow);
    return (
      found !== null &&
      (found.namespace !== '' || found.name !== '') &&
      wanted.some(({ namespace, prefix }) => found.namespace === namespace && found.name.startsWith(prefix))
    );
  };
}

function podName(end: FlowEndpoint): FlowService {
  return { namespace: end.namespace, name: end.podName };
}

/** @see cilium:pkg/hubble/filters/workload.go#filterByWorkload */
function hasWorkload(end: FlowEndpoint, wanted: readonly FlowWorkload[]): boolean {
  return end.workloads.some((one) =>
    wanted.some(({ name, kind }) => (name === '' || name === one.name) && (kind === '' || kind === one.kind)),
  );
}

function patternTest(
  patterns: readonly string[],
  compile: (pattern: string) => RegExp | { readonly error: string },
  get: (flow: Flow) => readonly string[],
): Built {
  const compiled: RegExp[] = [];
  for (const pattern of patterns) {
    const one = compile(pattern);
    if (!(one instanceof RegExp)) {
      return one;
    }
    compiled.push(one);
  }
  return (flow) => get(flow).some((name) => compiled.some((pattern) => pattern.test(name)));
}

/** Node names are compared with their cluster. @see cilium:pkg/hubble/filters/nodename.go#filterByNodeNames */
function clusterNodeName(nodeName: string): string {
  return nodeName.includes('/') ? nodeName : `default/${nodeName}`;
}

function labelTest(what: string, selectors: readonly string[], get: (flow: Flow) => readonly string[]): Built {
  const tests: ((labels: readonly string[]) => boolean)[] = [];
  for (const selector of selectors) {
    const test = labelFilter(selector);
    if (typeof test !== 'function') {
      return { error: `invalid ${what} label filter: ${test.error}` };
    }
    tests.push(test);
  }
  return (flow) => tests.some((test) => test(get(flow)));
}

/** @see cilium:pkg/hubble/filters/port.go#filterByPort */
function portTest(what: string, ports: readonly string[], get: (flow: Flow) => number): Built {
  for (const port of ports) {
    const reason = !/^\d+$/.test(port) ? 'invalid syntax' : Number(port) > 65535 ? 'value out of range' : null;
    if (reason !== null) {
      const text = JSON.stringify(port);
      return { error: `invalid ${what} port filter: invalid port ${text}: strconv.ParseUint: parsing ${text}: ${reason}` };
    }
  }
  return (flow) => flow.l4 !== null && flow.l4.kind !== 'ICMPv4' && ports.some((port) => Number(port) === get(flow));
}

/** Filters on HTTP need events that have it. @see cilium:pkg/hubble/filters/http.go#HTTPFilter.OnBuildFilter */
function httpTest(filter: FlowFilter, what: string, build: () => Built): Built {
  if (filter.eventType.length > 0 && !filter.eventType.some(({ type }) => type === ACCESS_LOG)) {
    return { error: `filtering by http ${what} requires the event type filter to only match 'l7' events` };
  }
  const built = build();
  return typeof built === 'function' ? built : { error: `invalid http ${what} filter: ${built.error}` };
}

function httpOf({ event }: Flow): { readonly code: number; readonly method: string; readonly url: string } | null {
  const http = event.kind === 'l7' ? event.record.http : undefined;
  // A request has no code.
  return http === undefined || event.kind !== 'l7' ? null : { ...http, code: event.record.type === 'Request' ? 0 : http.code };
}

function statusTest(codes: readonly string[]): Built {
  const wrong = codes.find((code) => !/^[1-5][0-9]{2}$/.test(code) && !/^[1-5][0-9]?\+$/.test(code));
  if (wrong !== undefined) {
    return { error: `invalid status code prefix: ${JSON.stringify(wrong)}` };
  }
  return (flow) => {
    const code = httpOf(flow)?.code ?? 0;
    const text = String(code).padStart(3, '0');
    return code !== 0 && codes.some((wanted) => (wanted.endsWith('+') ? text.startsWith(wanted.slice(0, -1)) : text === wanted));
  };
}

function methodTest(methods: readonly string[]): FlowTest {
  const wanted = methods.map((method) => method.toLowerCase());
  return (flow) => {
    const method = httpOf(flow)?.method ?? '';
    return method !== '' && wanted.includes(method.toLowerCase());
  };
}

/** Expressions match anywhere in the path, without the query. @see cilium:pkg/hubble/filters/http.go#filterByHTTPPaths */
function pathTest(paths: readonly string[]): Built {
  const compiled: ((path: string) => boolean)[] = [];
  for (const path of paths) {
    const test = goRegexp(path);
    if (typeof test !== 'function') {
      return { error: `${path}: ${test.error}` };
    }
    compiled.push(test);
  }
  return (flow) => {
    const url = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^?#]*)/i.exec(httpOf(flow)?.url ?? '');
    return url !== null && compiled.some((test) => test(percentDecoded(url[1] as string)));
  };
}

/** The path as Go's url.URL.Path has it; what cannot be decoded stays. */
function percentDecoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
