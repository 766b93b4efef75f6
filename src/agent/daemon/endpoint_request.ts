/** The request for an endpoint. */
import type { NetDevice } from '../../kernel/netdev.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import type { Label } from '../labels/labels.ts';

/** What CNI asks for a new pod. @see cilium:plugins/cilium-cni/main.go#cmdAdd */
export interface EndpointRequest {
  readonly namespace: string;
  readonly podName: string;
  readonly containerId: string;
  /** Host side of the pod's veth pair. */
  readonly device: NetDevice;
  /** The pod's own address on the link. */
  readonly mac: Mac;
  readonly ipv4: Ipv4;
  readonly wantedId?: number;
  /** Labels of a pod that is none (health). */
  readonly fixedLabels?: readonly Label[];
}
