/** The endpoint the agent makes for its own health checks. @see cilium:cilium-health/launch/endpoint.go#LaunchAsEndpoint */
import type { NetNs } from '../../kernel/netns.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import type { EndpointRequest } from './endpoint_request.ts';

/** Its namespace and device, new with each agent; `macs`: the endpoint's own, then the host side's. */
export function healthEndpoint(hostNetns: NetNs, ipv4: Ipv4, macs: readonly [Mac, Mac], wantedId: number | undefined): EndpointRequest {
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
