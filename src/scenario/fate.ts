/**
 * The fate of a request: read off what the monitor saw and the journey recorded, never computed a second time.
 */
import { dropReasonText } from '../maps/drop_reasons.ts';
import { CILIUM_NOTIFY_DROP, type DropNotify } from '../maps/eventsmap.ts';
import type { MonitorEvent } from '../monitor/event.ts';
import type { LogRecord } from '../monitor/log_record.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import { ports } from '../net/packet.ts';
import type { Step } from '../sim/journey.ts';
import { allowedBy, denyReferences, type OriginSource } from './fate_origins.ts';
import type { EnforcedPolicy } from './host.ts';
import type { Decider, DropResult, Fate, PolicyReference } from './result.ts';

/** What is known about a request when it ended. */
export interface Ending {
  /** The client's address. */
  readonly clientIp: string;
  /** HTTP status, if an answer came. */
  readonly status: number | null;
  /** What the client says went wrong; empty if nothing. */
  readonly error: string;
  /** What the monitors saw meanwhile. */
  readonly events: readonly MonitorEvent[];
  /** The journey meanwhile. */
  readonly steps: readonly Step[];
  /** What the policies say about an endpoint. */
  enforced(endpointId: number, direction: 'ingress' | 'egress'): EnforcedPolicy | null;
  /** Where entries and rules come from. */
  readonly origins: OriginSource;
  /** The endpoint that has an address, or `null`. */
  endpointAt(ip: string): number | null;
}

/** The fate of a request. */
export function fateOf(ending: Ending): Fate {
  const drops = dropsOf(ending.events);
  const proxied = proxyDecision(ending.steps);
  if (ending.status !== null) {
    return answered(ending, ending.status, drops, proxied);
  }
  const [drop] = drops.filter(
    ({ source, destination }) => source.startsWith(`${ending.clientIp}:`) || destination.startsWith(`${ending.clientIp}:`),
  );
  if (drop !== undefined) {
    const policy = drop.reason.startsWith('Policy denied');
    const step = dropDecision(ending.steps);
    const denying = denyReferences(
      ending.steps.find(({ seq }) => seq === step),
      ending.origins,
    );
    return {
      outcome: 'dropped',
      decidedBy: policy ? 'bpf policy' : 'kernel',
      why: `${drop.reason}: ${drop.source} -> ${drop.destination}, ${drop.count === 1 ? 'one packet' : `${drop.count} packets`}, at endpoint ${drop.endpointId}`,
      step,
      drops,
      policies: denying.length > 0 ? denying : policy ? closedBy(ending, drop) : [],
    };
  }
  const decidedBy: Decider = proxied === null ? 'kernel' : proxied.decider;
  return { outcome: 'failed', decidedBy, why: ending.error, step: proxied?.step ?? null, drops, policies: [] };
}

/** The drops of some events, equal ones counted together. */
export function dropsOf(events: readonly MonitorEvent[]): DropResult[] {
  const drops = new Map<string, DropResult>();
  for (const event of events) {
    if (event.kind === 'perf' && event.record.type === CILIUM_NOTIFY_DROP) {
      const drop = dropResult(event.record);
      const key = JSON.stringify(drop);
      drops.set(key, { ...drop, count: (drops.get(key)?.count ?? 0) + 1 });
    }
  }
  return [...drops.values()];
}

function dropResult(record: DropNotify): DropResult {
  const { ip } = record.packet;
  const { sport, dport } = ports(record.packet);
  return {
    reason: dropReasonText(record.reason),
    endpointId: record.source,
    source: `${formatIpv4(ip.src)}:${sport}`,
    destination: `${formatIpv4(ip.dst)}:${dport}`,
    sourceIdentity: record.srcLabel,
    destinationIdentity: record.dstLabel,
    count: 1,
  };
}

function answered(ending: Ending, status: number, drops: readonly DropResult[], proxied: ProxyDecision | null): Fate {
  // A denied gRPC call is answered 200 with a status of its own, and logged as forwarded.
  const grpc = status === 200 && proxied?.local === true && proxied.decider === 'cilium.l7policy';
  const logged = grpc ? 'Forwarded' : 'Denied';
  const denied = ending.events.find((event) => event.kind === 'l7' && event.record.verdict === logged && isAboutRequest(event.record));
  if ((status === 403 || grpc) && denied?.kind === 'l7') {
    const { record } = denied;
    return {
      outcome: 'denied',
      decidedBy: 'cilium.l7policy',
      why: deniedText(record),
      step: lastDecision(ending.steps, isL7Denial),
      drops,
      policies: deniedBy(ending, record),
    };
  }
  if (proxied?.local) {
    return { outcome: 'failed', decidedBy: proxied.decider, why: proxied.why, step: proxied.step, drops, policies: [] };
  }
  return {
    outcome: 'answered',
    decidedBy: 'server',
    why: `the server answered ${status}`,
    step: null,
    drops,
    policies: allowedBy(ending.steps, ending.origins),
  };
}

/** A refusal before the filter saw the request leaves a record without it. */
function isAboutRequest(record: LogRecord): boolean {
  return record.http !== undefined && record.http.method !== '';
}

function deniedText(record: LogRecord): string {
  const http = record.http;
  const what = http === undefined ? 'the request' : `${http.method} ${http.url}`;
  return `no rule allows ${what} for identity ${record.source.identity}`;
}

/** The elements that say why an L7 request found no rule. */
function deniedBy(ending: Ending, record: LogRecord): PolicyReference[] {
  const direction = record.observationPoint === 'Ingress' ? 'ingress' : 'egress';
  const subject = direction === 'ingress' ? record.destination : record.source;
  const id = subject.id !== 0 ? subject.id : ending.endpointAt(subject.ipv4);
  const enforced = id === null ? null : ending.enforced(id, direction);
  return enforced === null ? [] : enforced.http.length > 0 ? [...enforced.http] : [...enforced.selecting];
}

/** The elements that closed a direction of the endpoint at which a packet was dropped. */
function closedBy(ending: Ending, drop: DropResult): PolicyReference[] {
  const source = drop.source.slice(0, drop.source.lastIndexOf(':'));
  const direction = ending.endpointAt(source) === drop.endpointId ? 'egress' : 'ingress';
  return [...(ending.enforced(drop.endpointId, direction)?.selecting ?? [])];
}

/** A decision the proxy took about a connection or request. */
interface ProxyDecision {
  readonly decider: Decider;
  readonly why: string;
  readonly step: number;
  /** Whether the proxy answered by itself. */
  readonly local: boolean;
}

const PROXY_STOPS = /^(?:deny|denied|drop|reset|close|reject|local[ -]?reply|refuse)/i;

function proxyDecision(steps: readonly Step[]): ProxyDecision | null {
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i] as Step;
    if (step.kind === 'decide' && step.fn === 'sendLocalReply' && (step.verdict !== '403' || step.why === 'upgrade_failed')) {
      const decider = /^(?:upstream|cluster|route|response_timeout|request_payload)/.test(step.why) ? 'router' : 'envoy';
      return { decider, why: `${decider} answered ${step.verdict}: ${step.why}`, step: step.seq, local: true };
    }
    if (step.kind === 'decide' && step.actor === 'envoy' && PROXY_STOPS.test(step.verdict)) {
      return { decider: proxyDecider(step), why: step.why, step: step.seq, local: true };
    }
  }
  return null;
}

/** Which part of the proxy a step belongs to, by the source it models. */
function proxyDecider(step: Step): Decider {
  const see = step.see ?? '';
  if (see.includes('bpf_metadata')) {
    return 'cilium.bpf_metadata';
  }
  if (see.includes('network_filter') || see.includes('proxylib')) {
    return 'cilium.network';
  }
  if (see.includes('l7policy')) {
    return 'cilium.l7policy';
  }
  return see.includes('router') || see.includes('upstream') || see.includes('conn_pool') ? 'router' : 'envoy';
}

function isL7Denial(step: Step & { readonly kind: 'decide' }): boolean {
  return step.actor === 'envoy' && PROXY_STOPS.test(step.verdict) && proxyDecider(step) === 'cilium.l7policy';
}

/** The step that led to the last drop: the policy look-up of the dropped packet if there was one, else the drop itself. */
function dropDecision(steps: readonly Step[]): number | null {
  const drop = lastDecision(steps, (step) => step.fn === 'send_drop_notify');
  const packet = drop === null ? undefined : steps.find(({ seq }) => seq === drop)?.packet;
  return lastDecision(steps, (step) => step.fn === '__policy_can_access' && step.verdict === 'drop' && step.packet === packet) ?? drop;
}

function lastDecision(steps: readonly Step[], test: (step: Step & { readonly kind: 'decide' }) => boolean): number | null {
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i] as Step;
    if (step.kind === 'decide' && test(step)) {
      return step.seq;
    }
  }
  return null;
}
