/**
 * What a command line asks for, found without a cluster: a scenario's commands are checked before anything runs.
 */
import { nearest } from '../net/nearest_word.ts';
import { CILIUM_COMMANDS, findCiliumCommand } from './cilium/cilium.ts';
import { parseFlags } from './flags.ts';
import type { GetRequest } from './kubectl/get.ts';
import { findKind, KINDS } from './kubectl/printers.ts';
import { splitWords } from './words.ts';

/** A command that can be run. `agentPod`: the pod it was sent to by `kubectl exec`, or `null`. */
export type Invocation =
  | { readonly tool: 'get'; readonly request: GetRequest }
  | { readonly tool: 'exec'; readonly namespace: string; readonly pod: string; readonly argv: readonly string[] }
  | { readonly tool: 'cilium'; readonly words: readonly string[]; readonly agentPod: string | null }
  | { readonly tool: 'hubble'; readonly args: readonly string[]; readonly agentPod: string | null }
  | { readonly tool: 'envoy-admin'; readonly path: string; readonly agentPod: string | null };

/** An invocation, or why the line is none. */
export type InvocationResult = { readonly ok: true; readonly invocation: Invocation } | { readonly ok: false; readonly error: string };

/** The tools a command line may start with. */
const TOOLS = ['cilium', 'curl', 'hubble', 'kubectl'];
/** Where Envoy's admin interface listens. */
const ADMIN_SOCKETS = ['/var/run/cilium/envoy-admin.sock', '/var/run/cilium/envoy/sockets/admin.sock'];

/** Parses a command line. */
export function parseCommand(line: string): InvocationResult {
  const split = splitWords(line);
  if (!split.ok) {
    return split;
  }
  const [tool, ...args] = split.words;
  if (tool === undefined) {
    return { ok: false, error: 'the command is empty' };
  }
  return tool === 'kubectl' ? parseKubectl(args) : parseAgentTool(tool, args, null);
}

/** A tool that lives in the agent's container. */
function parseAgentTool(tool: string, args: readonly string[], agentPod: string | null): InvocationResult {
  switch (tool) {
    case 'cilium':
      return findCiliumCommand(args) === null
        ? unknown(
            `cilium ${args.join(' ')}`.trim(),
            CILIUM_COMMANDS.map((words) => `cilium ${words}`),
          )
        : { ok: true, invocation: { tool: 'cilium', words: args, agentPod } };
    case 'hubble':
      return args[0] === 'observe'
        ? { ok: true, invocation: { tool: 'hubble', args: args.slice(1), agentPod } }
        : unknown(`hubble ${args.join(' ')}`.trim(), ['hubble observe']);
    case 'curl':
      return parseAdminCurl(args, agentPod);
    default:
      return unknown(tool, TOOLS);
  }
}

function parseAdminCurl(args: readonly string[], agentPod: string | null): InvocationResult {
  const parsed = parseFlags(args, [
    { name: 'silent', short: 's' },
    { name: 'unix-socket', value: true },
    { name: 'request', short: 'X', value: true },
  ]);
  if (!parsed.ok) {
    return { ok: false, error: `curl: ${parsed.error}` };
  }
  const socket = parsed.flags.value('unix-socket');
  const url = parsed.flags.positional[0];
  if (socket === null) {
    return {
      ok: false,
      error: "curl runs inside a pod: write kubectl exec POD -- curl …, or use --unix-socket for the proxy's admin interface",
    };
  }
  if (!ADMIN_SOCKETS.includes(socket) || url === undefined) {
    return { ok: false, error: `curl: nothing listens on ${socket}; the proxy's admin interface is ${ADMIN_SOCKETS[0] as string}` };
  }
  return { ok: true, invocation: { tool: 'envoy-admin', path: url.replace(/^(?:https?:\/\/)?[^/?]+/, '') || '/', agentPod } };
}

function parseKubectl(args: readonly string[]): InvocationResult {
  const dashes = args.indexOf('--');
  const own = dashes < 0 ? args : args.slice(0, dashes);
  const parsed = parseFlags(own, [
    { name: 'namespace', short: 'n', value: true },
    { name: 'all-namespaces', short: 'A' },
    { name: 'selector', short: 'l', value: true },
    { name: 'output', short: 'o', value: true },
    { name: 'container', short: 'c', value: true },
    { name: 'no-headers' },
    { name: 'show-labels' },
    { name: 'stdin', short: 'i' },
    { name: 'tty', short: 't' },
  ]);
  if (!parsed.ok) {
    return { ok: false, error: `kubectl: ${parsed.error}` };
  }
  const { flags } = parsed;
  const [verb, ...rest] = flags.positional;
  const namespace = flags.value('namespace') ?? 'default';
  if (verb === 'exec') {
    const pod = rest[0];
    const argv = dashes < 0 ? rest.slice(1) : args.slice(dashes + 1);
    if (pod === undefined || argv.length === 0) {
      return { ok: false, error: 'kubectl exec needs a pod and a command: kubectl exec POD -- COMMAND' };
    }
    return execIn(namespace, pod.replace(/^pods?\//, ''), argv);
  }
  if (verb !== 'get') {
    return unknown(`kubectl ${verb ?? ''}`.trim(), ['kubectl get', 'kubectl exec']);
  }
  return parseGet(rest, {
    namespace: flags.has('all-namespaces') ? null : namespace,
    selector: flags.value('selector'),
    output: flags.value('output'),
    noHeaders: flags.has('no-headers'),
    showLabels: flags.has('show-labels'),
  });
}

/** The agent's pods hold the agent's tools; every other pod runs its own program. */
function execIn(namespace: string, pod: string, argv: readonly string[]): InvocationResult {
  const isAgent = /^(?:(?:ds|daemonset)\/cilium|cilium(?:-[a-z0-9]+)?|\$\{?(?:agent|AGENT)\}?)$/.test(pod) && namespace === 'kube-system';
  if (isAgent && TOOLS.includes(argv[0] as string)) {
    return parseAgentTool(argv[0] as string, argv.slice(1), pod);
  }
  return { ok: true, invocation: { tool: 'exec', namespace, pod, argv } };
}

function parseGet(words: readonly string[], options: Omit<GetRequest, 'kind' | 'names'>): InvocationResult {
  const [what, ...names] = words;
  if (what === undefined) {
    return { ok: false, error: 'kubectl get needs a kind: kubectl get pods' };
  }
  const slash = what.indexOf('/');
  const kind = findKind(slash < 0 ? what : what.slice(0, slash));
  if (kind === null) {
    const known = KINDS.flatMap((one) => one.names);
    return unknown(
      `kubectl get ${what}`,
      known.map((name) => `kubectl get ${name}`),
    );
  }
  const { output } = options;
  if (output !== null && !['wide', 'name', 'json'].includes(output) && !output.startsWith('jsonpath=')) {
    return { ok: false, error: `kubectl get: output format "${output}" is not available; use wide, name, json or jsonpath=…` };
  }
  return {
    ok: true,
    invocation: { tool: 'get', request: { kind, names: slash < 0 ? names : [what.slice(slash + 1), ...names], ...options } },
  };
}

function unknown(line: string, known: readonly string[]): InvocationResult {
  const suggestion = nearest(line, known);
  return {
    ok: false,
    error: `unknown command "${line}"${suggestion === null ? `; known: ${known.join(', ')}` : `; did you mean "${suggestion}"?`}`,
  };
}
