/** The parties of a property: pods that are there, pods that could be, addresses outside. */
import fc from 'fast-check';
import { formatPrefix, parseIp, prefixContains } from '../../net/prefix.ts';
import type { PartySection } from '../../scenario/schema/properties.ts';
import { edgesOf } from '../arbitraries/ipv4.ts';
import type { LabelMap, ModelPod } from '../model/cluster.ts';
import { readSelector, selects } from '../oracle/labels.ts';
import type { Oracle } from '../oracle/oracle.ts';
import { readPrefix } from '../oracle/read_cilium.ts';
import type { CheckSubject } from './subject.ts';
import type { Vocabulary } from './vocabulary.ts';

/** One end of a request. */
export type Party =
  | {
      readonly kind: 'pod';
      readonly pod: ModelPod;
      /** Whether the manifests have it. */
      readonly exists: boolean;
      /** The labels it had before. */
      readonly was?: LabelMap;
    }
  | {
      readonly kind: 'address';
      readonly ip: string;
      /** The name it is asked for by; `null`: by its address. */
      readonly name: string | null;
    }
  /** The node. */
  | { readonly kind: 'host' };

/** What making parties needs to know. */
export interface PartyContext {
  readonly subject: CheckSubject;
  readonly oracle: Oracle;
  readonly words: Vocabulary;
  /** Only pods of the manifests. */
  readonly onlyExisting: boolean;
  /** Made-up pods only if no pod of the manifests is meant. */
  readonly preferExisting: boolean;
  /** Pods of the manifests with other labels too, as long as the section means them. */
  readonly relabels: boolean;
  /** Name of pods that are made up. */
  readonly name: string;
}

/** Parties that a section means; `null` if there can be none. */
export function parties(section: PartySection, context: PartyContext): fc.Arbitrary<Party> | null {
  const { subject, oracle } = context;
  if (section.entity === 'host') {
    return fc.constant<Party>({ kind: 'host' });
  }
  if (section.name !== undefined) {
    const { name } = section;
    const named = (subject.names[name] ?? []).map((ip): Party => ({ kind: 'address', ip, name }));
    return named.length === 0 ? null : fc.constantFrom(...named);
  }
  const existing = subject.cluster.pods
    .filter((pod) => meansPod(section, pod, subject))
    .map((pod): Party => ({ kind: 'pod', pod, exists: true }));
  const kinds: fc.Arbitrary<Party>[] = existing.length === 0 ? [] : [fc.constantFrom(...existing)];
  if (context.relabels) {
    const changed = existing.flatMap((party) => (party.kind === 'pod' ? relabelled(section, party.pod, context) : []));
    if (changed.length > 0) {
      kinds.push(fc.constantFrom(...changed));
    }
  }
  const pods = section.cidr === undefined && section.entity !== 'world';
  const makeUp = section.pod === undefined && !context.onlyExisting && !(context.preferExisting && existing.length > 0);
  const could = pods && makeUp ? candidates(section, context) : null;
  if (could !== null) {
    kinds.push(could);
  }
  if (section.cidr !== undefined || section.entity === 'world' || section.entity === 'all') {
    const within = section.cidr === undefined ? null : readPrefix(section.cidr);
    const prefixes = [section.cidr ?? '198.51.100.0/24', ...oracle.prefixes.map(formatPrefix)];
    const ips = edgesOf(prefixes).filter((ip) => isOutside(ip, subject) && (within === null || holdsText(within, ip)));
    if (ips.length > 0) {
      kinds.push(fc.constantFrom(...ips.map((ip): Party => ({ kind: 'address', ip, name: null }))));
    }
  }
  const [first] = kinds;
  return first === undefined ? null : kinds.length === 1 ? first : fc.oneof({ withCrossShrink: true }, ...kinds);
}

function holdsText(prefix: Parameters<typeof prefixContains>[0], text: string): boolean {
  const address = parseIp(text);
  return address !== null && prefixContains(prefix, address);
}

/** Neither of the cluster's networks, nor a node's, nor something no host has. */
function isOutside(ip: string, { options }: CheckSubject): boolean {
  const ranges = [options.serviceCIDR, ...options.nodes.flatMap((node) => [node.podCIDR, `${node.ip}/24`]), ...COUNTEREXAMPLE_RANGES];
  return ranges.every((text) => {
    const prefix = readPrefix(text);
    return prefix !== null && !holdsText(prefix, ip);
  });
}

/** What a counterexample's cluster uses, and what no host has. */
const COUNTEREXAMPLE_RANGES = ['10.0.0.0/16', '10.43.0.0/16', '192.168.1.0/24', '127.0.0.0/8', '0.0.0.0/8', '224.0.0.0/3'];

/** Whether a section means a pod. Without a namespace it means those of all namespaces. */
export function meansPod(section: PartySection, pod: ModelPod, { services }: CheckSubject): boolean {
  if (section.cidr !== undefined || section.name !== undefined || section.entity === 'world' || section.entity === 'host') {
    return false;
  }
  const labels = Object.entries(pod.labels).map(([key, value]) => ({ source: 'k8s', key, value }));
  const service = section.service === undefined ? null : services.find((one) => isNamed(section.service ?? '', one));
  return (
    (section.namespace === undefined || section.namespace === pod.namespace) &&
    (section.pod === undefined || isNamed(section.pod, pod)) &&
    (service === null || (service !== undefined && service.namespace === pod.namespace && hasAll(pod.labels, service.selector))) &&
    selects(readSelector({ matchLabels: section.labels ?? {}, matchExpressions: section.matchExpressions ?? [] }), labels)
  );
}

function isNamed(word: string, { name, namespace }: { readonly name: string; readonly namespace: string }): boolean {
  return word.includes('/') ? word === `${namespace}/${name}` : word === name;
}

function hasAll(labels: LabelMap, wanted: LabelMap): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** The pod with one label more, or with another value or without one of its labels. */
function relabelled(section: PartySection, pod: ModelPod, { subject, words }: PartyContext): Party[] {
  const without = Object.keys(pod.labels).map((key) => Object.fromEntries(Object.entries(pod.labels).filter(([one]) => one !== key)));
  const withOther = words.labels
    .filter(([key, value]) => pod.labels[key] !== value)
    .map(([key, value]) => ({ ...pod.labels, [key]: value }));
  return [...without, ...withOther]
    .map((labels): ModelPod => ({ ...pod, labels }))
    .filter((one) => meansPod(section, one, subject))
    .map((one): Party => ({ kind: 'pod', pod: one, exists: true, was: pod.labels }));
}

/** Pods that could be: what the section demands, and any of the labels that policies and manifests speak of; `null` if there can be none. */
function candidates(section: PartySection, { subject, words, name }: PartyContext): fc.Arbitrary<Party> | null {
  const service = subject.services.find((one) => section.service !== undefined && isNamed(section.service, one));
  const expressions = section.matchExpressions ?? [];
  const demanded = expressions.flatMap(({ key, operator, values }): [string, string][] =>
    operator === 'In' ? [[key, values?.[0] ?? '']] : operator === 'Exists' ? [[key, 'x']] : [],
  );
  const fixed: LabelMap = { ...Object.fromEntries(demanded), ...service?.selector, ...section.labels };
  const namespace = section.namespace ?? service?.namespace;
  const made = (place: string, labels: LabelMap): Party & { readonly kind: 'pod' } => ({
    kind: 'pod',
    pod: { name, namespace: place, labels, ports: [] },
    exists: false,
  });
  const places = namespace === undefined ? words.namespaces : [namespace];
  const [first] = places;
  if (first === undefined || !meansPod(section, made(first, fixed).pod, subject)) {
    return null;
  }
  const extra = words.labels.filter(([key]) => !(key in fixed) && !expressions.some((one) => one.key === key));
  // One object for each set of labels: what is found out about it is found out once.
  const known = new Map<string, Party>();
  return fc.tuple(fc.constantFrom(...places), fc.subarray([...extra])).map(([place, some]) => {
    const key = `${place} ${some.join()}`;
    const party = known.get(key) ?? made(place, { ...Object.fromEntries(some), ...fixed });
    known.set(key, party);
    return party;
  });
}
