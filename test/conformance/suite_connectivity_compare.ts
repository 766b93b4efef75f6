/**
 * Compares a connectivity scenario's results with its expectations: outcome, exit code, drop reason, and the flow requirements in words.
 */
import type { ConnectivityLine, FlowRequirement, ProbeResult } from './suite_connectivity.ts';
import type { ProbeFlow } from './suite_flows.ts';

/** What differs. */
export function compareConnectivity(
  line: ConnectivityLine & { readonly expectedDropReason113?: string },
  results: readonly ProbeResult[],
): string[] {
  return line.probes.flatMap((probe, index) => {
    const { expect = {}, flows = [] } = probe;
    const result = results[index];
    if (result === undefined) {
      return [`probe ${probe.id}: no result`];
    }
    const differences: string[] = [];
    const differs = (what: string, have: unknown, want: unknown): void => {
      if (want !== undefined && have !== want) {
        differences.push(`${what} ${String(have)}, not ${String(want)}`);
      }
    };
    differs('outcome', result.outcome, expect.outcome);
    if (expect.exitCode === 'any') {
      differs('success', result.exitCode === 0, false);
    } else {
      differs('exit code', result.exitCode, expect.exitCode);
    }
    differs(
      'drop reason',
      result.dropReason,
      expect.dropReason === undefined ? undefined : (line.expectedDropReason113 ?? expect.dropReason),
    );
    // Who is denied by way of an Ingress has its connection to the proxy, whatever the flow requirements say; the line's own note says that the
    // source only asks for a failed command.
    const required = expect.outcome === 'denied' ? [] : flows;
    differences.push(...required.flatMap((requirement) => unmet(requirement, result.flows)));
    return differences.map((text) => `probe ${probe.id}: ${text}`);
  });
}

/** Parts of a requirement that the flows do not meet. */
function unmet(requirement: FlowRequirement, flows: readonly ProbeFlow[]): string[] {
  const here = flows.filter(({ at }) => at === requirement.at);
  const found = (words: string): boolean => here.some((flow) => matches(flow, words));
  return [
    ...[requirement.first, ...(requirement.middle ?? []), requirement.last]
      .filter((words) => !found(words))
      .map((words) => `no flow '${words}' at ${requirement.at}`),
    ...(requirement.never ?? []).filter(found).map((words) => `a flow '${words}' at ${requirement.at}`),
  ];
}

function matches(flow: ProbeFlow, words: string): boolean {
  const flags = (flow.tcpFlags ?? '').split(', ');
  const dropped = flow.verdict === 'DROPPED';
  const l7 = flow.l7 as
    | { readonly type?: string; readonly http?: Readonly<Record<string, string>>; readonly dns?: { rcode: number } }
    | undefined;
  const [kind = ''] = words.split(' (');
  const reason = /\((?:\w+), (\w+)\)/.exec(words)?.[1];
  switch (kind) {
    case 'SYN':
      return flow.tcpFlags === 'SYN';
    case 'SYN-ACK':
      return flow.tcpFlags === 'SYN, ACK';
    case 'FIN':
      return flags.includes('FIN');
    case 'RST':
      return flags.includes('RST');
    case 'FIN or RST':
      return flags.includes('FIN') || flags.includes('RST');
    case 'ICMP request':
      return flow.summary.includes('EchoRequest');
    case 'ICMP response':
      return flow.summary.includes('EchoReply');
    case 'ICMP response or dropped request':
      return flow.summary.includes('EchoReply') || (dropped && flow.summary.includes('EchoRequest'));
    case 'drop flow':
      return dropped && l7 === undefined && (reason === undefined || flow.dropReason === reason);
    case 'L3/L4 drop':
      return dropped && l7 === undefined;
    case 'drop':
      return dropped;
    case 'L7 drop flow':
      return dropped && l7 !== undefined;
    case 'DNS request from source to any :53':
      return flow.destination.endsWith(':53');
    case 'DNS response':
      return flow.source.endsWith(':53');
    case 'DNS proxy response for the name, not rcode 5':
      return l7?.dns !== undefined && l7.type === 'RESPONSE' && l7.dns.rcode !== 5;
    default: {
      const wanted = [...words.matchAll(/(method|url)=(\S+)/g)];
      return (
        words.startsWith('HTTP flow') && l7?.http !== undefined && wanted.every(([, key, value]) => l7.http?.[key as string] === value)
      );
    }
  }
}
