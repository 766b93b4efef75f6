/** What the agents of a cluster would say to a policy object, without a cluster. */
import { policyConfigOf } from '../agent/daemon/policy_config.ts';
import { parseCnp } from '../agent/k8s/cnp.ts';
import { parseNetworkPolicy } from '../agent/k8s/network_policy.ts';
import { parseOptions } from '../agent/option/config.ts';
import { issueText } from '../agent/policy/api/hint.ts';
import type { Path } from '../agent/policy/api/rule.ts';
import type { KubeObject } from '../k8s/objects.ts';
import type { ClusterOptions } from './options.ts';
import { policyQuirks } from './quirks.ts';

/** Why an object is refused, and where in it. */
export interface PolicyRefusal {
  readonly path: Path;
  readonly message: string;
}

/** Tells for objects of one cluster why the agents refuse them; `null`: they do not. */
export function policyRefusals({
  options,
  quirks,
}: Pick<ClusterOptions, 'options' | 'quirks'>): (object: KubeObject) => PolicyRefusal | null {
  const config = policyConfigOf(parseOptions(options).options, policyQuirks(quirks ?? {}));
  return (object) => {
    const { issues } = object.kind === 'NetworkPolicy' ? parseNetworkPolicy(object, config) : parseCnp(object, config);
    const [issue] = issues;
    return issue === undefined ? null : { path: issue.path, message: issueText(issue) };
  };
}
