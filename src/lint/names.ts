/** How policies and their parts are named, as in explanations. */
import type { Path, PolicyRef } from '../agent/policy/api/rule.ts';
import { pathText } from '../scenario/issue.ts';

/** `CiliumNetworkPolicy default/rule1` */
export function policyText({ kind, namespace, name }: PolicyRef): string {
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

/** `spec.ingress[0].toPorts[0]` */
export function elementText(path: Path): string {
  return pathText(path);
}

/** `any.app` and `k8s.app` as people write them. */
export function labelKeyText(extendedKey: string): string {
  const dot = extendedKey.indexOf('.');
  const [source, key] = [extendedKey.slice(0, dot), extendedKey.slice(dot + 1)];
  return source === 'any' || source === 'k8s' ? key : `${source}:${key}`;
}
