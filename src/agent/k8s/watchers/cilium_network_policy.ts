/**
 * Watching policies: CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, NetworkPolicy.
 * @see cilium:pkg/k8s/watchers/cilium_network_policy.go#K8sWatcher.ciliumNetworkPoliciesInit
 * @see cilium:pkg/k8s/watchers/network_policy.go
 */
import type { ApiServer, Origin } from '../../../k8s/api_server.ts';
import type { KubeObject } from '../../../k8s/objects.ts';
import type { Journey } from '../../../sim/journey.ts';
import type { PolicyManager } from '../../daemon/policy.ts';
import type { ParsedPolicy } from '../../policy/api/rule.ts';
import type { SanitizeConfig } from '../../policy/api/rule_validation.ts';
import { parseCnp } from '../cnp.ts';
import { parseNetworkPolicy } from '../network_policy.ts';
import { type ServiceBackends, translateServices } from '../rule_translate.ts';

/** What the watcher works with. */
export interface PolicyWatcherDeps {
  readonly api: ApiServer;
  readonly journey: Journey;
  readonly policy: PolicyManager;
  readonly config: SanitizeConfig;
  readonly services: () => readonly ServiceBackends[];
  /** Policies the agent did not take, with Cilium's message. */
  readonly rejected: (object: KubeObject, origin: Origin | null, parsed: ParsedPolicy) => void;
}

/** Starts the watches. */
export function ciliumNetworkPoliciesInit(deps: PolicyWatcherDeps): void {
  for (const kind of ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy']) {
    deps.api.watch<KubeObject>(kind, {
      onAdd: (object, origin) => addPolicy(deps, object, origin),
      onUpdate: (old, object, origin) => {
        // An update that changes nothing of the policy does not touch the repository.
        if (JSON.stringify([old['spec'], old['specs']]) !== JSON.stringify([object['spec'], object['specs']])) {
          addPolicy(deps, object, origin);
        }
      },
      onDelete: (object) => {
        record(deps, object, 'deleteCiliumNetworkPolicyV2');
        deps.policy.policyDelete(parse(deps, object).identityLabels);
      },
    });
  }
}

/** @see cilium:pkg/k8s/watchers/cilium_network_policy.go#K8sWatcher.addCiliumNetworkPolicyV2 */
function addPolicy(deps: PolicyWatcherDeps, object: KubeObject, origin: Origin | null): void {
  record(deps, object, object.kind === 'NetworkPolicy' ? 'addK8sNetworkPolicyV1' : 'addCiliumNetworkPolicyV2');
  const parsed = parse(deps, object);
  if (parsed.issues.length > 0) {
    // The version imported before, if any, stays in force.
    deps.rejected(object, origin, parsed);
    return;
  }
  const rules = object.kind === 'NetworkPolicy' ? parsed.rules : parsed.rules.map((rule) => translateServices(rule, deps.services()));
  deps.policy.policyAdd(rules, { replaceWithLabels: parsed.identityLabels });
}

function parse(deps: PolicyWatcherDeps, object: KubeObject): ParsedPolicy {
  return object.kind === 'NetworkPolicy' ? parseNetworkPolicy(object, deps.config) : parseCnp(object, deps.config);
}

function record(deps: PolicyWatcherDeps, object: KubeObject, fn: string): void {
  if (deps.journey.recording) {
    deps.journey.add({
      kind: 'message',
      actor: 'agent',
      fn,
      see: `cilium:pkg/k8s/watchers/${object.kind === 'NetworkPolicy' ? 'network_policy' : 'cilium_network_policy'}.go#K8sWatcher.${fn}`,
      from: 'api server',
      to: 'agent',
      what: `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`,
    });
  }
}
