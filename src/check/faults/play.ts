/**
 * Plays a case on a cluster of its own and judges it.
 *
 * Safety: no byte of a request reaches the server process if every set of policies that was in force denies it, from the last time the cluster was at rest before the
 * request until the end. The set of policies is what the API server holds; between a change and rest 1.13.3 may go by either.
 * Liveness: when the last fault has ended, allowed requests are answered after {@link RECOVERY}, unless a precondition (preconditions.ts) does not hold.
 */
import { Cluster } from '../../cluster/cluster.ts';
import { meetsRedirectsLeft } from '../../cluster/redirects_left.ts';
import { placeWitness, WITNESS_HEADER, type Witness } from '../../cluster/witness.ts';
import { isNamespaced } from '../../k8s/api_server.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import { beginFault } from '../../scenario/fault.ts';
import { type Nanos, SECOND } from '../../sim/clock.ts';
import type { K8sObject } from '../model/cluster.ts';
import type { OracleRequest } from '../oracle/http.ts';
import { ANSWERED_METHODS, curlRequest } from '../run/curl.ts';
import type { Reach } from '../run/reach.ts';
import type { FaultCase, FaultEvent } from './case.ts';
import { leavesHalfWritten, type Precondition, stuckPod } from './preconditions.ts';
import type { FaultScene } from './scene.ts';

/** How long after the last fault everything must work again. */
export const RECOVERY: Nanos = 30 * SECOND;
/** How long a fault is waited for. */
const LONGEST_FAULT: Nanos = 120 * SECOND;
const TIMEOUT: Nanos = 3 * SECOND;
/** Longer than the last requests take, shorter than the wait before them. */
const JUST_NOW: Nanos = 20 * SECOND;

/** What a case showed. */
export interface Played {
  readonly broken: BrokenByFaults | null;
  /** Requests that arrived although the newest policies deny them, while a change was under way: older policies were still in force. */
  readonly windows: number;
  /** Preconditions that did not hold where a denied request arrived or an allowed one was not answered. */
  readonly unmet: readonly Precondition[];
  readonly requests: number;
}

/** How a case breaks safety or liveness. */
export interface BrokenByFaults {
  readonly what: 'safety' | 'liveness';
  /** Which request. */
  readonly request: OracleRequest;
  /** What the policies say of it. */
  readonly reach: Reach;
  /** In words. */
  readonly text: string;
}

interface Sent {
  readonly number: number;
  readonly request: OracleRequest;
  /** Sets of policies that were in force since. */
  readonly states: Set<string>;
  readonly newest: string;
  /** An agent may have died while it wrote a policy map, and nothing has put it right since. */
  readonly halfWritten: boolean;
}

interface Play {
  readonly scene: FaultScene;
  readonly one: FaultCase;
  readonly cluster: Cluster;
  readonly witness: Witness;
  readonly sent: Sent[];
  /** Which policies the API server holds, as `101`. */
  state: string;
  /** Sets of policies since the cluster was at rest. */
  since: Set<string>;
  halfWritten: boolean;
  kept: ReturnType<Cluster['httpClient']>;
}

/** Plays a case; equal cases give equal results. */
export function play(scene: FaultScene, one: FaultCase): Played {
  const started = start(scene, one);
  if (started === null) {
    return { broken: null, windows: 0, unmet: [], requests: 0 };
  }
  for (const event of one.events) {
    happen(started, event);
  }
  const safety = unsafe(started);
  if (safety.broken !== null) {
    return { ...safety, requests: started.sent.length };
  }
  started.kept?.close();
  const { cluster } = started;
  cluster.runUntil(() => cluster.faults.active === 0, LONGEST_FAULT);
  cluster.advance(RECOVERY);
  noteRest(started);
  const dead = one.requests.flatMap((request) => afterwards(started, request) ?? []);
  const stuck = dead.length === 0 ? null : excuse(started);
  const { windows } = safety;
  const after = unsafe(started);
  const unmet = [...new Set([...after.unmet, ...(stuck === null ? [] : [stuck])])];
  return { broken: (stuck === null ? dead[0] : undefined) ?? after.broken, windows, unmet, requests: started.sent.length };
}

/** Why 1.13.3 would not answer either. */
function excuse({ cluster, scene, one }: Play): Precondition | null {
  const stuck = stuckPod(cluster, one.to.pod.namespace, one.to.pod.name) ?? stuckPod(cluster, ...scene.client(one));
  return stuck ?? (meetsRedirectsLeft(cluster, JUST_NOW) ? 'portUsedAgain' : null);
}

function start(scene: FaultScene, one: FaultCase): Play | null {
  const cluster = Cluster.create(scene.options(one));
  for (const object of [...scene.objects(one), ...scene.policies]) {
    cluster.api.apply(placed(object));
  }
  cluster.settle();
  const witness = placeWitness(cluster, one.to.pod.namespace, one.to.pod.name, one.port);
  if (witness === null) {
    return null;
  }
  const state = '1'.repeat(scene.policies.length);
  const [namespace, name] = scene.client(one);
  const kept = one.events.some((event) => event.kind === 'request' && event.kept) ? cluster.httpClient(namespace, name) : null;
  let settled = kept === null;
  kept?.connect(scene.server, one.port, () => {
    settled = true;
  });
  cluster.runUntil(() => settled, TIMEOUT);
  return { scene, one, cluster, witness, sent: [], state, since: new Set([state]), halfWritten: false, kept };
}

function placed(object: K8sObject): KubeObject {
  const { metadata, ...rest } = object as unknown as KubeObject;
  return { ...rest, metadata: isNamespaced(rest.kind) ? { namespace: 'default', ...metadata } : metadata };
}

function happen(run: Play, event: FaultEvent): void {
  const { cluster, scene, one } = run;
  switch (event.kind) {
    case 'fault':
      noteRest(run);
      run.halfWritten ||= leavesHalfWritten(event.fault);
      beginFault(cluster, event.fault);
      cluster.advance(0);
      return;
    case 'wait':
      cluster.advance(event.nanos);
      return;
    case 'delete':
    case 'apply': {
      const object = scene.policies[event.policy];
      if (object === undefined) {
        return;
      }
      noteRest(run);
      const { kind, metadata } = placed(object);
      if (event.kind === 'apply') {
        cluster.api.apply(placed(object));
      } else {
        cluster.api.delete(kind, metadata.namespace ?? 'default', metadata.name);
      }
      change(run, run.state.slice(0, event.policy) + (event.kind === 'apply' ? '1' : '0') + run.state.slice(event.policy + 1));
      cluster.advance(0);
      return;
    }
    case 'request': {
      noteRest(run);
      const request = one.requests[event.request % one.requests.length] as OracleRequest;
      send(run, request, event.kept);
      return;
    }
  }
}

function change(run: Play, state: string): void {
  run.state = state;
  run.since.add(state);
  for (const { states } of run.sent) {
    states.add(state);
  }
}

/** At rest only the newest policies are in force. */
function noteRest(run: Play): void {
  const { cluster } = run;
  const atRest =
    cluster.faults.active === 0 &&
    cluster.watchEvents.quiet &&
    cluster.nodes.every((node) => node.quiet && node.agent.endpoints.list().every(({ failures }) => failures === 0));
  if (atRest) {
    run.since = new Set([run.state]);
    run.halfWritten = false;
  }
}

/** Sends a request and waits for its end; whether it was answered by the server. */
function send(run: Play, request: OracleRequest, kept: boolean): boolean {
  const { cluster, sent, scene, one } = run;
  const number = sent.length + 1;
  sent.push({ number, request, states: new Set(run.since), newest: run.state, halfWritten: run.halfWritten });
  const headers = { ...request.headers, ...(request.host === '' ? {} : { host: request.host }), [WITNESS_HEADER]: String(number) };
  if (kept && run.kept !== null) {
    let done = false;
    run.kept.send({ method: request.method, path: request.path, headers: { Host: scene.server, ...headers }, body: '' }, () => {
      done = true;
    });
    cluster.runUntil(() => done, TIMEOUT);
    return false;
  }
  const [namespace, name] = scene.client(one);
  const url = `${scene.server}${one.port === 80 ? '' : `:${one.port}`}${request.path}`;
  const argv = curlRequest({ method: request.method, host: '', headers }, url, 3);
  const execution = cluster.exec(namespace, name, argv);
  cluster.runUntil(() => execution?.done === true, 2 * TIMEOUT);
  execution?.kill();
  cluster.advance(0);
  return execution?.result?.stdout === 'ok\n200';
}

/** The first request that arrived although it never might, and how many arrived by policies on their way out. */
function unsafe(run: Play): Pick<Played, 'broken' | 'windows' | 'unmet'> {
  const { scene, witness, sent, one } = run;
  let windows = 0;
  const unmet = new Set<Precondition>();
  for (const { number, request, states, newest, halfWritten } of sent) {
    if (!witness.reached.has(number)) {
      continue;
    }
    const judged = [...states].map((state) => scene.reach(state, { ...one, request }));
    if (!judged.every(({ reaches }) => reaches === 'no')) {
      windows += scene.reach(newest, { ...one, request }).reaches === 'no' ? 1 : 0;
    } else if (halfWritten && [...states].some((state) => scene.reach(state, { ...one, request }, true).reaches !== 'no')) {
      unmet.add('halfWritten');
    } else {
      const text = 'reaches the server, although every set of policies that was in force denies it';
      return { broken: { what: 'safety', request, reach: judged[0] as Reach, text }, windows, unmet: [...unmet] };
    }
  }
  return { broken: null, windows, unmet: [...unmet] };
}

/** All is well again: what is allowed is answered, what is denied is not. */
function afterwards(run: Play, request: OracleRequest): BrokenByFaults | null {
  const judged = run.scene.reach(run.state, { ...run.one, request });
  const answered = send(run, request, false);
  return judged.reaches === 'yes' && !judged.quirk && ANSWERED_METHODS.includes(request.method) && !answered
    ? { what: 'liveness', request, reach: judged, text: `is not answered ${RECOVERY / SECOND}s after the last fault ended` }
    : null;
}
