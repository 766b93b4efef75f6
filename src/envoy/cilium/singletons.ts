/**
 * What all Cilium filters of a process share: BPF maps, the policy map and its subscription, made when the first listener asks for them.
 * @see proxy:cilium/bpf_metadata.cc#Config::Config
 */

import { BPF_ROOT } from '../../kernel/bpffs.ts';
import type { NetworkPolicy } from '../../xds/npds.ts';
import type { NetworkPolicyHosts } from '../../xds/nphds.ts';
import { NETWORK_POLICY_HOSTS_TYPE_URL, NETWORK_POLICY_TYPE_URL } from '../../xds/stream.ts';
import { Subscription } from '../config/subscription.ts';
import type { ServerContext } from '../server_context.ts';
import type { MetadataSources } from './bpf_metadata.ts';
import { CtMaps } from './conntrack.ts';
import { PolicyHostMap } from './host_map.ts';
import { IpCache } from './ipcache.ts';
import { NetworkPolicyMap } from './network_policy_map.ts';

/** The singletons. */
export class CiliumSingletons {
  readonly #context: ServerContext;
  #bpfRoot: string | null = null;
  #ctMaps: CtMaps | null = null;
  #policies: NetworkPolicyMap | null = null;
  #hosts: PolicyHostMap | null = null;
  readonly #subscriptions: Subscription[] = [];

  constructor(context: ServerContext) {
    this.#context = context;
  }

  /** The policies, or `null` while no listener needs them. */
  get policies(): NetworkPolicyMap | null {
    return this.#policies;
  }

  /** Sources for a metadata filter, or the exception's text. */
  sources(bpfRoot: string): MetadataSources | string {
    let ipcache: IpCache | null = null;
    if (bpfRoot !== '') {
      if (this.#bpfRoot !== null && this.#bpfRoot !== bpfRoot) {
        return `cilium.bpf_metadata: Invalid bpf_root: ${bpfRoot}`;
      }
      this.#bpfRoot = bpfRoot;
      this.#ctMaps ??= new CtMaps(this.#context.bpffs);
      ipcache = bpfRoot === BPF_ROOT ? IpCache.open(this.#context.bpffs) : null;
    }
    if (ipcache === null) {
      this.#hosts ??= this.#subscribeHosts();
    }
    this.#policies ??= this.#subscribePolicies();
    return {
      ctMaps: bpfRoot === '' ? null : this.#ctMaps,
      ipcache,
      hosts: ipcache === null ? this.#hosts : null,
      policies: this.#policies,
      sidecar: this.#context.options.nodeId.startsWith('sidecar~'),
      journey: this.#context.journey,
    };
  }

  /** Closes the streams to the agent. */
  close(): void {
    for (const subscription of this.#subscriptions) {
      subscription.close();
    }
  }

  #subscribePolicies(): NetworkPolicyMap {
    const policies = new NetworkPolicyMap(this.#context.options.maxRegexProgramSize);
    const subscription = new Subscription(this.#context, NETWORK_POLICY_TYPE_URL, (resources) =>
      policies.update(resources.map((named) => named.resource as NetworkPolicy)),
    );
    this.#subscriptions.push(subscription);
    subscription.start();
    return policies;
  }

  #subscribeHosts(): PolicyHostMap {
    const hosts = new PolicyHostMap();
    const subscription = new Subscription(this.#context, NETWORK_POLICY_HOSTS_TYPE_URL, (resources) =>
      hosts.update(resources.map((named) => named.resource as NetworkPolicyHosts)),
    );
    this.#subscriptions.push(subscription);
    subscription.start();
    return hosts;
  }
}
