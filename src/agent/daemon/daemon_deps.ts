/** What an agent is given, and what it says of policies it refuses. */
import type { ApiServer, Origin } from '../../k8s/api_server.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import type { BpfFs } from '../../kernel/bpffs.ts';
import type { NetDevice } from '../../kernel/netdev.ts';
import type { NetNs } from '../../kernel/netns.ts';
import type { Cidr4, Ipv4 } from '../../net/ipv4.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Rng } from '../../sim/rng.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { Loader } from '../datapath/loader.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { RegenerationStep } from '../endpoint/regeneration_steps.ts';
import type { ProxyLauncher } from '../envoy/envoy.ts';
import type { ClusterIdentities } from '../identity/cluster_identities.ts';
import type { DaemonOptions } from '../option/config.ts';
import type { ParsedPolicy } from '../policy/api/rule.ts';
import type { PolicyConfig } from '../policy/config.ts';
import type { AgentPins } from './pins.ts';
import type { SavedState } from './restore.ts';

/** What an agent is given. */
export interface DaemonDeps {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly api: ApiServer;
  readonly nodeName: string;
  readonly nodeIp: Ipv4;
  readonly podCidr: Cidr4;
  /** Whether this node is the one that runs the API server. */
  readonly runsApiServer: boolean;
  readonly hostNetns: NetNs;
  readonly bpffs: BpfFs;
  readonly loader: Loader;
  /** The node's network cards. */
  readonly devices: readonly NetDevice[];
  readonly proxy: ProxyLauncher;
  /** What an agent before has left; `null` on a node where none has run. */
  readonly saved: SavedState | null;
  readonly options: DaemonOptions;
  readonly quirks: Partial<PolicyConfig['quirks']>;
  /** The quirk of this name: an endpoint whose regeneration fails is tried again only until it first succeeds. */
  readonly recoveryOnlyOnce: boolean;
  /** Told of each step of a regeneration; whether somebody has killed this process in it. */
  readonly died: (step: RegenerationStep, endpoint: Endpoint) => boolean;
  readonly pins: AgentPins;
  /** Shared by all agents of a cluster: the identities in the API server. */
  readonly identities: ClusterIdentities;
}

/** A policy object the agent refused. */
export interface RejectedPolicy {
  readonly object: KubeObject;
  readonly origin: Origin | null;
  readonly parsed: ParsedPolicy;
}
