/** Runs the flows that findings ask for: real requests on a simulated cluster, one for all of them. */
import type { WorldHost } from '../cluster/options.ts';
import { clusterHost } from '../scenario/cluster_host.ts';
import type { StepResult } from '../scenario/result.ts';
import { runOnHost } from '../scenario/run.ts';
import type { ScenarioStep } from '../scenario/scenario.ts';
import type { NewRequest } from '../scenario/schema/steps.ts';
import { SECOND } from '../sim/clock.ts';
import { type Bench, newBench } from './bench.ts';
import type { Flow } from './finding.ts';
import type { LoadedObject } from './load.ts';
import type { FlowAsk, FlowEnd } from './rule.ts';
import type { Workload } from './workloads.ts';

/** A dropped SYN is repeated once in it. */
const CONNECT_TIMEOUT = 2 * SECOND;
const NOWHERE = { file: '', line: 1, column: 1 };

/** Runs the flows in order. */
export function runFlows(asks: readonly FlowAsk[], objects: readonly LoadedObject[], workloads: readonly Workload[]): Flow[] {
  if (asks.length === 0) {
    return [];
  }
  const known = new Map(workloads.map((one) => [`${one.namespace}/${one.name}`, one]));
  const extraPorts = new Map<string, number[]>();
  const hosts = new Map<string, number[]>();
  for (const { from, to, port } of asks) {
    for (const end of [from, to]) {
      if (end.kind === 'someone') {
        const pod = podOfSomeone(end);
        known.set(`${pod.namespace}/${pod.name}`, pod);
      }
      if (end.kind === 'world') {
        hosts.set(end.ip, [...(hosts.get(end.ip) ?? []), ...(end === to ? [port] : [])]);
      }
    }
    if (to.kind === 'pod' || to.kind === 'someone') {
      const name = podName(to);
      extraPorts.set(name, [...(extraPorts.get(name) ?? []), port]);
    }
  }
  const bench = newBench({ objects, workloads: [...known.values()], extraPorts, world: [...hosts].map(worldHost) });
  bench.cluster.journey.recording = true;
  const { cluster } = bench;
  const result = runOnHost(
    {
      name: 'lint',
      description: null,
      file: '',
      cluster: cluster.options,
      shellCluster: cluster.options,
      steps: asks.map((ask) => stepOf(ask, bench)),
      properties: [],
    },
    clusterHost(cluster),
  );
  return asks.map((ask, i) => flowOf(ask, result.steps[i]));
}

/** `default/tiefighter` */
function podName(end: Extract<FlowEnd, { readonly kind: 'pod' | 'someone' }>): string {
  return end.kind === 'pod' ? `${end.namespace}/${end.name}` : `${end.namespace}/${podOfSomeone(end).name}`;
}

/** Equal namespaces and labels are the same pod. */
function podOfSomeone({ namespace, labels }: Extract<FlowEnd, { readonly kind: 'someone' }>): Workload {
  const words = Object.values(labels).map((value) => value.toLowerCase().replace(/[^a-z0-9]+/g, '-'));
  const name = ['someone', ...words].join('-').replace(/-+/g, '-').slice(0, 60).replace(/-$/, '');
  return { namespace, name, labels, ports: [], serviceAccount: null };
}

function worldHost([ip, ports]: readonly [string, readonly number[]]): WorldHost {
  const servers = [...new Set(ports)].map((port) => ({ port, protocol: 'TCP' as const, text: null }));
  return { name: `outside-${ip.replaceAll('.', '-')}`, names: [], ips: [ip], servers, podRoutes: true };
}

function stepOf(ask: FlowAsk, { addresses }: Bench): ScenarioStep {
  const { from, to, port, method, path = '/', host } = ask;
  const name =
    to.kind === 'world' ? to.ip : to.kind === 'service' ? `${to.name}.${to.namespace}.svc.cluster.local` : addressOf(to, addresses);
  const source =
    from.kind === 'world' ? `world/outside-${from.ip.replaceAll('.', '-')}` : from.kind === 'service' ? from.name : podName(from);
  const request: NewRequest = {
    from: source,
    url: `${name}${port === 80 ? '' : `:${port}`}${path}`,
    connectTimeout: CONNECT_TIMEOUT,
    ...(method === undefined ? {} : { method }),
    ...(host === undefined ? {} : { headers: { Host: host } }),
  };
  return { name: null, position: NOWHERE, action: { kind: 'request', request }, expect: null, expectPositions: {} };
}

function addressOf(end: Extract<FlowEnd, { readonly kind: 'pod' | 'someone' }>, addresses: ReadonlyMap<string, string>): string {
  return addresses.get(podName(end)) ?? '0.0.0.0';
}

function flowOf(ask: FlowAsk, step: StepResult | undefined): Flow {
  const detail = step?.detail;
  const common = {
    from: endText(ask.from),
    to: endText(ask.to),
    port: ask.port,
    protocol: 'TCP' as const,
    request: `${ask.method ?? 'GET'} ${ask.path ?? '/'}${ask.host === undefined ? '' : ` for host ${ask.host}`}`,
  };
  if (detail?.kind !== 'http') {
    return { ...common, verdict: 'failed', why: detail?.kind === 'done' ? (detail.error ?? '') : '', policies: [] };
  }
  const { outcome, why, policies } = detail.fate;
  return { ...common, verdict: outcome === 'answered' ? 'allowed' : outcome, why, policies };
}

/** How an end is told. */
export function endText(end: FlowEnd): string {
  switch (end.kind) {
    case 'pod':
      return `${end.namespace}/${end.name}`;
    case 'service':
      return `service ${end.namespace}/${end.name}`;
    case 'world':
      return end.ip;
    case 'someone': {
      const labels = Object.entries(end.labels).map(([key, value]) => `${key}=${value}`);
      return `a pod in ${end.namespace} ${labels.length === 0 ? 'without labels' : `with ${labels.join(', ')}`}`;
    }
  }
}
