/**
 * kubectl: which word leads to which verb.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/cmd.go#NewKubectlCommand
 */
import { nearest } from '../../net/nearest_word.ts';
import { type FlagSpec, flagHint, parseFlags } from '../flags.ts';
import { kubectlTable, printed } from '../table.ts';
import { type Parsed, ready, refused, type Tool } from '../tool.ts';
import { apiResourcesVerb, apiVersionsVerb, clusterInfoVerb, configVerb, versionVerb } from './about.ts';
import { applyVerb } from './apply.ts';
import { createVerb } from './create.ts';
import { deleteVerb } from './delete.ts';
import { describeVerb } from './describe/describe.ts';
import { execVerb } from './exec.ts';
import { exposeVerb } from './expose.ts';
import { getVerb } from './get.ts';
import { annotateVerb, labelVerb } from './label.ts';
import { logsVerb } from './logs.ts';
import { patchVerb } from './patch.ts';
import { rolloutVerb } from './rollout.ts';
import { runVerb } from './run.ts';
import { scaleVerb } from './scale.ts';
import type { KubectlVerb } from './verb.ts';
import { waitVerb } from './wait.ts';

const VERBS: readonly KubectlVerb[] = [
  annotateVerb,
  apiResourcesVerb,
  apiVersionsVerb,
  applyVerb,
  clusterInfoVerb,
  configVerb,
  createVerb,
  deleteVerb,
  describeVerb,
  execVerb,
  exposeVerb,
  getVerb,
  labelVerb,
  logsVerb,
  patchVerb,
  rolloutVerb,
  runVerb,
  scaleVerb,
  versionVerb,
  waitVerb,
];

/** Verbs of the real kubectl that have no model here. */
const NOT_MODELLED = [
  'alpha',
  'attach',
  'auth',
  'autoscale',
  'certificate',
  'completion',
  'cordon',
  'cp',
  'debug',
  'diff',
  'drain',
  'edit',
  'events',
  'explain',
  'kustomize',
  'options',
  'plugin',
  'port-forward',
  'proxy',
  'replace',
  'set',
  'taint',
  'top',
  'uncordon',
];

/** Flags of every verb. */
const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { name: 'namespace', short: 'n', value: true },
  { name: 'context', value: true },
  { name: 'kubeconfig', value: true },
  { name: 'cluster', value: true },
  { name: 'user', value: true },
  { name: 'request-timeout', value: true },
  { name: 'server', short: 's', value: true },
  { name: 'v', short: 'v', value: true },
  { name: 'warnings-as-errors' },
];

/** The tool. */
export const kubectlTool: Tool = {
  name: 'kubectl',
  summary: `objects and pods: ${VERBS.map(({ name }) => name).join(', ')}`,
  parse,
  complete: (words, cluster) => {
    const typed = words.slice(0, -1);
    const at = verbIndex(typed);
    if (at < 0) {
      return VERBS.map(({ name }) => name);
    }
    const verb = VERBS.find(({ name }) => name === typed[at]);
    if (verb === undefined) {
      return [];
    }
    const specs = [...verb.flags, ...GLOBAL_FLAGS];
    const last = words.at(-1) ?? '';
    const before = typed.at(-1) ?? '';
    const flag = specs.find(({ name, short, value }) => value === true && (before === `--${name}` || before === `-${short ?? ''}`));
    if (flag !== undefined) {
      return flag.name === 'namespace' ? cluster.list('Namespace', null).map(({ metadata }) => metadata.name) : (flag.choices ?? []);
    }
    if (last.startsWith('-')) {
      return specs.map(({ name }) => `--${name}`);
    }
    const parsed = parseFlags([...typed.slice(0, at), ...typed.slice(at + 1)], specs);
    return verb.complete?.(parsed.ok ? parsed.flags.positional : [], cluster, parsed.ok ? parsed.flags : null) ?? [];
  },
};

function parse(args: readonly string[]): Parsed {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (args.length === 0 || args[0] === 'help' || own.some((arg) => arg === '--help' || arg === '-h')) {
    const topic = own.filter((arg) => arg !== 'help').find((arg) => VERBS.some(({ name }) => name === arg));
    return ready(() => printed(helpText(VERBS.find(({ name }) => name === topic) ?? null)));
  }
  const at = verbIndex(args);
  const word = at < 0 ? '' : (args[at] as string);
  const verb = VERBS.find(({ name }) => name === word);
  if (verb === undefined) {
    return unknownVerb(word);
  }
  const words = [...args.slice(0, at), ...args.slice(at + 1)];
  const specs = [...verb.flags, ...GLOBAL_FLAGS];
  const parsed = parseFlags(words, specs);
  if (!parsed.ok) {
    const hint = flagHint(parsed.error, specs);
    return refused(`error: ${parsed.error}`, 1, `${hint === null ? '' : `${hint}\n`}See 'kubectl ${verb.name} --help' for usage.`);
  }
  return verb.parse(parsed.flags);
}

/** What `--help` prints: this model's verbs, or the flags of one. */
function helpText(verb: KubectlVerb | null): string {
  if (verb === null) {
    const rows = VERBS.map(({ name, summary }) => [`  ${name}`, summary]);
    return `kubectl controls the Kubernetes cluster manager.\n\n${kubectlTable(rows)}\nUsage:\n  kubectl [command] [flags]\n\nUse "kubectl <command> --help" for the flags of a command.\n`;
  }
  const flags = [...verb.flags, ...GLOBAL_FLAGS].map(({ name, short, choices = [] }) => [
    `  ${short === undefined ? '    ' : `-${short}, `}--${name}`,
    choices.join(', '),
  ]);
  return `kubectl ${verb.name}: ${verb.summary}\n\nFlags:\n${kubectlTable(flags)}`;
}

/** Where the verb stands: the first word that is neither a flag nor the value of one. */
function verbIndex(args: readonly string[]): number {
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string;
    if (!word.startsWith('-')) {
      return i;
    }
    const valued = GLOBAL_FLAGS.some(({ name, short }) => word === `--${name}` || (short !== undefined && word === `-${short}`));
    i += valued ? 1 : 0;
  }
  return -1;
}

function unknownVerb(word: string): Parsed {
  const known = VERBS.map(({ name }) => name);
  if (word === '') {
    return refused(`error: kubectl needs a verb; known: ${known.join(', ')}`);
  }
  if (NOT_MODELLED.includes(word)) {
    return refused(`error: kubectl ${word} is not modelled; known: ${known.join(', ')}`);
  }
  const suggestion = nearest(word, known);
  const hint = suggestion === null ? `known: ${known.join(', ')}` : `did you mean "kubectl ${suggestion}"?`;
  return refused(`error: unknown command "${word}" for "kubectl"; ${hint}`);
}
