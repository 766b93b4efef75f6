/**
 * Flows as `hubble observe` prints them.
 * @see hubble:pkg/printer/printer.go#Printer.WriteProtoFlow
 */
import { reservedIdentityName } from '../../maps/identity.ts';
import { tabwriter } from '../../net/go_tabwriter.ts';
import { l7Proto } from '../log_record.ts';
import type { Flow, FlowEndpoint, FlowService } from './flow.ts';
import { flowResponseJson } from './flow_json.ts';
import { formatFlowTime } from './time_layout.ts';

/** How flows are printed. */
export type FlowOutput = 'compact' | 'dict' | 'json' | 'table';

/** What is printed of them. */
export interface FlowPrinterOptions {
  readonly output: FlowOutput;
  /** Name of a time layout. */
  readonly timeFormat: string;
  readonly nodeName: boolean;
  /** Names of pods and services in place of addresses. */
  readonly ipTranslation: boolean;
}

/** Compact lines with names. */
export const DEFAULT_PRINTER_OPTIONS: FlowPrinterOptions = {
  output: 'compact',
  timeFormat: 'StampMilli',
  nodeName: false,
  ipTranslation: true,
};

const DICT_SEPARATOR = '-'.repeat(12);

/** The whole output. */
export function printFlows(flows: readonly Flow[], options: FlowPrinterOptions): string {
  switch (options.output) {
    case 'compact':
      return flows.map((flow) => `${compactFlow(flow, options)}\n`).join('');
    case 'dict':
      return flows.flatMap((flow, i) => dictFlow(flow, i === 0, options).map((line) => `${line}\n`)).join('');
    case 'json':
      return flows.map((flow) => `${flowResponseJson(flow)}\n`).join('');
    case 'table':
      return flows.length === 0 ? '' : tableOfFlows(flows, options);
  }
}

/** One line: client left of the arrow, server right. */
export function compactFlow(flow: Flow, options: FlowPrinterOptions = DEFAULT_PRINTER_OPTIONS): string {
  const [source, destination] = [sourceText(flow, options), destinationText(flow, options)];
  const [sourceId, destinationId] = [identityLabel(flow.source), identityLabel(flow.destination)];
  const ends =
    flow.isReply === true
      ? `${destination} ${destinationId} <- ${source} ${sourceId}`
      : `${source} ${sourceId} ${flow.isReply === null ? '<>' : '->'} ${destination} ${destinationId}`;
  const node = options.nodeName ? ` [${flow.nodeName}]` : '';
  return `${formatFlowTime(flow.time, options.timeFormat)}${node}: ${ends} ${flowType(flow)} ${verdictText(flow)} (${flow.summary})`;
}

/** The lines of one flow in `-o dict`; flows are separated by a line of dashes. */
export function dictFlow(flow: Flow, first: boolean, options: FlowPrinterOptions = DEFAULT_PRINTER_OPTIONS): string[] {
  const lines = [
    `  TIMESTAMP: ${formatFlowTime(flow.time, options.timeFormat)}`,
    ...(options.nodeName ? [`       NODE: ${flow.nodeName}`] : []),
    `     SOURCE: ${sourceText(flow, options)}`,
    `DESTINATION: ${destinationText(flow, options)}`,
    `       TYPE: ${flowType(flow)}`,
    `    VERDICT: ${verdictText(flow)}`,
    `    SUMMARY: ${flow.summary}`,
  ];
  return first ? lines : [DICT_SEPARATOR, ...lines];
}

function tableOfFlows(flows: readonly Flow[], options: FlowPrinterOptions): string {
  const node = (text: string): string[] => (options.nodeName ? [text] : []);
  const header = ['TIMESTAMP', ...node('NODE'), 'SOURCE', 'DESTINATION', 'TYPE', 'VERDICT', 'SUMMARY'];
  const rows = flows.map((flow) => [
    formatFlowTime(flow.time, options.timeFormat),
    ...node(flow.nodeName),
    sourceText(flow, options),
    destinationText(flow, options),
    flowType(flow),
    verdictText(flow),
    flow.summary,
  ]);
  return tabwriter([header, ...rows], { minWidth: 2, tabWidth: 0, padding: 3 });
}

/** The TYPE column. @see hubble:pkg/printer/printer.go#GetFlowType */
export function flowType(flow: Flow): string {
  const { event } = flow;
  switch (event.kind) {
    case 'drop':
      return event.reason;
    case 'trace':
    case 'trace-sock':
      return event.point;
    case 'policy-verdict':
      return `policy-verdict:${event.match} ${flow.direction ?? 'TRAFFIC_DIRECTION_UNKNOWN'}`;
    case 'l7': {
      const { record } = event;
      const named = record.http ?? record.kafka ?? record.dns;
      const protocol = named === undefined ? 'l7' : l7Proto(record);
      const source = record.dns === undefined ? '' : ` ${record.dns.observationSource}`;
      return `${protocol}-${record.type.toLowerCase()}${source}`;
    }
  }
}

/** The VERDICT column. @see hubble:pkg/printer/printer.go#Printer.getVerdict */
export function verdictText(flow: Flow): string {
  if (flow.event.kind !== 'policy-verdict') {
    return flow.verdict;
  }
  switch (flow.verdict) {
    case 'FORWARDED':
    case 'REDIRECTED':
      return 'ALLOWED';
    case 'DROPPED':
    case 'ERROR':
      return 'DENIED';
    case 'AUDIT':
      return 'AUDITED';
    default:
      return flow.verdict;
  }
}

function sourceText(flow: Flow, options: FlowPrinterOptions): string {
  return hostname(flow.source, flow.sourceService, flow.sourceNames, options);
}

function destinationText(flow: Flow, options: FlowPrinterOptions): string {
  return hostname(flow.destination, flow.destinationService, flow.destinationNames, options);
}

/** Pod, service, DNS names or address, and the port. @see hubble:pkg/printer/printer.go#Printer.Hostname */
function hostname(end: FlowEndpoint, service: FlowService | null, names: readonly string[], options: FlowPrinterOptions): string {
  // A service's namespace takes the place of the pod's.
  const namespace = service?.namespace ?? end.namespace;
  const qualified = (name: string): string => (namespace === '' ? name : `${namespace}/${name}`);
  let host = end.ip;
  if (options.ipTranslation) {
    if (end.podName !== '') {
      host = qualified(end.podName);
    } else if (service !== null && service.name !== '') {
      host = qualified(service.name);
    } else if (names.length > 0) {
      host = names.join(',');
    }
  }
  return end.port === 0 ? host : `${host}:${end.port}`;
}

/** @see hubble:pkg/printer/printer.go#Printer.fmtIdentity */
function identityLabel(end: FlowEndpoint): string {
  const reserved = reservedIdentityName(end.identity);
  return reserved === null ? `(ID:${end.identity})` : `(${reserved})`;
}
