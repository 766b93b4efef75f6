/**
 * `cilium policy trace`: what the agent's trace says, which knows no L7.
 * @see cilium:cilium/cmd/policy_trace.go
 */
import type { TraceSelectorApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import type { CommandResult } from '../table.ts';
import { type Refused, refused, type ToolContext } from '../tool.ts';
import type { CiliumCommand } from './command.ts';
import { findEndpoint } from './endpoint_id.ts';
import { identityOf } from './identity.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';

const LINE =
  'policy trace ( -s <label context> | --src-identity <security identity> | --src-endpoint <endpoint ID> | --src-k8s-pod <namespace:pod-name> ) ( -d … ) --dport <port>[/<protocol>]';
const DEPRECATED =
  'Command "trace" is deprecated, the output is not correct for all policy types. Consider instead using https://app.networkpolicy.io\n\n';
const WARNING =
  '\nWarning: Due to changes to the internal policy handling in Cilium, the above output may be incorrect in some cases. This command has been deprecated and is planned for removal in a future Cilium release.\n';
/** Ours, and marked as such. */
const POINTER =
  '[trenchrun] This trace ignores L7 rules and connections; trenchrun explain --from POD --to POD [--http "PUT /path"] derives the whole verdict.\n';
const PROTOCOLS = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPV6', 'ANY'];

/** The command. */
export const policyTraceCommand: CiliumCommand = {
  words: 'policy trace',
  summary: 'trace a policy decision (deprecated, without L7)',
  flags: [
    { name: 'src', short: 's', value: true },
    { name: 'dst', short: 'd', value: true },
    { name: 'dport', value: true },
    { name: 'verbose', short: 'v' },
    ...['src', 'dst'].flatMap((end) => ['identity', 'endpoint', 'k8s-pod'].map((what) => ({ name: `${end}-${what}`, value: true }))),
    OUTPUT_FLAG,
  ],
  check,
  run,
};

type Dports = TraceSelectorApi['dports'];

function check(flags: Flags): Refused | null {
  for (const [end, word] of [
    ['src', 'source'],
    ['dst', 'destination'],
  ] as const) {
    if (['', '-identity', '-endpoint', '-k8s-pod'].every((suffix) => flags.count(`${end}${suffix}`) === 0)) {
      return usage(`Missing ${word} argument`, LINE);
    }
    const identity = flags.value(`${end}-identity`);
    if (identity !== null && !/^-?\d{1,18}$/.test(identity)) {
      return refused(
        `Error: invalid argument ${JSON.stringify(identity)} for "--${end}-identity" flag: strconv.ParseInt: parsing ${JSON.stringify(identity)}: invalid syntax`,
      );
    }
  }
  if (flags.count('dport') === 0) {
    return usage('Missing destination port/proto', LINE);
  }
  const ports = parsePorts(flags.list('dport'));
  return typeof ports === 'string' ? refused(`Error: Invalid destination port: ${ports}`) : checkOutput(flags);
}

function run(node: NodeView, flags: Flags, context: ToolContext): CommandResult {
  const ports = parsePorts(flags.list('dport'));
  const sources = endLabels(node, flags, 'src', context);
  const destinations = endLabels(node, flags, 'dst', context);
  if (typeof ports === 'string' || typeof sources === 'string' || typeof destinations === 'string') {
    const error = [ports, sources, destinations].find((one) => typeof one === 'string');
    const result = fatal(String(error));
    return { ...result, stdout: DEPRECATED };
  }
  let stdout = DEPRECATED;
  for (const from of sources) {
    for (const to of destinations) {
      const { log, verdict } = node.api.policyResolve({ from, to, dports: ports, verbose: flags.has('verbose') });
      stdout += hasOutput(flags)
        ? output(flags, { Payload: { log, verdict } }).stdout
        : `${'-'.repeat(64)}\n${log}\nFinal verdict: ${verdict.toUpperCase()}\n`;
    }
  }
  return { exitCode: 0, stdout, stderr: WARNING + POINTER };
}

/** The label sets of one end, or an error. Labels of identity, endpoint and pod add up, as upstream has it. */
function endLabels(node: NodeView, flags: Flags, end: 'src' | 'dst', { cluster }: ToolContext): readonly (readonly string[])[] | string {
  const sets: (readonly string[])[] = [];
  const labels = flags.list(end);
  if (labels.length > 0) {
    sets.push(labels);
  }
  let added: readonly string[] = [];
  const ofIdentity = (id: number): string | null => {
    const identity = identityOf(node, id);
    added = [...added, ...(identity?.labels ?? [])];
    sets.push(added);
    return identity === undefined ? '[GET /identity/{id}][404] getIdentityIdNotFound ' : null;
  };
  const identity = flags.value(`${end}-identity`);
  const wrongIdentity = identity === null || identity === '-1' ? null : ofIdentity(Number(identity));
  if (wrongIdentity !== null) {
    return wrongIdentity;
  }
  const endpoint = flags.value(`${end}-endpoint`) ?? '';
  if (endpoint !== '') {
    const found = findEndpoint(node, endpoint, '/endpoint/{id}');
    if (!found.ok) {
      return `Cannot get endpoint corresponding to identifier ${endpoint}: ${found.error}\n`;
    }
    added = [...added, ...(found.endpoint.status.identity?.labels ?? [])];
    sets.push(added);
  }
  const pod = flags.value(`${end}-k8s-pod`) ?? '';
  if (pod !== '') {
    const [namespace, name] = pod.split(':');
    if (namespace === undefined || name === undefined) {
      return 'Improper identifier of pod provided; should be <namespace>:<pod name>';
    }
    const object = cluster.list('CiliumEndpoint', namespace).find(({ metadata }) => metadata.name === name);
    const { identity: known } = (object?.status ?? {}) as { readonly identity?: { readonly id: number } };
    if (object === undefined) {
      return `Cannot get security id from k8s pod name: unable to get pod ${name} in namespace ${namespace}`;
    }
    const error =
      known === undefined
        ? `Cannot get security id from k8s pod name: cilium security identity not set for pod ${name} in namespace ${namespace}`
        : ofIdentity(known.id);
    if (error !== null) {
      return error;
    }
  }
  return sets;
}

/** @see cilium:cilium/cmd/policy_trace.go#parseL4PortsSlice */
function parsePorts(texts: readonly string[]): Dports | string {
  const ports: { port: number; name: string; protocol: string }[] = [];
  for (const text of texts) {
    const parts = text.split('/');
    const [port = '', protocol = 'ANY'] = parts;
    if (parts.length > 2) {
      return `invalid format ${JSON.stringify(text)}. Should be <port>[/<protocol>]`;
    }
    if (!PROTOCOLS.includes(protocol.toUpperCase())) {
      return `invalid protocol ${JSON.stringify(protocol.toUpperCase())}`;
    }
    const isName = /^(?=.*[a-zA-Z])(?!.*--)[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,13}[a-zA-Z0-9])?$/.test(port);
    if (!isName && !(/^\d+$/.test(port) && Number(port) <= 65535)) {
      const reason = /^\d+$/.test(port) ? 'value out of range' : 'invalid syntax';
      return `invalid port ${JSON.stringify(port)}: strconv.ParseUint: parsing ${JSON.stringify(port)}: ${reason}`;
    }
    ports.push({ port: isName ? 0 : Number(port), name: isName ? port : '', protocol: protocol.toUpperCase() });
  }
  return ports;
}
