/**
 * Processes in pods: what they are given and what they leave. They know sockets, time and their own files; nothing of Cilium.
 */
import type { SocketLayer } from '../kernel/socket.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';

/** /etc/resolv.conf. */
export interface ResolvConf {
  readonly nameserver: Ipv4;
  readonly search: readonly string[];
  readonly ndots: number;
}

/** What a process finds around it. */
export interface ProcessEnv {
  readonly sockets: SocketLayer;
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly hostname: string;
  readonly podIp: Ipv4;
  readonly resolvConf: ResolvConf;
  /** Version of the curl in the image: `7.58.0`. */
  readonly curlVersion: string;
  /** Names of the authorities whose certificates are believed. */
  readonly trustedAuthorities: readonly string[];
  /** Standard input of a program, whole. */
  readonly stdin?: string;
}

/** What a finished process leaves. */
export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs. */
export interface RunningProcess {
  /** Ends it (SIGKILL): its sockets are closed. */
  kill(): void;
  /** What it has printed so far, for programs that go on. */
  printed?(): { readonly stdout: string; readonly stderr: string };
}

/** Starts a program; `done` is called once, later. */
export type Program = (env: ProcessEnv, argv: readonly string[], done: (result: ProcessResult) => void) => RunningProcess;

/** A server of an image. */
export interface Server {
  start(env: ProcessEnv): void;
  stop(): void;
}
