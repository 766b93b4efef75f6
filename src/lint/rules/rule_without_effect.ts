/** Elements that could be left out. */
import { differingEndpoints, policyFingerprint } from '../../cluster/policy_fingerprint.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintSubject } from '../subject.ts';

/** Each try is two regenerations of the pods concerned. */
const MAX_TRIES = 300;

/** The rule. */
export const ruleWithoutEffect: LintRule = {
  code: 'rule-without-effect',
  severity: 'info',
  title: 'An element without which everything stays the same',
  why: 'The element was taken out on a simulated cluster: no policy map, no policy of the proxy and no DNS rule of any pod of the manifests changed. Something else already says the same (or it speaks of peers that another element takes away).',
  see: 'cilium:pkg/policy/mapstate.go#MapState.DenyPreferredInsert',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n- fromEndpoints:\n  - matchLabels: {class: tiefighter}',
  ),
  good: deathstarExample('ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}'),
  check(subject) {
    if (subject.workloads.length === 0) {
      return [];
    }
    const before = policyFingerprint(subject.cluster);
    return subject.elements
      .filter((element) => worthTrying(subject, element))
      .slice(0, MAX_TRIES)
      .flatMap((element): Draft[] => {
        if (changesSomething(subject, element, before)) {
          return [];
        }
        const [port = 80] = tcpPorts(subject, element);
        return [
          {
            policy: element.policy,
            path: element.path,
            message: 'without this element every pod has the same policy',
            meant: 'leave it out, or look at what makes it superfluous',
            flow: flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), { port }),
          },
        ];
      });
  },
};

/** Elements whose peers or subjects are missing are other rules' business; those that wait for names or services tell nothing yet. */
function worthTrying(subject: LintSubject, { rule, endpoints, egress, path, policy, toPorts }: Element): boolean {
  const waits = egress !== null && egress.toFQDNs.length + egress.toServices.length + egress.toGroups > 0;
  const peers = endpoints.length === 0 || endpoints.some((selector) => subject.matching(selector).length > 0);
  const alone = subject.elements.filter((one) => one.rule === rule).length === 1;
  const names = toPorts.some(({ ports }) => ports.some(({ port }) => /[a-z]/i.test(port)));
  return (
    !waits && !alone && !names && peers && subject.subjects(rule).length > 0 && Array.isArray(subject.written(policy, path.slice(0, -1)))
  );
}

function changesSomething({ cluster }: LintSubject, { policy, path }: Element, before: ReturnType<typeof policyFingerprint>): boolean {
  const { object, origin } = policy;
  const { namespace } = policy.ref;
  const put = (one: KubeObject): void => {
    cluster.api.update(namespace === '' ? one : { ...one, metadata: { ...one.metadata, namespace } }, origin);
    cluster.settle();
  };
  put(withoutElement(object, path) as KubeObject);
  const changed = differingEndpoints(before, policyFingerprint(cluster)).length > 0;
  put(object);
  return changed;
}

/** The value without the list element at a path. */
function withoutElement(value: unknown, [key, ...rest]: readonly (string | number)[]): unknown {
  if (Array.isArray(value)) {
    return rest.length === 0 ? value.filter((_, i) => i !== key) : value.map((one, i) => (i === key ? withoutElement(one, rest) : one));
  }
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  return Object.fromEntries(entries.map(([name, one]) => [name, name === key ? withoutElement(one, rest) : one]));
}
