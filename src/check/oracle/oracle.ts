/**
 * What policies mean, told directly from their statements: a matching deny drops, else a matching allow passes, else an enforced direction drops.
 * Knows nothing of filters, identities' numbers or maps. Its purpose is to disagree with the policy engine when one of both is wrong; it describes
 * what the rules of 1.13.3 intend, and names the quirks it has to repeat by their number in the list of policy vectors.
 */
import { formatPrefix, hostPrefix, type IpPrefix, parseIp, prefixContains } from '../../net/prefix.ts';
import { type K8sObject, type ModelCluster, type ModelPod, type ModelPort, podLabelTexts } from '../model/cluster.ts';
import { type Judged, judge, type Question, questionOf } from './judge.ts';
import { type OracleLabel, readLabel, selects, valueOf } from './labels.ts';
import { readCilium } from './read_cilium.ts';
import { readNetworkPolicy } from './read_network_policy.ts';
import { parserAt, type ReleasedQuirk, releasedQuirk } from './released.ts';
import { speaksOf } from './speaks.ts';
import type { Direction, OraclePeer, SecretName, Statement } from './statement.ts';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPv6'] as const;

/** Enforcement modes of the agent. */
export type Enforcement = 'default' | 'always' | 'never';

/** Options of the agent that change what policies mean; each has the default of the agent. */
export interface OracleOptions {
  readonly enforcement?: Enforcement;
  /** `false`: the host comes in only where a policy lets it (`allow-localhost: policy`). */
  readonly hostComesIn?: boolean;
  /** Nothing is dropped (`policy-audit-mode`). */
  readonly audit?: boolean;
  /** Whether a secret is there; default: yes. */
  readonly hasSecret?: (secret: SecretName) => boolean;
  /** Policies for nodes are in force (`enable-host-firewall`). */
  readonly hostFirewall?: boolean;
  /** `false`: other nodes are known as hosts only (`enable-remote-node-identity`). */
  readonly remoteNodeIdentity?: boolean;
}

/** Whom policies may be about, by the labels of its identity. */
export interface OracleSubject {
  readonly labels: readonly OracleLabel[];
  /** Its own named ports. */
  readonly ports: readonly ModelPort[];
}

/** One attempt to reach a port. */
export interface OracleFlow {
  readonly direction: Direction;
  readonly port: number;
  readonly protocol: (typeof PROTOCOLS)[number];
}

/** The oracle of a cluster and its accepted policies. */
export class Oracle {
  readonly statements: readonly Statement[];
  readonly #cluster: ModelCluster;
  readonly #options: OracleOptions;
  readonly #prefixes: readonly IpPrefix[];
  readonly #clusterPorts: readonly ModelPort[];
  readonly #peers = new WeakMap<ModelPod, OraclePeer>();
  readonly #outside = new Map<string, OraclePeer>();
  readonly #addresses = new Map<string, OraclePeer>();
  readonly #reserved = new Map<string, OraclePeer>();
  readonly #subjects = new WeakMap<ModelPod | OracleSubject, Subject>();

  constructor(cluster: ModelCluster, policies: readonly K8sObject[], options: OracleOptions = {}) {
    this.#cluster = cluster;
    this.#options = options;
    this.#clusterPorts = cluster.pods.flatMap(({ ports }) => ports);
    const { remoteNodeIdentity = true, hostComesIn = true } = options;
    this.statements = policies.flatMap((object) =>
      object['kind'] === 'NetworkPolicy'
        ? readNetworkPolicy(object)
        : readCilium(object, cluster, { nodesAreHosts: !remoteNodeIdentity && hostComesIn }),
    );
    this.#prefixes = knownPrefixes(this.statements);
  }

  /** Prefixes that policies name; each is a peer of its own. */
  get prefixes(): readonly IpPrefix[] {
    return this.#prefixes;
  }

  /** Whether the DNS proxy lets a name outside pass, for somebody. */
  isLearned(name: string): boolean {
    return Object.hasOwn(this.#cluster.dns, name);
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
    const name = names.join();
    let peer = this.#reserved.get(name);
    if (peer === undefined) {
      peer = { labels: names.map((key) => ({ source: 'reserved', key, value: '' })), prefix: null };
      this.#reserved.set(name, peer);
    }
    return peer;
  }

  /** An address outside the cluster: it is what the longest known prefix that holds it is, or just the world (quirks 5 and 6). */
  address(text: string): OraclePeer {
    let peer = this.#addresses.get(text);
    if (peer === undefined) {
      const address = parseIp(text);
      const holding = address === null ? [] : this.#prefixes.filter((prefix) => prefixContains(prefix, address));
      peer = this.prefix(holding.reduce<IpPrefix | null>((best, one) => (best === null || one.length > best.length ? one : best), null));
      this.#addresses.set(text, peer);
    }
    return peer;
  }

  /** The peer that a known prefix is; `null` is the world. */
  prefix(prefix: IpPrefix | null): OraclePeer {
    const own = prefix === null || prefix.length === 0 ? null : prefix;
    const name = own === null ? '' : formatPrefix(own);
    let peer = this.#outside.get(name);
    if (peer === undefined) {
      peer = { labels: [{ source: 'reserved', key: 'world', value: '' }], prefix: own };
      this.#outside.set(name, peer);
    }
    return peer;
  }

  /** What happens between a subject (one of the cluster's pods, or one that could be, or the node) and a peer. */
  judge(subject: ModelPod | OracleSubject, peer: OraclePeer, flow: OracleFlow): Judged {
    const { question, verdicts } = this.#subject(subject);
    let known = verdicts.get(peer);
    if (known === undefined) {
      known = new Map();
      verdicts.set(peer, known);
    }
    const key = keyOf(flow);
    let judged = known.get(key);
    if (judged === undefined) {
      judged = this.#audited(judge(question, peer, flow));
      known.set(key, judged);
    }
    return judged;
  }

  /** What would happen if nothing were denied. */
  judgeWithoutDenies(subject: ModelPod | OracleSubject, peer: OraclePeer, flow: OracleFlow): Judged {
    const { question, statements } = this.#subject(subject);
    return judge(
      questionOf(
        statements.filter(({ deny }) => !deny),
        question,
      ),
      peer,
      flow,
    );
  }

  /** The quirk of 1.13.3 by which the released agent may let a flow through that its rules drop; `null` if there is none. */
  releasedQuirk(subject: ModelPod | OracleSubject, peer: OraclePeer, flow: OracleFlow): ReleasedQuirk | null {
    return releasedQuirk(this.#subject(subject).question, peer, flow);
  }

  /**
   * Whether the proxy takes a deny of a peer for an allow: it knows of no denies, and one for all ports comes to it as a rule without content.
   * @see cilium:pkg/envoy/server.go#getWildcardNetworkPolicyRule
   */
  proxyAllowsDenied(subject: ModelPod | OracleSubject, peer: OraclePeer, { direction }: OracleFlow): boolean {
    const { statements, requires } = this.#subject(subject).question[direction];
    return statements.some((one) => one.deny && one.ports === null && speaksOf(one, requires, peer) !== 'nobody');
  }

  /** The protocol of the proxy that may stand at the port of a flow, for whomever; `null`: none. */
  parserAt(subject: ModelPod | OracleSubject, flow: OracleFlow): string | null {
    return parserAt(this.#subject(subject).question, flow);
  }

  #audited(judged: Judged): Judged {
    return judged.verdict === 'drop' && this.#options.audit === true ? { ...judged, verdict: 'pass', proxy: 'no' } : judged;
  }

  #missingSecret(statements: readonly Statement[], namespace: string): string | null {
    const { hasSecret } = this.#options;
    const needed = hasSecret === undefined ? [] : statements.flatMap(({ ports }) => (ports ?? []).flatMap(({ secrets }) => secrets));
    const gone = needed.find((one) => hasSecret?.({ name: one.name, namespace: one.namespace || namespace }) === false);
    return gone === undefined ? null : `secret ${gone.namespace || namespace}/${gone.name} is not there`;
  }

  /** What is known of a subject, found once. */
  #subject(pod: ModelPod | OracleSubject): Subject {
    let subject = this.#subjects.get(pod);
    if (subject === undefined) {
      const { enforcement = 'default', hostComesIn = true, hostFirewall = false, remoteNodeIdentity = true } = this.#options;
      const labels = 'namespace' in pod ? this.pod(pod).labels : pod.labels;
      const reserved = (name: string): boolean => labels.some(({ source, key }) => source === 'reserved' && key === name);
      const isNode = reserved('host');
      const free = enforcement === 'never' || (isNode && !hostFirewall);
      const statements = free ? [] : this.statements.filter((one) => one.nodes === isNode && selects(one.subject, labels));
      const question = questionOf(statements, {
        // A pod whose labels are not known yet is closed (quirk 28).
        always: !free && (enforcement === 'always' || reserved('init')),
        hostComesIn: hostComesIn && !isNode,
        nodesAreHosts: hostComesIn && !isNode && !remoteNodeIdentity,
        prefixes: this.#prefixes,
        ownPorts: pod.ports,
        clusterPorts: this.#clusterPorts,
        missing: this.#missingSecret(statements, valueOf(labels, 'k8s:io.kubernetes.pod.namespace') ?? ''),
      });
      subject = { question, statements, verdicts: new WeakMap() };
      this.#subjects.set(pod, subject);
    }
    return subject;
  }
}

/** What is known of a subject. */
interface Subject {
  readonly question: Question;
  readonly statements: readonly Statement[];
  readonly verdicts: WeakMap<OraclePeer, Map<number, Judged>>;
}

function keyOf({ direction, port, protocol }: OracleFlow): number {
  return (PROTOCOLS.indexOf(protocol) * 2 + (direction === 'ingress' ? 0 : 1)) * 65_536 + port;
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
