/** What all parts of a shell share: the cluster, the files, the jobs, and the bounds that keep a script from running for ever. */
import type { ClusterView } from '../cluster_view.ts';
import type { ReadPath, Tool } from '../tool.ts';
import { FileStore } from './file_store.ts';
import { Jobs } from './jobs.ts';

/** A script may run this many commands. */
export const MAX_COMMANDS = 20_000;
/** A line or script may let this much virtual time pass, in nanoseconds: thirty days. */
export const MAX_TIME = 30 * 86_400e9;
/** How long the cluster may take to come to rest before a command: longer waits are left to `sleep`. */
const REST = 10e9;

/** The session. */
export class Session {
  readonly cluster: ClusterView;
  readonly tools: readonly Tool[];
  readonly files: FileStore;
  readonly jobs = new Jobs();
  /** Whether a person types: commands that go on are shown as they go. */
  readonly interactive: boolean;
  /** Commands run since the line or script began. */
  commands = 0;
  /** When the line or script began. */
  startedAt: number;
  /** Until when commands may run, in nanoseconds since boot: `timeout`. */
  deadline = Number.POSITIVE_INFINITY;
  /** Depth of functions and of scripts that are read by others. */
  depth = 0;

  constructor(
    cluster: ClusterView,
    options: { readonly tools: readonly Tool[]; readonly readPath: ReadPath; readonly interactive: boolean },
  ) {
    this.cluster = cluster;
    this.tools = options.tools;
    this.files = new FileStore(options.readPath);
    this.interactive = options.interactive;
    this.startedAt = cluster.now();
  }

  /** A line or script begins. */
  begin(): void {
    this.commands = 0;
    this.depth = 0;
    this.deadline = Number.POSITIVE_INFINITY;
    this.startedAt = this.cluster.now();
  }

  /** Why nothing more may run; `null` if it may. */
  get exhausted(): string | null {
    if (this.commands > MAX_COMMANDS) {
      return `stopped after ${MAX_COMMANDS} commands`;
    }
    return this.cluster.now() - this.startedAt > MAX_TIME ? 'stopped after 30 days' : null;
  }

  /** What is left of a time until the deadline. */
  bounded(nanos: number): number {
    const { cluster, deadline, startedAt } = this;
    return Math.max(0, Math.min(nanos, deadline - cluster.now(), startedAt + MAX_TIME + 1e9 - cluster.now()));
  }

  /** Lets the cluster come to rest, as it does while a person reads one output and types the next command. */
  settle(): void {
    this.cluster.settle(this.bounded(REST));
  }

  /** The cluster as a command sees it that must end in time. */
  get view(): ClusterView {
    if (this.deadline === Number.POSITIVE_INFINITY) {
      return this.cluster;
    }
    const { cluster } = this;
    return Object.assign(Object.create(cluster) as ClusterView, {
      exec: (...[namespace, pod, argv, limit, stdin]: Parameters<ClusterView['exec']>) =>
        cluster.exec(namespace, pod, argv, this.bounded(limit ?? Number.POSITIVE_INFINITY), stdin),
      advance: (nanos: number) => cluster.advance(this.bounded(nanos)),
      settle: (limit?: number) => cluster.settle(this.bounded(limit ?? Number.POSITIVE_INFINITY)),
    });
  }
}
