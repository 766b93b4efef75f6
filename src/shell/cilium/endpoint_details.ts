/**
 * `cilium endpoint health`, `labels`, `log` and `config`.
 * @see cilium:cilium/cmd/endpoint_healthz.go
 * @see cilium:cilium/cmd/endpoint_labels.go
 * @see cilium:cilium/cmd/endpoint_log.go
 * @see cilium:cilium/cmd/endpoint_config.go
 */
import { nearest } from '../../net/nearest_word.ts';
import type { EndpointApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import { refused } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { configLines } from './config.ts';
import { endpointIds } from './endpoint_get.ts';
import { findEndpoint, requireEndpointId } from './endpoint_id.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** `cilium endpoint health`. */
export const endpointHealthCommand = detail('health', 'how an endpoint is', [OUTPUT_FLAG], 'healthz', (_node, { status }, flags) => {
  const { health } = status;
  return hasOutput(flags)
    ? output(flags, health)
    : printed(
        ciliumTable(
          [
            ['Overall Health:', health.overallHealth],
            ['BPF Health:', health.bpf],
            ['Policy Health:', health.policy],
            ['Connected:', health.connected ? 'yes' : 'no'],
          ],
          2,
        ),
      );
});

/** `cilium endpoint labels`. @remarks Not modelled: changing labels with `--add` and `--delete`. */
export const endpointLabelsCommand: CiliumCommand = {
  ...detail(
    'labels',
    'labels of an endpoint that count',
    [
      { name: 'add', short: 'a', value: true },
      { name: 'delete', short: 'd', value: true },
    ],
    'labels',
    (_node, { status }) =>
      printed(
        ciliumTable(
          status.labels['security-relevant'].map((label) => [label, 'Enabled']),
          2,
        ),
      ),
  ),
  check: (flags) =>
    flags.count('add') + flags.count('delete') > 0
      ? refused('Error: cilium endpoint labels: --add and --delete are not modelled; label the pod with kubectl label')
      : requireEndpointId(flags, 'endpoint labels <endpoint id>'),
};

/** `cilium endpoint log`. */
export const endpointLogCommand = detail('log', 'changes of state of an endpoint', [OUTPUT_FLAG], 'log', (node, { id }, flags) => {
  const log = node.api.endpointLog(id);
  return hasOutput(flags)
    ? output(flags, log)
    : printed(
        ciliumTable(
          [
            ['Timestamp', 'Status', 'State', 'Message'],
            ...log.map(({ timestamp, code, state, message }) => [timestamp, code, state, message]),
          ],
          2,
        ),
      );
});

/** `cilium endpoint config`. @remarks Not modelled: changing options other than PolicyAuditMode, and those of the host's endpoint. */
export const endpointConfigCommand: CiliumCommand = detail(
  'config',
  'options of an endpoint',
  [OUTPUT_FLAG],
  'config',
  (node, { id, status }, flags) => {
    const settings = flags.positional.slice(1);
    if (settings.length === 0) {
      return hasOutput(flags) ? output(flags, { realized: status.realized }) : printed(configLines(status.realized.options));
    }
    let audit: boolean | null = null;
    for (const setting of settings) {
      const parsed = parseOption(setting, Object.keys(status.realized.options));
      if (typeof parsed === 'string') {
        return fatal(`Cannot parse option ${setting}: ${parsed}`);
      }
      if (parsed.name !== 'PolicyAuditMode') {
        return fatal(`cilium endpoint config: only PolicyAuditMode can be changed here, not ${parsed.name}`);
      }
      audit = parsed.enabled;
    }
    return node.api.endpointSetAuditMode(id, audit === true)
      ? printed(`Endpoint ${flags.positional[0] ?? id} configuration updated successfully\n`)
      : fatal("cilium endpoint config: the host's endpoint follows the option policy-audit-mode of the agent here");
  },
);

/** `Name=value`; upper and lower case do not matter in names. @see cilium:pkg/option/option.go#ParseOption */
function parseOption(text: string, names: readonly string[]): { readonly name: string; readonly enabled: boolean } | string {
  const negated = text.startsWith('!');
  const equals = text.indexOf('=');
  if (equals < 0) {
    return 'invalid option format';
  }
  if (negated) {
    return 'invalid boolean format';
  }
  const word = text.slice(0, equals);
  const name = names.find((one) => one.toLowerCase() === word.toLowerCase());
  if (name === undefined) {
    const meant = nearest(word, names);
    return `unknown option ${JSON.stringify(word)}${meant === null ? '' : `; did you mean "${meant}"?`}`;
  }
  const value = text.slice(equals + 1).toLowerCase();
  if (['true', 'on', 'enable', 'enabled', '1'].includes(value)) {
    return { name, enabled: true };
  }
  return ['false', 'off', 'disable', 'disabled', '0'].includes(value) ? { name, enabled: false } : `invalid option value ${value}`;
}

/** What an endpoint is called in the API's paths and errors. */
function detail(
  word: string,
  summary: string,
  flags: readonly FlagSpec[],
  path: string,
  show: (node: NodeView, endpoint: EndpointApi, flags: Flags) => CommandResult,
): CiliumCommand {
  const errors: Readonly<Record<string, string>> = {
    health: 'Cannot get endpoint healthz',
    labels: 'Cannot get endpoint labels',
    log: 'Cannot get endpoint log',
    config: 'Cannot get configuration of endpoint',
  };
  return {
    words: `endpoint ${word}`,
    summary,
    flags,
    check: (given) => requireEndpointId(given, `endpoint ${word} <endpoint id>`) ?? checkOutput(given),
    run: (node, given) => {
      const id = given.positional[0] ?? '';
      const found = findEndpoint(node, id, `/endpoint/{id}/${path}`);
      const what = word === 'labels' ? errors[word] : `${errors[word] ?? ''} ${id}`;
      return found.ok ? show(node, found.endpoint, given) : fatal(`${what ?? ''}: ${found.error}${word === 'labels' ? '' : '\n'}`);
    },
    complete: endpointIds,
  };
}
