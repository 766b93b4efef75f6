/**
 * The host as an endpoint, which it is to policy with the host firewall.
 * @see cilium:daemon/cmd/daemon_main.go#Daemon.initHostEndpoint
 * @remarks Simplified: without the host firewall it is only a number and labels. Labels of the Node object come to it with the first event of
 * that object, not before it starts.
 */
import type { BpfFs } from '../../kernel/bpffs.ts';
import type { NetDevice } from '../../kernel/netdev.ts';
import { newPolicyMap, policyMapName } from '../../maps/policymap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { Endpoint } from '../endpoint/endpoint.ts';
import { readPolicyMap } from '../endpoint/policy_map.ts';
import type { Identity } from '../identity/identity.ts';
import type { DaemonOptions } from '../option/config.ts';
import { EventQueue } from './event_queue.ts';

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
export function newHostEndpoint({ bpffs, scheduler, journey, options, id, identity, device, ipv4 }: HostEndpointParts): Endpoint {
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
