/** A cluster with the Star Wars app, and its commands typed one after another. */
import { readFileSync } from 'node:fs';
import { Cluster } from '../../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../../src/cluster/options.ts';
import { clusterHost } from '../../../src/scenario/cluster_host.ts';
import type { ScenarioHost } from '../../../src/scenario/host.ts';
import { parseCommand } from '../../../src/shell/invocation.ts';
import type { CommandResult } from '../../../src/shell/table.ts';
import { type ReadPath, refusal } from '../../../src/shell/tool.ts';
import { SECOND } from '../../../src/sim/clock.ts';

const MANIFESTS = new URL('../../../scenarios/star-wars/manifests/', import.meta.url);

/** Files of the session: those of the test over the manifests of the scenarios. */
export type Files = Readonly<Record<string, string>>;

/** A session. */
export class Session {
  readonly host: ScenarioHost;
  readonly #files: Files;

  constructor(files: Files = {}) {
    this.host = clusterHost(Cluster.create(DEFAULT_CLUSTER_OPTIONS));
    this.#files = files;
  }

  /** Runs a command line; `sleep N` lets time pass. */
  run(line: string, stdin = ''): CommandResult {
    const sleep = /^sleep (\d+)$/.exec(line);
    if (sleep !== null) {
      this.host.advance(Number(sleep[1]) * SECOND);
      return { exitCode: 0, stdout: '', stderr: '' };
    }
    const parsed = parseCommand(line);
    return parsed.ok
      ? parsed.run({ cluster: this.host, agentPod: null, nodeName: null, stdin, readPath: this.#readPath })
      : refusal(parsed);
  }

  /** Runs command lines and writes down what a terminal would show. */
  transcript(lines: readonly string[]): string {
    let text = '';
    for (const line of lines) {
      const { stdout, stderr, exitCode } = this.run(line);
      const ended = (part: string): string => (part === '' || part.endsWith('\n') ? part : `${part}\n`);
      text += `$ ${line}\n${ended(stdout)}${ended(stderr)}${exitCode === 0 ? '' : `[exit code ${exitCode}]\n`}`;
    }
    return text;
  }

  readonly #readPath: ReadPath = (typed) => {
    const path = typed.replace(/\/+$/, '');
    if (Object.hasOwn(this.#files, path)) {
      return { kind: 'text', text: this.#files[path] as string };
    }
    const names = Object.keys(this.#files)
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1).split('/')[0] as string);
    if (names.length > 0) {
      return { kind: 'directory', names: [...new Set(names)].sort() };
    }
    try {
      return { kind: 'text', text: readFileSync(new URL(path, MANIFESTS), 'utf8') };
    } catch {
      return { kind: 'error', error: 'No such file or directory' };
    }
  };
}
