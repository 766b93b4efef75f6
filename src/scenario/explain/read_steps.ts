/** Reads the steps of one request out of a journey: which packets, what was looked up for them, what was decided. */
import type { Json, JsonObject, Step } from '../../sim/journey.ts';
import type { IpcacheHop, MatcherCheck, TriedKey } from './explanation.ts';

/** A decision step. */
export type Decision = Step & { readonly kind: 'decide' };

/** The first packet of a connection: the client's, or the proxy's to its upstream. */
export interface FirstPacket {
  readonly id: number;
  readonly leg: 'client' | 'proxy';
  /** Ends as the packet first had them: `10.0.0.123:48954`; without a port for ICMP. */
  readonly source: string;
  readonly destination: string;
}

/** One look-up in a policy map as recorded. */
export interface RecordedCheck {
  readonly packet: FirstPacket;
  readonly map: string;
  readonly direction: 'egress' | 'ingress';
  readonly tried: readonly TriedKey[];
  readonly verdict: 'allow' | 'redirect' | 'drop';
  readonly match: string;
  readonly proxyPort: number;
}

const ENDS = /^(\d+\.\d+\.\d+\.\d+(?::\d+)?) -> (\d+\.\d+\.\d+\.\d+(?::\d+)?) (?:tcp SYN|udp|sctp|EchoRequest)$/;

/** The first packets to a destination, one a source: a repeated SYN is the same question, and so is a packet whose source masquerading rewrote. */
export function firstPackets(steps: readonly Step[], clientIp: string, destinations: ReadonlySet<string>): FirstPacket[] {
  const found: FirstPacket[] = [];
  const sources = new Set<string>();
  for (const step of steps) {
    const ends = step.kind === 'enter' && step.packet !== undefined ? ENDS.exec(step.what) : null;
    const [, source = '', destination = ''] = ends ?? [];
    if (ends === null || step.packet === undefined || !destinations.has(destination) || sources.has(source)) {
      continue;
    }
    // Behind the proxy the source can be the client's again, with another port.
    sources.add(source);
    if (found.some(({ id }) => id === step.packet)) {
      continue;
    }
    const leg = found.length === 0 && source.split(':')[0] === clientIp ? 'client' : 'proxy';
    if (found.length > 0 || leg === 'client') {
      found.push({ id: step.packet, leg, source, destination });
    }
  }
  return found;
}

/** The service look-up of a packet: where it was sent to in place of the frontend; `null` if nowhere else. */
export function translation(steps: readonly Step[], packet: FirstPacket): { readonly frontend: string; readonly backend: string } | null {
  for (const step of steps) {
    if (step.kind === 'change' && step.fn === 'lb4_xlate' && step.packet === packet.id) {
      const backend = String(step.after).split(' -> ')[1];
      return backend === undefined ? null : { frontend: packet.destination, backend };
    }
  }
  return null;
}

/** Where a socket was sent in place of a service, before there was a packet; `null`: nowhere else. */
export function socketTranslation(steps: readonly Step[], frontend: string): string | null {
  for (const step of steps) {
    if (step.kind === 'change' && step.target === 'socket address' && step.before === frontend) {
      return String(step.after);
    }
  }
  return null;
}

/** The backend to which the proxy connected for a service whose traffic it has; `null` if to none, or to where the client wanted to go. */
export function upstreamBackend(steps: readonly Step[], frontend: string): string | null {
  for (const step of steps) {
    if (step.kind === 'change' && step.fn === 'ClientConnectionImpl::connect') {
      const remote = objectOf(step.after)['remote'];
      return typeof remote === 'string' && remote !== frontend ? remote : null;
    }
  }
  return null;
}

/** Addresses looked up in the ipcache for a packet. */
export function ipcacheHops(steps: readonly Step[], packet: FirstPacket): IpcacheHop[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'lookup' || step.map !== 'cilium_ipcache' || step.packet !== packet.id) {
      return [];
    }
    const entry = objectOf(step.entry);
    const prefix = entry['prefix'];
    return [
      {
        ip: String(objectOf(step.key)['ip'] ?? ''),
        prefix: typeof prefix === 'string' ? prefix : null,
        identity: numberOf(entry['identity']) ?? WORLD,
      },
    ];
  });
}

/** What an address without an entry counts as. */
const WORLD = 2;

/** The look-ups in policy maps for a packet, in order. */
export function recordedChecks(steps: readonly Step[], packet: FirstPacket): RecordedCheck[] {
  const checks: RecordedCheck[] = [];
  let tried: TriedKey[] = [];
  let direction: 'egress' | 'ingress' = 'ingress';
  for (const step of steps) {
    if (step.fn !== '__policy_can_access' || step.packet !== packet.id) {
      continue;
    }
    if (step.kind === 'lookup') {
      tried.push(triedKey(step));
      direction = objectOf(step.key)['direction'] === 'egress' ? 'egress' : 'ingress';
    } else if (step.kind === 'decide') {
      const { data = {} } = step;
      const verdict = numberOf(data['verdict']) ?? 0;
      checks.push({
        packet,
        map: String(data['map'] ?? ''),
        direction,
        tried,
        verdict: verdict < 0 ? 'drop' : verdict > 0 ? 'redirect' : 'allow',
        match: String(data['match'] ?? 'none'),
        proxyPort: Math.max(0, verdict),
      });
      tried = [];
    }
  }
  return checks;
}

function triedKey(step: Step & { readonly kind: 'lookup' }): TriedKey {
  const key = objectOf(step.key);
  const entry = step.entry === null ? null : objectOf(step.entry);
  return {
    identity: numberOf(key['identity']) ?? 0,
    port: numberOf(key['port']) ?? 0,
    protocol: numberOf(key['protocol']) ?? 0,
    entry: entry === null ? null : { deny: entry['deny'] === true, proxyPort: numberOf(entry['proxyPort']) ?? 0 },
  };
}

/** Whether a packet was dropped, and by what. */
export function dropOf(steps: readonly Step[], packet: FirstPacket): Decision | null {
  const found = steps.find((step) => step.kind === 'decide' && step.fn === 'send_drop_notify' && step.packet === packet.id);
  return found?.kind === 'decide' ? found : null;
}

/** The decisions of a filter of the proxy. */
export function decisionsOf(steps: readonly Step[], fn: string): Decision[] {
  return steps.filter((step): step is Decision => step.kind === 'decide' && step.actor === 'envoy' && step.fn === fn);
}

/** The matchers of a rule's trace. */
export function matcherChecks(value: Json | undefined): MatcherCheck[] {
  return (Array.isArray(value) ? value : []).map((one) => {
    const { header, value: found, wanted, matched, failsAt } = objectOf(one as Json);
    return {
      header: String(header),
      value: typeof found === 'string' ? found : null,
      wanted: String(wanted),
      matched: matched === true,
      failsAt: numberOf(failsAt),
    };
  });
}

/** The value as an object; anything else is an empty one. */
export function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The value as a number, or `null`. */
export function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
