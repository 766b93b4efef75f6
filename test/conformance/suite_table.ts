/**
 * Truth tables (Cyclonus, the Kubernetes network policy tests): every pod probes every pod, once for each port and protocol.
 *
 * A packet that egress drops never meets ingress. Whether ingress would have dropped it too is asked with a second attempt, for which the
 * sender's endpoint is in policy audit mode: its own policy is then reported instead of enforced, and the receiver decides.
 */
import type { KubeObject } from '../../src/k8s/objects.ts';
import { SuiteCluster, type SuitePod } from './suite_cluster.ts';
import { type Attempt, type AttemptOutcome, runAttempts, setAuditMode } from './suite_probe.ts';

/** One line. */
export interface TableLine {
  readonly name: string;
  readonly case?: number;
  readonly step: number;
  readonly resources: {
    readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly pods: readonly SuitePod[];
  };
  readonly podOrder: readonly string[];
  readonly policies: readonly KubeObject[];
  readonly checks: readonly TableCheck[];
  readonly ignoreLoopback?: boolean;
}

/** A probe with, in the suites' files, what is expected of it. */
export interface TableCheck {
  readonly probe: TableProbe;
  readonly deniedBy?: readonly string[];
  readonly expectCilium113Diff?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface TableProbe {
  readonly port?: number | null;
  readonly protocol?: string;
  readonly portName?: string;
}

/** A computed table. */
export interface TableResult {
  readonly probe: TableProbe;
  readonly rows: readonly string[];
}

/** Tables one after another on one cluster: each line states the whole state, so the cluster is brought from the one to the next. */
export class TableRunner {
  #cluster: SuiteCluster | null = null;
  #steps = 0;

  /** The tables of a line. What a line that breaks has left is thrown away, so that it spoils none after it. */
  run(line: TableLine): TableResult[] {
    try {
      return this.#run(line);
    } catch (error) {
      this.#cluster = null;
      throw error;
    }
  }

  #run(line: TableLine): TableResult[] {
    // Connections of earlier lines linger for a while, as they do in a cluster; after some lines a new one is cheaper than their weight.
    if (this.#cluster === null || this.#steps >= 24) {
      this.#cluster = new SuiteCluster({ options: { 'enable-sctp': true, 'monitor-aggregation': 'maximum' } });
      this.#steps = 0;
    }
    this.#steps += 1;
    const suite = this.#cluster;
    suite.reconcile({ namespaces: line.resources.namespaces, pods: line.resources.pods, policies: line.policies });
    const addresses = new Map(line.resources.pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod.ip]));
    const attempts = line.checks.flatMap(({ probe }) => attemptsOf(line, probe, addresses));
    const outcomes = runAttempts(suite.cluster, attempts);
    const both = deniedTwice(suite, attempts, outcomes);
    const count = line.podOrder.length;
    return line.checks.map(({ probe }, check) => ({
      probe,
      rows: line.podOrder.map((_source, row) =>
        line.podOrder
          .map((_destination, column) => {
            const index = (check * count + row) * count + column;
            return letter(outcomes[index] as AttemptOutcome, both.has(index));
          })
          .join(''),
      ),
    }));
  }
}

function attemptsOf(line: TableLine, probe: TableProbe, addresses: ReadonlyMap<string, string>): Attempt[] {
  const address = (pod: string): string => {
    const ip = addresses.get(pod);
    if (ip === undefined) {
      throw new Error(`podOrder names ${pod}, which resources.pods does not have`);
    }
    return ip;
  };
  return line.podOrder.flatMap((from) =>
    line.podOrder.map((to) => ({
      ...{ from, fromIp: address(from), toIp: address(to) },
      ...{ port: probe.port ?? namedPort(line, probe, to), protocol: probe.protocol ?? 'TCP' },
    })),
  );
}

/** A probe by name goes to the port that the destination calls so. */
function namedPort(line: TableLine, { portName, protocol = 'TCP' }: TableProbe, to: string): number {
  const pod = line.resources.pods.find(({ namespace, name }) => `${namespace}/${name}` === to);
  const found = pod?.containers?.find((container) => container.portName === portName && (container.protocol ?? 'TCP') === protocol);
  if (found === undefined) {
    throw new Error(`the probe has neither a port nor the name of one of ${to}`);
  }
  return found.port;
}

/** Indexes of attempts that egress dropped and ingress would have dropped too. */
function deniedTwice(suite: SuiteCluster, attempts: readonly Attempt[], outcomes: readonly AttemptOutcome[]): ReadonlySet<number> {
  const denied = [...attempts.keys()].filter((index) => outcomes[index]?.egressDrop === true);
  if (denied.length === 0) {
    return new Set();
  }
  const again = denied.map((index) => attempts[index] as Attempt);
  const senders = new Set(again.map(({ fromIp }) => fromIp));
  setAuditMode(suite.cluster, senders, true);
  const second = runAttempts(suite.cluster, again);
  setAuditMode(suite.cluster, senders, false);
  return new Set(denied.filter((_index, i) => second[i]?.ingressDrop === true));
}

function letter(outcome: AttemptOutcome, both: boolean): string {
  if (outcome.egressDrop) {
    return both ? 'b' : 'e';
  }
  return outcome.ingressDrop ? 'i' : '.';
}

/** What differs from the expectations of a line. */
export function compareTables(line: TableLine, results: readonly TableResult[]): string[] {
  const differences: string[] = [];
  line.checks.forEach((check, i) => {
    const { port, protocol } = check.probe;
    line.podOrder.forEach((source, row) => {
      line.podOrder.forEach((destination, column) => {
        if (line.ignoreLoopback === true && source === destination) {
          return;
        }
        const have = results[i]?.rows[row]?.charAt(column) ?? '';
        const cilium = check.expectCilium113Diff?.[source]?.[destination];
        const stated = check.deniedBy?.[row]?.charAt(column) ?? '';
        const good = cilium === undefined ? have === stated : (have === '.') === (cilium === 'allowed');
        if (!good) {
          differences.push(`${source} -> ${destination} ${port}/${protocol}: ${have}, not ${cilium ?? stated}`);
        }
      });
    });
  });
  return differences;
}
