/**
 * Runs a scenario, step by step, on a host.
 */

import type { MonitorEvent } from '../monitor/event.ts';
import { formatMonitor } from '../monitor/format.ts';
import { observe } from '../monitor/hubble/observer.ts';
import { compactFlow } from '../monitor/hubble/printer.ts';
import { flowNames } from '../shell/hubble/flow_names.ts';
import { runCommand } from '../shell/run_command.ts';
import type { Step } from '../sim/journey.ts';
import type { KeepAliveConnection, KeepAliveRequest } from './connection.ts';
import { checkExpectations } from './expectations.ts';
import { dropsOf, fateOf } from './fate.ts';
import type { PodName, ScenarioHost } from './host.ts';
import { curlArgvWithStatus, curlError, DEFAULT_TIMEOUT, grpcAnswer, readAnswer } from './request.ts';
import { type Actor, type Fate, RESULT_SCHEMA, type ScenarioResult, type StepDetail, type StepResult } from './result.ts';
import type { Action, Scenario, ScenarioStep } from './scenario.ts';
import type { NewRequest, SameConnectionRequest } from './schema/steps.ts';
import { stepTitle } from './title.ts';

/** The state of a run. */
interface Run {
  readonly host: ScenarioHost;
  readonly connections: Map<string, OpenConnection>;
  readonly actors: Map<string, Actor>;
}

interface OpenConnection {
  readonly pod: PodName;
  readonly host: string;
  readonly connection: KeepAliveConnection;
}

/** Where the records of a step begin. */
interface Mark {
  readonly at: number;
  readonly journey: number;
  /** Monitor events of the step by node; they grow while it runs. */
  readonly events: readonly (readonly MonitorEvent[])[];
}

/** Hears of each step when it is over, with the cluster as the step left it; says whether to go on. */
export type AfterStep = (step: StepResult) => 'go on' | 'stop';

/** Runs all steps and returns what happened. A step that cannot be done fails; the steps after it still run. */
export function runOnHost(scenario: Scenario, host: ScenarioHost, afterStep: AfterStep = () => 'go on'): ScenarioResult {
  const run: Run = { host, connections: new Map(), actors: new Map() };
  const steps: StepResult[] = [];
  for (const step of scenario.steps) {
    const result = runStep(run, step, steps.length + 1);
    steps.push(result);
    if (afterStep(result) === 'stop') {
      break;
    }
  }
  return {
    schema: RESULT_SCHEMA,
    name: scenario.name,
    file: scenario.file,
    seed: scenario.cluster.seed,
    passed: steps.every(({ passed }) => passed),
    steps,
    actors: [...run.actors.values()],
    journey: host.journey(),
  };
}

function runStep(run: Run, step: ScenarioStep, number: number): StepResult {
  const { host } = run;
  const followers = host.nodes.map((node) => node.events.follow());
  const mark: Mark = { at: host.now(), journey: host.journey().length, events: followers.map(({ events }) => events) };
  noteActors(run);
  const detail = runAction(run, step.action, mark);
  noteActors(run);
  for (const follower of followers) {
    follower.stop();
  }
  const { monitor, hubble } = observations(host, mark);
  const drops = dropsOf(eventsSince(mark));
  const actors = [...run.actors.values()];
  const happened = { detail, monitor, hubble, drops, actors, arrived: arrived(host.journey().slice(mark.journey)) };
  const expectations = step.expect === null ? [] : checkExpectations(step.expect, happened, step.expectPositions, step.position);
  return {
    number,
    title: step.name ?? stepTitle(step.action),
    position: step.position,
    startedAt: mark.at,
    endedAt: host.now(),
    journey: { from: mark.journey, to: host.journey().length },
    detail,
    monitor,
    hubble,
    expectations,
    passed: didWhatItSays(detail) && expectations.every(({ passed }) => passed),
  };
}

/** Whether a request reached a server's program. */
function arrived(steps: readonly Step[]): boolean | null {
  return steps.length === 0 ? null : steps.some((step) => step.kind === 'enter' && step.actor === 'workload' && step.fn === 'ServeHTTP');
}

function runAction(run: Run, action: Action, mark: Mark): StepDetail {
  const { host } = run;
  switch (action.kind) {
    case 'apply':
    case 'delete': {
      const objects =
        action.kind === 'apply'
          ? host.apply(action.manifests, action.namespace)
          : host.delete(action.manifests, action.objects, action.namespace);
      if (action.wait) {
        host.settle();
      }
      return { kind: 'objects', objects };
    }
    case 'exec':
      return execute(run, action.pod, action.argv, mark);
    case 'request':
      return request(run, action.request, mark);
    case 'connection-request':
      return requestOn(run, action.request, mark);
    case 'open':
      return open(run, action);
    case 'close': {
      const connection = run.connections.get(action.id);
      run.connections.delete(action.id);
      connection?.connection.close();
      return done(connection === undefined ? `no connection "${action.id}" is open` : null);
    }
    case 'advance':
      host.advance(action.by);
      return done(null);
    case 'advance-until': {
      const missing = action.until - host.now();
      if (missing >= 0) {
        host.advance(missing);
      }
      return done(missing >= 0 ? null : `it is already ${host.now() / 1e9} s since boot`);
    }
    case 'command': {
      const result = runCommand(host, action.line, action.node);
      return { kind: 'command', line: action.line, ...result };
    }
    case 'hold':
    case 'release':
    case 'proxy':
    case 'agent':
      return done(host.fault(action));
    case 'fault':
      return done(host.fault(action));
    case 'stop':
    case 'start': {
      const pod = host.findPod(action.pod);
      return done(pod === null ? noPod(action.pod) : host.fault({ kind: action.kind, pod }));
    }
  }
}

function execute(run: Run, reference: string, argv: readonly string[], mark: Mark): StepDetail {
  const pod = run.host.findPod(reference);
  if (pod === null) {
    return done(noPod(reference));
  }
  const result = run.host.exec(pod.namespace, pod.name, argv);
  const name = `${pod.namespace}/${pod.name}`;
  const grpc = grpcAnswer(argv, result);
  const fate =
    argv[0] === 'curl'
      ? fateOfStep(run, pod, /^HTTP\/[\d.]+ (\d{3})/.exec(result.stdout)?.[1] ?? null, result.exitCode, result.stderr, mark)
      : grpc === undefined
        ? null
        : fateOf(endingOf(run, pod, grpc, grpc === null ? 'no answer' : '', mark));
  return { kind: 'process', pod: name, argv, ...result, fate };
}

function request(run: Run, wanted: NewRequest, mark: Mark): StepDetail {
  const pod = run.host.findPod(wanted.from);
  if (pod === null) {
    return done(noPod(wanted.from));
  }
  const result = run.host.exec(pod.namespace, pod.name, curlArgvWithStatus(wanted));
  const { body, status } = readAnswer(result);
  return {
    kind: 'http',
    from: `${pod.namespace}/${pod.name}`,
    method: wanted.method ?? (wanted.body === undefined ? 'GET' : 'POST'),
    url: wanted.url,
    status,
    body,
    exitCode: result.exitCode,
    error: curlError(result.exitCode, result.stderr),
    fate: fateOfStep(run, pod, status, result.exitCode, result.stderr, mark),
  };
}

function requestOn(run: Run, wanted: SameConnectionRequest, mark: Mark): StepDetail {
  const open = run.connections.get(wanted.connection);
  if (open === undefined) {
    return done(`no connection "${wanted.connection}" is open`);
  }
  const request: KeepAliveRequest =
    'raw' in wanted
      ? { ...rawStart(wanted.raw), headers: {}, body: '', raw: wanted.raw }
      : {
          method: wanted.method ?? (wanted.body === undefined ? 'GET' : 'POST'),
          path: wanted.path,
          headers: { Host: open.host, ...wanted.headers },
          body: wanted.body ?? '',
        };
  const answer = open.connection.request(request, wanted.timeout ?? DEFAULT_TIMEOUT);
  const status = answer.ok ? answer.status : null;
  const error = answer.ok ? '' : answer.error;
  return {
    kind: 'http',
    from: `${open.pod.namespace}/${open.pod.name}`,
    method: request.method,
    url: `http://${open.host}${request.path}`,
    status,
    body: answer.ok ? answer.body : '',
    exitCode: null,
    error,
    fate: fateOf(endingOf(run, open.pod, status, error, mark)),
  };
}

/** Method and path of raw bytes, for the report. */
function rawStart(raw: string): { readonly method: string; readonly path: string } {
  const [method = '', path = ''] = (raw.split(/\r?\n/, 1)[0] ?? '').split(' ');
  return { method, path };
}

function open(run: Run, action: Extract<Action, { readonly kind: 'open' }>): StepDetail {
  const pod = run.host.findPod(action.from);
  if (pod === null) {
    return done(noPod(action.from));
  }
  if (run.connections.has(action.id)) {
    return done(`a connection "${action.id}" is already open`);
  }
  const { host: name, port, http2 } = action;
  const result = run.host.connect(pod, { host: name, port, http2, timeout: action.connectTimeout ?? DEFAULT_TIMEOUT });
  if (!result.ok) {
    return done(result.error);
  }
  const host = action.port === 80 ? action.host : `${action.host}:${action.port}`;
  run.connections.set(action.id, { pod, host, connection: result.connection });
  return done(null);
}

function fateOfStep(run: Run, pod: PodName, status: number | string | null, exitCode: number, stderr: string, mark: Mark): Fate {
  const error = curlError(exitCode, stderr);
  // Without -i or -w curl does not tell the status: what the proxy logged stands in for it, and an exit code of 0 for an answer.
  const known = status === null && exitCode === 0 ? (loggedStatus(eventsSince(mark)) ?? 200) : status === null ? null : Number(status);
  return fateOf(endingOf(run, pod, known, error, mark));
}

function loggedStatus(events: readonly MonitorEvent[]): number | null {
  const codes = events.flatMap((event) => (event.kind === 'l7' && event.record.type === 'Response' ? [event.record.http?.code ?? 0] : []));
  return codes.at(-1) ?? null;
}

function endingOf(run: Run, pod: PodName, status: number | null, error: string, mark: Mark): Parameters<typeof fateOf>[0] {
  const { host } = run;
  const ips = new Map([...run.actors.values()].map((actor) => [actor.ip, actor]));
  return {
    clientIp: pod.ip ?? [...run.actors.values()].find((actor) => actor.name === `${pod.namespace}/${pod.name}`)?.ip ?? '',
    status,
    error,
    events: eventsSince(mark),
    steps: host.journey().slice(mark.journey),
    enforced: (endpointId, direction) => host.enforced(endpointId, direction),
    origins: host,
    endpointAt: (ip) => ips.get(ip)?.endpointId ?? null,
  };
}

function eventsSince(mark: Mark): MonitorEvent[] {
  return mark.events.flat().sort((a, b) => a.at - b.at);
}

function observations(host: ScenarioHost, mark: Mark): { readonly monitor: string[]; readonly hubble: string[] } {
  const monitor: string[] = [];
  const hubble: string[] = [];
  host.nodes.forEach((node, i) => {
    const events = mark.events[i] ?? [];
    monitor.push(...formatMonitor(events, node));
    hubble.push(...observe(events, flowNames(host, node)).map((flow) => compactFlow(flow)));
  });
  return { monitor, hubble };
}

/** Remembers who is there: pods come and go during a run. */
function noteActors(run: Run): void {
  for (const node of run.host.nodes) {
    for (const endpoint of node.endpoints()) {
      const name =
        endpoint.podName !== '' ? `${endpoint.namespace}/${endpoint.podName}` : (endpoint.labels[0] ?? `endpoint ${endpoint.id}`);
      run.actors.set(`${node.name} ${endpoint.id}`, {
        name,
        node: node.name,
        ip: endpoint.ipv4,
        endpointId: endpoint.id,
        identity: endpoint.identity,
        labels: endpoint.labels,
      });
    }
  }
}

function didWhatItSays(detail: StepDetail): boolean {
  return (
    !(detail.kind === 'done' && detail.error !== null) &&
    !(detail.kind === 'objects' && detail.objects.some(({ outcome }) => outcome === 'rejected'))
  );
}

function done(error: string | null): StepDetail {
  return { kind: 'done', error };
}

function noPod(reference: string): string {
  return `there is no pod "${reference}"`;
}
