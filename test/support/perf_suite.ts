/** The clusters of `../shared/suites/perf`, and their connectivity computed as verdicts and by packets. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import { newIdentity, reservedIdentities } from '../../src/agent/identity/identity.ts';
import { parseNetworkPolicy } from '../../src/agent/k8s/network_policy.ts';
import { podLabels, podNamedPorts } from '../../src/agent/k8s/pod_labels.ts';
import { filterLabels, newLabelFilter } from '../../src/agent/labels/filter.ts';
import { labelsText, sortLabels } from '../../src/agent/labels/labels.ts';
import { DEFAULT_POLICY_CONFIG } from '../../src/agent/policy/config.ts';
import { type ConnectivityEnd, connectivityMatrix } from '../../src/agent/policy/connectivity.ts';
import { Repository } from '../../src/agent/policy/repository.ts';
import { distillPolicy } from '../../src/agent/policy/resolve.ts';
import { SelectorCache } from '../../src/agent/policy/selectorcache.ts';
import type { KubeObject, Pod } from '../../src/k8s/objects.ts';
import { isErrno, type SocketLayer } from '../../src/kernel/socket.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import { MILLISECOND, SECOND } from '../../src/sim/clock.ts';
import { SuiteCluster, type SuitePod } from '../conformance/suite_cluster.ts';

const FOLDER = '../shared/suites/perf';
const TCP = 6;

/** A cluster of the suite. */
export interface PerfInput {
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly pods: readonly SuitePod[];
  readonly policies: readonly KubeObject[];
  /** A line a source, a character a destination: `.` allowed, `i`, `e` or `b` blocked at ingress, egress or both. */
  readonly matrix: readonly string[];
}

/** Reads the cluster of a name such as `100x100`; `null` where the suite is absent. */
export function readPerfInput(name: string): PerfInput | null {
  try {
    const read = (file: string): string => readFileSync(`${FOLDER}/${file}`, 'utf8');
    const cluster = parseYaml(read(`cluster-${name}.yaml`)) as Pick<PerfInput, 'namespaces' | 'pods'>;
    const policies = parseAllDocuments(read(`policies-${name}.yaml`)).map((document) => document.toJS() as KubeObject);
    return { ...cluster, policies, matrix: read(`matrix-${name}.txt`).trimEnd().split('\n') };
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ENOENT') {
      return null;
    }
    throw error;
  }
}

/** The matrix as the policy engine has it: labels become identities, policies map states, and both are asked. */
export function verdictMatrix(input: PerfInput): string[] {
  const filter = newLabelFilter();
  const identities = new Map<string, ReturnType<typeof newIdentity>>();
  const pods = input.pods.map((pod) => {
    const object = podObject(pod);
    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: pod.namespace, labels: input.namespaces[pod.namespace] ?? {} },
    };
    const labels = sortLabels(filterLabels(filter, podLabels(object, namespace, 'default')).identity);
    const key = labelsText(labels);
    const identity = identities.get(key) ?? newIdentity(0x1000 + identities.size, labels);
    identities.set(key, identity);
    return { identity, object };
  });
  const repository = new Repository(new SelectorCache([...reservedIdentities(), ...identities.values()]), DEFAULT_POLICY_CONFIG);
  for (const policy of input.policies) {
    const { issues, rules } = parseNetworkPolicy(policy, DEFAULT_POLICY_CONFIG);
    if (issues.length > 0) {
      throw new Error(issues[0]?.message);
    }
    repository.addList(rules);
  }
  const states = new Map<number, ConnectivityEnd>();
  const ends = pods.map(({ identity, object }) => {
    const end = states.get(identity.id) ?? { identity: identity.id, mapState: mapState(repository, identity, object) };
    states.set(identity.id, end);
    return end;
  });
  return connectivityMatrix(ends, 80, TCP).map((line) =>
    line.map(({ egress, ingress }) => (egress ? (ingress ? '.' : 'i') : ingress ? 'e' : 'b')).join(''),
  );
}

function mapState(repository: Repository, identity: ReturnType<typeof newIdentity>, pod: Pod): ConnectivityEnd['mapState'] {
  const resolved = repository.resolvePolicy(identity);
  if (!resolved.ok) {
    throw new Error(resolved.error);
  }
  const ports = podNamedPorts(pod);
  const namedPort = (_ingress: boolean, name: string, proto: number): number =>
    ports.find((port) => port.name === name && port.proto === proto)?.port ?? 0;
  return distillPolicy(resolved.policy, { namedPort, lookupRedirectPort: () => 0 }, false).mapState;
}

function podObject(pod: SuitePod): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: pod.namespace, labels: pod.labels ?? {} },
    spec: {
      containers: (pod.containers ?? []).map(({ name, port, protocol, portName }) => ({
        name,
        image: 'none',
        ports: [
          {
            containerPort: port,
            ...(portName === undefined ? {} : { name: portName }),
            ...(protocol === undefined ? {} : { protocol: protocol as 'TCP' }),
          },
        ],
      })),
    },
  };
}

/** The cluster with its pods and policies, at rest; nothing is recorded. */
export function perfCluster(input: PerfInput): SuiteCluster {
  const suite = new SuiteCluster({});
  suite.reconcile(input);
  return suite;
}

/**
 * The matrix by packets: every pod tries to connect to every other, with one repetition of a SYN that stays unanswered. `x` is a failure; where
 * a connection is blocked cannot be seen from its ends.
 */
export function packetMatrix(suite: SuiteCluster, input: PerfInput, sources: readonly SuitePod[] = input.pods): string[] {
  const addresses = input.pods.map(({ ip }) => parseIpv4(ip) as number);
  return sources.map(({ namespace, name }) => {
    const sockets = suite.cluster.processEnv(namespace, name)?.sockets;
    let line = '';
    for (let from = 0; from < addresses.length; from += AT_ONCE) {
      line += sockets === undefined ? '' : connectToAll(suite, sockets, addresses.slice(from, from + AT_ONCE));
    }
    return line;
  });
}

/** Attempts under way at the same time: few, so that what they leave is garbage while it is young. */
const AT_ONCE = 50;

function connectToAll(suite: SuiteCluster, sockets: SocketLayer, addresses: readonly number[]): string {
  const results = new Array<string>(addresses.length).fill('x');
  let waiting = addresses.length;
  const attempts = addresses.map((address, i) =>
    sockets.connect({
      remote: { address, port: 80 },
      handlers: {
        onConnected: (connected) => {
          results[i] = '.';
          waiting -= 1;
          connected.abort();
        },
        onError: () => {
          waiting -= 1;
        },
      },
    }),
  );
  suite.cluster.runUntil(() => waiting === 0, SECOND + MILLISECOND);
  for (const attempt of attempts) {
    if (!isErrno(attempt)) {
      attempt.abort();
    }
  }
  return results.join('');
}
