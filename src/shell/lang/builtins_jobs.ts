/** Builtins for time and for commands in the background. */
import { type Builtin, misused, plain } from './builtin.ts';
import { parseSleep } from './duration.ts';
import type { Interpreter } from './interpreter.ts';
import type { Io } from './io.ts';
import type { Job } from './jobs.ts';
import type { Pause } from './pause.ts';

/** Exit code of `timeout` when the time was up. */
const EXIT_TIMED_OUT = 124;
/** Exit code of a process ended by SIGTERM. */
const EXIT_TERMINATED = 143;
/** Sleep looks up this often, in parts of its time. */
const SLICES = 100;

/** The table. */
export const JOB_BUILTINS: Readonly<Record<string, Builtin>> = {
  *sleep(shell, args, io) {
    const bad = args.find((arg) => parseSleep(arg) === null);
    if (args.length === 0 || bad !== undefined) {
      return misused(shell, io, bad === undefined ? 'sleep: missing operand' : `sleep: invalid time interval '${bad}'`, 1);
    }
    const { session } = shell;
    const end = session.cluster.now() + session.bounded(args.reduce((sum, arg) => sum + (parseSleep(arg) as number), 0));
    const slice = Math.max(1e9, (end - session.cluster.now()) / SLICES);
    while (session.cluster.now() < end) {
      session.cluster.advance(Math.min(slice, end - session.cluster.now()));
      yield* session.jobs.poll();
      yield 'step';
    }
    return 0;
  },
  *timeout(shell, args, io) {
    let rest = args;
    while (rest[0]?.startsWith('-') === true) {
      rest = rest.slice(/^-[sk]$/.test(rest[0]) ? 2 : 1);
    }
    const [time, ...command] = rest;
    const nanos = time === undefined ? null : parseSleep(time);
    if (nanos === null || command.length === 0) {
      return misused(
        shell,
        io,
        time === undefined || nanos !== null ? 'timeout: usage: timeout DURATION COMMAND' : `timeout: invalid time interval '${time}'`,
        125,
      );
    }
    const { session } = shell;
    const outer = session.deadline;
    session.deadline = Math.min(outer, session.cluster.now() + nanos);
    const ended = session.deadline;
    // What a command says about being killed, it cannot say any more.
    const err = (text: string): void => (session.cluster.now() < ended ? io.err(text) : undefined);
    const status = yield* shell.call(command, { ...io, err });
    session.deadline = outer;
    return session.cluster.now() >= ended && nanos > 0 ? EXIT_TIMED_OUT : status;
  },
  jobs: plain((shell, _args, io) => {
    for (const job of shell.session.jobs.all) {
      const state = job.follower === null ? (job.status === 0 ? 'Done' : `Exit ${job.status}`) : 'Running';
      io.out(`[${job.id}]   ${state.padEnd(24)}${job.text}${job.follower === null ? '' : ' &'}\n`);
    }
    return 0;
  }),
  *kill(shell, args, io) {
    const names = args.filter((arg) => !/^-(?:[A-Z]+|[0-9]+|s)$/.test(arg));
    if (names.length === 0) {
      return misused(shell, io, 'kill: usage: kill %job');
    }
    let status = 0;
    for (const name of names) {
      const job = shell.session.jobs.find(name);
      if (job === null || job.follower === null) {
        status = misused(shell, io, `kill: ${name}: no such job`, 1);
      } else {
        yield* shell.session.jobs.end(job, EXIT_TERMINATED);
      }
    }
    return status;
  },
  *wait(shell, args, io) {
    const { jobs } = shell.session;
    const wanted = args.length === 0 ? [...jobs.all] : args.map((name) => jobs.find(name));
    let status = 0;
    for (const [i, job] of wanted.entries()) {
      if (job === null) {
        status = misused(shell, io, `wait: ${args[i] ?? ''}: no such job`, 127);
      } else {
        yield* waitFor(shell, job, io);
        status = args.length === 0 ? 0 : job.status;
      }
    }
    return status;
  },
};

/** A command that follows never ends by itself: waiting for it ends it, since nothing else could. */
function* waitFor(shell: Interpreter, job: Job, io: Io): Generator<Pause, void> {
  const { jobs } = shell.session;
  if (job.follower !== null) {
    shell.complain(`wait: job ${job.id} (${job.text}) goes on until it is ended; it is ended here`, io.err);
    yield* jobs.end(job, EXIT_TERMINATED);
  }
  jobs.forget(job);
}
