/**
 * The host as an endpoint, which it is to policy with the host firewall.
 * @see cilium:daemon/cmd/daemon_main.go#Daemon.initHostEndpoint
 * @remarks Simplified: without the host firewall it is only a number and labels. Labels of the Node object come to it with the first event of
 * that object, not before it starts.
 */
import type { KubeObject } from '../../k8s/objects.ts';
import type { BpfFs } from '../../kernel/bpffs.ts';
import type { NetDevice } from '../../kernel/netdev.ts';
import { newPolicyMap, policyMapName } from '../../maps/policymap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { Endpoint } from '../endpoint/endpoint.ts';
import { readPolicyMap } from '../endpoint/policy_map.ts';
import type { RegenerationLevel } from '../endpoint/state.ts';
import type { Identity } from '../identity/identity.ts';
import type { DaemonOptions } from '../option/config.ts';
import type { PolicyCache } from '../policy/distillery.ts';
import { EventQueue } from './event_queue.ts';
import { withNodeLabels } from './host_identity.ts';

/** What it is made of. */
export interface HostEndpointParts {
  readonly bpffs: BpfFs;
  readonly scheduler: Scheduler;
  readonly journey: Journey;
  readonly options: DaemonOptions;
  readonly id: number;
  readonly identity: Identity;
  /** cilium_host and its address. */
  readonly device: NetDevice;
  readonly ipv4: Ipv4;
}

/** The endpoint, ready for its first policy. One that an earlier agent had keeps the map it had. */
function newHostEndpoint({ bpffs, scheduler, journey, options, id, identity, device, ipv4 }: HostEndpointParts): Endpoint {
  const endpoint = new Endpoint({
    id,
    namespace: '',
    podName: '',
    containerId: '',
    device,
    mac: device.mac,
    ipv4,
    policyMap: bpffs.open(policyMapName(id), () => newPolicyMap(id, options['bpf-policy-map-max'])),
    queue: new EventQueue(scheduler, `endpoint ${id} queue`),
    journey,
    namedPorts: [],
    visibility: null,
    policyAuditMode: options['policy-audit-mode'],
    now: () => scheduler.clock.now(),
  });
  endpoint.identity = identity;
  // The host's own connections outlive the agent: none is forgotten.
  endpoint.ctCleaned = true;
  readPolicyMap(endpoint);
  endpoint.setState('waiting-for-identity', 'Endpoint creation');
  endpoint.setState('ready', 'Identity of endpoint is known');
  return endpoint;
}

/** What the host's identity depends on. */
export interface LocalHostDeps {
  readonly nodeName: string;
  /** With its reserved labels. */
  readonly host: Identity;
  readonly policyCache: PolicyCache;
  readonly regenerate: (endpoint: Endpoint, level: RegenerationLevel, reason: string) => void;
}

/** The host as the subject of policy: its identity follows the Node object; with the host firewall it is an endpoint. */
export class LocalHost {
  identity: Identity;
  endpoint: Endpoint | null = null;
  readonly #deps: LocalHostDeps;

  constructor(deps: LocalHostDeps) {
    this.#deps = deps;
    this.identity = deps.host;
  }

  /** With the host firewall makes the endpoint, which still is to be regenerated. */
  create(parts: Omit<HostEndpointParts, 'identity'>, hostFirewall: boolean): void {
    if (hostFirewall) {
      this.endpoint = newHostEndpoint({ ...parts, identity: this.identity });
      this.#deps.policyCache.addUser(this.identity);
    }
  }

  /** The Node object's labels are the host endpoint's. @see cilium:pkg/endpointmanager/host.go#EndpointManager.OnUpdateNode */
  onNode(node: KubeObject): void {
    const { nodeName, host, policyCache, regenerate } = this.#deps;
    const before = this.identity;
    const identity = withNodeLabels(host, node);
    if (node.metadata.name !== nodeName || JSON.stringify(identity.labels) === JSON.stringify(before.labels)) {
      return;
    }
    this.identity = identity;
    if (this.endpoint !== null) {
      policyCache.removeUser(before);
      policyCache.addUser(identity);
      this.endpoint.identity = identity;
      this.endpoint.forcePolicyComputation = true;
      regenerate(this.endpoint, 3, 'updated security labels');
    }
  }
}
