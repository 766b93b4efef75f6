/** Ends of flows for what rules speak of: pods that are there, or some that fit. */
import type { Requirement } from '../agent/policy/api/selector.ts';
import { type EndpointSelector, isWildcard } from '../agent/policy/api/selector.ts';
import { formatIp, parsePrefix } from '../net/prefix.ts';
import type { FlowAsk, FlowEnd } from './rule.ts';
import { type Element, isReserved, type LintPod, type LintSubject } from './subject.ts';

/** An address of the documentation range: outside of every cluster. */
export const OUTSIDE: FlowEnd = { kind: 'world', ip: '198.51.100.77' };
/** A pod nobody speaks of. */
export const STRANGER: FlowEnd = { kind: 'someone', namespace: 'elsewhere', labels: {} };

const NAMESPACE = 'io.kubernetes.pod.namespace';
const NAMESPACE_NAME = 'io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name';

/** A pod of the cluster as an end. */
export function podEnd({ namespace, name }: LintPod): FlowEnd {
  return { kind: 'pod', namespace, name };
}

/** A pod that an element's rule selects: one that is there, or one that could be; `null` for rules of nodes. */
export function subjectEnd(subject: LintSubject, { rule }: Pick<Element, 'rule'>): FlowEnd | null {
  const [pod] = subject.subjects(rule).filter(({ workload }) => workload !== null);
  return pod !== undefined ? podEnd(pod) : rule.endpointSelector === null ? null : fitting(rule.endpointSelector, rule.ref.namespace);
}

/** A peer that an element names, other than its own subject, which reaches itself whatever policy says; `null` where it names none that could ask. */
export function peerEnd(subject: LintSubject, element: Element): FlowEnd | null {
  const own = subjectEnd(subject, element);
  for (const selector of element.endpoints) {
    const end = endOfSelector(subject, selector, element.rule.ref.namespace, own);
    if (end !== null) {
      return end;
    }
  }
  const prefix = element.cidrs.map(parsePrefix).find((one) => one?.family === 4);
  if (prefix !== undefined && prefix !== null) {
    return { kind: 'world', ip: prefix.length === 0 ? '198.51.100.77' : firstAddress(prefix) };
  }
  return element.entities.includes('world')
    ? OUTSIDE
    : element.entities.some((one) => one === 'all' || one === 'cluster')
      ? STRANGER
      : null;
}

/** A pod that a selector matches, there or possible, and not the one given. */
function endOfSelector(subject: LintSubject, selector: EndpointSelector, namespace: string, own: FlowEnd | null): FlowEnd | null {
  if (isWildcard(selector)) {
    return STRANGER;
  }
  const pods = subject.matching(selector).filter(({ workload }) => workload !== null);
  const pod = pods.find((one) => !(own?.kind === 'pod' && own.namespace === one.namespace && own.name === one.name));
  return pod !== undefined ? podEnd(pod) : fitting(selector, namespace);
}

/** A flow of an element: into its subject, or out of it. */
export function flowOf(element: Element, own: FlowEnd | null, peer: FlowEnd | null, ask: Omit<FlowAsk, 'from' | 'to'>): FlowAsk | null {
  if (own === null || peer === null) {
    return null;
  }
  return element.direction === 'ingress' ? { from: peer, to: own, ...ask } : { from: own, to: peer, ...ask };
}

/** The TCP ports an element names by number; those of names are looked up at the subject's pods. */
export function tcpPorts(subject: LintSubject, { toPorts, rule }: Element): number[] {
  const numbers = toPorts.flatMap(({ ports }) =>
    ports.flatMap(({ port, protocol }) => {
      if (!['TCP', 'ANY', '', 'tcp'].includes(protocol)) {
        return [];
      }
      const named = subject.subjects(rule).flatMap(({ workload }) => workload?.ports.filter(({ name }) => name === port) ?? []);
      return /^[1-9]\d*$/.test(port) ? [Number(port)] : named.map((one) => one.port);
    }),
  );
  return [...new Set(numbers)].filter((port) => port <= 65_535);
}

/** A pod that could exist and that a selector matches; `null` for what no pod can be. */
export function fitting(selector: EndpointSelector, namespace: string): FlowEnd | null {
  if (isReserved(selector)) {
    return null;
  }
  const labels: Record<string, string> = {};
  let possible = true;
  let place = namespace === '' ? 'default' : namespace;
  const put = (extendedKey: string, value: string): void => {
    const key = extendedKey.slice(extendedKey.indexOf('.') + 1);
    if (key === NAMESPACE || key === NAMESPACE_NAME) {
      place = value === '' ? place : value;
    } else if (key.startsWith('io.cilium.k8s.')) {
      // Service accounts, clusters, labels of namespaces: nothing a label of a pod could give.
      possible = false;
    } else {
      labels[key] = value;
    }
  };
  for (const [key, value] of selector.matchLabels) {
    put(key, value);
  }
  for (const expression of selector.matchExpressions) {
    const value = wantedValue(expression);
    if (value !== null && !(expression.key.endsWith(NAMESPACE) && expression.operator === 'Exists')) {
      put(expression.key, value);
    }
  }
  return possible ? { kind: 'someone', namespace: place, labels } : null;
}

function wantedValue({ operator, values }: Requirement): string | null {
  return operator === 'In' ? (values[0] ?? null) : operator === 'Exists' ? 'x' : null;
}

function firstAddress(prefix: NonNullable<ReturnType<typeof parsePrefix>>): string {
  const [a = 0, b = 0, c = 0, d = 0] = formatIp(prefix).split('.').map(Number);
  return prefix.length === 32 ? `${a}.${b}.${c}.${d}` : `${a}.${b}.${c}.${d + 1}`;
}
