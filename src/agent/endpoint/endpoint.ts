/**
 * An endpoint: a pod as the agent knows it.
 * @see cilium:pkg/endpoint/endpoint.go#Endpoint
 */
import type { NetDevice } from '../../kernel/netdev.ts';
import type { PolicyMap } from '../../maps/policymap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import type { Journey } from '../../sim/journey.ts';
import type { EventQueue } from '../daemon/event_queue.ts';
import type { Identity } from '../identity/identity.ts';
import type { Label } from '../labels/labels.ts';
import type { NamedPort } from '../policy/named_ports.ts';
import type { EndpointPolicy } from '../policy/resolve.ts';
import type { VisibilityPolicy } from '../policy/visibility.ts';
import { type Comparison, RealizedMap } from './realized_map.ts';
import type { RegenerationRecovery } from './recovery.ts';
import { builderMay, type EndpointState, mayFollow, type RegenerationLevel } from './state.ts';

/** What an endpoint is made of. */
export interface EndpointParts {
  readonly id: number;
  readonly namespace: string;
  readonly podName: string;
  readonly containerId: string;
  readonly device: NetDevice;
  readonly mac: Mac;
  readonly ipv4: Ipv4;
  readonly policyMap: PolicyMap;
  readonly queue: EventQueue;
  readonly journey: Journey;
  readonly namedPorts: readonly NamedPort[];
  readonly policyAuditMode: boolean;
  readonly visibility: VisibilityPolicy | null;
  /** Nanoseconds since boot. */
  readonly now: () => number;
}

/** A change of state, for the status log. */
export interface StateChange {
  readonly from: EndpointState | 'new';
  readonly to: EndpointState;
  readonly reason: string;
  /** Nanoseconds since boot. */
  readonly at: number;
}

/** How many changes of state an endpoint remembers. @see cilium:pkg/endpoint/endpoint.go#maxLogs */
const MAX_LOGS = 256;

/** An endpoint of this node. */
export class Endpoint {
  readonly id: number;
  readonly namespace: string;
  readonly podName: string;
  readonly containerId: string;
  readonly device: NetDevice;
  readonly mac: Mac;
  readonly ipv4: Ipv4;
  readonly policyMap: PolicyMap;
  readonly queue: EventQueue;
  readonly #journey: Journey;
  readonly #now: () => number;
  namedPorts: readonly NamedPort[];
  /** Option PolicyAuditMode: the agent's at first, then its own (`cilium endpoint config`). */
  policyAuditMode: boolean;
  /** What the pod's annotation sends to the proxy. */
  visibility: VisibilityPolicy | null;

  /** Labels that count for the identity, and the others. */
  identityLabels: readonly Label[] = [];
  informationLabels: readonly Label[] = [];
  identity: Identity | null = null;
  #state: EndpointState | 'new' = 'new';
  readonly stateLog: StateChange[] = [];

  /** Revision the desired policy was computed from, the realized one, and the one the proxy has. */
  nextPolicyRevision = 0;
  policyRevision = 0;
  proxyPolicyRevision = 0;
  desiredPolicy: EndpointPolicy | null = null;
  realizedPolicy: EndpointPolicy | null = null;
  forcePolicyComputation = false;
  /** It has been built once, so that the next agent finds it. */
  isOnDisk = false;
  /** Connection entries of the address's former owners are gone. */
  ctCleaned = false;
  /** What the map holds. */
  readonly realizedMap = new RealizedMap();
  /** What was compared when the map last proved to hold what is wanted. */
  compared: Comparison | null = null;
  /** Proxy ports by redirect id. */
  readonly realizedRedirects = new Map<string, number>();
  /** POLICY_VERDICT_LOG_FILTER the loaded program has; -1 before the first load. */
  loadedVerdictFilter = -1;
  /** Highest level asked for while a regeneration waited. */
  skippedLevel: RegenerationLevel | 0 = 0;
  /** Failed regenerations in a row. */
  failures = 0;
  lastError: string | null = null;
  /** Who tries again, from the first failure on. */
  recovery: RegenerationRecovery | null = null;
  /** Its policy map is looked after. */
  kept = false;

  constructor(parts: EndpointParts) {
    this.id = parts.id;
    this.namespace = parts.namespace;
    this.podName = parts.podName;
    this.containerId = parts.containerId;
    this.device = parts.device;
    this.mac = parts.mac;
    this.ipv4 = parts.ipv4;
    this.policyMap = parts.policyMap;
    this.queue = parts.queue;
    this.#journey = parts.journey;
    this.#now = parts.now;
    this.namedPorts = parts.namedPorts;
    this.policyAuditMode = parts.policyAuditMode;
    this.visibility = parts.visibility;
  }

  /** `namespace/name`, or the name alone for what is no pod. */
  get name(): string {
    return this.namespace === '' ? this.podName : `${this.namespace}/${this.podName}`;
  }

  get state(): EndpointState | 'new' {
    return this.#state;
  }

  /** Asks for another state; `false` if it may not follow. @see cilium:pkg/endpoint/endpoint.go#Endpoint.setState */
  setState(to: EndpointState, reason: string): boolean {
    return mayFollow(this.#state, to) && this.#change(to, reason);
  }

  /** The builder's changes. */
  builderSetState(to: EndpointState, reason: string): boolean {
    return builderMay(this.#state, to) && this.#change(to, reason);
  }

  /** Whether a regeneration makes sense. */
  get alive(): boolean {
    return this.#state !== 'disconnecting' && this.#state !== 'disconnected' && this.#state !== 'invalid';
  }

  #change(to: EndpointState, reason: string): boolean {
    const from = this.#state;
    this.#state = to;
    this.stateLog.push({ from, to, reason, at: this.#now() });
    if (this.stateLog.length > MAX_LOGS) {
      this.stateLog.shift();
    }
    if (this.#journey.recording) {
      this.#journey.add({
        kind: 'change',
        actor: 'agent',
        fn: 'setState',
        see: 'cilium:pkg/endpoint/endpoint.go#Endpoint.setState',
        target: 'endpoint state',
        key: { endpoint: this.id, reason },
        before: from,
        after: to,
      });
    }
    return true;
  }
}
