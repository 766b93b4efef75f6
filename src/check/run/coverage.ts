/**
 * What the cases of a check exercise. The search itself asks the oracle, which has no maps and no proxy; so a sample of its cases is sent as packets,
 * on the cluster of the scenario's manifests with the pods that do not exist yet, and the coverage is that of these requests.
 */
import fc from 'fast-check';
import { Cluster } from '../../cluster/cluster.ts';
import { clusterHost } from '../../scenario/cluster_host.ts';
import type { Coverage } from '../../scenario/coverage/coverage.ts';
import { CoverageRecorder } from '../../scenario/coverage/recorder.ts';
import { runOnHost } from '../../scenario/run.ts';
import type { Action, Scenario, ScenarioStep } from '../../scenario/scenario.ts';
import { SECOND } from '../../sim/clock.ts';
import type { ModelPod } from '../model/cluster.ts';
import { builtins } from './builtins.ts';
import type { Party } from './party.ts';
import { type Case, prepare } from './property.ts';
import { subjectOf } from './subject.ts';

/** How much to send. */
export interface CheckCoverageOptions {
  readonly seed: number;
  /** Requests for each property. */
  readonly sample: number;
  readonly builtins: boolean;
}

/** Enough to see whether a SYN is dropped. */
const CONNECT_TIMEOUT = SECOND;
const NOWHERE = { file: '', line: 1, column: 1 };

/** Sends a sample of a scenario's cases. Equal scenario and options give an equal result. */
export function checkCoverage(scenario: Scenario, { seed, sample, builtins: withBuiltins }: CheckCoverageOptions): Coverage {
  const subject = subjectOf(scenario);
  const prepared = [...scenario.properties.map(({ property }) => prepare(property, subject)), ...(withBuiltins ? builtins(subject) : [])];
  const cases = prepared
    .flatMap((one) => (one.cases === null ? [] : fc.sample(one.cases, { seed, numRuns: sample })))
    .filter(({ deleted }) => deleted < 0);
  const cluster = Cluster.create(scenario.cluster);
  cluster.journey.recording = true;
  const recorder = new CoverageRecorder(cluster);
  const host = clusterHost(cluster);
  const run = (actions: readonly Action[]): void => {
    const steps = actions.map((action): ScenarioStep => ({ name: null, position: NOWHERE, action, expect: null, expectPositions: {} }));
    runOnHost({ ...scenario, steps }, host, (step) => {
      recorder.after(step);
      return 'go on';
    });
  };
  run(scenario.steps.flatMap(({ action }) => (action.kind === 'apply' ? [action] : [])));
  const names = newcomers(cases);
  run(names.size === 0 ? [] : [applyPods(names)]);
  const requests = cases.flatMap((one) => requestOf(cluster, one, names));
  run([...new Map(requests.map((action) => [JSON.stringify(action), action])).values()]);
  return recorder.coverage();
}

/** Names for the pods that are made up: one for each namespace and set of labels. */
function newcomers(cases: readonly Case[]): Map<string, { readonly name: string; readonly pod: ModelPod }> {
  const names = new Map<string, { readonly name: string; readonly pod: ModelPod }>();
  for (const party of cases.flatMap(({ from, to }) => [from, to])) {
    if (party.kind === 'pod' && !party.exists && !names.has(keyOf(party.pod)) && names.size < MAX_NEWCOMERS) {
      names.set(keyOf(party.pod), { name: `newcomer-${names.size + 1}`, pod: party.pod });
    }
  }
  return names;
}

/** What a node has room for, beside the pods of the manifests. */
const MAX_NEWCOMERS = 50;

function keyOf({ namespace, labels }: ModelPod): string {
  return JSON.stringify([namespace, Object.entries(labels).sort()]);
}

function applyPods(names: ReturnType<typeof newcomers>): Action {
  const objects = [...names.values()].map(({ name, pod }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: pod.namespace, labels: pod.labels },
    spec: { containers: [{ name: 'main', image: 'hashicorp/http-echo' }] },
  }));
  const manifests = objects.map((object) => ({ file: 'newcomers.yaml', text: JSON.stringify(object), indent: 0 }));
  return { kind: 'apply', manifests, namespace: 'default', wait: true };
}

/** The request of a case; nothing where an end is not in the cluster. */
function requestOf(cluster: Cluster, { from, to, port, protocol, request }: Case, names: ReturnType<typeof newcomers>): Action[] {
  const source = endpointOf(cluster, from, names);
  const address = to.kind === 'address' ? to.ip : (endpointOf(cluster, to, names)?.ip ?? null);
  if (source === null || address === null) {
    return [];
  }
  if (protocol !== 'TCP') {
    const argv =
      protocol === 'ICMP'
        ? ['ping', '-c', '1', '-W', '1', address]
        : ['/agnhost', 'connect', `${address}:${port}`, `--protocol=${protocol.toLowerCase()}`, '--timeout=1s'];
    return [{ kind: 'exec', pod: source.name, argv }];
  }
  const headers = { ...request.headers, ...(request.host === '' ? {} : { host: request.host }) };
  return [
    {
      kind: 'request',
      request: {
        from: source.name,
        method: request.method,
        url: `${address}${port === 80 ? '' : `:${port}`}${request.path}`,
        connectTimeout: CONNECT_TIMEOUT,
        ...(Object.keys(headers).length === 0 ? {} : { headers }),
      },
    },
  ];
}

/** The endpoint of a pod; that of a workload is the first of its pods. */
function endpointOf(
  cluster: Cluster,
  party: Party,
  names: ReturnType<typeof newcomers>,
): { readonly name: string; readonly ip: string } | null {
  if (party.kind === 'address') {
    return null;
  }
  if (party.kind === 'host') {
    const [node] = cluster.nodes;
    return node === undefined ? null : { name: `node/${node.name}`, ip: node.ip };
  }
  const { namespace } = party.pod;
  const name = party.exists ? party.pod.name : names.get(keyOf(party.pod))?.name;
  const views = cluster.nodes.flatMap((node) => node.agent.endpointViews()).filter((one) => one.namespace === namespace);
  const found =
    views.find(({ podName }) => podName === name) ?? views.find(({ podName }) => name !== undefined && podName.startsWith(`${name}-`));
  return found === undefined || found.ipv4 === '' ? null : { name: `${namespace}/${found.podName}`, ip: found.ipv4 };
}
