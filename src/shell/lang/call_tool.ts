/** Calls a tool from the shell: parses its arguments, lets the cluster come to rest, prints what it says or follows it. */
import { type Follower, refusal, type Tool } from '../tool.ts';
import type { Interpreter } from './interpreter.ts';
import type { Io } from './io.ts';
import type { Pause } from './pause.ts';
import type { Session } from './session.ts';

/** While a person looks on, a command that follows is asked this often, in nanoseconds of virtual time. */
const TICK = 100e6;
/** Otherwise a command that follows is asked at least this often until its deadline. */
const ASKED = 1000;

/** Its exit code. */
export function* callTool(shell: Interpreter, tool: Tool, args: readonly string[], io: Io): Generator<Pause, number> {
  const { session } = shell;
  const parsed = tool.parse(args);
  if (!parsed.ok) {
    io.err(refusal(parsed).stderr);
    return parsed.exitCode;
  }
  shell.rest(tool);
  const context = shell.context(io);
  if (parsed.follow !== undefined && (session.interactive || session.deadline !== Number.POSITIVE_INFINITY)) {
    return yield* follow(session, parsed.follow(context), io);
  }
  const result = parsed.run(context);
  io.out(result.stdout);
  io.err(result.stderr);
  return result.exitCode;
}

/** A command that follows in the foreground: until its deadline, or until somebody ends it. */
function* follow(session: Session, follower: Follower, io: Io): Generator<Pause, number> {
  const { cluster } = session;
  const tick = session.interactive ? TICK : Math.max(1e9, (session.deadline - cluster.now()) / ASKED);
  for (;;) {
    const { stdout, stderr } = follower.next();
    io.err(stderr);
    io.out(stdout);
    if (cluster.now() >= session.deadline || session.exhausted !== null) {
      return 0;
    }
    yield 'wait';
    cluster.advance(session.bounded(tick));
  }
}
