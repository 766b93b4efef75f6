/** The elements of the policies in force, one for each thing that a request can hit. */
import type { Path, Rule } from '../../agent/policy/api/rule.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { pathText } from '../issue.ts';
import type { CoveredElement, ElementKind } from './coverage.ts';

/**
 * All elements of the accepted policies, without hits.
 * @remarks Simplified: DNS, Kafka and generic L7 rules count with the ports they belong to.
 */
export function elementsOf(cluster: Cluster): CoveredElement[] {
  const rules = new Map(cluster.nodes.flatMap((node) => node.agent.repository.allRules().map((rule) => [keyOf(rule), rule] as const)));
  return [...rules.values()].flatMap((rule) => {
    const { kind, namespace, name } = rule.ref;
    const origin = cluster.api.origin(kind, namespace, name);
    const policy = `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
    const made = (what: ElementKind, path: Path): CoveredElement => ({
      kind: what,
      policy,
      element: pathText(path),
      position: origin === null ? null : { file: origin.file, ...origin.locate(path) },
      hits: 0,
    });
    const all = [...rule.ingress, ...rule.ingressDeny, ...rule.egress, ...rule.egressDeny];
    const found = all.flatMap((element) => [
      made('element', element.path),
      ...element.toPorts.flatMap(({ path, rules: seven }) => [
        made('ports', path),
        ...(seven?.http ?? []).map((_, i) => made('http', [...path, 'rules', 'http', i])),
      ]),
    ]);
    return [made('rule', [...rule.path, kind === 'NetworkPolicy' ? 'podSelector' : 'endpointSelector']), ...found];
  });
}

function keyOf({ ref, path }: Rule): string {
  return `${ref.kind} ${ref.namespace} ${ref.name} ${pathText(path)}`;
}
