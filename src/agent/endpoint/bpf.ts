/**
 * Regenerating an endpoint, step by step. The order is security relevant: the map is written before the proxy has acknowledged anything, and
 * what is written stays even if the proxy then refuses.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.regenerateBPF
 */

import type { Ipv4 } from '../../net/ipv4.ts';
import { SECOND } from '../../sim/clock.ts';
import type { Journey, JsonObject } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { WaitGroup } from '../completion/completion.ts';
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
import type { Endpoint } from './endpoint.ts';
import { syncPolicyMap } from './policy_map.ts';
import { updateNetworkPolicy } from './policy_map_changes.ts';
import { policyOwner } from './policy_owner.ts';
import type { RegenerationStep } from './regeneration_steps.ts';
import { REGENERATE_WITHOUT_DATAPATH, REGENERATION_LEVELS, type RegenerationLevel } from './state.ts';
import { addVisibilityRedirects } from './visibility.ts';

/** How long the proxy is waited for. @see cilium:pkg/endpoint/policy.go#EndpointGenerationTimeout */
const ENDPOINT_GENERATION_TIMEOUT = 330 * SECOND;

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
  /** Told of each step; whether the agent has died in it. */
  readonly died: (step: RegenerationStep, endpoint: Endpoint) => boolean;
}

interface Round {
  readonly deps: RegenerationDeps;
  readonly endpoint: Endpoint;
  readonly level: RegenerationLevel;
  readonly group: WaitGroup;
  readonly finalizers: (() => void)[];
  readonly reverts: (() => void)[];
  /** Redirects the desired policy asks for. */
  desiredRedirects: ReadonlySet<string>;
  /** The agent has died in one of the steps. */
  died: boolean;
}

/** What a step leaves: nothing to say, an error. */
type Outcome = string | null;

/** Until the proxy is waited for. */
const PREPARATION: readonly (readonly [RegenerationStep, (round: Round) => Outcome])[] = [
  ['regeneratePolicy', regeneratePolicy],
  ['addNewRedirects', addRedirects],
  ['updateNetworkPolicy', tellProxy],
  ['syncPolicyMap', synchronize],
  ['removeOldRedirects', removeOldRedirects],
  ['realizeBPFState', realizeDatapath],
];

/** Runs one regeneration; `done` hears the error, or `null`. It hears nothing if the agent dies. */
export function regenerateBPF(deps: RegenerationDeps, endpoint: Endpoint, level: RegenerationLevel, done: (error: Outcome) => void): void {
  const group = new WaitGroup(deps.scheduler, ENDPOINT_GENERATION_TIMEOUT);
  const round: Round = { deps, endpoint, level, group, finalizers: [], reverts: [], desiredRedirects: new Set(), died: false };
  const fail = (error: string): void => {
    revert(round);
    deps.releaseSlot();
    done(error);
  };
  for (const [name, run] of PREPARATION) {
    const error = run(round);
    if (round.died || died(round, name)) {
      return;
    }
    if (error !== null) {
      fail(error);
      return;
    }
  }
  deps.releaseSlot();
  step(round, 'waitForProxyCompletions', null);
  if (died(round, 'waitForProxyCompletions')) {
    return;
  }
  group.wait((failure) => {
    if (!endpoint.alive) {
      done(null);
      return;
    }
    const error = failure === null ? synchronize(round) : `Error while configuring proxy redirects: proxy state changes failed: ${failure}`;
    if (error !== null) {
      fail(error);
    } else if (!round.died) {
      finish(round, done);
    }
  });
}

/** Whether the agent dies in a step. */
function died(round: Round, name: RegenerationStep): boolean {
  round.died ||= round.deps.died(name, round.endpoint);
  return round.died;
}

/**
 * Writes the map. Keys that do not fit stay out, those that do stay in: the policy is then neither the old nor the new one until a retry succeeds.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMap
 */
function synchronize(round: Round): Outcome {
  const result = syncPolicyMap(round.endpoint, round.deps.journey, (name) => died(round, name));
  step(round, 'syncPolicyMap', { ...result });
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
function regeneratePolicy({ deps, endpoint }: Round): Outcome {
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
function addRedirects(round: Round): Outcome {
  const { endpoint } = round;
  const policy = endpoint.desiredPolicy as EndpointPolicy;
  if (policy === endpoint.realizedPolicy) {
    round.desiredRedirects = new Set(endpoint.realizedRedirects.keys());
    return null;
  }
  const desired = new Set<string>();
  for (const ingress of [true, false]) {
    const added = addNewRedirects(policy, endpoint.id, ingress, ({ proxyId: id, filter }) => {
      const dns =
        filter.l7Parser === PARSER_DNS ? { endpointId: endpoint.id, port: filter.port, parts: [...filter.perSelector.values()] } : null;
      return createRedirect(round, { id, listenerName: listenerName(filter.l7Parser, ingress), ingress, dns });
    });
    round.reverts.push(added.revert);
    const redirects = new Map(added.ports);
    round.reverts.push(addVisibilityRedirects(endpoint, policy, ingress, redirects, (request) => createRedirect(round, request)));
    for (const id of redirects.keys()) {
      desired.add(id);
    }
    step(round, 'addNewRedirects', { direction: ingress ? 'ingress' : 'egress', redirects: Object.fromEntries(redirects) });
  }
  round.desiredRedirects = desired;
  return null;
}

function createRedirect({ deps, endpoint, group, finalizers, reverts }: Round, request: RedirectRequest): number {
  const { id } = request;
  const created = deps.proxy.createOrUpdateRedirect(request, group);
  finalizers.push(created.finalize);
  reverts.push(created.revert);
  if (!endpoint.realizedRedirects.has(id)) {
    reverts.push(() => void endpoint.realizedRedirects.delete(id));
  }
  endpoint.realizedRedirects.set(id, created.port);
  return created.port;
}

function tellProxy(round: Round): Outcome {
  const { deps, endpoint, group } = round;
  if (deps.isHost(endpoint)) {
    // No proxy stands in front of the host.
    return null;
  }
  const { waits, revert } = updateNetworkPolicy(deps, endpoint, group);
  step(round, 'updateNetworkPolicy', { endpoint: endpoint.id, waits });
  round.reverts.push(revert);
  return null;
}

/** The map does not lead to them any more. @see cilium:pkg/endpoint/bpf.go#Endpoint.removeOldRedirects */
function removeOldRedirects(round: Round): Outcome {
  const { deps, endpoint, group } = round;
  for (const [id, port] of endpoint.realizedRedirects) {
    const removed = round.desiredRedirects.has(id) ? null : deps.proxy.removeRedirect(id, group);
    if (removed !== null) {
      endpoint.realizedRedirects.delete(id);
      round.finalizers.push(removed.finalize);
      round.reverts.push(() => {
        endpoint.realizedRedirects.set(id, port);
        removed.revert();
      });
      step(round, 'removeOldRedirects', { redirect: id });
    }
  }
  return null;
}

/** An endpoint ends, and with it all its redirects. @see cilium:pkg/endpoint/endpoint.go#Endpoint.leaveLocked */
export function removeAllRedirects({ proxy }: Pick<RegenerationDeps, 'proxy'>, endpoint: Endpoint): void {
  for (const id of endpoint.realizedRedirects.keys()) {
    proxy.removeRedirect(id, null)?.finalize();
  }
  endpoint.realizedRedirects.clear();
}

/** Loads the program when asked to, or when what is compiled into it has changed. @see cilium:pkg/endpoint/bpf.go#Endpoint.realizeBPFState */
function realizeDatapath(round: Round): Outcome {
  scrubConntrack(round);
  const { deps, endpoint, level } = round;
  const { selectorPolicy } = endpoint.desiredPolicy as EndpointPolicy;
  const filter = (selectorPolicy.ingressPolicyEnabled ? 1 : 0) | (selectorPolicy.egressPolicyEnabled ? 2 : 0);
  if (level <= REGENERATE_WITHOUT_DATAPATH && filter === endpoint.loadedVerdictFilter) {
    return null;
  }
  endpoint.loadedVerdictFilter = filter;
  endpoint.isOnDisk = true;
  if (deps.isHost(endpoint)) {
    // The host's programs are loaded with the node's; they read the filter where it stands.
    return null;
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
  return null;
}

/** @see cilium:pkg/endpoint/policy.go#Endpoint.updateRealizedState */
function finish(round: Round, done: (error: Outcome) => void): void {
  const { endpoint, finalizers } = round;
  for (const finalize of finalizers) {
    finalize();
  }
  if (died(round, 'finalizeProxyState')) {
    return;
  }
  const old = endpoint.realizedPolicy;
  if (old !== null && old !== endpoint.desiredPolicy) {
    detachEndpointPolicy(old);
  }
  endpoint.realizedPolicy = endpoint.desiredPolicy;
  endpoint.policyRevision = Math.max(endpoint.policyRevision, endpoint.nextPolicyRevision);
  if (!died(round, 'updateRealizedState')) {
    done(null);
  }
}

/**
 * Undoes redirects, map state and the proxy's policy; not what is in the map. The policy is not computed again: the next regeneration goes on from
 * here. @see cilium:pkg/endpoint/bpf.go#Endpoint.finalizeProxyState
 */
function revert(round: Round): void {
  step(round, 'revert', null);
  for (const undo of round.reverts.reverse()) {
    undo();
  }
}

function step({ deps, endpoint }: Round, fn: string, data: JsonObject | null): void {
  if (deps.journey.recording) {
    deps.journey.add({
      kind: 'decide',
      actor: 'agent',
      fn,
      see: `cilium:pkg/endpoint/bpf.go#Endpoint.${fn}`,
      verdict: 'done',
      why: `endpoint ${endpoint.id} (${endpoint.name})`,
      ...(data === null ? {} : { data }),
    });
  }
}
