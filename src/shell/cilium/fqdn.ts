/**
 * `cilium fqdn cache list`, `cilium fqdn cache clean`, `cilium fqdn names`.
 * @see cilium:cilium/cmd/fqdn.go
 */
import { formatFlowTime } from '../../monitor/hubble/time_layout.ts';
import type { DnsLookupApi } from '../agent_api.ts';
import type { NodeView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, jsonOutput, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** `cilium fqdn cache list`. */
export const fqdnCacheListCommand: CiliumCommand = {
  words: 'fqdn cache list',
  summary: 'names and addresses that DNS has told',
  flags: [
    { name: 'matchpattern', short: 'p', value: true },
    { name: 'endpoint', short: 'e', value: true },
    { name: 'source', short: 's', value: true, choices: ['lookup', 'connection'] },
    OUTPUT_FLAG,
  ],
  check: checkOutput,
  run: list,
};

/** `cilium fqdn cache clean`. */
export const fqdnCacheCleanCommand: CiliumCommand = {
  words: 'fqdn cache clean',
  summary: 'forget what DNS has told',
  flags: [
    { name: 'force', short: 'f' },
    { name: 'matchpattern', short: 'p', value: true },
  ],
  run: clean,
};

/** `cilium fqdn names`. */
export const fqdnNamesCommand: CiliumCommand = {
  words: 'fqdn names',
  summary: 'selectors of names in use',
  flags: [],
  run: (node) =>
    printed(
      `${jsonOutput({
        DNSPollNames: null,
        FQDNPolicySelectors: node.api.fqdnNames().map(({ regexString, selectorString }) => ({ regexString, selectorString })),
      })}\n`,
    ),
};

function list(node: NodeView, flags: Flags): CommandResult {
  const lookups = wanted(node, flags);
  return hasOutput(flags) ? output(flags, lookups.map(lookupModel)) : printed(table(lookups));
}

/** Asks for a word on standard input, unless it is forced. @see cilium:cilium/cmd/cleanup.go#confirmCleanup */
function clean(node: NodeView, flags: Flags, { stdin }: { readonly stdin: string }): CommandResult {
  const pattern = patternOf(flags);
  let before = '';
  if (!flags.has('force')) {
    before = `Following cache entries are going to be deleted:\n${table(wanted(node, flags))}The command is non-revertible, do you want to continue [y/N]?\n`;
    if (stdin.trim().split(/\s+/)[0] !== 'y') {
      return printed(before);
    }
  }
  node.api.fqdnClean(pattern);
  return printed(`${before}FQDN proxy cache cleared\n`);
}

function wanted(node: NodeView, flags: Flags): readonly DnsLookupApi[] {
  const endpoint = flags.value('endpoint') ?? '';
  const source = flags.value('source') ?? '';
  return node.api
    .fqdnCache(patternOf(flags))
    .filter((lookup) => endpoint === '' || String(lookup.endpointId) === endpoint)
    .filter((lookup) => !['lookup', 'connection'].includes(source) || lookup.source === source);
}

function patternOf(flags: Flags): string | null {
  const pattern = flags.value('matchpattern') ?? '';
  return pattern === '' ? null : pattern;
}

function table(lookups: readonly DnsLookupApi[]): string {
  const rows = lookups.map(({ endpointId, source, fqdn, ttl, expirationTime, ips }) => [
    String(endpointId),
    source,
    fqdn,
    String(ttl),
    dateTime(expirationTime),
    ips.join(','),
    '',
  ]);
  return ciliumTable([['Endpoint', 'Source', 'FQDN', 'TTL', 'ExpirationTime', 'IPs', ''], ...rows]);
}

/** Always with three digits. @see https://pkg.go.dev/github.com/go-openapi/strfmt#DateTime.String */
function dateTime(wallMillis: number): string {
  const millis = String(Math.floor(wallMillis) % 1000).padStart(3, '0');
  return formatFlowTime(wallMillis, 'RFC3339').replace('Z', `.${millis}Z`);
}

/** @see cilium:api/v1/models/dns_lookup.go#DNSLookup */
function lookupModel({ endpointId, expirationTime, fqdn, ips, lookupTime, source, ttl }: DnsLookupApi): object {
  return {
    'endpoint-id': endpointId,
    'expiration-time': dateTime(expirationTime),
    fqdn,
    ips,
    'lookup-time': dateTime(lookupTime),
    source,
    ...(ttl === 0 ? {} : { ttl }),
  };
}
