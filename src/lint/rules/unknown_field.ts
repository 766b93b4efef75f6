/** Members the API server does not keep. */

import { flowOf, peerEnd, STRANGER, subjectEnd } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { SchemaProblem } from '../load.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { LintSubject, PolicyObject } from '../subject.ts';

/** The rule. */
export const unknownField: LintRule = {
  code: 'unknown-field',
  severity: 'error',
  title: 'A member that no API server keeps',
  why: 'The API server prunes members the schema does not know, and unless the client asked for strict validation nobody says so. A toPort that should be toPorts opens all ports; a matchLabel that should be matchLabels selects everything.',
  see: 'kubernetes:staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go#Prune',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPort:\n  - ports:\n    - {port: "80", protocol: TCP}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}',
  ),
  check(subject) {
    return subject.problems.flatMap((problem): Draft[] => {
      const policy = policyOf(subject, problem);
      if (problem.code !== 'unknown-field' || policy === null) {
        return [];
      }
      const [, message = problem.message, meant = ''] = /^(.*?)(?:; (did you mean .*)|, (did you mean .*))?$/.exec(problem.message) ?? [];
      const path = pathOf(problem.path);
      const element = subject.elements.find((one) => one.policy === policy && one.path.every((step, i) => path[i] === step));
      const peer = element === undefined ? null : (peerEnd(subject, element) ?? STRANGER);
      const flow = element === undefined ? null : flowOf(element, subjectEnd(subject, element), peer, { port: 4444 });
      return [{ policy, path, message, meant, flow }];
    });
  },
};

function policyOf({ policies }: LintSubject, { object, position }: SchemaProblem): PolicyObject | null {
  const { kind, metadata } = object as {
    readonly kind?: string;
    readonly metadata?: { readonly name?: string; readonly namespace?: string };
  };
  return (
    policies.find(
      ({ origin, ref }) =>
        origin.file === position.file &&
        ref.kind === kind &&
        ref.name === metadata?.name &&
        (ref.namespace === '' || ref.namespace === (metadata?.namespace ?? 'default')),
    ) ?? null
  );
}

/** `spec.ingress[0].toPort` as a path. */
function pathOf(text: string): (string | number)[] {
  return [...text.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) => (index === undefined ? (key as string) : Number(index)));
}
