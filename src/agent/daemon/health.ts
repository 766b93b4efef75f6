/** The endpoint the agent makes for its own health checks. @see cilium:cilium-health/launch/endpoint.go#LaunchAsEndpoint */
import type { NetNs } from '../../kernel/netns.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import { assertPresent } from '../../sim/assert.ts';
import { randomMac } from '../datapath/mac.ts';
import type { Ipam } from '../ipam/ipam.ts';
import { updateCiliumNode } from '../k8s/cilium_node.ts';
import type { DaemonDeps } from './daemon_deps.ts';
import type { EndpointRequest } from './endpoint_request.ts';

/** What of the agent has to do with it. */
export interface HealthParts {
  readonly ipam: Ipam;
  readonly routerIp: Ipv4;
  createEndpoint(request: EndpointRequest, ready: () => void): unknown;
}

/** @see cilium:daemon/cmd/health.go#Daemon.initHealth */
export function initHealth(deps: DaemonDeps, agent: HealthParts): void {
  const { hostNetns, rng, saved } = deps;
  // What a scenario has fixed is what the first agent draws.
  const pins = saved === null ? deps.pins : { proxyPorts: {} };
  const ipv4 = assertPresent(agent.ipam.allocate('health', pins.healthIp), 'health address');
  agent.createEndpoint(healthEndpoint(hostNetns, ipv4, [randomMac(rng), randomMac(rng)], pins.healthEndpointId), () => undefined);
  updateCiliumNode(deps, agent.routerIp, { health: ipv4 });
}

/** Its namespace and device, new with each agent; `macs`: the endpoint's own, then the host side's. */
function healthEndpoint(hostNetns: NetNs, ipv4: Ipv4, macs: readonly [Mac, Mac], wantedId: number | undefined): EndpointRequest {
  const old = hostNetns.devices.get('lxc_health');
  if (old !== undefined) {
    hostNetns.kernel.deleteDevice(old);
  }
  const netns = hostNetns.kernel.newNetns('cilium-health');
  const [mac, hostMac] = macs;
  const [device, inside] = hostNetns.kernel.createVeth(
    { name: 'lxc_health', netns: hostNetns, mac: hostMac },
    { name: 'cilium', netns, mac },
  );
  netns.addAddress(inside, ipv4, 32);
  const fixedLabels = [{ source: 'reserved', key: 'health', value: '' }];
  const wanted = wantedId === undefined ? {} : { wantedId };
  return { namespace: '', podName: 'cilium-health', containerId: '', device, mac, ipv4, fixedLabels, ...wanted };
}
