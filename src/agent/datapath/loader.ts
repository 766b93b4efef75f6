/**
 * What the agent asks of the datapath: compile and load programs for a node and for an endpoint. The cluster plugs the programs in.
 * @see cilium:pkg/datapath/loader/loader.go
 */
import type { NetDevice } from '../../kernel/netdev.ts';
import type { Identity } from '../../maps/identity.ts';
import type { PolicyMap } from '../../maps/policymap.ts';
import type { Cidr4, Ipv4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import type { DaemonOptions } from '../option/config.ts';

/** The node's header file. @see cilium:pkg/datapath/linux/config/config.go#HeaderfileWriter.WriteNodeConfig */
export interface NodeDatapathConfig {
  readonly options: DaemonOptions;
  readonly routerIp: Ipv4;
  readonly ciliumHost: NetDevice;
  readonly ciliumNet: NetDevice;
  /** The tunnel's device, if there is one. */
  readonly tunnelDevice: NetDevice | null;
  readonly podCidr: Cidr4;
  readonly hostEndpointId: number;
  readonly nodeIp: Ipv4;
  /** Destinations that see a pod's own address. */
  readonly notMasqueraded: Cidr4;
  /** Network cards to attach programs to. */
  readonly devices: readonly NetDevice[];
  /** The host endpoint's policy, with the host firewall. */
  readonly hostPolicyMap: PolicyMap | null;
  /** Its POLICY_VERDICT_LOG_FILTER at the moment. */
  readonly hostVerdictFilter: () => number;
  /** Its option PolicyAuditMode likewise. */
  readonly hostAuditMode: () => boolean;
}

/** An endpoint's header file. @see cilium:pkg/datapath/linux/config/config.go#HeaderfileWriter.WriteEndpointConfig */
export interface EndpointDatapathConfig {
  readonly endpointId: number;
  readonly secLabel: Identity;
  readonly ipv4: Ipv4;
  readonly mac: Mac;
  readonly nodeMac: Mac;
  readonly device: NetDevice;
  readonly policyMap: PolicyMap;
  /** 1 ingress enforced | 2 egress enforced. */
  readonly policyVerdictLogFilter: number;
  /** The endpoint's option PolicyAuditMode. */
  readonly policyAuditMode: boolean;
}

/** The loader. */
export interface Loader {
  /** Loads the host's programs. */
  reloadHostDatapath(config: NodeDatapathConfig): void;
  /** Compiles, loads and attaches an endpoint's programs. */
  reloadDatapath(config: EndpointDatapathConfig): void;
  /** Detaches them. */
  unload(endpointId: number, device: NetDevice): void;
}
