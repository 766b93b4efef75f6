/**
 * What policies mean, told directly from their statements: a matching deny drops, else a matching allow passes, else an enforced direction drops.
 * Knows nothing of filters, identities' numbers or maps. Its purpose is to disagree with the policy engine when one of both is wrong; it describes
 * what the rules of 1.13.3 intend, and names the quirks it has to repeat by their number in the list of policy vectors.
 */
import { formatPrefix, hostPrefix, type IpPrefix, parseIp, prefixContains } from '../../net/prefix.ts';
import { type K8sObject, type ModelCluster, type ModelPod, podLabelTexts } from '../model/cluster.ts';
import { type Judged, judge, type Question } from './judge.ts';
import { type OracleLabel, readLabel, selects } from './labels.ts';
import { readCilium } from './read_cilium.ts';
import { readNetworkPolicy } from './read_network_policy.ts';
import { type ReleasedQuirk, releasedQuirk } from './released.ts';
import type { Direction, OraclePeer, Statement } from './statement.ts';

/** Enforcement modes of the agent. */
export type Enforcement = 'default' | 'always' | 'never';

/** One attempt to reach a port. */
export interface OracleFlow {
  readonly direction: Direction;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6';
}

/** The oracle of a cluster and its accepted policies. */
export class Oracle {
  readonly statements: readonly Statement[];
  readonly #cluster: ModelCluster;
  readonly #enforcement: Enforcement;
  readonly #prefixes: readonly IpPrefix[];
  readonly #peers = new WeakMap<ModelPod, OraclePeer>();
  readonly #questions = new WeakMap<OraclePeer, Question>();

  constructor(cluster: ModelCluster, policies: readonly K8sObject[], enforcement: Enforcement = 'default') {
    this.#cluster = cluster;
    this.#enforcement = enforcement;
    this.statements = policies.flatMap((object) =>
      object['kind'] === 'NetworkPolicy' ? readNetworkPolicy(object) : readCilium(object, cluster),
    );
    this.#prefixes = knownPrefixes(this.statements);
  }

  /** Prefixes that policies name; each is a peer of its own. */
  get prefixes(): readonly IpPrefix[] {
    return this.#prefixes;
  }

  /** A pod as peer or subject. */
  pod(pod: ModelPod): OraclePeer {
    let peer = this.#peers.get(pod);
    if (peer === undefined) {
      peer = { labels: podLabelTexts(pod, this.#cluster).map(readLabel), prefix: null };
      this.#peers.set(pod, peer);
    }
    return peer;
  }

  /** A node, the health endpoint, a pod without labels yet, ... by the names of their reserved labels. */
  reserved(...names: readonly string[]): OraclePeer {
    return { labels: names.map((key) => ({ source: 'reserved', key, value: '' })), prefix: null };
  }

  /** An address outside the cluster: it is what the longest known prefix that holds it is, or just the world (quirks 5 and 6). */
  address(text: string): OraclePeer {
    const address = parseIp(text);
    const holding = address === null ? [] : this.#prefixes.filter((prefix) => prefixContains(prefix, address));
    return this.prefix(holding.reduce<IpPrefix | null>((best, one) => (best === null || one.length > best.length ? one : best), null));
  }

  /** The peer that a known prefix is; `null` is the world. */
  prefix(prefix: IpPrefix | null): OraclePeer {
    const world: OracleLabel = { source: 'reserved', key: 'world', value: '' };
    return { labels: [world], prefix: prefix === null || prefix.length === 0 ? null : prefix };
  }

  /** What happens between a subject (one of the cluster's pods) and a peer. */
  judge(subject: ModelPod, peer: OraclePeer, flow: OracleFlow): Judged {
    return judge(this.#question(this.pod(subject), subject), peer, flow);
  }

  /** What would happen if nothing were denied. */
  judgeWithoutDenies(subject: ModelPod, peer: OraclePeer, flow: OracleFlow): Judged {
    const question = this.#question(this.pod(subject), subject);
    return judge({ ...question, statements: question.statements.filter(({ deny }) => !deny) }, peer, flow);
  }

  /** The quirk of 1.13.3 by which the released agent may let a flow through that its rules drop; `null` if there is none. */
  releasedQuirk(subject: ModelPod, peer: OraclePeer, flow: OracleFlow): ReleasedQuirk | null {
    return releasedQuirk(this.#question(this.pod(subject), subject), peer, flow);
  }

  /** The statements that speak of a subject, found once. */
  #question(peer: OraclePeer, subject: ModelPod): Question {
    let question = this.#questions.get(peer);
    if (question === undefined) {
      question = {
        statements: this.#enforcement === 'never' ? [] : this.statements.filter((one) => !one.nodes && selects(one.subject, peer.labels)),
        always: this.#enforcement === 'always',
        prefixes: this.#prefixes,
        ownPorts: subject.ports,
        clusterPorts: this.#cluster.pods.flatMap(({ ports }) => ports),
      };
      this.#questions.set(peer, question);
    }
    return question;
  }
}

function knownPrefixes(statements: readonly Statement[]): IpPrefix[] {
  const found = new Map<string, IpPrefix>();
  for (const term of statements.flatMap(({ terms }) => terms)) {
    const prefixes = term.kind === 'prefix' ? [term.prefix] : term.kind === 'names' ? term.addresses.map(hostOf) : [];
    for (const prefix of prefixes) {
      if (prefix !== null && prefix.length > 0) {
        found.set(formatPrefix(prefix), prefix);
      }
    }
  }
  return [...found.values()];
}

function hostOf(text: string): IpPrefix | null {
  const address = parseIp(text);
  return address === null ? null : hostPrefix(address);
}
