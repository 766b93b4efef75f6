/**
 * `cilium policy get`, `import`, `validate`, `delete`.
 * @see cilium:cilium/cmd/policy_get.go
 * @see cilium:cilium/cmd/policy_import.go
 * @see cilium:cilium/cmd/policy_validate.go
 * @see cilium:cilium/cmd/policy_delete.go
 */
import { goStructJson } from '../../net/go_json.ts';
import type { ApiResult, PolicyApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, printed } from '../table.ts';
import { type Refused, refused, type ToolContext } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';
import { loadPolicy } from './policy_file.ts';

/** `cilium policy get`. */
export const policyGetCommand: CiliumCommand = {
  words: 'policy get',
  summary: 'show the rules of the policy repository',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: (node, flags) => answered(node.api.policyGet(flags.positional), 'Cannot get policy', flags, true),
};

/** `cilium policy import`. */
export const policyImportCommand: CiliumCommand = {
  words: 'policy import',
  summary: 'add rules of a JSON file to the repository',
  flags: [{ name: 'print' }, OUTPUT_FLAG],
  check: (flags) => requirePath(flags, 'policy import <path>') ?? checkOutput(flags),
  run: importPolicy,
};

/** `cilium policy validate`. */
export const policyValidateCommand: CiliumCommand = {
  words: 'policy validate',
  summary: 'check rules of a JSON file',
  flags: [{ name: 'print' }, { name: 'verbose', short: 'v', value: true, bare: 'true' }],
  check: (flags) => requirePath(flags, 'policy validate <path>'),
  run: validate,
};

/** `cilium policy delete`. */
export const policyDeleteCommand: CiliumCommand = {
  words: 'policy delete',
  summary: 'remove rules by their labels, or all',
  flags: [{ name: 'all' }, OUTPUT_FLAG],
  check: (flags) =>
    flags.positional.length === 0 && !flags.has('all')
      ? refused('Error: Please use --all flag to delete all policies')
      : checkOutput(flags),
  run: (node, flags) => answered(node.api.policyDelete(flags.positional), 'Cannot delete policy', flags, false),
};

/** @see cilium:cilium/cmd/helpers.go#requirePath */
function requirePath(flags: Flags, line: string): Refused | null {
  const [path] = flags.positional;
  return path === undefined ? usage('Missing path argument', line) : path === '' ? usage('Empty path argument', line) : null;
}

function importPolicy(node: NodeView, flags: Flags, context: ToolContext): CommandResult {
  const path = flags.positional[0] ?? '';
  const loaded = loadPolicy(path, context);
  if (!loaded.ok) {
    return fatal(`Cannot parse policy ${path}: ${loaded.error}\n`);
  }
  if (loaded.rules.length === 0) {
    return printed('No policy specified');
  }
  const wrong = node.api.policyCheck(loaded.rules);
  return wrong === null ? answered(node.api.policyPut(loaded.rules), 'Cannot import policy', flags, flags.has('print')) : fatal(wrong);
}

/** @remarks Simplified: with `--print` the rules come as they were written, not as the agent would print them. */
function validate(node: NodeView, flags: Flags, context: ToolContext): CommandResult {
  const path = flags.positional[0] ?? '';
  const loaded = loadPolicy(path, context);
  const wrong = loaded.ok ? node.api.policyCheck(loaded.rules) : loaded.error;
  if (!loaded.ok || wrong !== null) {
    return fatal(`Validation of policy ${path} has failed: ${wrong ?? ''}\n`);
  }
  const verbose = flags.value('verbose') !== 'false';
  return printed(
    (verbose ? `All policy elements in ${path} are valid.\n` : '') + (flags.has('print') ? goStructJson(loaded.rules, 2) : ''),
  );
}

function answered(answer: ApiResult<PolicyApi>, what: string, flags: Flags, withRules: boolean): CommandResult {
  if (!answer.ok) {
    return fatal(`${what}: ${answer.error}\n`);
  }
  const { policy, revision } = answer.value;
  return hasOutput(flags) ? output(flags, { policy, revision }) : printed(`${withRules ? `${policy}\n` : ''}Revision: ${revision}\n`);
}
