/**
 * `cilium policy wait`, `cilium policy selectors`.
 * @see cilium:cilium/cmd/policy_wait.go
 * @see cilium:cilium/cmd/policy_selectors.go
 */
import type { EndpointApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import { type Refused, refused, type ToolContext } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';

const NANOS = 1_000_000_000;

/** `cilium policy wait`. */
export const policyWaitCommand: CiliumCommand = {
  words: 'policy wait',
  summary: 'wait until all endpoints have a revision',
  flags: [
    { name: 'sleep-time', value: true },
    { name: 'fail-wait-time', value: true },
    { name: 'max-wait-time', value: true },
  ],
  check,
  run: wait,
};

/** `cilium policy selectors`. @remarks Simplified: in order of first use; upstream's order is that of a Go map. */
export const policySelectorsCommand: CiliumCommand = {
  words: 'policy selectors',
  summary: 'selectors in use and what they select',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: selectors,
};

function check(flags: Flags): Refused | null {
  const revision = flags.positional[0] ?? '';
  if (revision === '') {
    return usage('invalid revision', 'policy wait <revision>');
  }
  if (!/^[-+]?\d{1,18}$/.test(revision)) {
    return refused(`Error: invalid revision '${revision}': strconv.ParseInt: parsing ${JSON.stringify(revision)}: invalid syntax`);
  }
  for (const name of ['sleep-time', 'fail-wait-time', 'max-wait-time']) {
    const value = flags.value(name) ?? '1';
    if (!/^\d{1,9}$/.test(value)) {
      return refused(
        `Error: invalid argument "${value}" for "--${name}" flag: strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    }
  }
  return null;
}

function wait(node: NodeView, flags: Flags, { cluster }: ToolContext): CommandResult {
  const revision = Number(flags.positional[0]);
  const seconds = (name: string, fallback: number): number => Number(flags.value(name) ?? fallback);
  // Without a pause there would be no time to wait for.
  const pause = Math.max(1, seconds('sleep-time', 1)) * NANOS;
  const start = cluster.now();
  let text = '';
  for (;;) {
    const endpoints = node.api.endpoints();
    const ready = endpoints.filter((endpoint) => isReady(endpoint, revision)).length;
    const notReady = endpoints.filter(isNotReady).length;
    if (ready === endpoints.length) {
      return printed(text === '' ? '' : `${text}\n`);
    }
    const waited = (cluster.now() - start) / NANOS;
    const late = (what: string): CommandResult => ({ exitCode: 1, stdout: text, stderr: `Error: \n${what}\n\n` });
    if (waited > seconds('fail-wait-time', 60) && notReady > 0) {
      return late(`${notReady} endpoints have failed regeneration after ${waited}s`);
    }
    if (waited > seconds('max-wait-time', 360)) {
      return late(`${endpoints.length - ready} endpoints still not ready after ${waited}s (${notReady} failed)`);
    }
    text += `\rWaiting for endpoints to run policy revision ${revision}: ${ready}/${endpoints.length}              `;
    cluster.advance(pause);
  }
}

function isReady({ status }: EndpointApi, revision: number): boolean {
  return status.policy !== undefined && status.policy.realized['policy-revision'] >= revision && status.state === 'ready';
}

function isNotReady({ status }: EndpointApi): boolean {
  return status.policy === undefined || status.state === 'not-ready';
}

function selectors(node: NodeView, flags: Flags): CommandResult {
  const all = node.api.policySelectors();
  if (hasOutput(flags)) {
    return output(flags, all);
  }
  const rows = all.flatMap(({ selector, users, identities }) =>
    identities.length === 0
      ? [[selector, String(users), '']]
      : identities.map((identity, i) => (i === 0 ? [selector, String(users), String(identity), ''] : ['', '', String(identity), ''])),
  );
  return printed(ciliumTable([['SELECTOR', 'USERS', 'IDENTITIES'], ...rows]));
}
