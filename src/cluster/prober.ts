/**
 * The kubelet's probes: is a container ready for traffic, does it still live. They come from the host, which a pod's policy always lets in.
 * @see kubernetes:pkg/kubelet/prober/worker.go#worker.doProbe
 * @see kubernetes:pkg/kubelet/prober/prober.go#prober.runProbe
 * @remarks Simplified: the first probe comes right after its initial delay. Not modelled: startup probes, gRPC and HTTPS probes and commands of
 * programs that nobody has modelled (all succeed).
 */
import type { Container } from '../k8s/objects.ts';
import { type Nanos, SECOND } from '../sim/clock.ts';
import type { Scheduler, Timer } from '../sim/scheduler.ts';
import { execute, PROGRAM_NAMES } from '../workloads/commands.ts';
import { HttpClient } from '../workloads/http_client.ts';
import type { ProcessEnv } from '../workloads/process.ts';

/** The two probes of a container that are modelled. */
export type ProbeKind = 'readinessProbe' | 'livenessProbe';

/** A probe as the object has it. @see kubernetes:staging/src/k8s.io/api/core/v1/types.go#Probe */
interface Probe {
  readonly httpGet?: { readonly path?: string; readonly port?: number | string; readonly scheme?: string };
  readonly tcpSocket?: { readonly port?: number | string };
  readonly exec?: { readonly command?: readonly string[] };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

/** What a probe works with. */
export interface ProbeDeps {
  readonly scheduler: Scheduler;
  /** Where the kubelet itself runs. */
  readonly host: ProcessEnv;
  /** Where the container runs. */
  readonly inside: ProcessEnv;
  /** The pod's address. */
  readonly ip: string;
}

/** Whether a container has a probe. */
export function hasProbe(container: Container, kind: ProbeKind): boolean {
  return container[kind] !== undefined;
}

/** Probes a container again and again; `changed` hears when enough results agree. Returns what ends it. */
export function startProbe(deps: ProbeDeps, container: Container, kind: ProbeKind, changed: (ok: boolean) => void): () => void {
  const probe = container[kind] as Probe;
  const needed = { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 };
  let state: boolean | null = null;
  let last: boolean | null = null;
  let run = 0;
  let over = false;
  let stop: () => void = () => undefined;
  const once = (): void => {
    stop = runProbe(deps, container, probe, (ok) => {
      if (over) {
        return;
      }
      run = ok === last ? run + 1 : 1;
      last = ok;
      if (ok !== state && run >= (ok ? needed.success : needed.failure)) {
        // A container that is started again is judged afresh.
        const afresh = !ok && kind === 'livenessProbe';
        state = afresh ? null : ok;
        run = afresh ? 0 : run;
        changed(ok);
      }
      if (!over) {
        stop = cancelOf(deps.scheduler.after((probe.periodSeconds ?? 10) * SECOND, 'periodic:probe', once));
      }
    });
  };
  stop = cancelOf(deps.scheduler.after((probe.initialDelaySeconds ?? 0) * SECOND, 'periodic:probe', once));
  return () => {
    over = true;
    stop();
  };
}

/** One probe: `done` hears its result, at the latest when its time is up. */
function runProbe(deps: ProbeDeps, container: Container, probe: Probe, done: (ok: boolean) => void): () => void {
  const { scheduler } = deps;
  const limit: Nanos = (probe.timeoutSeconds ?? 1) * SECOND;
  let finished = false;
  let release: () => void = () => undefined;
  const finish = (ok: boolean): void => {
    if (!finished) {
      finished = true;
      timer.cancel();
      release();
      done(ok);
    }
  };
  const timer = scheduler.after(limit, 'periodic:probe time-out', () => finish(false));
  release = begin(deps, container, probe, finish);
  return () => {
    finished = true;
    timer.cancel();
    release();
  };
}

function begin(deps: ProbeDeps, container: Container, probe: Probe, finish: (ok: boolean) => void): () => void {
  const command = probe.exec?.command;
  if (command !== undefined) {
    return PROGRAM_NAMES.includes((command[0] ?? '').replace(/^.*\//, ''))
      ? execKill(deps.inside, command, finish)
      : cancelOf(deps.scheduler.after(0, 'periodic:probe', () => finish(true)));
  }
  const port = portOf(container, probe.httpGet?.port ?? probe.tcpSocket?.port);
  if (port === null || probe.httpGet?.scheme === 'HTTPS') {
    return cancelOf(deps.scheduler.after(0, 'periodic:probe', () => finish(true)));
  }
  const client = new HttpClient(deps.host);
  const { httpGet } = probe;
  client.connect(deps.ip, port, (error) => {
    if (error !== null || httpGet === undefined) {
      finish(error === null);
      return;
    }
    const headers = { Host: `${deps.ip}:${port}`, 'User-Agent': 'kube-probe/1.27', Accept: '*/*', Connection: 'close' };
    client.send({ method: 'GET', path: httpGet.path ?? '/', headers, body: '' }, ({ status, error: failure }) =>
      finish(failure === null && status >= 200 && status < 400),
    );
  });
  return () => client.close();
}

function execKill(env: ProcessEnv, command: readonly string[], finish: (ok: boolean) => void): () => void {
  const program = execute(env, command, ({ exitCode }) => finish(exitCode === 0));
  return () => program.kill();
}

/** A port's number, by its name if it has one; `null` for a probe of another kind. */
function portOf(container: Container, port: number | string | undefined): number | null {
  if (port === undefined) {
    return null;
  }
  return typeof port === 'number' ? port : (container.ports?.find(({ name }) => name === port)?.containerPort ?? (Number(port) || 0));
}

function cancelOf(timer: Timer): () => void {
  return () => timer.cancel();
}
