/** Values a scenario fixes where the agent would draw them at random. */
import type { Ipv4 } from '../../net/ipv4.ts';

/** Pins the agent follows. */
export interface AgentPins {
  readonly routerIp?: Ipv4;
  /** Every pinned address: none of them is drawn for somebody else. */
  readonly keptIps?: ReadonlySet<Ipv4>;
  readonly healthIp?: Ipv4;
  readonly healthEndpointId?: number;
  readonly hostEndpointId?: number;
  readonly proxyPorts: Readonly<Record<string, number>>;
}
