/**
 * From the filter flags of `hubble observe` to filters: flags of one kind are alternatives, different kinds must all match, `--not` turns the
 * next flag around.
 * @see hubble:cmd/observe/flows_filter.go#flowFilter
 * @remarks Simplified: the flags and their conflicts are those of the command of 2024, whose source was at hand; `--traffic-direction` is
 * answered although a server of 1.13 has no such filter.
 */
import { TRACE_POINT_NAMES } from '../../maps/eventsmap.ts';
import { reservedIdentity } from '../../maps/identity.ts';
import type { FlowVerdict, FlowWorkload } from '../../monitor/hubble/flow.ts';
import { buildFilter, EMPTY_FILTER, type EventTypeFilter, type FlowFilter, type FlowTest } from './flow_filter.ts';

/** Flags that go into the filter; `two`: about either end, so the filter becomes two alternatives. */
type Target = { readonly member: keyof FlowFilter; readonly other?: keyof FlowFilter };

const TARGETS: Readonly<Record<string, Target>> = {
  ip: { member: 'sourceIp', other: 'destinationIp' },
  'from-ip': { member: 'sourceIp' },
  'to-ip': { member: 'destinationIp' },
  pod: { member: 'sourcePod', other: 'destinationPod' },
  'from-pod': { member: 'sourcePod' },
  'to-pod': { member: 'destinationPod' },
  service: { member: 'sourceService', other: 'destinationService' },
  'from-service': { member: 'sourceService' },
  'to-service': { member: 'destinationService' },
  fqdn: { member: 'sourceFqdn', other: 'destinationFqdn' },
  'from-fqdn': { member: 'sourceFqdn' },
  'to-fqdn': { member: 'destinationFqdn' },
  label: { member: 'sourceLabel', other: 'destinationLabel' },
  'from-label': { member: 'sourceLabel' },
  'to-label': { member: 'destinationLabel' },
  port: { member: 'sourcePort', other: 'destinationPort' },
  'from-port': { member: 'sourcePort' },
  'to-port': { member: 'destinationPort' },
  identity: { member: 'sourceIdentity', other: 'destinationIdentity' },
  'from-identity': { member: 'sourceIdentity' },
  'to-identity': { member: 'destinationIdentity' },
  workload: { member: 'sourceWorkload', other: 'destinationWorkload' },
  'from-workload': { member: 'sourceWorkload' },
  'to-workload': { member: 'destinationWorkload' },
  verdict: { member: 'verdict' },
  type: { member: 'eventType' },
  'http-status': { member: 'httpStatusCode' },
  'http-method': { member: 'httpMethod' },
  'http-path': { member: 'httpPath' },
  protocol: { member: 'protocol' },
  'tcp-flags': { member: 'tcpFlags' },
  'node-name': { member: 'nodeName' },
  cluster: { member: 'nodeName' },
  ipv4: { member: 'ipVersion' },
  ipv6: { member: 'ipVersion' },
  'ip-version': { member: 'ipVersion' },
  'traffic-direction': { member: 'trafficDirection' },
};

/** Namespaces apply to the pods or services given, or stand alone. */
const NAMESPACE_FLAGS = ['namespace', 'from-namespace', 'to-namespace'];

/** All filter flags, `not` among them. */
export const FILTER_FLAGS: readonly string[] = [...Object.keys(TARGETS), ...NAMESPACE_FLAGS, 'not'];
/** Those that take no value. */
export const FILTER_SWITCHES: readonly string[] = ['not', 'ipv4', 'ipv6'];

/** Flags of one group exclude each other. @see hubble:cmd/observe/flows_filter.go#newFlowFilter */
const CONFLICTS: readonly (readonly string[])[] = [
  ['from-fqdn', 'from-ip', 'ip', 'fqdn', 'from-namespace', 'namespace'],
  ['from-fqdn', 'from-ip', 'ip', 'fqdn', 'from-pod', 'pod'],
  ['to-fqdn', 'to-ip', 'ip', 'fqdn', 'to-namespace', 'namespace'],
  ['to-fqdn', 'to-ip', 'ip', 'fqdn', 'to-pod', 'pod'],
  ...['to-pod', 'from-pod', 'to-service', 'from-service'].map((flag) => [flag, 'namespace']),
  ...['label', 'service', 'port', 'identity', 'workload'].flatMap((flag) => [
    [flag, `from-${flag}`],
    [flag, `to-${flag}`],
  ]),
  ['node-name', 'cluster'],
];

/** The two alternatives a list of flags stands for, and the namespaces still to be applied. */
interface Tracker {
  left: FlowFilter;
  right: FlowFilter;
  readonly changed: Set<string>;
  readonly namespaces: { readonly both: string[]; readonly source: string[]; readonly destination: string[] };
}

/** The filters of a command line: a flow passes when it matches one of `allow` (or there is none) and none of `deny`. */
export interface FlowFilters {
  readonly allow: readonly FlowFilter[];
  readonly deny: readonly FlowFilter[];
}

/** Reads filter flags in the order given. */
export function parseFilterFlags(given: readonly (readonly [string, string])[]): FlowFilters | { readonly error: string } {
  const allow = newTracker();
  const deny = newTracker();
  let negated = false;
  for (const [name, value] of given) {
    if (name === 'not') {
      if (negated) {
        return invalid(name, value, 'consecutive --not statements');
      }
      negated = true;
      continue;
    }
    const tracker = negated ? deny : allow;
    negated = false;
    const error = setFilter(tracker, name, value);
    if (error !== null) {
      return invalid(name, value, error);
    }
  }
  return negated ? { error: 'trailing --not found in the arguments' } : { allow: materialize(allow), deny: materialize(deny) };
}

/** The test of filters, or the server's error. */
export function buildFilters({ allow, deny }: FlowFilters): FlowTest | { readonly error: string } {
  const tests: { readonly allow: FlowTest[]; readonly deny: FlowTest[] } = { allow: [], deny: [] };
  for (const [filters, into] of [
    [allow, tests.allow],
    [deny, tests.deny],
  ] as const) {
    for (const filter of filters) {
      const test = buildFilter(filter);
      if (typeof test !== 'function') {
        return test;
      }
      into.push(test);
    }
  }
  return (flow) => (tests.allow.length === 0 || tests.allow.some((test) => test(flow))) && !tests.deny.some((test) => test(flow));
}

const SHORT: Readonly<Record<string, string>> = { type: 't', namespace: 'n', label: 'l', ipv4: '4', ipv6: '6' };

/** pflag's words for a value its flag refuses. */
function invalid(name: string, value: string, reason: string): { readonly error: string } {
  const short = SHORT[name];
  return { error: `invalid argument ${JSON.stringify(value)} for "${short === undefined ? '' : `-${short}, `}--${name}" flag: ${reason}` };
}

function newTracker(): Tracker {
  return { left: EMPTY_FILTER, right: EMPTY_FILTER, changed: new Set(), namespaces: { both: [], source: [], destination: [] } };
}

function setFilter(tracker: Tracker, name: string, value: string): string | null {
  tracker.changed.add(name);
  for (const group of CONFLICTS) {
    const used = group.filter((flag) => tracker.changed.has(flag));
    if (used.length > 1) {
      return `filters --${used[0] as string} and --${used[1] as string} cannot be combined`;
    }
  }
  const target = TARGETS[name];
  if (target === undefined) {
    const place = name.startsWith('from-') ? 'source' : name.startsWith('to-') ? 'destination' : 'both';
    tracker.namespaces[place].push(value);
    return namespaceConflict(tracker);
  }
  const parsed = parseValue(name, value);
  if ('error' in parsed) {
    return parsed.error;
  }
  const append = (filter: FlowFilter, member: keyof FlowFilter): FlowFilter => ({ ...filter, [member]: [...filter[member], parsed.value] });
  tracker.left = append(tracker.left, target.member);
  tracker.right = append(tracker.right, target.other ?? target.member);
  return namespaceConflict(tracker);
}

/** The value a flag's text stands for. */
function parseValue(name: string, value: string): { readonly value: unknown } | { readonly error: string } {
  switch (name) {
    case 'verdict':
      return parseVerdict(value);
    case 'type':
      return parseEventType(value);
    case 'identity':
    case 'from-identity':
    case 'to-identity':
      return parseIdentity(value);
    case 'workload':
    case 'from-workload':
    case 'to-workload':
      return { value: parseWorkload(value) };
    case 'tcp-flags':
      return parseTcpFlags(value);
    case 'cluster':
      return { value: `${value}/` };
    case 'ipv4':
      return { value: 'IPv4' };
    case 'ipv6':
      return { value: 'IPv6' };
    case 'ip-version':
      return { value: ipVersion(value) };
    case 'traffic-direction': {
      const direction = value.toLowerCase();
      return direction === 'ingress' || direction === 'egress'
        ? { value: direction.toUpperCase() }
        : { error: `${direction}: invalid traffic direction, expected ingress or egress` };
    }
    default:
      return { value };
  }
}

/** Verdicts by name. */
export const VERDICTS: readonly string[] = [
  'VERDICT_UNKNOWN',
  'FORWARDED',
  'DROPPED',
  'ERROR',
  'AUDIT',
  'REDIRECTED',
  'TRACED',
  'TRANSLATED',
];

function parseVerdict(value: string): { readonly value: FlowVerdict } | { readonly error: string } {
  return VERDICTS.includes(value) ? { value: value as FlowVerdict } : { error: `invalid --verdict value: ${value}` };
}

/** Event types by name. */
export const TYPE_NUMBERS: Readonly<Record<string, number>> = {
  drop: 1,
  debug: 2,
  capture: 3,
  trace: 4,
  'policy-verdict': 5,
  recorder: 6,
  'trace-sock': 7,
  l7: 129,
  agent: 130,
};

function parseEventType(value: string): { readonly value: EventTypeFilter } | { readonly error: string } {
  const colon = value.indexOf(':');
  const [name, sub] = colon < 0 ? [value, null] : [value.slice(0, colon), value.slice(colon + 1)];
  const known = Object.hasOwn(TYPE_NUMBERS, name) ? TYPE_NUMBERS[name] : undefined;
  if (known === undefined && !/^\d{1,10}$/.test(name)) {
    return {
      error: `unable to parse type '${name}', not a known type name and unable to parse as numeric value: strconv.ParseUint: parsing ${JSON.stringify(name)}: invalid syntax`,
    };
  }
  const type = known ?? Number(name);
  if (sub === null) {
    return { value: { type, subType: null } };
  }
  const point = type === TYPE_NUMBERS['trace'] ? (TRACE_POINT_NAMES as readonly string[]).indexOf(sub) : -1;
  if (point < 0 && !/^\d{1,10}$/.test(sub)) {
    return {
      error: `unable to parse event sub-type '${sub}', not a known sub-type name and unable to parse as numeric value: strconv.ParseUint: parsing ${JSON.stringify(sub)}: invalid syntax`,
    };
  }
  return { value: { type, subType: point < 0 ? Number(sub) : point } };
}

/** Names of the reserved identities. */
export const RESERVED = ['host', 'world', 'unmanaged', 'health', 'init', 'remote-node', 'kube-apiserver', 'ingress'];

function parseIdentity(value: string): { readonly value: number } | { readonly error: string } {
  const reserved = reservedIdentity(value);
  if (reserved !== null && reserved !== 0) {
    return { value: reserved };
  }
  return /^\d{1,10}$/.test(value) && Number(value) <= 0xffffffff
    ? { value: Number(value) }
    : { error: `invalid security identity, expected one of [${RESERVED.join(' ')}] or a numeric value` };
}

function parseWorkload(value: string): FlowWorkload {
  const slash = value.indexOf('/');
  return slash < 0 ? { kind: '', name: value } : { kind: value.slice(0, slash), name: value.slice(slash + 1) };
}

function parseTcpFlags(value: string): { readonly value: readonly string[] } | { readonly error: string } {
  const flags = value.split(',').map((flag) => flag.toUpperCase());
  const wrong = flags.findIndex((flag) => !['SYN', 'FIN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'].includes(flag));
  return wrong < 0 ? { value: flags } : { error: `unknown tcp flag: ${value.split(',')[wrong] as string}` };
}

function ipVersion(value: string): string {
  const match = /^(?:ip|v|ipv)?([46])$/.exec(value.toLowerCase());
  return match === null ? 'IP_NOT_USED' : `IPv${match[1] as string}`;
}

/** A pod or service named with another namespace than the one asked for. @see hubble:cmd/observe/flows_filter.go#namespaceModifier.conflicts */
function namespaceConflict({ left, right, namespaces }: Tracker): string | null {
  const clash = (wanted: readonly string[], names: readonly string[]): string | null => {
    for (const namespace of wanted) {
      for (const name of names) {
        const own = name.includes('/') ? name.slice(0, name.indexOf('/')) : '';
        if (own !== '' && own !== namespace) {
          return `namespace conflict: ${JSON.stringify(namespace)} does not contain ${JSON.stringify(name)}`;
        }
      }
    }
    return null;
  };
  for (const filter of [left, right]) {
    const sources = [...filter.sourcePod, ...filter.sourceService];
    const destinations = [...filter.destinationPod, ...filter.destinationService];
    const error =
      clash(namespaces.both, [...sources, ...destinations]) ??
      clash(namespaces.source, sources) ??
      clash(namespaces.destination, destinations);
    if (error !== null) {
      return error;
    }
  }
  return null;
}

/** The filters with their namespaces; one when both alternatives are the same. @see hubble:cmd/observe/flows_filter.go#filterTracker.flowFilters */
function materialize({ left, right, changed, namespaces }: Tracker): FlowFilter[] {
  if (changed.size === 0) {
    return [];
  }
  const toDestination = (filter: FlowFilter, names: readonly string[]): FlowFilter =>
    inNamespaces(filter, names, 'destinationPod', 'destinationService');
  const toSource = (filter: FlowFilter, names: readonly string[]): FlowFilter => inNamespaces(filter, names, 'sourcePod', 'sourceService');
  let a = toSource(toDestination(left, namespaces.destination), namespaces.source);
  let b = toSource(toDestination(right, namespaces.destination), namespaces.source);
  if (namespaces.both.length > 0) {
    a = toSource(a, namespaces.both);
    b = toDestination(b, namespaces.both);
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [a] : [a, b];
}

type NameMember = 'sourcePod' | 'destinationPod' | 'sourceService' | 'destinationService';

function inNamespaces(filter: FlowFilter, namespaces: readonly string[], pods: NameMember, services: NameMember): FlowFilter {
  if (namespaces.length === 0) {
    return filter;
  }
  const qualified = (names: readonly string[]): string[] =>
    names.flatMap((name) => (name.includes('/') ? [name] : namespaces.map((namespace) => `${namespace}/${name}`)));
  const named = filter[pods].length + filter[services].length === 0 ? [''] : filter[pods];
  return { ...filter, [pods]: qualified(named), [services]: qualified(filter[services]) };
}
