/**
 * Regenerating an endpoint, step by step. The order is security relevant: the map is written before the proxy has acknowledged anything, and
 * what is written stays even if the proxy then refuses.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.regenerateBPF
 */

import type { Ipv4 } from '../../net/ipv4.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import type { EndpointDatapathConfig, Loader } from '../datapath/loader.ts';
import type { OriginRecorder } from '../envoy/network_policy.ts';
import type { XdsCacheServer } from '../envoy/xds_server.ts';
import type { PolicyCache } from '../policy/distillery.ts';
import { listenerName, PARSER_DNS } from '../policy/l7_parser.ts';
import type { NamedPortMultiMap } from '../policy/named_ports.ts';
import { addNewRedirects } from '../policy/redirects.ts';
import type { Repository } from '../policy/repository.ts';
import { detachEndpointPolicy, distillPolicy, type EndpointPolicy } from '../policy/resolve.ts';
import type { Proxy, RedirectRequest } from '../proxy/proxy.ts';
import { CompletionGroup } from './completions.ts';
import type { Endpoint } from './endpoint.ts';
import { syncPolicyMap } from './policy_map.ts';
import { updateNetworkPolicy } from './policy_map_changes.ts';
import { policyOwner } from './policy_owner.ts';
import { REGENERATE_WITHOUT_DATAPATH, REGENERATION_LEVELS, type RegenerationLevel } from './state.ts';
import { addVisibilityRedirects } from './visibility.ts';

/** What a regeneration works with. */
export interface RegenerationDeps {
  readonly scheduler: Scheduler;
  readonly journey: Journey;
  readonly repository: Repository;
  readonly policyCache: PolicyCache;
  readonly proxy: Proxy;
  readonly xds: XdsCacheServer;
  readonly loader: Loader;
  /** Named ports of all pods, for egress. */
  readonly namedPorts: NamedPortMultiMap;
  /** Where NPDS rules come from, by message. */
  readonly origins: OriginRecorder;
  readonly isHost: (endpoint: Endpoint) => boolean;
  /** Called when the endpoint's lxc map entries are to be written. */
  readonly writeEndpoint: (endpoint: Endpoint) => void;
  /** Removes the connection entries of an address; returns how many. */
  readonly scrubConntrack: (address: Ipv4) => number;
  /** Frees the build slot before waiting for the proxy. */
  readonly releaseSlot: () => void;
}

type Undo = () => void;

interface Round {
  readonly deps: RegenerationDeps;
  readonly endpoint: Endpoint;
  readonly completions: CompletionGroup;
  readonly finalizers: (() => void)[];
  readonly reverts: Undo[];
}

/** Runs one regeneration; `done` hears the error, or `null`. */
export function regenerateBPF(
  deps: RegenerationDeps,
  endpoint: Endpoint,
  level: RegenerationLevel,
  done: (error: string | null) => void,
): void {
  const round: Round = { deps, endpoint, completions: new CompletionGroup(deps.scheduler), finalizers: [], reverts: [] };
  const error = regeneratePolicy(round);
  if (error !== null) {
    deps.releaseSlot();
    done(error);
    return;
  }
  addRedirects(round);
  tellProxy(round);
  const failed = synchronize(round);
  if (failed !== null) {
    revert(round);
    deps.releaseSlot();
    done(failed);
    return;
  }
  removeOldRedirects(round);
  scrubConntrack(round);
  realizeDatapath(round, level);
  deps.releaseSlot();
  step(round, 'waitForProxyCompletions', null);
  round.completions.wait((failure) => {
    if (!endpoint.alive) {
      done(null);
      return;
    }
    const error = failure ?? synchronize(round);
    if (error === null) {
      finish(round);
    } else {
      revert(round);
    }
    done(error);
  });
}

/**
 * Writes the map. Keys that do not fit stay out, those that do stay in: the policy is then neither the old nor the new one until a retry succeeds.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMap
 */
function synchronize(round: Round): string | null {
  const result = syncPolicyMap(round.endpoint, round.deps.journey);
  step(round, 'syncPolicyMap', result);
  return result.failed === 0 ? null : 'unable to regenerate policy because PolicyMap synchronization failed: syncPolicyMap failed';
}

/**
 * Before its first program runs, connections of whoever had the endpoint's address before are forgotten.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.scrubIPsInConntrackTable
 */
function scrubConntrack(round: Round): void {
  const { deps, endpoint } = round;
  if (!endpoint.ctCleaned) {
    endpoint.ctCleaned = true;
    step(round, 'scrubIPsInConntrackTable', { deleted: deps.scrubConntrack(endpoint.ipv4) });
  }
}

/** @see cilium:pkg/endpoint/policy.go#Endpoint.regeneratePolicy */
function regeneratePolicy({ deps, endpoint }: Round): string | null {
  const { identity } = endpoint;
  if (identity === null) {
    return 'endpoint has no identity';
  }
  if (!endpoint.forcePolicyComputation && endpoint.desiredPolicy !== null && endpoint.nextPolicyRevision >= deps.repository.revision) {
    return null;
  }
  const result = deps.policyCache.updatePolicy(identity);
  if (!result.ok) {
    return result.error;
  }
  endpoint.desiredPolicy = distillPolicy(result.policy, policyOwner(deps, endpoint), deps.isHost(endpoint));
  endpoint.nextPolicyRevision = result.policy.revision;
  endpoint.forcePolicyComputation = false;
  if (deps.journey.recording) {
    deps.journey.add({
      kind: 'decide',
      actor: 'agent',
      fn: 'regeneratePolicy',
      see: 'cilium:pkg/endpoint/policy.go#Endpoint.regeneratePolicy',
      verdict: `revision ${result.policy.revision}`,
      why: `endpoint ${endpoint.id} (${endpoint.name}): ${endpoint.desiredPolicy.mapState.size} keys, ingress ${enforced(result.policy.ingressPolicyEnabled)}, egress ${enforced(result.policy.egressPolicyEnabled)}`,
    });
  }
  return null;
}

function enforced(enabled: boolean): string {
  return enabled ? 'enforced' : 'not enforced';
}

/** Ingress, then egress. @see cilium:pkg/endpoint/bpf.go#Endpoint.addNewRedirects */
function addRedirects(round: Round): void {
  const { endpoint } = round;
  const policy = endpoint.desiredPolicy as EndpointPolicy;
  if (policy === endpoint.realizedPolicy) {
    return;
  }
  const before = endpoint.realizedRedirects;
  const ports = new Map<string, number>();
  for (const ingress of [true, false]) {
    const added = addNewRedirects(policy, endpoint.id, ingress, ({ proxyId: id, filter }) => {
      const dns =
        filter.l7Parser === PARSER_DNS ? { endpointId: endpoint.id, port: filter.port, parts: [...filter.perSelector.values()] } : null;
      return createRedirect(round, { id, listenerName: listenerName(filter.l7Parser, ingress), ingress, dns });
    });
    round.reverts.push(() => added.revert());
    const redirects = new Map(added.ports);
    round.reverts.push(addVisibilityRedirects(endpoint, policy, ingress, redirects, (request) => createRedirect(round, request)));
    for (const [id, port] of redirects) {
      ports.set(id, port);
    }
    step(round, 'addNewRedirects', { direction: ingress ? 'ingress' : 'egress', redirects: Object.fromEntries(redirects) });
  }
  endpoint.realizedRedirects = ports;
  round.reverts.push(() => {
    endpoint.realizedRedirects = before;
  });
}

function createRedirect(round: Round, request: RedirectRequest): number {
  const created = round.deps.proxy.createOrUpdateRedirect(request, () => round.completions.add());
  round.finalizers.push(() => created.finalize());
  round.reverts.push(() => created.revert());
  return created.port;
}

function tellProxy(round: Round): void {
  const { deps, endpoint, completions } = round;
  if (deps.isHost(endpoint)) {
    // No proxy stands in front of the host.
    return;
  }
  const { waits, revert } = updateNetworkPolicy(deps, endpoint, completions);
  step(round, 'updateNetworkPolicy', { endpoint: endpoint.id, waits });
  round.reverts.push(revert);
}

/** @see cilium:pkg/endpoint/bpf.go#Endpoint.removeOldRedirects */
function removeOldRedirects(round: Round): void {
  const { deps, endpoint } = round;
  const prefix = `${endpoint.id}:`;
  for (const redirect of deps.proxy.redirects()) {
    if (redirect.id.startsWith(prefix) && !endpoint.realizedRedirects.has(redirect.id)) {
      deps.proxy.removeRedirect(redirect.id);
      step(round, 'removeOldRedirects', { redirect: redirect.id });
    }
  }
}

/** Loads the program when asked to, or when what is compiled into it has changed. @see cilium:pkg/endpoint/bpf.go#Endpoint.realizeBPFState */
function realizeDatapath(round: Round, level: RegenerationLevel): void {
  const { deps, endpoint } = round;
  const { selectorPolicy } = endpoint.desiredPolicy as EndpointPolicy;
  const filter = (selectorPolicy.ingressPolicyEnabled ? 1 : 0) | (selectorPolicy.egressPolicyEnabled ? 2 : 0);
  if (level <= REGENERATE_WITHOUT_DATAPATH && filter === endpoint.loadedVerdictFilter) {
    return;
  }
  endpoint.loadedVerdictFilter = filter;
  if (deps.isHost(endpoint)) {
    // The host's programs are loaded with the node's; they read the filter where it stands.
    return;
  }
  const config: EndpointDatapathConfig = {
    endpointId: endpoint.id,
    secLabel: endpoint.identity?.id ?? 0,
    ipv4: endpoint.ipv4,
    mac: endpoint.mac,
    nodeMac: endpoint.device.mac,
    device: endpoint.device,
    policyMap: endpoint.policyMap,
    policyVerdictLogFilter: filter,
    policyAuditMode: endpoint.policyAuditMode,
  };
  deps.loader.reloadDatapath(config);
  deps.writeEndpoint(endpoint);
  step(round, 'realizeBPFState', { level: REGENERATION_LEVELS[level] as string, policyVerdictLogFilter: filter });
}

/** @see cilium:pkg/endpoint/policy.go#Endpoint.updateRealizedState */
function finish({ endpoint, finalizers }: Round): void {
  for (const finalize of finalizers) {
    finalize();
  }
  const old = endpoint.realizedPolicy;
  if (old !== null && old !== endpoint.desiredPolicy) {
    detachEndpointPolicy(old);
  }
  endpoint.realizedPolicy = endpoint.desiredPolicy;
  endpoint.policyRevision = Math.max(endpoint.policyRevision, endpoint.nextPolicyRevision);
}

/** Undoes redirects, map state and the proxy's policy; not what is in the map. */
function revert(round: Round): void {
  step(round, 'revert', null);
  for (const undo of round.reverts.reverse()) {
    undo();
  }
  round.endpoint.nextPolicyRevision = round.endpoint.policyRevision;
  round.endpoint.forcePolicyComputation = true;
}

function step({ deps, endpoint }: Round, fn: string, data: object | null): void {
  if (deps.journey.recording) {
    deps.journey.add({
      kind: 'decide',
      actor: 'agent',
      fn,
      see: `cilium:pkg/endpoint/bpf.go#Endpoint.${fn}`,
      verdict: 'done',
      why: `endpoint ${endpoint.id} (${endpoint.name})`,
      ...(data === null ? {} : { data: data as Record<string, never> }),
    });
  }
}
