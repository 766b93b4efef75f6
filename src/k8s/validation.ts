/**
 * What the API server refuses although the object is well formed: new objects that contradict themselves, changes of what may not change.
 * @see kubernetes:pkg/apis/core/validation/validation.go
 * @see kubernetes:pkg/apis/apps/validation/validation.go
 */
import type { Container, Deployment, KubeObject, Pod, Service } from './objects.ts';
import { matchesSelector } from './selector.ts';

/** What is wrong with a new object: `spec.selector: Required value`; `null`: nothing. */
export function creationIssue(object: KubeObject): string | null {
  if (object.kind !== 'Deployment' && object.kind !== 'ReplicaSet' && object.kind !== 'DaemonSet') {
    return null;
  }
  const { selector, template } = (object as Deployment).spec;
  const labels = template.metadata?.labels ?? {};
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) {
    return 'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment';
  }
  return matchesSelector(selector, labels)
    ? null
    : `spec.template.metadata.labels: Invalid value: ${goMap(labels)}: \`selector\` does not match template \`labels\``;
}

/**
 * What is wrong with a change; `null`: nothing.
 * @remarks Simplified: the server adds the difference of the two specifications to the message about pods.
 */
export function updateIssue(old: KubeObject, now: KubeObject): string | null {
  switch (now.kind) {
    case 'Pod':
      return sameButImages(old as Pod, now as Pod)
        ? null
        : 'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
    case 'Deployment':
    case 'ReplicaSet':
    case 'DaemonSet': {
      const [before, after] = [(old as Deployment).spec.selector, (now as Deployment).spec.selector];
      return canonical(before) === canonical(after)
        ? creationIssue(now)
        : `spec.selector: Invalid value: v1.LabelSelector{MatchLabels:${goMap(after.matchLabels ?? {})}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable`;
    }
    case 'Service': {
      const [before, after] = [(old as Service).spec, (now as Service).spec];
      const ip = after.clusterIP ?? '';
      return before.clusterIP === undefined || before.clusterIP === ip || after.type === 'ExternalName'
        ? null
        : `spec.clusterIPs[0]: Invalid value: []string{${ip === '' ? '' : JSON.stringify(ip)}}: ${ip === '' ? 'primary clusterIP can not be unset' : 'may not change once set'}`;
    }
    default:
      return null;
  }
}

function sameButImages(old: Pod, now: Pod): boolean {
  const withoutImages = ({ spec }: Pod): unknown => ({
    ...spec,
    containers: spec.containers.map(({ image: _image, ...rest }: Container) => rest),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    terminationGracePeriodSeconds: undefined,
  });
  return canonical(withoutImages(old)) === canonical(withoutImages(now));
}

/** JSON that does not depend on the order of members. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

/** `map[string]string{"a":"b"}` */
function goMap(map: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]string{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(', ')}}`;
}
